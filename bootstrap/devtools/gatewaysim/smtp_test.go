package gatewaysim

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/wneessen/go-mail"
)

const mailData = "From: bills@example.com\r\nTo: kim@example.com\r\nSubject: Bill\r\nX-Idempotency-Key: 2026-11/1/0/0\r\n\r\nYour bill\r\n"

// send sends one e-mail on a connection of its own; code and text are the
// gateway's refusal.
func (b *testBundle) send(to, data string) error {
	return smtp.SendMail(b.SMTPAddr(), nil, "bills@example.com", []string{to}, []byte(data))
}

func TestAMailLibraryDeliversOverStartTLSWithPassword(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.StartTLS, c.Username, c.Password = true, "balsong", "secret" })
	certificate, err := os.ReadFile(CertificatePath(b.dir))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	host, port, _ := net.SplitHostPort(b.SMTPAddr())
	number, _ := strconv.Atoi(port)
	options := func(password string) []mail.Option {
		return []mail.Option{
			mail.WithPort(number), mail.WithTLSPolicy(mail.TLSMandatory), mail.WithTLSConfig(&tls.Config{RootCAs: roots, ServerName: host}),
			mail.WithSMTPAuth(mail.SMTPAuthPlain), mail.WithUsername("balsong"), mail.WithPassword(password),
		}
	}
	message := mail.NewMsg()
	if err := errors.Join(message.From("bills@example.com"), message.To("Kim@example.com")); err != nil {
		t.Fatal(err)
	}
	message.Subject("청구서")
	message.SetGenHeader("X-Idempotency-Key", "2026-11/4711/0/0")
	message.SetBodyString(mail.TypeTextPlain, "Your bill")
	message.AddAlternativeString(mail.TypeTextHTML, "<p>Your bill</p>")

	client, err := mail.NewClient(host, options("wrong")...)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.DialAndSend(message); err == nil {
		t.Error("a wrong password was good enough")
	}
	if client, err = mail.NewClient(host, options("secret")...); err != nil {
		t.Fatal(err)
	}
	if err := client.DialAndSend(message); err != nil {
		t.Fatal(err)
	}
	records := b.records(t)
	if len(records) != 1 || records[0].IdempotencyKey != "2026-11/4711/0/0" || records[0].Channel != "EMAIL" {
		t.Errorf("log %+v", records)
	}
	if err := b.send("kim@example.com", mailData); err == nil {
		t.Error("a stopped gateway accepts")
	}
}

func TestWithoutPasswordNothingIsAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Username, c.Password = "balsong", "secret" })
	if err := b.send("kim@example.com", mailData); err == nil {
		t.Error("accepted")
	}
}

func TestEachMailRefusalHasItsReply(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		set  func(*Settings)
		code int
		text string
	}{
		"permanent":     {func(s *Settings) { s.Email.Permanent = 1 }, 550, "5.1.1"},
		"content":       {func(s *Settings) { s.Email.Content = 1 }, 554, "5.6.0"},
		"temporary":     {func(s *Settings) { s.Email.Temporary = 1 }, 451, "4.2.1"},
		"throttled":     {func(s *Settings) { s.Email.Throttled = 1 }, 451, "4.7.0 rate limit"},
		"throttled 421": {func(s *Settings) { s.Email.Throttled, s.SMTP.ThrottleCode = 1, 421 }, 421, "4.7.0 rate limit"},
	} {
		for _, at := range []string{behaviour.RefuseAtData, behaviour.RefuseAtRcpt} {
			t.Run(name+" at "+at, func(t *testing.T) {
				t.Parallel()
				b := setup(t, func(c *Config) { test.set(&c.Settings); c.Settings.SMTP.RefuseAt = at })
				err := b.send("kim@example.com", mailData)
				refusal := (*textproto.Error)(nil)
				if !errors.As(err, &refusal) || refusal.Code != test.code || !strings.HasPrefix(refusal.Msg, test.text) {
					t.Fatalf("got %v", err)
				}
				records := b.records(t)
				class, _, _ := strings.Cut(name, " ")
				if len(records) != 1 || records[0].Accepted || records[0].Class != class {
					t.Fatalf("log %+v", records)
				}
				keyKnown := at == behaviour.RefuseAtData || class == "content"
				if (records[0].IdempotencyKey != "") != keyKnown {
					t.Errorf("key %q", records[0].IdempotencyKey)
				}
			})
		}
	}
}

