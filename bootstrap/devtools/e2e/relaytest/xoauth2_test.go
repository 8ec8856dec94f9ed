package relaytest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// mailbox is a mail server that takes a token of XOAUTH2, and answers a wrong one as Gmail does.
type mailbox struct {
	token   atomic.Value // of string
	letters atomic.Int32
}

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &loggedOut{mailbox: m}, nil }

type loggedOut struct {
	mailbox *mailbox
	in      bool
}

func (l *loggedOut) AuthMechanisms() []string { return []string{"XOAUTH2"} }

func (l *loggedOut) Auth(string) (sasl.Server, error) { return &xoauth2{session: l}, nil }

func (l *loggedOut) Mail(string, *smtp.MailOptions) error {
	if !l.in {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (l *loggedOut) Rcpt(string, *smtp.RcptOptions) error { return nil }

func (l *loggedOut) Data(r io.Reader) error {
	l.mailbox.letters.Add(1)
	_, err := io.Copy(io.Discard, r)
	return err
}

func (l *loggedOut) Reset()        {}
func (l *loggedOut) Logout() error { return nil }

// xoauth2 is the server's side of the mechanism.
type xoauth2 struct {
	session *loggedOut
	refused bool
}

func (x *xoauth2) Next(response []byte) (challenge []byte, done bool, err error) {
	wanted := "user=bills@example.com\x01auth=Bearer " + x.session.mailbox.token.Load().(string) + "\x01\x01"
	switch {
	case x.refused && len(response) == 0:
		return nil, false, &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "Username and Password not accepted"}
	case x.refused:
		return nil, false, errors.New("the challenge of a refusal was answered")
	case bytes.Equal(response, []byte(wanted)):
		x.session.in = true
		return nil, true, nil
	}
	x.refused = true
	return []byte(`{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}`), false, nil
}

// gmail runs the server and a token endpoint, and returns settings that fit both.
func gmail(t *testing.T) (*mailbox, config.SMTP) {
	t.Helper()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.PostFormValue("grant_type") != "refresh_token" || r.PostFormValue("refresh_token") != "granted" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"ya29.a","expires_in":3600}`)
	}))
	t.Cleanup(endpoint.Close)
	m := &mailbox{}
	m.token.Store("ya29.a")
	server := smtp.NewServer(m)
	server.AllowInsecureAuth, server.ErrorLog = true, quiet{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return m, config.SMTP{
		Addr: listener.Addr().String(), TLS: "none", EHLO: "mail.example.com", From: "bills@example.com", InFlight: 1,
		CallDeadline: 10 * time.Minute, Lease: 15 * time.Minute, Margin: 30 * time.Second,
		User: "bills@example.com", Auth: config.XOAuth2, OAuth: config.SMTPOAuth{
			OAuthClient: config.OAuthClient{TokenURL: endpoint.URL, ClientID: "balsong", ClientSecret: "hunter2"}, RefreshToken: "granted",
		},
	}
}

func TestAMailGoesOutWithATokenAndARefusedOneIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	m, settings := gmail(t)
	gateway, err := gatewayOf(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	month, _ := key.NewMonth(2026, time.November)
	send := func() port.Reply {
		if err := gateway.(port.Preparer).Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		return gateway.Send(t.Context(), port.Delivery{
			Key: key.Delivery{Month: month, UserID: 1}, Channel: channel.Email, Destination: "kim@example.com", Content: port.Variant{Subject: "bill", Text: "text"},
		})
	}
	m.token.Store("ya29.b")
	if reply := send(); reply.Verdict != port.CallRefused || reply.Class != attempt.Provider || !strings.Contains(reply.Detail, "535 5.7.8") || m.letters.Load() != 0 {
		t.Errorf("a token that the server does not know: %+v", reply)
	}
	m.token.Store("ya29.a")
	if reply := send(); reply.Verdict != port.CallAccepted || m.letters.Load() != 1 {
		t.Errorf("%+v", reply)
	}
}

func TestTheDoctorTellsWhoRefusesATokenOfTheMailbox(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change    func(*mailbox, *config.SMTP)
		level     doctor.Level
		found, do string
	}{
		"all fits":         {func(*mailbox, *config.SMTP) {}, doctor.OK, "login", ""},
		"an old grant":     {func(_ *mailbox, c *config.SMTP) { c.OAuth.RefreshToken = "taken-back" }, doctor.Problem, "invalid_grant", "_REFRESH_TOKEN"},
		"another mailbox":  {func(_ *mailbox, c *config.SMTP) { c.User = "other@example.com" }, doctor.Problem, "status 401", "BALSONG_SMTP_USER"},
		"no endpoint":      {func(_ *mailbox, c *config.SMTP) { c.OAuth.TokenURL = "http://127.0.0.1:1/" }, doctor.Problem, "cannot be reached", "BALSONG_SMTP_OAUTH_TOKEN_URL"},
		"a token too late": {func(m *mailbox, _ *config.SMTP) { m.token.Store("ya29.b") }, doctor.Problem, "AUTH XOAUTH2", "BALSONG_SMTP_OAUTH_SCOPES"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, settings := gmail(t)
			c.change(m, &settings)
			findings := doctor.Examine(context.Background(), doctor.Components{Gateways: &config.Gateways{SMTP: settings}}, observe.Clock{})
			ok := false
			for _, f := range findings {
				ok = ok || f.Component == "email/smtp" && f.Level == c.level && strings.Contains(f.Found, c.found) && strings.Contains(f.Do, c.do)
				if strings.Contains(f.Found+f.Do, "hunter2") || strings.Contains(f.Found+f.Do, "ya29") || strings.Contains(f.Found+f.Do, "taken-back") {
					t.Errorf("a secret is shown: %+v", f)
				}
			}
			if !ok || m.letters.Load() != 0 {
				t.Errorf("no finding %s %q %q in %+v", c.level, c.found, c.do, findings)
			}
		})
	}
}
