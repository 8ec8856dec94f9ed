package postgres

import (
	"reflect"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

// stored is a policy as it lies in databases: what is written there must stay readable.
const stored = `{"encoding":1,"name":"bills","route":[{"channel":"EMAIL","tries":2},{"channel":"SMS","tries":1}],` +
	`"backoff":{"temporary":{"base":"10m0s","factor":3,"max":"6h0m0s"},"throttled":{"base":"10m0s","factor":3,"max":"6h0m0s"}},` +
	`"publish_retry":{"base":"30s","factor":1,"max":"30s"},"quiet_hours":{"from":"21:00","to":"08:00","zone":"Asia/Seoul"},` +
	`"quiet_channels":["SMS","PUSH"],"zone":"Asia/Seoul","class":"TRANSACTIONAL","deadline":"240h0m0s","unknown":{"SMS":"resend"},` +
	`"call_deadline":"1m30s","max_rounds":30,"max_requeues":3}`

func TestAPolicysEncodingIsStable(t *testing.T) {
	t.Parallel()
	seoul, err := window.Zone("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	quiet, err := window.NewForbidden(21*60, 8*60, seoul)
	if err != nil {
		t.Fatal(err)
	}
	version, err := policy.New(policy.Ref{ID: 1, Version: 1}, policy.Spec{
		Name: "bills", Zone: seoul, QuietHours: quiet, QuietChannels: channel.NewSet(channel.SMS, channel.Push),
		Route:    policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
		Deadline: 240 * time.Hour, CallDeadline: 90 * time.Second, Unknown: map[channel.Kind]attempt.UnknownPolicy{channel.SMS: attempt.Resend},
	})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := encodeSpec(version.Spec())
	if err != nil || string(encoded) != stored {
		t.Errorf("encoded as\n%s (%v), want\n%s", encoded, err, stored)
	}
	decoded, err := decodeSpec([]byte(stored))
	if err != nil {
		t.Fatal(err)
	}
	again, err := encodeSpec(decoded)
	if err != nil || string(again) != stored || !reflect.DeepEqual(decoded.Route, version.Spec().Route) {
		t.Errorf("read back as %+v (%v)", decoded, err)
	}
}

func TestAPolicyOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	for _, encoded := range []string{`{"encoding":2}`, `{}`, `[]`, `{"encoding":1,"zone":"Nowhere"}`, `{"encoding":1,"zone":"UTC","quiet_hours":{"from":"24:00","to":"08:00","zone":"UTC"}}`} {
		if spec, err := decodeSpec([]byte(encoded)); err == nil {
			t.Errorf("%s was read as %+v", encoded, spec)
		}
	}
}

// FuzzDecodeSpec: what is stored as a policy is one, which is written and read as the same, or it is refused.
func FuzzDecodeSpec(f *testing.F) {
	f.Add([]byte(stored))
	f.Add([]byte(`{"encoding":1,"zone":"UTC","quiet_channels":["FAX"],"quiet_hours":{"from":"21:00","to":"21:00","zone":"UTC"}}`))
	f.Add([]byte(`{"encoding":2}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		spec, err := decodeSpec(encoded)
		if err != nil {
			return
		}
		if _, err := policy.New(policy.Ref{ID: 1, Version: 1}, spec); err != nil {
			return // it is read, and the domain says that it cannot work
		}
		first, err := encodeSpec(spec)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeSpec(first)
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second, err := encodeSpec(again); err != nil || string(second) != string(first) {
			t.Fatalf("%s became %s (%v)", first, second, err)
		}
	})
}
