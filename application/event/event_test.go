package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// update writes the golden files anew: go test ./event -update. A changed file is a changed contract.
var update = flag.Bool("update", false, "write the golden files")

var at = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func identity() event.Identity {
	return event.Identity{
		Month: 2026*12 + 10, UserID: 4711, Attempt: 2, Round: 1, Step: 3, Channel: channel.SMS,
		PolicyID: 7, PolicyVersion: 4, RunID: 99,
	}
}

func requested() event.Requested {
	deadline := at.Add(72 * time.Hour)
	return event.Requested{
		Identity: identity(), Destination: []byte("sealed destination"), Statement: []byte("sealed reference"),
		QuietHours: &event.QuietHours{From: "21:00", To: "08:00", Zone: "Asia/Seoul"}, Deadline: &deadline,
		Unknown: attempt.Hold, CallDeadlineMS: 30_000,
	}
}

func result() event.Result {
	return event.Result{
		Identity: identity(), Outcome: attempt.Failed, Class: attempt.Permanent, Reason: attempt.ReasonRefused,
		Provider: "sms", ProviderMessageID: "m-1", FinishedAt: at,
	}
}

func encode(t *testing.T, m port.Message, err error) port.Message {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func requestMessage(t *testing.T, r event.Requested) port.Message {
	t.Helper()
	m, err := r.Message("balsong/dispatcher", traceparent, at)
	return encode(t, m, err)
}

func TestARequestReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	bare := event.Requested{Identity: identity(), Destination: []byte("d"), Statement: []byte("s"), Unknown: attempt.Resend}
	advertising := requested()
	advertising.MessageClass = policy.Advertising
	advertising.OwnQuietHours = &event.QuietHours{From: "12:00", To: "13:00", Zone: "UTC"}
	for _, want := range []event.Requested{requested(), bare, advertising} {
		got, known, err := event.DecodeRequested(requestMessage(t, want))
		if err != nil || !known || !reflect.DeepEqual(got, want) {
			t.Fatalf("read %+v: %v, wrote %+v", got, err, want)
		}
		if quiet, err := got.Quiet(&port.Zones{}); err != nil || quiet[0].IsZero() != (want.QuietHours == nil) || quiet[1].IsZero() != (want.OwnQuietHours == nil) {
			t.Fatalf("the windows of %+v are %s, %v", want, quiet, err)
		}
	}
}

func TestWhatIsKeptBackFromACustomerIsKeptBackFromACopyToo(t *testing.T) {
	t.Parallel()
	bill, copied := requested(), requested()
	copied.UserID = key.Target{Month: bill.Month, UserID: bill.UserID}.Copy(2).UserID
	if bill.Use() != copied.Use() {
		t.Errorf("the suppression list is asked for %+v of the bill and for %+v of its copy", bill.Use(), copied.Use())
	}
}

func TestAResultReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	m, err := result().Message("balsong/delivery", "", at)
	got, err := event.DecodeResult(encode(t, m, err))
	if err != nil || !reflect.DeepEqual(got, result()) {
		t.Fatalf("read %+v: %v", got, err)
	}
}

func TestAMessageIsACloudEventInBinaryModeKeyedByTheUser(t *testing.T) {
	t.Parallel()
	m := requestMessage(t, requested())
	want := []port.Header{
		{Name: "ce_specversion", Value: "1.0"},
		{Name: "ce_type", Value: "balsong.dispatch.requested.v1"},
		{Name: "ce_source", Value: "balsong/dispatcher"},
		{Name: "ce_id", Value: "2026-11/4711/2/1"},
		{Name: "ce_time", Value: "2026-11-25T00:00:00Z"},
		{Name: "content-type", Value: "application/json"},
		{Name: "traceparent", Value: traceparent},
	}
	if m.Key != "4711" || !reflect.DeepEqual(m.Headers, want) {
		t.Fatalf("key %q, headers %v", m.Key, m.Headers)
	}
	m, err := result().Message("balsong/delivery", "", at)
	if m = encode(t, m, err); m.Headers[3].Value != "2026-11/4711/2/1/FAILED" {
		t.Fatalf("a result's id is %q", m.Headers[3].Value)
	}
}

// The golden files are the contract's examples: written once, read for ever.
func TestTheContractsExamplesStayReadableAndAreStillWritten(t *testing.T) {
	t.Parallel()
	resultMessage, err := result().Message("balsong/delivery", "", at)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]port.Message{"dispatch-requested.v1.json": requestMessage(t, requested()), "dispatch-result.v1.json": resultMessage} {
		var written bytes.Buffer
		if err := json.Indent(&written, m.Value, "", "  "); err != nil {
			t.Fatal(err)
		}
		written.WriteByte('\n')
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, written.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(golden, written.Bytes()) {
			t.Errorf("%s: the event is written as\n%s\nthe contract says\n%s", name, written.Bytes(), golden)
		}
		m.Value = golden
		switch name {
		case "dispatch-requested.v1.json":
			if r, _, err := event.DecodeRequested(m); err != nil || !reflect.DeepEqual(r, requested()) {
				t.Errorf("%s reads as %+v: %v", name, r, err)
			}
		default:
			if r, err := event.DecodeResult(m); err != nil || !reflect.DeepEqual(r, result()) {
				t.Errorf("%s reads as %+v: %v", name, r, err)
			}
		}
	}
}