func TestMailAcceptThenDropLogsTheMessageAndBreaksTheConnection(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Settings.Email.AcceptThenDrop = 1 })
	err := b.send("kim@example.com", mailData)
	refusal := (*textproto.Error)(nil)
	if err == nil || errors.As(err, &refusal) {
		t.Errorf("there was an answer: %v", err)
	}
	if records := b.records(t); len(records) != 1 || !records[0].Accepted || !records[0].Dropped {
		t.Errorf("log %+v", records)
	}
}

func TestOneConnectionCarriesSeveralMails(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	client, err := smtp.Dial(b.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 3 {
		if err := errors.Join(client.Mail("bills@example.com"), client.Rcpt("kim@example.com")); err != nil {
			t.Fatal(err)
		}
		if err := client.Rcpt("lee@example.com"); err == nil {
			t.Error("a second recipient was accepted")
		}
		w, err := client.Data()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(mailData)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.Stats(); got.Accepted != 3 || got.AcceptedAgain != 2 {
		t.Errorf("stats %+v", got)
	}
}

func TestAMailCutShortIsNotAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	connection, err := textproto.Dial("tcp", b.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		line string
		code int
	}{{"", 220}, {"EHLO x", 250}, {"MAIL FROM:<a@example.com>", 250}, {"RCPT TO:<b@example.com>", 250}, {"DATA", 354}} {
		if step.line != "" {
			if err := connection.PrintfLine("%s", step.line); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := connection.ReadResponse(step.code); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(connection.PrintfLine("Subject: half a mail"), connection.Close()); err != nil {
		t.Fatal(err)
	}
	if records := b.records(t); len(records) != 0 {
		t.Errorf("log %+v", records)
	}
}

func TestIdempotencyKeyIsReadFromTheHeaderAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ data, want string }{
		"plain":            {"X-Idempotency-Key: 2026-11/1/0/0\r\n\r\n", "2026-11/1/0/0"},
		"any case":         {"x-idempotency-KEY:k\r\n\r\n", "k"},
		"folded":           {"X-Idempotency-Key:\r\n 2026-11/1/0/0\r\n\r\n", "2026-11/1/0/0"},
		"after others":     {"Subject: a\r\n b\r\nX-Idempotency-Key: k\r\n\r\n", "k"},
		"in the body":      {"Subject: a\r\n\r\nX-Idempotency-Key: k\r\n", ""},
		"in a folded line": {"Subject: a\r\n X-Idempotency-Key: k\r\n\r\n", ""},
		"two words":        {"X-Idempotency-Key: a b\r\n\r\n", ""},
		"none":             {"", ""},
	} {
		if got := idempotencyKey([]byte(test.data)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func FuzzIdempotencyKey(f *testing.F) {
	f.Add([]byte(mailData))
	f.Add([]byte("X-Idempotency-Key:\r\n\tk\r\n"))
	f.Add([]byte("X-Idempotency-Key"))
	f.Fuzz(func(t *testing.T, data []byte) {
		key := idempotencyKey(data)
		if !validKey(key) {
			t.Errorf("%q is no valid key", key)
		}
		if key != "" && !strings.Contains(strings.ToLower(string(data)), "x-idempotency-key:") {
			t.Errorf("key %q from nowhere", key)
		}
	})
}

func TestOneConnectionTooManyIsRefusedUntilAnotherOneEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Settings.SMTP.Connections = 2 })
	greet := func() (*smtp.Client, error) {
		client, err := smtp.Dial(b.SMTPAddr())
		if err != nil {
			t.Fatal(err)
		}
		return client, client.Hello("mail.example.com")
	}
	first, err := greet()
	if err != nil {
		t.Fatal(err)
	}
	second, err := greet()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	var refused *textproto.Error
	if third, err := greet(); !errors.As(err, &refused) || refused.Code != 421 || !strings.Contains(refused.Msg, "too many connections") {
		t.Errorf("the third: %v", err)
	} else {
		third.Close()
	}
	if err := first.Quit(); err != nil {
		t.Fatal(err)
	}
	for { // its end is noticed a little later
		fourth, err := greet()
		fourth.Close()
		if err == nil {
			return
		}
	}
}
