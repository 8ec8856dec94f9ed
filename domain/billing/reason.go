package billing

import "github.com/balsong/balsong/domain/wording"

// DecisionKind is what a run does with a candidate.
type DecisionKind string

// The decisions of R1. Exhaust, Expire and GrantEnd end the target by a revocation (R6). GrantEnd is for an end that was
// requested before and could not be granted yet.
const (
	Dispatch DecisionKind = "DISPATCH"
	Deferral DecisionKind = "DEFER"
	Pausing  DecisionKind = "PAUSE"
	Exhaust  DecisionKind = "EXHAUST"
	Expire   DecisionKind = "EXPIRE"
	GrantEnd DecisionKind = "GRANT_END"
	Waiting  DecisionKind = "WAIT" // as it is, while a channel is halted
)

// Rule names the rule by which a run decided about a candidate. Each rule leads to one kind of decision.
type Rule string

// The rules of R1.
const (
	RuleDue           Rule = "due"
	RuleQuietHours    Rule = "quiet_hours"
	RuleNotYet        Rule = "not_yet"
	RuleNoDestination Rule = "no_destination"
	RuleNoStatement   Rule = "no_statement"
	RuleSuppressed    Rule = "suppressed"
	RuleNoPolicy      Rule = "no_policy"
	RuleDeadline      Rule = "deadline"
	RuleRouteEnd      Rule = "route_end"
	RulePendingEnd    Rule = "pending_end"
	RuleChannelHalted Rule = "channel_halted"
)

// RuleTable has every rule, for a sentence such as "deferred, because it is within quiet hours".
var RuleTable = wording.Table[Rule]{
	{Code: RuleDue, English: "it was due, and this was the first channel of its route that could reach the customer", Korean: "발송 시각이 되었고, 발송 경로에서 고객에게 도달할 수 있는 첫 채널임"},
	{Code: RuleQuietHours, English: "the customer was within quiet hours", Korean: "고객의 발송 금지 시간대임"},
	{Code: RuleNotYet, English: "its time had not come", Korean: "아직 발송 시각이 되지 않음"},
	{Code: RuleNoDestination, English: "no channel of its route has a destination", Korean: "발송 경로의 어느 채널에도 수신처가 없음"},
	{Code: RuleNoStatement, English: "it has no statement to send", Korean: "발송할 명세서가 없음"},
	{Code: RuleSuppressed, English: "every channel with a destination is on the suppression list", Korean: "수신처가 있는 모든 채널이 수신 거부 목록에 있음"},
	{Code: RuleNoPolicy, English: "the policy version that binds it no longer exists", Korean: "적용된 정책 버전이 더 이상 없음"},
	{Code: RuleDeadline, English: "its deadline had passed", Korean: "발송 기한이 지남"},
	{Code: RuleRouteEnd, English: "no step of its route is left", Korean: "발송 경로에 남은 단계가 없음"},
	{Code: RulePendingEnd, English: "an end had been requested before", Korean: "이전에 종료가 요청됨"},
	{Code: RuleChannelHalted, English: "its channel is halted, or the one that it was refused on last", Korean: "발송할 채널 또는 마지막으로 거부된 채널이 발송 중지됨"},
}

// Text is the rule for people.
func (r Rule) Text() wording.Text { return RuleTable.Text(r) }

// Kind is what a run does by the rule; "" for an unknown rule.
func (r Rule) Kind() DecisionKind {
	switch r {
	case RuleDue:
		return Dispatch
	case RuleQuietHours, RuleNotYet:
		return Deferral
	case RuleNoDestination, RuleNoStatement, RuleSuppressed, RuleNoPolicy:
		return Pausing
	case RuleDeadline:
		return Expire
	case RuleRouteEnd:
		return Exhaust
	case RulePendingEnd:
		return GrantEnd
	case RuleChannelHalted:
		return Waiting
	default:
		return ""
	}
}

// Pause is why a target is PAUSED by the rule; "" if it is not.
func (r Rule) Pause() PauseReason {
	if r.Kind() != Pausing {
		return ""
	}
	return PauseReason(r)
}

// SkipReason says why a channel of the route cannot reach the customer.
type SkipReason string

// The skip reasons.
const (
	SkipNoDestination SkipReason = "no_destination"
	SkipSuppressed    SkipReason = "suppressed"
)

// SkipReasonTable has every skip reason, for a list such as "skipping e-mail (no destination)".
var SkipReasonTable = wording.Table[SkipReason]{
	{Code: SkipNoDestination, English: "no destination", Korean: "수신처 없음"},
	{Code: SkipSuppressed, English: "suppressed", Korean: "수신 거부"},
}

// Text is the reason for people.
func (r SkipReason) Text() wording.Text { return SkipReasonTable.Text(r) }

// PauseReason says why a target is PAUSED.
type PauseReason string

// The pause reasons. Those that a rule of a run leads to have the rule's name.
const (
	PauseOperator      PauseReason = "operator"
	PauseNoDestination             = PauseReason(RuleNoDestination)
	PauseNoStatement               = PauseReason(RuleNoStatement)
	PauseSuppressed                = PauseReason(RuleSuppressed)
	PauseContent       PauseReason = "content"  // must not go out before a correction
	PauseRounds        PauseReason = "rounds"   // put back too often
	PauseNoClaim       PauseReason = "no_claim" // requeued too often without anybody claiming it
	PauseNoPolicy                  = PauseReason(RuleNoPolicy)
	PauseCorrected     PauseReason = "corrected" // was paused, then corrected: waits to be resumed
	PauseRestored      PauseReason = "restored"  // the database was restored to a moment before an act on it
)

// PauseReasonTable has every pause reason, for a sentence such as "held, because an operator paused it".
var PauseReasonTable = wording.Table[PauseReason]{
	{Code: PauseOperator, English: "an operator paused it", Korean: "운영자가 보류함"},
	{Code: PauseNoDestination, English: "no channel of its route has a destination", Korean: "발송 경로의 어느 채널에도 수신처가 없음"},
	{Code: PauseNoStatement, English: "it is marked as rendered and has no statement to send", Korean: "렌더링된 것으로 표시되었으나 발송할 명세서가 없음"},
	{Code: PauseSuppressed, English: "every channel with a destination is on the suppression list", Korean: "수신처가 있는 모든 채널이 수신 거부 목록에 있음"},
	{Code: PauseContent, English: "its content must not go out", Korean: "내용을 발송해서는 안 됨"},
	{Code: PauseRounds, English: "it was put back too often without a call", Korean: "호출 없이 너무 여러 번 되돌려짐"},
	{Code: PauseNoClaim, English: "it was requested several times and never claimed", Korean: "여러 번 요청되었으나 점유되지 않음"},
	{Code: PauseNoPolicy, English: "the policy version that binds it no longer exists", Korean: "적용된 정책 버전이 더 이상 없음"},
	{Code: PauseCorrected, English: "it was paused when its data was corrected", Korean: "보류 중에 데이터가 정정됨"},
	{Code: PauseRestored, English: "the database was restored to a moment before something was done with it, and what is not known", Korean: "데이터베이스가 이 청구서에 대한 작업 이전 시점으로 복원되었고 어떤 작업이었는지 알 수 없음"},
}

// PauseReasons lists every pause reason.
var PauseReasons = PauseReasonTable.Codes()

// Text is the reason for people.
func (r PauseReason) Text() wording.Text { return PauseReasonTable.Text(r) }
