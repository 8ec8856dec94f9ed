// Package event is the contract between the dispatcher, Delivery and settlement: JSON values, CloudEvents 1.0 in
// binary mode. It evolves by optional fields only; anything else is a new topic.
package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
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

// Identity is what both events say about whom they are for.
type Identity struct {
	Month         key.Month    `json:"billing_month"`
	UserID        int64        `json:"user_id"`
	Attempt       int16        `json:"attempt"`
	Round         int16        `json:"round"`
	Step          int16        `json:"step"`
	Channel       channel.Kind `json:"channel"`
	PolicyID      int64        `json:"policy_id"`
	PolicyVersion int32        `json:"policy_version"`
	RunID         int64        `json:"run_id"`
}

// Delivery is the delivery key.
func (i Identity) Delivery() key.Delivery {
	return key.Delivery{Month: i.Month, UserID: i.UserID, Attempt: i.Attempt, Round: i.Round}
}

// QuietHours are the hours that bind this dispatch: the customer's own or the policy's.
type QuietHours struct {
	From string `json:"from"` // "21:00"
	To   string `json:"to"`   // "08:00"
	Zone string `json:"zone"` // "Asia/Seoul"
}

// Requested asks Delivery to send one statement.
type Requested struct {
	Identity
	Destination    []byte                `json:"destination"`         // ciphertext
	Statement      []byte                `json:"statement_reference"` // ciphertext
	QuietHours     *QuietHours           `json:"quiet_hours,omitempty"`
	Deadline       *time.Time            `json:"deadline,omitempty"`
	Unknown        attempt.UnknownPolicy `json:"unknown_policy"`
	CallDeadlineMS int64                 `json:"call_deadline_ms,omitempty"`
}

// Facts are what the ledger keeps of the request.
func (r Requested) Facts() attempt.Facts {
	return attempt.Facts{
		Channel: r.Channel, Step: r.Step, PolicyID: r.PolicyID, PolicyVersion: r.PolicyVersion,
		RunID: r.RunID, Unknown: r.Unknown,
	}
}

// Quiet returns the forbidden window; zero where none binds.
func (r Requested) Quiet() (window.Forbidden, error) {
	if r.QuietHours == nil {
		return window.Forbidden{}, nil
	}
	from, err := window.ParseMinute(r.QuietHours.From)
	if err != nil {
		return window.Forbidden{}, err
	}
	to, err := window.ParseMinute(r.QuietHours.To)
	if err != nil {
		return window.Forbidden{}, err
	}
	zone, err := window.Zone(r.QuietHours.Zone)
	if err != nil {
		return window.Forbidden{}, err
	}
	return window.NewForbidden(from, to, zone)
}

// NewQuietHours is the window in the event's form; nil for the zero window.
func NewQuietHours(w window.Forbidden) *QuietHours {
	if w.IsZero() {
		return nil
	}
	return &QuietHours{From: w.From().String(), To: w.To().String(), Zone: w.Zone().String()}
}

// Result is the hint that a delivery's ledger row has changed. The ledger is the truth.
type Result struct {
	Identity
	Outcome           attempt.State        `json:"outcome"`
	Class             attempt.FailureClass `json:"failure_class,omitempty"`
	Reason            attempt.Reason       `json:"reason,omitempty"`
	Provider          string               `json:"provider,omitempty"`
	ProviderMessageID string               `json:"provider_message_id,omitempty"`
	FinishedAt        time.Time            `json:"finished_at"`
}

// Message encodes the request. source names the process, trace is a W3C traceparent or "".
func (r Requested) Message(source, trace string, at time.Time) (port.Message, error) {
	return message(r, r.Identity, TypeRequested, r.Delivery().String(), source, trace, at)
}

// Message encodes the result; its id is the delivery key and the outcome.
func (r Result) Message(source, trace string, at time.Time) (port.Message, error) {
	return message(r, r.Identity, TypeResult, r.Delivery().String()+"/"+string(r.Outcome), source, trace, at)
}

func message(value any, who Identity, kind, id, source, trace string, at time.Time) (port.Message, error) {
	body, err := json.Marshal(value)
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