// withField returns the message with one field of its value changed; nil takes it away.
func withField(t *testing.T, m port.Message, name string, value any) port.Message {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(m.Value, &fields); err != nil {
		t.Fatal(err)
	}
	fields[name] = value
	if value == nil {
		delete(fields, name)
	}
	changed, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	m.Value = changed
	return m
}

func TestOptionalFieldsOfANewerWriterAreAllowed(t *testing.T) {
	t.Parallel()
	m := withField(t, requestMessage(t, requested()), "priority", map[string]any{"level": 3})
	if r, known, err := event.DecodeRequested(m); err != nil || !known || !reflect.DeepEqual(r, requested()) {
		t.Fatalf("read %+v: %v", r, err)
	}
}

func TestAnOlderWritersMissingOptionalFieldsAreAllowed(t *testing.T) {
	t.Parallel()
	m := requestMessage(t, requested())
	for _, name := range []string{"quiet_hours", "deadline", "call_deadline_ms"} {
		m = withField(t, m, name, nil)
	}
	r, _, err := event.DecodeRequested(m)
	if err != nil || r.QuietHours != nil || r.Deadline != nil || r.CallDeadlineMS != 0 {
		t.Fatalf("read %+v: %v", r, err)
	}
	if quiet, err := r.Quiet(&port.Zones{}); err != nil || !quiet.IsZero() {
		t.Fatalf("quiet hours %s: %v", quiet, err)
	}
}

const secret = "kim@example.com"

func TestAFieldThatCannotBeUsedIsNamedAndItsValueIsNot(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{
		"billing_month": nil, "user_id": -1, "attempt": -1, "round": -3, "step": -1, "channel": secret, "destination": nil,
		"statement_reference": nil, "unknown_policy": secret, "call_deadline_ms": -5,
		"quiet_hours": map[string]any{"from": secret, "to": "08:00", "zone": "Asia/Seoul"},
	} {
		r, _, err := event.DecodeRequested(withField(t, requestMessage(t, requested()), name, value))
		if err == nil {
			_, err = r.Quiet(&port.Zones{})
		}
		if !errors.Is(err, event.ErrUndecodable) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error is %v, want one that names the field", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "kim") {
			t.Errorf("%s: the error holds its value: %v", name, err)
		}
	}
	for _, value := range []any{secret, []int{1}, 1e30} {
		if _, _, err := event.DecodeRequested(withField(t, requestMessage(t, requested()), "user_id", value)); err == nil || strings.Contains(err.Error(), "kim") {
			t.Errorf("user_id %v: %v", value, err)
		}
	}
	m, err := result().Message("x", "", at)
	m = encode(t, m, err)
	for _, outcome := range []string{"CLAIMED", ""} {
		if _, err := event.DecodeResult(withField(t, m, "outcome", outcome)); !errors.Is(err, event.ErrUndecodable) {
			t.Errorf("outcome %q: %v", outcome, err)
		}
	}
}

func TestWhomAnUndecodableRequestIsForIsKnownByItsID(t *testing.T) {
	t.Parallel()
	m := requestMessage(t, requested())
	want := requested().Delivery()
	for name, value := range map[string][]byte{"no JSON": []byte("{"), "another kind of JSON": []byte("[]"), "empty": nil, "too long": make([]byte, event.MaxBytes+1)} {
		m.Value = value
		if r, known, err := event.DecodeRequested(m); err == nil || !known || r.Delivery() != want {
			t.Errorf("%s: %s, known %v: %v", name, r.Delivery(), known, err)
		}
	}
	m.Headers = m.Headers[:3] // no id
	if _, known, err := event.DecodeRequested(m); err == nil || known {
		t.Errorf("known %v without an id: %v", known, err)
	}
}

func TestAnIDThatNamesAnotherDeliveryIsNotTrusted(t *testing.T) {
	t.Parallel()
	m := requestMessage(t, requested())
	for i := range m.Headers {
		if m.Headers[i].Name == "ce_id" {
			m.Headers[i].Value = "2026-11/4712/2/1"
		}
	}
	if _, known, err := event.DecodeRequested(m); err == nil || known {
		t.Fatalf("known %v: %v", known, err)
	}
}

func TestAMessageOfAnotherTypeIsUndecodable(t *testing.T) {
	t.Parallel()
	m, err := result().Message("x", "", at)
	if _, _, err := event.DecodeRequested(encode(t, m, err)); !errors.Is(err, event.ErrUndecodable) {
		t.Fatal(err)
	}
	if _, err := event.DecodeResult(requestMessage(t, requested())); !errors.Is(err, event.ErrUndecodable) {
		t.Fatal(err)
	}
}
