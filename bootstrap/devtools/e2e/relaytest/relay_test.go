// Package relaytest sends by SMTP to servers as careful as real ones, and lets the doctor look at them.
package relaytest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// relay is a mail server that refuses a client without a public name, and senders whom it does not know.
type relay struct {
	mu    sync.Mutex
	froms []string // of the messages that were taken
}

func (r *relay) NewSession(c *smtp.Conn) (smtp.Session, error) {
	if name := c.Hostname(); strings.HasPrefix(name, "localhost") || !strings.ContainsAny(name, ".[") {
		return nil, &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "helo command rejected: need fully-qualified hostname"}
	}
	return &dialogue{relay: r}, nil
}

type dialogue struct {
	relay *relay
	from  string
}

func (d *dialogue) Mail(from string, _ *smtp.MailOptions) error {
	if !strings.HasSuffix(from, "@bounces.example.com") {
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "sender address rejected: not owned by you"}
	}
	d.from = from
	return nil
}

func (d *dialogue) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (d *dialogue) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	d.relay.mu.Lock()
	defer d.relay.mu.Unlock()
	d.relay.froms = append(d.relay.froms, d.from)
	return err
}

func (d *dialogue) Reset()        {}
func (d *dialogue) Logout() error { return nil }

// start returns the server, its address and settings that fit it but for the certificate, which only the simulator's own
// client trusts; so the plain server is used where a message must arrive.
// gatewayOf is the gateway of a relay.
func gatewayOf(settings config.SMTP) (core.Gateway, error) {
	c := config.Gateways{SMTP: settings}
	return core.NewGateway(c, c.Providers()[0], nil, observe.Clock{})
}

func start(t *testing.T, implicit bool) (*relay, config.SMTP) {
	t.Helper()
	r := &relay{}
	server := smtp.NewServer(r)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if implicit {
		settings, _ := porttest.Certificate()
		listener = tls.NewListener(listener, settings)
	}
	server.ErrorLog = quiet{}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return r, config.SMTP{
		Addr: address, TLS: "none", EHLO: "mail.example.com", From: "Example <bills@example.com>", EnvelopeFrom: "b@bounces.example.com", InFlight: 1,
		CallDeadline: 10 * time.Minute, Lease: 15 * time.Minute, Margin: 30 * time.Second,
	}
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func TestACarefulServerTakesAMessageWithTheNameAndSenderThatAreSet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*config.SMTP)
		verdict port.Verdict
	}{
		"as it is set":       {func(*config.SMTP) {}, port.CallAccepted},
		"the address":        {func(c *config.SMTP) { c.EHLO = "[192.0.2.1]" }, port.CallAccepted},
		"localhost":          {func(c *config.SMTP) { c.EHLO = "localhost" }, port.CallRefused},
		"the From of a bill": {func(c *config.SMTP) { c.EnvelopeFrom = "" }, port.CallRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, settings := start(t, false)
			c.change(&settings)
			gateway, err := gatewayOf(settings)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(gateway.Close)
			month, _ := key.NewMonth(2026, time.November)
			reply := gateway.Send(t.Context(), port.Delivery{
				Key: key.Delivery{Month: month, UserID: 1}, Channel: channel.Email, Destination: "kim@example.com", Content: port.Variant{Subject: "bill", Text: "text"},
			})
			if reply.Verdict != c.verdict {
				t.Fatalf("got %+v, want %s", reply, c.verdict)
			}
			if reply.Verdict == port.CallRefused && reply.Class != attempt.Provider {
				t.Errorf("the class is %s: it is about us, whoever the customer is", reply.Class)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if accepted := reply.Verdict == port.CallAccepted; accepted != (len(r.froms) == 1) || accepted && r.froms[0] != "b@bounces.example.com" {
				t.Errorf("the envelope senders are %q", r.froms)
			}
		})
	}
}

func TestTheDoctorTriesNameSenderAndTLS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		implicit  bool
		change    func(*config.SMTP)
		level     doctor.Level
		found, do string
	}{
		"all fits":                {false, func(*config.SMTP) {}, doctor.OK, "EHLO", ""},
		"localhost":               {false, func(c *config.SMTP) { c.EHLO = "localhost" }, doctor.Problem, "550", "BALSONG_SMTP_EHLO"},
		"a sender of its own":     {false, func(c *config.SMTP) { c.EnvelopeFrom = "" }, doctor.Problem, "MAIL FROM: 553", "BALSONG_SMTP_ENVELOPE_FROM"},
		"implicit TLS, not here":  {false, func(c *config.SMTP) { c.TLS = "implicit" }, doctor.Problem, "TLS: ", "BALSONG_SMTP_TLS=mandatory"},
		"implicit TLS, untrusted": {true, func(c *config.SMTP) { c.TLS = "implicit" }, doctor.Problem, "certificate", "the certificate"},
		"STARTTLS, not offered":   {false, func(c *config.SMTP) { c.TLS = "mandatory" }, doctor.Problem, "STARTTLS", "BALSONG_SMTP_TLS=implicit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, settings := start(t, c.implicit)
			c.change(&settings)
			findings := doctor.Examine(context.Background(), doctor.Components{Gateways: &config.Gateways{SMTP: settings}}, observe.Clock{})
			ok := false
			for _, f := range findings {
				ok = ok || f.Component == "email/smtp" && f.Level == c.level && strings.Contains(f.Found, c.found) && strings.Contains(f.Do, c.do)
			}
			if !ok {
				t.Errorf("no finding %s %q %q in %+v", c.level, c.found, c.do, findings)
			}
			if len(r.froms) != 0 {
				t.Error("the doctor sent a message")
			}
		})
	}
}
