// Package event is the contract between the dispatcher, Delivery and settlement: JSON values in CloudEvents 1.0, binary
// mode. It evolves by optional fields only; anything else needs a new topic.
package event

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

// The event types (header ce_type) and the bound of a value.
const (
	TypeRequested = "balsong.dispatch.requested.v1"
	TypeResult    = "balsong.dispatch.result.v1"
	MaxBytes      = 256 << 10
)

// ErrUndecodable is wrapped by every decoding error; the text names the field and the reason, never a value of it.
var ErrUndecodable = errors.New("the event cannot be decoded")

// Identity is what both events have in common: which delivery they are about.
type Identity struct {
	Month         key.Month    `json:"billing_month"`  // the month that is billed
	UserID        int64        `json:"user_id"`        // number given to the customer at import; positive
	Attempt       int16        `json:"attempt"`        // number of the try, from 0
	Round         int16        `json:"round"`          // put-backs of the try so far
	Step          int16        `json:"step"`           // index into the policy's route written out
	Channel       channel.Kind `json:"channel"`        // the way to the customer
	PolicyID      int64        `json:"policy_id"`      // the policy's family
	PolicyVersion int32        `json:"policy_version"` // the version that the target is bound to
	RunID         int64        `json:"run_id"`         // the run that dispatched
}

// Delivery returns the delivery key.
func (i Identity) Delivery() key.Delivery {
	return key.Delivery{Month: i.Month, UserID: i.UserID, Attempt: i.Attempt, Round: i.Round}
}

// QuietHours are hours that bind a dispatch: the customer's own or the policy's.
type QuietHours struct {
	From string `json:"from"` // first minute at which nobody is disturbed, as in "21:00"
	To   string `json:"to"`   // first minute at which one may again, as in "08:00"; before From it is the next day's
	Zone string `json:"zone"` // IANA time zone of both, as in "Asia/Seoul"
}

// Requested asks Delivery to send one statement.
type Requested struct {
	Identity
	Destination    []byte                `json:"destination"`                // sealed for this target and channel
	Statement      []byte                `json:"statement_reference"`        // where the statement lies in a pack, sealed for this target
	QuietHours     *QuietHours           `json:"quiet_hours,omitempty"`      // the hours that bind this dispatch; none without
	OwnQuietHours  *QuietHours           `json:"own_quiet_hours,omitempty"`  // the customer's own, which bind an advertising message beside quiet_hours; none without
	Deadline       *time.Time            `json:"deadline,omitempty"`         // nothing goes out from this instant on; none without
	Unknown        attempt.UnknownPolicy `json:"unknown_policy"`             // what follows when the outcome cannot be known
	CallDeadlineMS int64                 `json:"call_deadline_ms,omitempty"` // longest gateway call in milliseconds; 0: the provider's own
	MessageClass   policy.MessageClass   `json:"message_class,omitempty"`    // TRANSACTIONAL or ADVERTISING, for the suppression list; TRANSACTIONAL without
}

// Facts returns what the ledger keeps of the request.
func (r Requested) Facts() attempt.Facts {
	return attempt.Facts{
		Channel: r.Channel, Step: r.Step, PolicyID: r.PolicyID, PolicyVersion: r.PolicyVersion,
		RunID: r.RunID, Unknown: r.Unknown,
	}
}

// Use is what the request asks to do, for the suppression list.
func (r Requested) Use() port.Use {
	return port.Use{Contact: port.Contact{UserID: key.CustomerID(r.UserID), Channel: r.Channel}, Class: cmp.Or(r.MessageClass, policy.Transactional)}
}

// NewMessageClass returns a class in the event's form: none for a bill.
func NewMessageClass(class policy.MessageClass) policy.MessageClass {
	if class == policy.Transactional {
		return ""
	}
	return class
}

// Quiet returns the forbidden windows; zero if none binds this dispatch. ErrUndecodable.
func (r Requested) Quiet(zones *port.Zones) (quiet window.Union, err error) {
	for i, hours := range []*QuietHours{r.QuietHours, r.OwnQuietHours} {
		if hours == nil {
			continue
		}
		if quiet[i], err = hours.window(zones); err != nil {
			return window.Union{}, undecodable([]string{"quiet_hours", "own_quiet_hours"}[i], "cannot be used")
		}
	}
	return quiet, nil
}

func (q QuietHours) window(zones *port.Zones) (window.Forbidden, error) {
	from, err := window.ParseMinute(q.From)
	if err != nil {
		return window.Forbidden{}, err
	}
	to, err := window.ParseMinute(q.To)
	if err != nil {
		return window.Forbidden{}, err
	}
	zone, err := zones.Find(q.Zone)
	if err != nil {
		return window.Forbidden{}, err
	}
	return window.NewForbidden(from, to, zone)
}

// NewQuietHours returns a window in the event's form; nil for the zero window.
func NewQuietHours(w window.Forbidden) *QuietHours {
	if w.IsZero() {
		return nil
	}
	return &QuietHours{From: w.From().String(), To: w.To().String(), Zone: w.Zone().String()}
}

// Result is a hint that a delivery's ledger row has changed. The ledger is the truth.
type Result struct {
	Identity
	Outcome           attempt.State        `json:"outcome"`                       // the ledger row's state; never CLAIMED
	Class             attempt.FailureClass `json:"failure_class,omitempty"`       // what a refusal means for the next try
	Reason            attempt.Reason       `json:"reason,omitempty"`              // why, in a word that programs may rely on
	Provider          string               `json:"provider,omitempty"`            // who was called; none where nobody was
	ProviderMessageID string               `json:"provider_message_id,omitempty"` // the provider's own id of what it accepted
	FinishedAt        time.Time            `json:"finished_at"`                   // by the clock of whoever wrote the outcome
}

// Message encodes the request as a message that is sent at an instant. source names the process; trace is a W3C
// traceparent or "".
func (r Requested) Message(source, trace string, at time.Time) (port.Message, error) {
	return message(r.encode, r.Identity, TypeRequested, r.Delivery().String(), source, trace, at)
}

// Message encodes the result; its id is the delivery key and the outcome.
func (r Result) Message(source, trace string, at time.Time) (port.Message, error) {
	return message(r.encode, r.Identity, TypeResult, r.Delivery().String()+"/"+string(r.Outcome), source, trace, at)
}

func message(encode func() ([]byte, error), who Identity, kind, id, source, trace string, at time.Time) (port.Message, error) {
	body, err := encode()
	if err != nil {
		return port.Message{}, fmt.Errorf("encode %s %s: %w", kind, id, err)
	}
	headers := []port.Header{
		{Name: "ce_specversion", Value: "1.0"},
		{Name: "ce_type", Value: kind},
		{Name: "ce_source", Value: source},
		{Name: "ce_id", Value: id},
		{Name: "ce_time", Value: at.UTC().Format(time.RFC3339Nano)},
		{Name: "content-type", Value: "application/json"},
	}
	if trace != "" {
		headers = append(headers, port.Header{Name: "traceparent", Value: trace})
	}
	return port.Message{Key: strconv.FormatInt(who.UserID, 10), Headers: headers, Value: body}, nil
}

// TraceParent returns a message's W3C traceparent; "" where it has none.
func TraceParent(m port.Message) string { return header(m, "traceparent") }
