package attempt

import "github.com/balsong/balsong/domain/wording"

// FailureClass says what a refusal means for the next try.
type FailureClass string

// The failure classes.
const (
	Permanent  FailureClass = "permanent"  // this address on this channel, now and later: go to another channel
	Temporary  FailureClass = "temporary"  // surely not accepted; another try may succeed
	Throttled  FailureClass = "throttled"  // "not now": spends nothing
	Content    FailureClass = "content"    // must not go out on any channel before it is corrected
	Provider   FailureClass = "provider"   // about us, whoever the customer is: an account, a quota, a setting; spends nothing
	Suppressed FailureClass = "suppressed" // the customer must not be reached on this channel
)

// FailureClassTable has every class, for a sentence such as "refused for good on this channel".
var FailureClassTable = wording.Table[FailureClass]{
	{Code: Permanent, English: "for good on this channel", Korean: "이 채널에서는 영구적으로"},
	{Code: Temporary, English: "for now", Korean: "일시적으로"},
	{Code: Throttled, English: "for now, without spending an attempt", Korean: "일시적으로(시도 횟수는 소모되지 않음)"},
	{Code: Content, English: "because of the content, which must not go out on any channel", Korean: "내용 문제로(어느 채널로도 발송 불가)"},
	{Code: Provider, English: "because of the sender, whoever the customer is, without spending an attempt", Korean: "고객과 무관하게 발신자 측 문제로(시도 횟수는 소모되지 않음)"},
	{Code: Suppressed, English: "for good on this channel", Korean: "이 채널에서는 영구적으로"},
}

// FailureClasses lists every class.
var FailureClasses = FailureClassTable.Codes()

// Hard reports whether the class rules out the channel for this bill, so that the route continues with another one.
func (c FailureClass) Hard() bool { return c == Permanent || c == Suppressed }

// Text is the class for people.
func (c FailureClass) Text() wording.Text { return FailureClassTable.Text(c) }

// Reason says why a ledger row has its state.
type Reason string

// Reasons of NOT_SENT, UNKNOWN, FAILED and REVOKED rows.
const (
	ReasonWindow    Reason = "window_closed"  // quiet hours began before the claim
	ReasonExpired   Reason = "expired"        // the deadline passed before the claim
	ReasonThrottled Reason = "throttled"      // the gateway asked for a later try
	ReasonSendBy    Reason = "send_by_passed" // claimed, but too late to call within the lease
	ReasonNotCalled Reason = "not_called"     // claimed, and the connection could not be made: surely no call
	ReasonNoGateway Reason = "no_gateway"     // this deployment has no gateway for the channel
	ReasonNoAnswer  Reason = "no_answer"      // called, and no answer will come
	ReasonLease     Reason = "lease_expired"  // claimed by a caller that stopped before it recorded an outcome
	ReasonRefused   Reason = "refused"        // the gateway refused it
	ReasonProvider  Reason = "provider"       // the gateway refused it because of us, as it would refuse every message
	ReasonHeld      Reason = "provider_held"  // claimed, and not called: the gateway had just refused another message because of us
	ReasonUnclear   Reason = "unclear_answer" // called, and the answer does not say whether the message was taken
	ReasonContent   Reason = "content"        // wrong hash, owner or cipher, or refused content
	ReasonSuppress  Reason = "suppressed"     // on the suppression list
	ReasonManual    Reason = "manual"         // recorded by an operator
	ReasonInquiry   Reason = "inquiry"        // the provider said so when it was asked
	ReasonCancel    Reason = "cancelled"      // revoked by a cancellation
	ReasonDeadline  Reason = "deadline"       // revoked because the deadline passed
	ReasonExhaust   Reason = "exhausted"      // revoked because no step is left
	ReasonCorrect   Reason = "corrected"      // revoked by a correction
	ReasonLate      Reason = "late_success"   // revoked because an older try turned out to be accepted
	ReasonReported  Reason = "reported"       // accepted, and by the provider's report not delivered; only of effective rows (R11)
	ReasonRestored  Reason = "restored"       // its outcome was lost when the database was restored to an earlier moment
)

