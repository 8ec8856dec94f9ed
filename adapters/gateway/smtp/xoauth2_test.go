package smtp

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	gosmtp "github.com/wneessen/go-mail/smtp"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
)

// heldToken is a port's other side: a token that is held from the first Prepare to the first Refused.
type heldToken struct {
	prepared, refused atomic.Int32
	held              atomic.Bool
	err               error
}

func (h *heldToken) Prepare(context.Context) error {
	h.prepared.Add(1)
	h.held.Store(h.err == nil)
	return h.err
}

func (h *heldToken) Held() (string, bool) { return "ya29.secret", h.held.Load() }

func (h *heldToken) Refused(token string) {
	if token == "ya29.secret" {
		h.refused.Add(1)
		h.held.Store(false)
	}
}

func byToken(tokens Tokens) func(*Config) {
	return func(c *Config) { c.Username, c.Tokens = "bills@example.com", tokens }
}

func TestALoginByXOAUTH2UsesATokenThatWasAskedForBefore(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Extensions: []string{"AUTH LOGIN PLAIN XOAUTH2"}})
	tokens := &heldToken{}
	g := mailGateway(t, far, byToken(tokens))
	reply := g.Send(t.Context(), mailTo("kim@example.com", 1))
	if reply.Verdict != port.CallNotMade || tokens.prepared.Load() != 0 {
		t.Errorf("a call without a token: %+v, asked for %d times", reply, tokens.prepared.Load())
	}
	if err := g.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if reply := g.Send(t.Context(), mailTo("kim@example.com", 1)); reply.Verdict != port.CallAccepted || tokens.prepared.Load() != 1 {
		t.Errorf("%+v, asked for %d times", reply, tokens.prepared.Load())
	}
	want := "AUTH XOAUTH2 " + base64.StdEncoding.EncodeToString([]byte("user=bills@example.com\x01auth=Bearer ya29.secret\x01\x01"))
	if !slices.Contains(far.Commands(), want) {
		t.Errorf("%q has no %q", far.Commands(), want)
	}
}

// A server says why it refuses a token in a challenge, waits for an empty answer, and then refuses: Gmail with 535 5.7.8,
// Exchange Online with 535 5.7.3.
func TestARefusedTokenIsAboutUsAndIsTakenBack(t *testing.T) {
	t.Parallel()
	challenge := "334 " + base64.StdEncoding.EncodeToString([]byte(`{"status":"401","schemes":"bearer mac","scope":"https://mail.google.com/"}`))
	for name, c := range map[string]struct {
		auth, empty string
		extensions  string
		refused     int32
		verdict     port.Verdict
		said        string
	}{
		"Gmail":                {challenge, "535 5.7.8 Username and Password not accepted. For more information, go to 5.7.8 https://support.google.com/mail/?p=BadCredentials", "AUTH XOAUTH2", 1, port.CallRefused, "535 5.7.8"},
		"Exchange Online":      {"535 5.7.3 Authentication unsuccessful [SE2P216CA0012.KORP216.PROD.OUTLOOK.COM]", "", "AUTH LOGIN XOAUTH2", 1, port.CallRefused, "535 5.7.3"},
		"SMTP AUTH is off":     {"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.", "", "AUTH LOGIN XOAUTH2", 1, port.CallRefused, "5.7.139"},
		"a fault of its own":   {"454 4.7.0 Temporary authentication failure", "", "AUTH XOAUTH2", 0, port.CallThrottled, "454"},
		"an endless challenge": {challenge, challenge, "AUTH XOAUTH2", 0, port.CallNotMade, "more than XOAUTH2 has"},
		"no base64":            {"334 ???", "", "AUTH XOAUTH2", 0, port.CallNotMade, "illegal base64"},
		"another mechanism":    {"", "", "AUTH PLAIN LOGIN", 0, port.CallRefused, "does not offer XOAUTH2"},
		"no login at all":      {"", "", "SIZE", 0, port.CallRefused, "does not offer XOAUTH2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Extensions: []string{c.extensions}, Reply: func(_ int, verb string) string {
				return map[string]string{"AUTH": c.auth, "": c.empty}[verb]
			}})
			tokens := &heldToken{}
			tokens.held.Store(true)
			g := mailGateway(t, far, byToken(tokens))
			reply := g.Send(t.Context(), mailTo("kim@example.com", 1))
			if reply.Verdict != c.verdict || !strings.Contains(reply.Detail, c.said) || strings.Contains(reply.Detail, "ya29") || tokens.refused.Load() != c.refused {
				t.Errorf("%+v, taken back %d times", reply, tokens.refused.Load())
			}
			if c.verdict == port.CallRefused && (reply.Class != attempt.Provider || reply.Doubtful) {
				t.Errorf("%+v is not about us", reply)
			}
			if len(far.Letters()) != 0 {
				t.Error("a letter went out without a login")
			}
		})
	}
}

func TestACheckAsksForATokenAndSaysWhyItIsRefused(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Extensions: []string{"AUTH XOAUTH2"}, Reply: func(connection int, verb string) string {
		if connection > 1 {
			return map[string]string{"AUTH": "334 eyJzdGF0dXMiOiI0MDAiLCJzY29wZSI6Imh1bnRlcjIifQ==", "": "535 5.7.8 no"}[verb] // status 400
		}
		return ""
	}})
	tokens := &heldToken{}
	g := mailGateway(t, far, byToken(tokens))
	if err := g.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.Check(t.Context()); !errors.Is(err, gateway.ErrCheck) || !strings.Contains(err.Error(), "AUTH XOAUTH2: 535") || !strings.Contains(err.Error(), "(status 400)") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	tokens.err = errors.New("the token endpoint idp.example.com refuses the client")
	if err := g.Check(t.Context()); !errors.Is(err, tokens.err) || !errors.Is(err, gateway.ErrCheck) {
		t.Error(err)
	}
}

func serverInfo(name string, encrypted bool) *gosmtp.ServerInfo {
	return &gosmtp.ServerInfo{Name: name, TLS: encrypted}
}

func TestATokenNeverGoesUnencryptedToAnotherMachine(t *testing.T) {
	t.Parallel()
	tokens := &heldToken{}
	tokens.held.Store(true)
	x := &xoauth2{user: "u", token: "t"}
	for name, ok := range map[string]bool{"mail.example.com": false, "127.0.0.1": true, "localhost": true} {
		if _, _, err := x.Start(serverInfo(name, false)); (err == nil) != ok {
			t.Errorf("%s without TLS: %v", name, err)
		}
		if _, _, err := x.Start(serverInfo(name, true)); err != nil {
			t.Errorf("%s by TLS: %v", name, err)
		}
	}
	for name, change := range map[string]func(*Config){
		"no mailbox": func(c *Config) { c.Username = "" }, "a password too": func(c *Config) { c.Password = "p" },
		"a user that adds fields": func(c *Config) { c.Username = "a\x01auth=Bearer b" },
	} {
		c := Config{Provider: testProvider("EMAIL"), Address: "127.0.0.1:25", TLS: TLSNone, From: "a@example.com"}
		byToken(tokens)(&c)
		change(&c)
		if _, err := New(c); !errors.Is(err, gateway.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
