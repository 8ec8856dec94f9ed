package fcm_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/fcm"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

var now = time.Date(2026, time.November, 30, 9, 0, 0, 0, time.UTC)

// server answers with a body, and gives what was posted to it.
func server(t testing.TB, status int, body string) (address string, posted chan sent) {
	t.Helper()
	posted = make(chan sent, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var call sent
		if err := json.Unmarshal(raw, &call); err != nil {
			t.Error(err)
		}
		posted <- call
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL, posted
}

const taken = `{"name":"projects/bills-1/messages/0:15%31bd"}`

func push(t testing.TB, about string) port.Delivery {
	t.Helper()
	d, err := key.ParseDelivery(about)
	if err != nil {
		t.Fatal(err)
	}
	return port.Delivery{Key: d, Channel: channel.Push, Destination: "dGVzdA:APA91b", Content: port.Variant{Title: "11월 청구서", Text: "청구 금액 <b>"}}
}

func TestEachTryOfABillTakesThePlaceOfTheOneBefore(t *testing.T) {
	t.Parallel()
	address, posted := server(t, 200, taken)
	g := prepared(t, func(c *fcm.Config) { c.URL = address })
	own := references(t)
	bill := own.To(push(t, "2026-11/4711/0/0").Key)
	for _, about := range []string{"2026-11/4711/0/0", "2026-11/4711/1/2", "2026-11/4712/0/0"} {
		d := push(t, about)
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted || reply.MessageID != "0:15%31bd" {
			t.Fatalf("%+v", reply)
		}
		m := (<-posted).Message
		if m.Token != d.Destination || m.Notification.Title != d.Content.Title || m.Notification.Body != d.Content.Text || m.Data["balsong"] != own.To(d.Key) {
			t.Errorf("%s: %+v", about, m)
		}
		same := strings.HasPrefix(about, "2026-11/4711/")
		if m.Android.CollapseKey != m.Android.Notification.Tag || m.Android.CollapseKey != m.APNs.Headers["apns-collapse-id"] || (m.Android.CollapseKey == bill) != same || len(bill) > 64 {
			t.Errorf("%s: %+v, %+v", about, m.Android, m.APNs)
		}
	}
}

func TestFCMIsToldHowLongAMessageMayWait(t *testing.T) {
	t.Parallel()
	address, posted := server(t, 200, taken)
	g := prepared(t, func(c *fcm.Config) { c.URL, c.Now, c.References = address, func() time.Time { return now }, nil })
	for until, want := range map[time.Time]string{now.Add(90500 * time.Millisecond): "90s", now.Add(-time.Hour): "0s", now.AddDate(1, 0, 0): "2419200s"} {
		d := push(t, "2026-11/4711/0/0")
		d.Until = until
		_ = g.Send(t.Context(), d)
		if m := (<-posted).Message; m.Android == nil || m.Android.TTL != want || m.APNs.Headers["apns-expiration"] == "" || m.Data != nil {
			t.Errorf("until %s: %+v", until, m)
		}
	}
	_ = g.Send(t.Context(), push(t, "2026-11/4711/0/0"))
	if m := (<-posted).Message; m.Android != nil || m.APNs != nil {
		t.Errorf("without an end: %+v", m)
	}
}

func TestNothingIsCalledWithoutAToken(t *testing.T) {
	t.Parallel()
	address, posted := server(t, 200, taken)
	g, err := fcm.New(config(t, func(c *fcm.Config) { c.URL, c.Tokens = address, tokens{err: errNone} }))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Prepare(t.Context()); !errors.Is(err, errNone) {
		t.Error(err)
	}
	if reply := g.Send(t.Context(), push(t, "2026-11/1/0/0")); reply.Verdict != port.CallNotMade || len(posted) != 0 {
		t.Errorf("%+v", reply)
	}
	unprepared, err := fcm.New(config(t, func(c *fcm.Config) { c.URL = address }))
	if err != nil {
		t.Fatal(err)
	}
	if reply := unprepared.Send(t.Context(), push(t, "2026-11/1/0/0")); reply.Verdict != port.CallNotMade || len(posted) != 0 {
		t.Errorf("without references: %+v", reply)
	}
}

func TestATokenThatFCMRefusesIsTakenBack(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}`:                         1,
		`{"error":{"code":401,"message":"Auth error from APNS","status":"UNAUTHENTICATED","details":[{"errorCode":"THIRD_PARTY_AUTH_ERROR"}]}}`: 0,
	} {
		own := held()
		address, _ := server(t, 401, body)
		g := prepared(t, func(c *fcm.Config) { c.URL, c.Tokens = address, own })
		if reply := g.Send(t.Context(), push(t, "2026-11/1/0/0")); reply.Class != attempt.Provider || len(own.refused) != want {
			t.Errorf("%s: %+v, %d tokens were taken back", body, reply, len(own.refused))
		}
	}
}

func TestWhatFCMDoesNotTakeIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	address, posted := server(t, 200, taken)
	g := prepared(t, func(c *fcm.Config) { c.URL = address })
	for name, c := range map[string]struct {
		change func(*port.Delivery)
		want   attempt.FailureClass
	}{
		"no token":     {func(d *port.Delivery) { d.Destination = " " }, attempt.Permanent},
		"a long token": {func(d *port.Delivery) { d.Destination = strings.Repeat("x", 5000) }, attempt.Permanent},
		"no text":      {func(d *port.Delivery) { d.Content.Text = " " }, attempt.Content},
		"a long text":  {func(d *port.Delivery) { d.Content.Text = strings.Repeat("길", 1400) }, attempt.Permanent},
	} {
		d := push(t, "2026-11/1/0/0")
		c.change(&d)
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallRefused || reply.Class != c.want {
			t.Errorf("%s: %+v", name, reply)
		}
	}
	sms := push(t, "2026-11/1/0/0")
	sms.Channel = channel.SMS
	if reply := g.Send(t.Context(), sms); reply.Verdict != port.CallNotMade || len(posted) != 0 {
		t.Errorf("an SMS: %+v, %d calls", reply, len(posted))
	}
}

func TestTheCheckSendsNothing(t *testing.T) {
	t.Parallel()
	for body, c := range map[string]struct {
		status int
		wrong  string
	}{
		`{"error":{"code":400,"message":"The registration token is not a valid FCM registration token","status":"INVALID_ARGUMENT"}}`: {400, ""},
		`{"error":{"code":403,"message":"Permission denied","status":"PERMISSION_DENIED"}}`:                                           {403, "PERMISSION_DENIED"},
		`<html>not found</html>`: {404, "not found"},
	} {
		address, posted := server(t, c.status, body)
		err := prepared(t, func(g *fcm.Config) { g.URL = address }).Check(t.Context())
		if (err == nil) != (c.wrong == "") || (err != nil && (!errors.Is(err, gateway.ErrCheck) || !strings.Contains(err.Error(), c.wrong))) {
			t.Errorf("%s: %v", body, err)
		}
		if call := <-posted; !call.ValidateOnly {
			t.Errorf("%+v was sent", call)
		}
	}
}

func TestAnInvalidConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*fcm.Config){
		"channel": func(c *fcm.Config) { c.Provider.Channel = channel.SMS },
		"lease":   func(c *fcm.Config) { c.Provider.Lease = 0 },
		"project": func(c *fcm.Config) { c.Project = "a/b" },
		"tokens":  func(c *fcm.Config) { c.Tokens = nil },
		"url":     func(c *fcm.Config) { c.URL = "example.com" },
	} {
		if _, err := fcm.New(config(t, change)); !errors.Is(err, gateway.ErrConfig) && !errors.Is(err, port.ErrProvider) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
