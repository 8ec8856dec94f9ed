package smtp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

func mailGateway(t testing.TB, far porttest.SMTPFarEnd, change func(*Config)) *Gateway {
	t.Helper()
	c := Config{
		Provider: testProvider(channel.Email), Address: far.Address(), TLS: TLSNone, LocalName: "balsong.example",
		From: "발송 통신 <bills@example.com>", ReplyTo: "Help <help@example.com>", EnvelopeFrom: "bounces@example.com",
		Now: func() time.Time { return time.Date(2026, time.November, 3, 9, 0, 0, 0, time.UTC) },
	}
	if change != nil {
		change(&c)
	}
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	if c.Installation != nil {
		_ = g.Prepare(t.Context()) // a test may want it to fail
	}
	return g
}

func mailTo(destination string, n int64) port.Delivery {
	d := testDelivery(channel.Email, n)
	d.Destination = destination
	d.Content = port.Variant{Subject: "11월 청구서", HTML: "<p>52,000원 = total</p>", Text: "52,000원\n.\n..끝"}
	return d
}

func TestAMailCarriesItsKeyAndBothForms(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	if reply := mailGateway(t, far, nil).Send(t.Context(), mailTo("kim@example.com", 7)); reply.Verdict != port.CallAccepted || reply.MessageID != "m-17" {
		t.Fatalf("got %+v", reply)
	}
	letter, err := mail.ReadMessage(strings.NewReader(far.Letters()[0]))
	if err != nil {
		t.Fatal(err)
	}
	words := mime.WordDecoder{}
	for name, want := range map[string]string{
		"X-Idempotency-Key": "2026-11/7/1/2",
		"Message-ID":        "<2026-11.7.1.2@example.com>",
		"Date":              "Tue, 03 Nov 2026 09:00:00 +0000",
		"From":              `"발송 통신" <bills@example.com>`,
		"Reply-To":          `"Help" <help@example.com>`,
		"To":                "<kim@example.com>",
		"Subject":           "11월 청구서",
		"Mime-Version":      "1.0",
		"Auto-Submitted":    "auto-generated",
		"User-Agent":        "",
	} {
		got, err := words.DecodeHeader(letter.Header.Get(name))
		if err != nil || strings.ReplaceAll(got, `"`, "") != strings.ReplaceAll(want, `"`, "") {
			t.Errorf("%s is %q, want %q (%v)", name, got, want, err)
		}
	}
	kind, parameters, err := mime.ParseMediaType(letter.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the content type is %q (%v)", kind, err)
	}
	parts := multipart.NewReader(letter.Body, parameters["boundary"])
	for _, want := range []struct{ kind, body string }{
		{"text/plain", "52,000원\n.\n..끝"}, {"text/html", "<p>52,000원 = total</p>"},
	} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil || !strings.HasPrefix(part.Header.Get("Content-Type"), want.kind) ||
			strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n") != want.body {
			t.Errorf("got %s %q, want %+v (%v)", part.Header.Get("Content-Type"), body, want, err)
		}
	}
	if got := strings.Join(far.Commands()[1:3], " | "); got != "MAIL FROM:<bounces@example.com> | RCPT TO:<kim@example.com>" {
		t.Errorf("the envelope is %s", got)
	}
}

func TestLineBreaksNeverReachAHeader(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	g := mailGateway(t, far, nil)
	for n, subject := range []string{"a\r\nBcc: b@example.com", "a\nBcc: b", "a\rBcc: b", "청\r\nBcc: b", "a\u2028Bcc: b", "a\x00\x0bb", strings.Repeat("길", 400) + "\r\n\r\nbody"} {
		d := mailTo("kim@example.com", int64(n+1))
		d.Content.Subject = subject
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted {
			t.Fatalf("%q: %+v", subject, reply)
		}
	}
	for _, text := range far.Letters() {
		letter, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
		if err != nil || letter.Header.Get("Bcc") != "" || len(letter.Header) != 10 || strings.ContainsAny(subject, "\r\n\x00") {
			t.Errorf("the headers are %v (%v)", letter.Header, err)
		}
	}
}

func TestADestinationThatIsNoAddressIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	g := mailGateway(t, far, nil)
	for _, destination := range []string{
		"", "kim", "kim@", "@example.com", "kim@example.com\r\nRCPT TO:<b@example.com>", "kim@example.com\n", "Kim <kim@example.com>",
		"a@example.com, b@example.com", "kim@example.com>", `"a b"@example.com`, "kim\x00@example.com", strings.Repeat("a", 250) + "@example.com",
	} {
		reply := g.Send(t.Context(), mailTo(destination, 1))
		if reply.Verdict != port.CallRefused || reply.Class != attempt.Permanent {
			t.Errorf("%q: %+v", destination, reply)
		}
	}
	if n := far.Connections(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestAnEmptyStatementIsRefusedAsContent(t *testing.T) {
	t.Parallel()
	d := mailTo("kim@example.com", 1)
	d.Content.Text, d.Content.HTML = "", ""
	reply := mailGateway(t, porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{}), nil).Send(t.Context(), d)
	if reply.Verdict != port.CallRefused || reply.Class != attempt.Content {
		t.Errorf("got %+v", reply)
	}
}

