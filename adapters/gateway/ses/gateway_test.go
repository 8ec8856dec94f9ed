package ses_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/awscall/awscalltest"
	"github.com/balsong/balsong/adapters/gateway/email"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/ses"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

const secret = "a-secret-of-32-characters-or-more"

// named is an installation with an id.
type named string

func (n named) ID(context.Context) (string, error) {
	if n == "" {
		return "", errors.New("no database")
	}
	return string(n), nil
}

func source(t testing.TB, of named) *reference.Source {
	t.Helper()
	made, err := reference.NewSource(of, secret)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func bill(t testing.TB, to string) port.Delivery {
	t.Helper()
	d, err := key.ParseDelivery("2026-11/4711/0/1")
	if err != nil {
		t.Fatal(err)
	}
	return port.Delivery{Key: d, Channel: channel.Email, Destination: to, Content: port.Variant{Subject: "11월 청구서", Text: "청구 금액", HTML: "<p>청구 금액</p>"}}
}

// server answers with a body, and gives what was posted to it.
func server(t testing.TB, status int, body string) (address string, posted chan []byte) {
	t.Helper()
	posted = make(chan []byte, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		posted <- raw
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL, posted
}

func TestABillGoesOutWholeWithItsReferenceInATag(t *testing.T) {
	t.Parallel()
	address, posted := server(t, 200, `{"MessageId":"0100-1"}`)
	g := prepared(t, func(c *ses.Config) {
		c.URL, c.ConfigurationSet, c.Bounces, c.References, c.Installation = address, "balsong-1", "bounces@example.com", source(t, "prod42"), named("prod42")
		c.FeedbackID, c.Advertising = "balsong", email.SenderIdentity{From: "News <news@example.com>"}
	})
	d := bill(t, "kim@example.com")
	if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted || reply.MessageID != "0100-1" {
		t.Fatalf("%+v", reply)
	}
	var got sent
	raw := <-posted
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	references, err := reference.New("prod42", secret)
	if err != nil {
		t.Fatal(err)
	}
	if got.FromEmailAddress != "bills@example.com" || got.ConfigurationSetName != "balsong-1" || got.FeedbackForwardingEmailAddress != "bounces@example.com" ||
		len(got.EmailTags) != 1 || got.EmailTags[0].Name != "balsong" || got.EmailTags[0].Value != references.To(d.Key) || len(got.Destination.ToAddresses) != 1 {
		t.Errorf("%s", raw)
	}
	letter, err := mail.ReadMessage(bytes.NewReader(got.Content.Raw.Data))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"To": "<kim@example.com>", "From": `"Example Telecom" <bills@example.com>`, "X-Idempotency-Key": "2026-11/4711/0/1",
		"Message-Id": "<2026-11.4711.0.1.prod42@example.com>", "Feedback-Id": "2026-11:TRANSACTIONAL:prod42:balsong",
	} {
		if value := letter.Header.Get(name); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
	d.Content.Class = "ADVERTISING"
	_ = g.Send(t.Context(), d)
	if err := json.Unmarshal(<-posted, &got); err != nil || got.FromEmailAddress != "news@example.com" {
		t.Errorf("advertising is from %s (%v)", got.FromEmailAddress, err)
	}
}

func TestNothingIsCalledBeforeTheGatewayIsPrepared(t *testing.T) {
	t.Parallel()
	address, posted := server(t, 200, `{"MessageId":"0100-1"}`)
	for name, change := range map[string]func(*ses.Config){
		"no credentials":  func(c *ses.Config) { c.Identity = awscalltest.Identity{Region: "ap-northeast-2", None: true} },
		"no installation": func(c *ses.Config) { c.Installation = named("") },
		"no references":   func(c *ses.Config) { c.References = source(t, "") },
	} {
		g, err := ses.New(config(func(c *ses.Config) { c.URL = address; change(c) }))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Prepare(t.Context()); err == nil {
			t.Errorf("%s: it is prepared", name)
		}
		if reply := g.Send(t.Context(), bill(t, "kim@example.com")); reply.Verdict != port.CallNotMade || len(posted) != 0 {
			t.Errorf("%s: %+v", name, reply)
		}
	}
}

func TestWhatSESDoesNotTakeIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	address, posted := server(t, 200, `{"MessageId":"0100-1"}`)
	g := prepared(t, func(c *ses.Config) { c.URL = address })
	for to, want := range map[string]attempt.FailureClass{
		"": attempt.Permanent, "kim": attempt.Permanent, "kim@example.com\r\nBcc: b@example.com": attempt.Permanent,
		"김@example.com": attempt.Permanent, "kim@예시.example": attempt.Permanent,
	} {
		if reply := g.Send(t.Context(), bill(t, to)); reply.Verdict != port.CallRefused || reply.Class != want {
			t.Errorf("%q: %+v", to, reply)
		}
	}
	empty := bill(t, "kim@example.com")
	empty.Content = port.Variant{}
	if reply := g.Send(t.Context(), empty); reply.Verdict != port.CallRefused || reply.Class != attempt.Content {
		t.Errorf("an empty bill: %+v", reply)
	}
	sms := bill(t, "kim@example.com")
	sms.Channel = channel.SMS
	if reply := g.Send(t.Context(), sms); reply.Verdict != port.CallNotMade {
		t.Errorf("an SMS: %+v", reply)
	}
	if len(posted) != 0 {
		t.Errorf("%d calls", len(posted))
	}
}

func TestASuccessWithoutAMessageIsNoAcceptance(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `<html>hello</html>`, `{"MessageId":"a b"}`, ``} {
		address, _ := server(t, 200, body)
		g := prepared(t, func(c *ses.Config) { c.URL = address })
		if reply := g.Send(t.Context(), bill(t, "kim@example.com")); reply.Verdict != port.CallUnknown {
			t.Errorf("%s: %+v", body, reply)
		}
	}
}

func TestAnInvalidConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ses.Config){
		"channel":           func(c *ses.Config) { c.Provider.Channel = channel.SMS },
		"lease":             func(c *ses.Config) { c.Provider.Lease = 0 },
		"from":              func(c *ses.Config) { c.Sender.From = "bills" },
		"configuration set": func(c *ses.Config) { c.ConfigurationSet = "a b" },
		"bounces":           func(c *ses.Config) { c.Bounces = "bounces" },
		"url":               func(c *ses.Config) { c.URL = "example.com" },
		"feedback id":       func(c *ses.Config) { c.FeedbackID = "x" },
	} {
		if _, err := ses.New(config(change)); !errors.Is(err, gateway.ErrConfig) && !errors.Is(err, port.ErrProvider) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheCheckSaysWhatWouldKeepAMonthFromGoingOut(t *testing.T) {
	t.Parallel()
	account := func(enabled bool, status string, sent float64) string {
		return fmt.Sprintf(`{"SendingEnabled":%t,"EnforcementStatus":%q,"ProductionAccessEnabled":true,"SendQuota":{"Max24HourSend":50000,"MaxSendRate":14,"SentLast24Hours":%f}}`, enabled, status, sent)
	}
	for want, c := range map[string]struct {
		status int
		body   string
	}{
		"":                          {200, account(true, "HEALTHY", 100)},
		"paused":                    {200, account(false, "HEALTHY", 0)},
		"is paused for the account": {200, account(true, "SHUTDOWN", 0)},
		"50000 of 50000":            {200, account(true, "PROBATION", 50000)},
		"allow ses:GetAccount":      {403, `{"__type":"AccessDeniedException","message":"User: x is not authorized to perform: ses:GetAccount"}`},
	} {
		address, _ := server(t, c.status, c.body)
		err := prepared(t, func(g *ses.Config) { g.URL = address }).Check(t.Context())
		if (err == nil) != (want == "") || (err != nil && (!errors.Is(err, gateway.ErrCheck) || !strings.Contains(err.Error(), want))) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for production, want := range map[bool]string{true: "", false: "sandbox"} {
		address, _ := server(t, 200, fmt.Sprintf(`{"ProductionAccessEnabled":%t,"SendingEnabled":true}`, production))
		g := prepared(t, func(g *ses.Config) { g.URL = address })
		if err := g.Check(t.Context()); err != nil || (g.Limits() == "") != (want == "") || !strings.Contains(g.Limits(), want) {
			t.Errorf("production access is %v: %q (%v)", production, g.Limits(), err)
		}
	}
	if err := prepared(t, nil).Check(t.Context()); !errors.Is(err, gateway.ErrCheck) {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestWhatTheAccountMayStillSendIsAsked(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]port.Quota{
		`{"SendingEnabled":true,"SendQuota":{"Max24HourSend":50000,"MaxSendRate":14,"SentLast24Hours":49000.5}}`: {Limit: 50000, Left: 999, Window: 24 * time.Hour, Rate: 14},
		`{"SendingEnabled":true,"SendQuota":{"Max24HourSend":200,"MaxSendRate":1,"SentLast24Hours":230}}`:        {Limit: 200, Window: 24 * time.Hour, Rate: 1},
		`{"SendingEnabled":true,"SendQuota":{"Max24HourSend":-1,"MaxSendRate":-1,"SentLast24Hours":7}}`:          {},
		`{"SendingEnabled":true}`: {},
	} {
		address, _ := server(t, 200, body)
		if got, err := prepared(t, func(g *ses.Config) { g.URL = address }).Quota(t.Context()); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", body, got, err, want)
		}
	}
	address, _ := server(t, 403, `{"__type":"AccessDeniedException","message":"no"}`)
	if _, err := prepared(t, func(g *ses.Config) { g.URL = address }).Quota(t.Context()); !errors.Is(err, gateway.ErrCheck) {
		t.Errorf("refused: %v", err)
	}
}

// identities is SES with some identities, verified or not; refuses is the error of every question about one, "" of none.
func identities(t *testing.T, refuses string, known map[string]bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		asked, identity := strings.CutPrefix(r.URL.Path, "/v2/email/identities/")
		verified, found := known[asked]
		switch {
		case !identity:
			_, _ = io.WriteString(w, `{"ProductionAccessEnabled":true,"SendingEnabled":true}`)
		case refuses != "":
			w.Header().Set("X-Amzn-Errortype", refuses)
			w.WriteHeader(http.StatusForbidden)
		case found:
			fmt.Fprintf(w, `{"IdentityType":"DOMAIN","VerifiedForSendingStatus":%t}`, verified)
		default:
			w.Header().Set("X-Amzn-Errortype", "NotFoundException")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"message":"Email identity does not exist."}`)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestACheckSaysWhetherTheSenderIsVerified(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refuses string
		known   map[string]bool
		limited bool
	}{
		"the address":            {"", map[string]bool{"bills@mail.example.com": true}, false},
		"its domain":             {"", map[string]bool{"mail.example.com": true}, false},
		"the domain above":       {"", map[string]bool{"example.com": true}, false},
		"not verified yet":       {"", map[string]bool{"mail.example.com": false}, true},
		"none":                   {"", nil, true},
		"who may not ask":        {"AccessDeniedException", nil, false},
		"another's server there": {"X", nil, false},
	} {
		g := prepared(t, func(g *ses.Config) {
			g.URL, g.Sender = identities(t, c.refuses, c.known), email.SenderIdentity{From: "Bills <bills@mail.example.com>"}
		})
		if err := g.Check(t.Context()); err != nil || (g.Limits() != "") != c.limited {
			t.Errorf("%s: %q (%v)", name, g.Limits(), err)
		}
	}
}
