package event

import (
	"encoding/json"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// DecodeRequested decodes a request. Unknown fields are ignored, because a newer writer may add optional ones. With an
// error it returns as much of the request as it could decode; known reports whether its delivery key can be trusted. If
// the value is no help, the key is that of the ce_id header; a value that names another delivery than the header is not
// trusted.
func DecodeRequested(m port.Message) (r Requested, known bool, err error) {
	if r, err = decode(m, TypeRequested, readRequested); err != nil {
		id, idErr := key.ParseDelivery(header(m, "ce_id"))
		if idErr == nil && r.Delivery() != id {
			// Only the header says which delivery it is for.
			r.Identity = Identity{Month: id.Month, UserID: id.UserID, Attempt: id.Attempt, Round: id.Round}
		}
		return r, idErr == nil, err
	}
	if header(m, "ce_id") != r.Delivery().String() {
		return r, false, undecodable("ce_id", "names another delivery than the value")
	}
	switch {
	case len(r.Destination) == 0:
		return r, true, undecodable("destination", "is missing")
	case len(r.Statement) == 0:
		return r, true, undecodable("statement_reference", "is missing")
	case r.Unknown != attempt.Hold && r.Unknown != attempt.Resend:
		return r, true, undecodable("unknown_policy", "is neither hold nor resend")
	case r.MessageClass != "" && r.MessageClass != policy.Transactional && r.MessageClass != policy.Advertising:
		return r, true, undecodable("message_class", "is neither TRANSACTIONAL nor ADVERTISING")
	case r.CallDeadlineMS < 0:
		return r, true, undecodable("call_deadline_ms", "is negative")
	}
	return r, true, nil
}

// DecodeResult decodes a result. ErrUndecodable.
func DecodeResult(m port.Message) (Result, error) {
	r, err := decode(m, TypeResult, readResult)
	if err != nil {
		return r, err
	}
	if !r.Outcome.Closed() {
		return r, undecodable("outcome", "is no outcome")
	}
	return r, nil
}

// decode reads a value of either form; on an error as far as it was read.
func decode[T interface{ identity() Identity }](m port.Message, kind string, canonical func([]byte) (T, bool)) (T, error) {
	var value T
	if len(m.Value) > MaxBytes {
		return value, undecodable("value", fmt.Sprintf("has %d bytes, more than %d", len(m.Value), MaxBytes))
	}
	if got := header(m, "ce_type"); got != kind {
		return value, undecodable("ce_type", "is not "+kind)
	}
	if read, ok := canonical(m.Value); ok {
		value = read
	} else if err := json.Unmarshal(m.Value, &value); err != nil {
		return value, undecodable("value", "is not the JSON it should be") // the decoder's words may hold values
	}
	return value, check(value.identity())
}

// check looks at what both events say.
func check(who Identity) error {
	switch {
	case who.Month == 0:
		return undecodable("billing_month", "is missing")
	case who.UserID <= 0:
		return undecodable("user_id", "is not a positive number")
	case who.Attempt < 0 || who.Round < 0 || who.Step < 0:
		return undecodable("attempt, round, step", "are negative")
	case !who.Channel.Valid():
		return undecodable("channel", "is unknown")
	}
	return nil
}

func (i Identity) identity() Identity { return i }

func header(m port.Message, name string) string {
	for _, h := range m.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

func undecodable(field, why string) error {
	return fmt.Errorf("%w: %s %s", ErrUndecodable, field, why)
}