// Until the first byte of the message, a line that breaks is no call; a refusal is judged by its stage.
func TestEachStageBeforeTheMessage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verb, reply string
		verdict     port.Verdict
		class       attempt.FailureClass
	}{
		{"GREETING", porttest.Hangup, port.CallNotMade, ""},
		{"GREETING", "554 5.7.1 go away", port.CallRefused, attempt.Provider},
		{"GREETING", "421 too many connections", port.CallThrottled, ""},
		{"GREETING", "hello", port.CallNotMade, ""},
		{"EHLO", porttest.Hangup, port.CallNotMade, ""},
		{"EHLO", "421 4.7.0 try later", port.CallThrottled, ""},
		{"MAIL", porttest.Hangup, port.CallNotMade, ""},
		{"MAIL", "550 5.7.1 sender not allowed", port.CallRefused, attempt.Provider},
		{"MAIL", "530 5.7.0 authenticate first", port.CallRefused, attempt.Provider},
		{"MAIL", "454 Throttling failure: Maximum sending rate exceeded.", port.CallThrottled, ""},
		{"RCPT", porttest.Hangup, port.CallNotMade, ""},
		{"RCPT", "550 no such user", port.CallRefused, attempt.Permanent},
		{"RCPT", "550 5.1.1 no such user", port.CallRefused, attempt.Permanent},
		{"RCPT", "450 4.2.1 busy", port.CallRefused, attempt.Temporary},
		{"RCPT", "450 4.2.0 Greylisted", port.CallThrottled, ""},
		{"RCPT", "451 4.7.1 later", port.CallThrottled, ""},
		{"RCPT", "530 5.7.0 authenticate first", port.CallRefused, attempt.Provider},
		{"RCPT", "599 what", port.CallRefused, attempt.Permanent},
		{"RCPT", "504 5.5.2 <balsong>: Helo command rejected", port.CallRefused, attempt.Provider},
		{"DATA", porttest.Hangup, port.CallNotMade, ""},
		{"DATA", "451 4.3.0 later", port.CallRefused, attempt.Temporary},
		{"DATA", "554 5.5.1 no valid recipients", port.CallRefused, attempt.Temporary},
		{"DATA", "250 what", port.CallNotMade, ""},
	} {
		for _, extensions := range [][]string{nil, {"PIPELINING"}} {
			t.Run(strings.Join(append(extensions, c.verb, strings.Trim(c.reply, "\x00")), " "), func(t *testing.T) {
				t.Parallel()
				far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Extensions: extensions, Reply: func(_ int, verb string) string {
					if verb == c.verb {
						return c.reply
					}
					return ""
				}})
				reply := mailGateway(t, far, nil).Send(t.Context(), mailTo("kim@example.com", 1))
				if reply.Verdict != c.verdict || reply.Class != c.class || reply.Detail == "" {
					t.Errorf("got %+v, want %s %s", reply, c.verdict, c.class)
				}
				if far.Begun() != 0 {
					t.Error("the message began")
				}
			})
		}
	}
}

// A reply that came before the message says nothing about it, wherever it lies: in the reader's buffer, in the socket or
// decrypted inside TLS.
func TestAReplyBeforeTheMessageIsNotTakenForItsAcceptance(t *testing.T) {
	t.Parallel()
	server, client := porttest.Certificate()
	for name, policy := range map[string]TLSPolicy{"plain": TLSNone, "STARTTLS": TLSMandatory, "implicit TLS": TLSImplicit} {
		for _, between := range []string{"", porttest.NextRecord} {
			far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{
				TLS: server, Implicit: policy == TLSImplicit, Extensions: []string{"STARTTLS"},
				Reply: func(_ int, verb string) string {
					if verb == "DATA" {
						return "354 continue\r\n" + between + "250 2.0.0 queued already"
					}
					return ""
				},
			})
			g := mailGateway(t, far, func(c *Config) { c.TLS, c.TLSConfig = policy, client })
			if reply := g.Send(t.Context(), mailTo("kim@example.com", 1)); reply.Verdict != port.CallNotMade {
				t.Errorf("%s, in two records %t: %+v", name, between != "", reply)
			}
		}
	}
}

func TestAReplyThatNeverEndsIsCutOff(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Reply: func(_ int, verb string) string {
		if verb == "RCPT" {
			return strings.Repeat("250-more\r\n", maxReply/5)
		}
		return ""
	}})
	reply := mailGateway(t, far, nil).Send(t.Context(), mailTo("kim@example.com", 1))
	if reply.Verdict != port.CallNotMade || !strings.Contains(reply.Detail, "too long") {
		t.Errorf("got %+v", reply)
	}
}

