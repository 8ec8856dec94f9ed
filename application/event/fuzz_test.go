package event_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
)

// words are what an error text may consist of: it names fields and reasons, never a value.
var words = regexp.MustCompile(`^the event cannot be decoded: (ce_type|ce_id|value|billing_month|user_id|attempt, round, step|channel|destination|statement_reference|unknown_policy|call_deadline_ms|message_class|(own_)?quiet_hours|outcome) [a-z0-9A-Z ._,]+$`)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil && (!errors.Is(err, event.ErrUndecodable) || !words.MatchString(err.Error())) {
		t.Fatalf("the error says %q", err)
	}
}

func FuzzDecodeRequested(f *testing.F) {
	m, err := requested().Message("fuzz", "", at)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Value, requested().Delivery().String(), event.TypeRequested)
	f.Add([]byte(`{"billing_month":"2026-11","user_id":1e3}`), "2026-11/1000/0/0", event.TypeRequested)
	f.Add([]byte(strings.Repeat("[", 20_000)), "", "")
	f.Add([]byte(`{"billing_month":"kim@example.com"}`), "kim@example.com", event.TypeRequested)
	f.Fuzz(func(t *testing.T, value []byte, id, kind string) {
		m := port.Message{Value: value, Headers: []port.Header{{Name: "ce_type", Value: kind}, {Name: "ce_id", Value: id}}}
		r, known, err := event.DecodeRequested(m)
		check(t, err)
		if err == nil && (!known || r.Delivery().String() != id || !r.Channel.Valid() || r.UserID <= 0 || len(r.Destination) == 0) {
			t.Fatalf("accepted %+v for id %q", r, id)
		}
		if known && r.Delivery().String() != id {
			t.Fatalf("known as %s, the id is %q", r.Delivery(), id)
		}
		if err != nil {
			return
		}
		if _, err := r.Quiet(&port.Zones{}); err != nil {
			check(t, err)
		}
		again, err := r.Message("fuzz", "", at)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if len(again.Value) <= event.MaxBytes {
			if _, _, err := event.DecodeRequested(again); err != nil {
				t.Fatalf("what was written cannot be read: %v", err)
			}
		}
	})
}

func FuzzDecodeResult(f *testing.F) {
	m, err := result().Message("fuzz", "", at)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Value)
	f.Add([]byte(`{"outcome":"CLAIMED"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := event.DecodeResult(port.Message{Value: value, Headers: []port.Header{{Name: "ce_type", Value: event.TypeResult}}})
		check(t, err)
		if err == nil && (!r.Outcome.Closed() || r.UserID <= 0 || r.Month == 0) {
			t.Fatalf("accepted %+v", r)
		}
	})
}
