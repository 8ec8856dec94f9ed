package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// Problem is one thing that is wrong with a policy.
type Problem struct {
	Field  string `json:"field"` // as in the policy file: "route", "quiet_hours.from"
	Reason string `json:"reason"`
	Line   int    `json:"line,omitempty"` // of the policy file; 0: it stands in none
}

// String writes "route: names no channel", or "line 3, route: names no channel".
func (p Problem) String() string {
	text := p.Field + ": " + p.Reason
	if p.Line > 0 {
		text = fmt.Sprintf("line %d, %s", p.Line, text)
	}
	return text
}

// Invalid is the error about a policy that cannot work. It lists every problem and wraps ErrInvalid.
type Invalid struct{ Problems []Problem }

// Error implements error.
func (i *Invalid) Error() string {
	texts := make([]string, len(i.Problems))
	for n, p := range i.Problems {
		texts[n] = p.String()
	}
	return ErrInvalid.Error() + ": " + strings.Join(texts, "; ")
}

// Unwrap returns ErrInvalid.
func (i *Invalid) Unwrap() error { return ErrInvalid }

func (s Spec) validate() error {
	if problems := s.withDefaults().Problems(); len(problems) > 0 {
		return &Invalid{Problems: problems}
	}
	return nil
}

// Problems lists everything that keeps the spec from working; none if it works.
func (s Spec) Problems() []Problem {
	s = s.withDefaults()
	var list []Problem
	bad := func(is bool, field, why string, args ...any) {
		if is {
			list = append(list, Problem{Field: field, Reason: fmt.Sprintf(why, args...)})
		}
	}
	bad(s.Name == "", "name", "is empty")
	if err := s.Route.validate(); err != nil {
		bad(true, "route", "%v", err)
	}
	bad(s.Zone == nil, "zone", "is missing (an IANA name such as Asia/Seoul)")
	bad(s.Deadline < 0, "deadline", "%s is negative", s.Deadline)
	if opening, bound := s.firstOpening(); bound && s.Deadline > 0 && s.Deadline <= opening {
		bad(true, "deadline", "%s after the month's start, quiet hours (%s) have kept every channel of the route closed: no bill could go out", s.Deadline, s.QuietHours)
	}
	bad(s.CallDeadline < 0, "call_deadline", "%s is negative", s.CallDeadline)
	bad(s.MaxRounds < 1, "max_rounds", "is %d (want at least 1)", s.MaxRounds)
	bad(s.MaxRequeues < 1, "max_requeues", "is %d (want at least 1)", s.MaxRequeues)
	bad(s.Class != Transactional && s.Class != Advertising, "class", "%q is neither TRANSACTIONAL nor ADVERTISING", s.Class)
	// What was stored before a channel existed cannot name it: the channels of the route are those that matter.
	bad(s.Class == Advertising && s.Route.Channels()&^s.QuietChannels != 0, "quiet_hours.channels", "an ADVERTISING policy binds every channel to quiet hours")
	bad(s.Class == Advertising && s.Route.Channels().Has(channel.AlimTalk), "route", "AlimTalk carries no advertising: KakaoTalk approves templates of bills and the like alone")
	for _, class := range slices.Sorted(maps.Keys(s.Backoff)) {
		bad(class != attempt.Temporary && class != attempt.Throttled, "backoff."+string(class), "is no failure after which one waits (want temporary or throttled)")
		if err := s.Backoff[class].Validate(); err != nil {
			bad(true, "backoff."+string(class), "%v", err)
		}
	}
	if err := s.PublishRetry.Validate(); err != nil {
		bad(true, "publish_retry", "%v", err)
	}
	for _, kind := range slices.Sorted(maps.Keys(s.Unknown)) {
		unknown := s.Unknown[kind]
		bad(!kind.Valid() || (unknown != attempt.Hold && unknown != attempt.Resend), "unknown."+string(kind), "%q is neither hold nor resend", unknown)
	}
	for _, kind := range slices.Sorted(maps.Keys(s.Undelivered)) {
		follows := s.Undelivered[kind]
		bad(!kind.Valid() || (follows != UndeliveredNote && follows != UndeliveredNext), "undelivered."+string(kind), "%q is neither note nor next", follows)
	}
	return list
}

// firstOpening returns how long after the start of a month the quiet hours first open. bound reports whether quiet
// hours bind every channel of the route; otherwise opening means nothing.
func (s Spec) firstOpening() (opening time.Duration, bound bool) {
	if s.QuietHours.IsZero() || s.Zone == nil || len(s.Route) == 0 {
		return 0, false
	}
	for _, leg := range s.Route {
		if !s.QuietChannels.Has(leg.Channel) {
			return 0, false
		}
	}
	start := time.Date(2027, time.January, 1, 0, 0, 0, 0, s.Zone) // a month on whose first day no clock jumps
	return s.QuietHours.NextOpening(start).Sub(start), true
}