// ReasonTable has every reason, for a sentence such as "not sent, because quiet hours had begun".
var ReasonTable = wording.Table[Reason]{
	{Code: ReasonWindow, English: "quiet hours had begun", Korean: "발송 금지 시간대가 시작됨"},
	{Code: ReasonExpired, English: "its deadline had passed", Korean: "발송 기한이 지남"},
	{Code: ReasonThrottled, English: "the gateway asked for a later try", Korean: "게이트웨이가 나중에 다시 시도하도록 요청함"},
	{Code: ReasonSendBy, English: "it was too late to call within the lease", Korean: "점유 기간(lease) 안에 호출하기에는 늦음"},
	{Code: ReasonNotCalled, English: "no connection to the gateway could be made", Korean: "게이트웨이에 연결하지 못함"},
	{Code: ReasonNoGateway, English: "this deployment has no gateway for the channel", Korean: "이 배포에는 해당 채널의 게이트웨이가 없음"},
	{Code: ReasonNoAnswer, English: "the gateway was called and did not answer", Korean: "게이트웨이를 호출했으나 응답이 없음"},
	{Code: ReasonLease, English: "the process that had claimed it recorded no outcome", Korean: "점유한 프로세스가 결과를 기록하지 않음"},
	{Code: ReasonRefused, English: "the gateway refused it", Korean: "게이트웨이가 거부함"},
	{Code: ReasonProvider, English: "the gateway refused it because of the sender, whoever the customer is", Korean: "게이트웨이가 고객과 무관하게 발신자 측 문제로 거부함"},
	{Code: ReasonHeld, English: "the gateway was refusing every message, or its channel was halted, so it was not called", Korean: "게이트웨이가 모든 메시지를 거부하고 있거나 채널이 발송 중지되어 호출하지 않음"},
	{Code: ReasonUnclear, English: "the gateway's answer does not say whether it was accepted", Korean: "게이트웨이의 응답으로는 접수 여부를 알 수 없음"},
	{Code: ReasonContent, English: "its content could not be verified or was refused", Korean: "내용을 검증할 수 없거나 내용이 거부됨"},
	{Code: ReasonSuppress, English: "the customer is on the suppression list for the channel", Korean: "고객이 해당 채널의 수신 거부 목록에 있음"},
	{Code: ReasonManual, English: "an operator recorded it", Korean: "운영자가 기록함"},
	{Code: ReasonInquiry, English: "the gateway said so when it was asked", Korean: "게이트웨이에 조회하여 확인함"},
	{Code: ReasonCancel, English: "it was cancelled", Korean: "취소됨"},
	{Code: ReasonDeadline, English: "its deadline had passed", Korean: "발송 기한이 지남"},
	{Code: ReasonExhaust, English: "no step of its route was left", Korean: "발송 경로에 남은 단계가 없음"},
	{Code: ReasonCorrect, English: "its data was corrected, so the older copy must not go out", Korean: "데이터가 정정되어 이전 내용은 발송할 수 없음"},
	{Code: ReasonLate, English: "an older try turned out to have been accepted", Korean: "이전 시도가 접수된 것으로 확인됨"},
	{Code: ReasonReported, English: "the provider reported that it was not delivered", Korean: "발송 대행사가 전달되지 않았다고 보고함"},
	{Code: ReasonRestored, English: "the database was restored to a moment before its outcome, and the event log has none", Korean: "데이터베이스가 결과 기록 이전 시점으로 복원되었고 이벤트 로그에도 결과가 없음"},
}

// Reasons lists every reason.
var Reasons = ReasonTable.Codes()

// Text is the reason for people.
func (r Reason) Text() wording.Text { return ReasonTable.Text(r) }