func TestAddressesBeyondASCIINeedTheExtension(t *testing.T) {
	t.Parallel()
	without := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	reply := mailGateway(t, without, nil).Send(t.Context(), mailTo("철수@example.com", 1))
	if reply.Verdict != port.CallRefused || reply.Class != attempt.Permanent || without.Begun() != 0 {
		t.Errorf("without SMTPUTF8: %+v", reply)
	}
	with := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Extensions: []string{"SMTPUTF8", "8BITMIME"}})
	g := mailGateway(t, with, nil)
	for _, to := range []string{"철수@example.com", "kim@example.com"} {
		if reply := g.Send(t.Context(), mailTo(to, 1)); reply.Verdict != port.CallAccepted {
			t.Errorf("%s with SMTPUTF8: %+v", to, reply)
		}
	}
	commands := with.Commands()
	if !strings.Contains(commands[1], "SMTPUTF8") || strings.Contains(commands[4], "SMTPUTF8") {
		t.Errorf("SMTPUTF8 belongs to the first mail alone: %q", commands)
	}
}

func TestAContextThatEndsBeforeTheMessageIsNoCall(t *testing.T) {
	t.Parallel()
	// The end races with the reply: more often after DATA, where one step later the outcome would be unknown.
	for _, extensions := range [][]string{nil, {"PIPELINING"}} {
		for _, verb := range append([]string{"GREETING", "EHLO", "MAIL", "RCPT"}, slices.Repeat([]string{"DATA"}, 40)...) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Extensions: extensions, Reply: func(_ int, asked string) string {
				if asked == verb {
					cancel() // and answer as usual: the answer comes too late, or just not
				}
				return ""
			}})
			reply := mailGateway(t, far, nil).Send(ctx, mailTo("kim@example.com", 1))
			if reply.Verdict != port.CallNotMade || len(far.Arrived()) != 0 {
				t.Errorf("%s, %v: %+v, arrived %q", verb, extensions, reply, far.Arrived())
			}
		}
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	quit := make(chan struct{}, 1)
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Reply: func(_ int, verb string) string {
		if verb == "QUIT" {
			quit <- struct{}{}
		}
		return ""
	}})
	g := mailGateway(t, far, func(c *Config) { c.IdleTimeout = time.Millisecond })
	g.Send(t.Context(), mailTo("kim@example.com", 1))
	select {
	case <-quit:
	case <-time.After(20 * time.Second):
		t.Fatal("the idle connection was not closed")
	}
	if _, kept := g.pool.Take(); kept {
		t.Error("the closed connection is still kept")
	}
}

func TestAClosedGatewayKeepsNothing(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	g := mailGateway(t, far, nil)
	g.Send(t.Context(), mailTo("kim@example.com", 1))
	g.Close()
	if reply := g.Send(t.Context(), mailTo("kim@example.com", 2)); reply.Verdict != port.CallAccepted {
		t.Errorf("got %+v", reply)
	}
	if _, kept := g.pool.Take(); kept {
		t.Error("a connection is kept")
	}
}

func TestSMTPInvalidConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"sms":                 func(c *Config) { c.Provider.Channel = channel.SMS },
		"no port":             func(c *Config) { c.Address = "mail.example.com" },
		"no policy":           func(c *Config) { c.TLS = "" },
		"no sender":           func(c *Config) { c.From = "" },
		"bad bounce":          func(c *Config) { c.EnvelopeFrom = "a b" },
		"bad class":           func(c *Config) { c.Advertising.From = "nobody" },
		"bad answer":          func(c *Config) { c.Advertising.ReplyTo = "nobody" },
		"a name of two lines": func(c *Config) { c.From = "=?utf-8?q?a=0D=0AX:_b?= <a@example.com>" },
		"bad reply":           func(c *Config) { c.ReplyTo = "nobody" },
		"short feedback id":   func(c *Config) { c.FeedbackID = "abcd" },
		"injected feedback":   func(c *Config) { c.FeedbackID = "abcdef\r\nBcc: x" },
		"injected host":       func(c *Config) { c.LocalName = "a\r\nMAIL" },
		"short lease":         func(c *Config) { c.Provider.Lease = time.Second },
	} {
		c := Config{Provider: testProvider(channel.Email), Address: "127.0.0.1:25", TLS: TLSNone, From: "a@example.com"}
		change(&c)
		if _, err := New(c); !errors.Is(err, gateway.ErrConfig) && !errors.Is(err, port.ErrProvider) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMailIsTheSameForTheSameKey(t *testing.T) {
	t.Parallel()
	g := mailGateway(t, porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{}), nil)
	ids := map[string]bool{}
	for range 2 {
		message, err := g.writer.Write(mailTo("kim@example.com", 1), "kim@example.com")
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(message))
		if err != nil {
			t.Fatal(err)
		}
		ids[m.Header.Get("Message-ID")] = true
	}
	if len(ids) != 1 {
		t.Errorf("two Message-IDs for one key: %v", ids)
	}
}
