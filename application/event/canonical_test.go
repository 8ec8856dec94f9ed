package event

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// FuzzCanonical: what is read in canonical form is what encoding/json reads; and it is written as encoding/json writes it.
func FuzzCanonical(f *testing.F) {
	at := time.Date(2026, 11, 25, 0, 0, 0, 1, time.UTC)
	who := Identity{Month: 2026*12 + 10, UserID: 4711, Attempt: 2, Round: 1, Step: 3, Channel: channel.SMS, PolicyID: 7, PolicyVersion: 4, RunID: 99}
	for _, value := range []any{
		Requested{Identity: who, Destination: []byte("sealed"), Statement: []byte("ref"), QuietHours: &QuietHours{"21:00", "08:00", "Asia/Seoul"}, Deadline: &at, Unknown: attempt.Hold, CallDeadlineMS: -30_000},
		Requested{Identity: who, Destination: []byte{}, Statement: []byte{1}, Unknown: attempt.Resend},
		Result{Identity: who, Outcome: attempt.Succeeded, FinishedAt: at.In(time.FixedZone("", 9*3600))},
		Result{Identity: Identity{Month: key.Month(12), UserID: -1}, Outcome: attempt.Failed, Class: attempt.Permanent, Reason: attempt.ReasonRefused, Provider: "sms", ProviderMessageID: "a<b", FinishedAt: at},
	} {
		seed, err := json.Marshal(value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
		f.Add(append(seed, ' '))
		f.Add(seed[:len(seed)-1])
	}
	f.Add([]byte(`{"billing_month":"2026-11","user_id":-0,"attempt":00,"round":1e1,"step":70000,"channel":"S\u004dS"`))
	f.Fuzz(func(t *testing.T, value []byte) {
		agree(t, value, readRequested)
		agree(t, value, readResult)
		var request Requested
		if json.Unmarshal(value, &request) == nil {
			same(t, request, request.encode)
		}
		var result Result
		if json.Unmarshal(value, &result) == nil {
			same(t, result, result.encode)
		}
	})
}

func agree[T any](t *testing.T, value []byte, read func([]byte) (T, bool)) {
	t.Helper()
	got, canonical := read(value)
	if !canonical {
		return
	}
	var want T
	if err := json.Unmarshal(value, &want); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s is read as %+v, by encoding/json as %+v (%v)", value, got, want, err)
	}
}

func same(t *testing.T, value any, encode func() ([]byte, error)) {
	t.Helper()
	got, err := encode()
	want, wantErr := json.Marshal(value)
	if (err == nil) != (wantErr == nil) || string(got) != string(want) {
		t.Fatalf("%+v is written as\n%s (%v), by encoding/json as\n%s (%v)", value, got, err, want, wantErr)
	}
}

// What is written is read the quick way; otherwise the benchmark below would measure encoding/json.
func TestWhatIsWrittenIsCanonical(t *testing.T) {
	t.Parallel()
	request, result := examples()
	value, err := request.encode()
	if got, canonical := readRequested(value); err != nil || !canonical || !reflect.DeepEqual(got, request) {
		t.Errorf("%s is read as %+v, canonical: %v (%v)", value, got, canonical, err)
	}
	value, err = result.encode()
	if got, canonical := readResult(value); err != nil || !canonical || !reflect.DeepEqual(got, result) {
		t.Errorf("%s is read as %+v, canonical: %v (%v)", value, got, canonical, err)
	}
}

func examples() (Requested, Result) {
	at := time.Date(2026, 11, 25, 0, 0, 0, 1, time.UTC)
	who := Identity{Month: 2026*12 + 10, UserID: 4711, Channel: channel.SMS, PolicyID: 7, PolicyVersion: 4, RunID: 99}
	return Requested{
			Identity: who, Destination: make([]byte, 60), Statement: make([]byte, 160),
			QuietHours: &QuietHours{"21:00", "08:00", "Asia/Seoul"}, Deadline: &at, Unknown: attempt.Hold, CallDeadlineMS: 30_000,
		},
		Result{Identity: who, Outcome: attempt.Succeeded, Provider: "sms", ProviderMessageID: "SMS-1", FinishedAt: at}
}

func BenchmarkDecode(b *testing.B) {
	request, _ := examples()
	value, err := request.encode()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("canonical", func(b *testing.B) {
		for b.Loop() {
			if _, ok := readRequested(value); !ok {
				b.Fatal("not canonical")
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		for b.Loop() {
			var r Requested
			if err := json.Unmarshal(value, &r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
