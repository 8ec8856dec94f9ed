// Package policy holds what the operator decides about how statements go out: the channel route, quiet hours, backoff,
// deadline and what to do when an outcome cannot be known. A policy is a family with versions; a version never changes.
package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/window"
)

// Ref names one version of a policy family.
type Ref struct {
	ID      int64
	Version int32
}

// IsZero reports whether no policy is named.
func (r Ref) IsZero() bool { return r == Ref{} }

// String writes "1 v3".
func (r Ref) String() string { return fmt.Sprintf("%d v%d", r.ID, r.Version) }

// Status is the status of a version.
type Status string

// The statuses. One version is ACTIVE overall.
const (
	Draft   Status = "DRAFT"
	Active  Status = "ACTIVE"
	Retired Status = "RETIRED"
)

// Transition is one allowed change of a version's status.
type Transition struct{ From, To Status }

// Transitions is the state machine of a version. Code and documentation share it.
var Transitions = []Transition{{Draft, Active}, {Active, Retired}}

// MessageClass is what a message is in the eyes of the law.
type MessageClass string

// The message classes.
const (
	Transactional MessageClass = "TRANSACTIONAL" // a bill
	Advertising   MessageClass = "ADVERTISING"   // quiet hours bind every channel
)

// Scope is which messages an entry of the suppression list keeps back.
type Scope string

// The scopes. An opt-out of advertising never costs a bill its channel.
const (
	ScopeAll         Scope = "all"         // every message, bills too
	ScopeAdvertising Scope = "advertising" // ADVERTISING alone
)

// Covers reports whether messages of a class are kept back.
func (s Scope) Covers(class MessageClass) bool { return s != ScopeAdvertising || class == Advertising }

// ParseScope reads a scope. ErrInvalid.
func ParseScope(text string) (Scope, error) {
	switch s := Scope(text); s {
	case ScopeAll, ScopeAdvertising:
		return s, nil
	default:
		return "", fmt.Errorf("%w: the scope %q is neither all nor advertising", ErrInvalid, text)
	}
}

// Errors of policies.
var (
	ErrInvalid    = errors.New("policy that cannot work")
	ErrTransition = errors.New("a policy version cannot change its status like this")
)

// Undelivered says what follows when the provider reports for certain that a message which it had accepted was not delivered.
type Undelivered string

// What follows an undelivered message.
const (
	UndeliveredNote Undelivered = "note" // the report is shown, and the bill stays SUCCEEDED
	UndeliveredNext Undelivered = "next" // the route goes on, as after a refusal
)

// Spec is what an operator writes. New turns it into a version. A new field is added in all of these:
//
//   - the file's format: bootstrap/operatorapp (policyFile), and its page docs/operations/policy.md, which a test compares;
//   - validation and default: Problems and withDefaults here; a getter of Version for who applies it;
//   - how a version is stored, and so what the snapshot of a run holds: adapters/postgres (policyjson.go), and the full
//     spec of the conformance suite in application/porttest;
//   - the comparison: fields in diff.go;
//   - the event of a request, where delivery needs it: run.message in application/dispatch (publish.go), application/event
//     (event.go, canonical.go, decode.go), and its contract docs/contract/asyncapi.yaml, which make docs writes.
type Spec struct {
	Name          string
	Route         Route
	Backoff       map[attempt.FailureClass]attempt.Backoff // what is missing gets DefaultBackoff
	PublishRetry  attempt.Backoff                          // pause of a row whose event was not acknowledged
	QuietHours    window.Forbidden                         // of customers without their own; ADVERTISING: of everybody; zero: none
	QuietChannels channel.Set                              // the channels that quiet hours bind, the customer's own included
	Zone          *time.Location
	Class         MessageClass
	Deadline      time.Duration                          // from the start of the billing month; 0: none
	Unknown       map[channel.Kind]attempt.UnknownPolicy // what is missing means hold
	Undelivered   map[channel.Kind]Undelivered           // what is missing means note
	CallDeadline  time.Duration                          // the longest that a gateway call may take; 0: the provider's own
	MaxRounds     int16                                  // put-backs of one attempt before PAUSED(rounds)
	MaxRequeues   int16                                  // requeues of one key before PAUSED(no_claim)
}

// DefaultBackoff applies to a failure class for which a policy names no backoff.
var DefaultBackoff = attempt.Backoff{Base: 10 * time.Minute, Factor: 3, Max: 6 * time.Hour}

// Version is one version of a policy. Only its status ever changes.
type Version struct {
	ref    Ref
	status Status
	spec   Spec
}

// New checks a spec and returns a version in DRAFT. The error is an *Invalid that names each field and what is wrong
// with it.
func New(ref Ref, spec Spec) (Version, error) {
	spec = spec.withDefaults()
	if err := spec.validate(); err != nil {
		return Version{}, err
	}
	return Version{ref: ref, status: Draft, spec: spec}, nil
}

// Restore returns a version from what was stored; it checks the spec again.
func Restore(ref Ref, status Status, spec Spec) (Version, error) {
	v, err := New(ref, spec)
	v.status = status
	return v, err
}

func (s Spec) withDefaults() Spec {
	s.Backoff = maps.Clone(s.Backoff)
	if s.Backoff == nil {
		s.Backoff = map[attempt.FailureClass]attempt.Backoff{}
	}
	for _, class := range []attempt.FailureClass{attempt.Temporary, attempt.Throttled} {
		if _, ok := s.Backoff[class]; !ok {
			s.Backoff[class] = DefaultBackoff
		}
	}
	if s.PublishRetry == (attempt.Backoff{}) {
		s.PublishRetry = attempt.Backoff{Base: 30 * time.Second, Factor: 1, Max: 30 * time.Second}
	}
	s.Unknown = maps.Clone(s.Unknown)
	s.Undelivered = maps.Clone(s.Undelivered)
	s.Route = slices.Clone(s.Route)
	if s.MaxRounds == 0 {
		s.MaxRounds = 30
	}
	if s.MaxRequeues == 0 {
		s.MaxRequeues = 3
	}
	if s.Class == "" {
		s.Class = Transactional
	}
	return s
}

// Ref names the version.
func (v Version) Ref() Ref { return v.ref }

// Status returns the version's status.
func (v Version) Status() Status { return v.status }

// Spec returns a copy of the version's spec, with defaults filled in.
func (v Version) Spec() Spec { return v.spec.withDefaults() }

// Name returns the name of the policy's family.
func (v Version) Name() string { return v.spec.Name }

// Activate returns the draft as ACTIVE. The caller retires the version that was ACTIVE before. ErrTransition.
func (v Version) Activate() (Version, error) { return v.to(Active) }

// Retire returns the ACTIVE version as RETIRED; targets bound to it stay bound. ErrTransition.
func (v Version) Retire() (Version, error) { return v.to(Retired) }

func (v Version) to(next Status) (Version, error) {
	if !slices.Contains(Transitions, Transition{v.status, next}) {
		return v, fmt.Errorf("%w: policy %s is %s and cannot become %s", ErrTransition, v.ref, v.status, next)
	}
	v.status = next
	return v, nil
}

// Steps returns the route written out for a customer's preferred channel, as [EMAIL, EMAIL, SMS]. The caller must not change
// it.
func (v Version) Steps(preferred channel.Kind) []channel.Kind { return v.spec.Route.Steps(preferred) }

// BackoffFor returns the pause for a failure class.
func (v Version) BackoffFor(class attempt.FailureClass) attempt.Backoff {
	if b, ok := v.spec.Backoff[class]; ok {
		return b
	}
	return DefaultBackoff
}

// PublishRetry is the pause of a row whose event was not acknowledged.
func (v Version) PublishRetry() attempt.Backoff { return v.spec.PublishRetry }

// UnknownFor returns what follows an unknown outcome on a channel; hold unless the policy says otherwise.
func (v Version) UnknownFor(kind channel.Kind) attempt.UnknownPolicy {
	if u, ok := v.spec.Unknown[kind]; ok {
		return u
	}
	return attempt.Hold
}

// UndeliveredFor returns what follows a definitive report that a message on a channel was not delivered; note unless the policy
// says otherwise, as no version of before reports does.
func (v Version) UndeliveredFor(kind channel.Kind) Undelivered {
	if u, ok := v.spec.Undelivered[kind]; ok {
		return u
	}
	return UndeliveredNote
}

// Class is what the policy's messages are in the eyes of the law.
func (v Version) Class() MessageClass { return v.spec.Class }

// QuietHours is the default window for customers without their own. Those of an ADVERTISING policy bind everybody.
func (v Version) QuietHours() window.Forbidden { return v.spec.QuietHours }

// QuietBinds reports whether quiet hours bind a channel.
func (v Version) QuietBinds(kind channel.Kind) bool { return v.spec.QuietChannels.Has(kind) }

// Deadline returns the instant from which on a month's bills no longer go out; the zero time if there is none.
func (v Version) Deadline(monthStart time.Time) time.Time {
	if v.spec.Deadline == 0 {
		return time.Time{}
	}
	return monthStart.Add(v.spec.Deadline)
}

// Zone is the policy's time zone.
func (v Version) Zone() *time.Location { return v.spec.Zone }

// MaxRounds bounds the put-backs of one attempt.
func (v Version) MaxRounds() int16 { return v.spec.MaxRounds }

// MaxRequeues bounds the requeues of one key.
func (v Version) MaxRequeues() int16 { return v.spec.MaxRequeues }

// CallDeadline is the longest that a gateway call may take; 0: the provider's own.
func (v Version) CallDeadline() time.Duration { return v.spec.CallDeadline }
