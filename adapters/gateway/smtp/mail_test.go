package smtp

import (
	"mime"
	"net/mail"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

func TestAdvertisingHasASenderIdentityOfItsOwnAndOneClickUnsubscribes(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	g := mailGateway(t, far, func(c *Config) {
		c.Advertising, c.EnvelopeFrom = SenderIdentity{"News <news@news.example.com>", "stop@example.com"}, ""
		c.Installation, c.FeedbackID = &named{id: "prod42"}, "balsong"
	})
	advertising := mailTo("kim@example.com", 1)
	advertising.Content.Class, advertising.Content.Unsubscribe = "ADVERTISING", "https://example.com/u?c=C-1&k=%20x"
	for _, d := range []port.Delivery{advertising, mailTo("kim@example.com", 2)} {
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted {
			t.Fatalf("%+v", reply)
		}
	}
	wants := []map[string]string{
		{
			"From": `"News" <news@news.example.com>`, "Reply-To": "<stop@example.com>", "Message-Id": "<2026-11.1.1.2.prod42@news.example.com>",
			"List-Unsubscribe": "<https://example.com/u?c=C-1&k=%20x>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
			"Feedback-Id": "2026-11:ADVERTISING:prod42:balsong",
		},
		{"Reply-To": `"Help" <help@example.com>`, "Message-Id": "<2026-11.2.1.2.prod42@example.com>", "List-Unsubscribe": "", "List-Unsubscribe-Post": "", "Feedback-Id": "2026-11:TRANSACTIONAL:prod42:balsong"},
	}
	for i, want := range wants {
		letter, err := mail.ReadMessage(strings.NewReader(far.Letters()[i]))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range want {
			if got := letter.Header.Get(name); got != value {
				t.Errorf("letter %d: %s is %q, want %q", i, name, got, value)
			}
		}
	}
	if commands := strings.Join(far.Commands(), "\n"); !strings.Contains(commands, "MAIL FROM:<news@news.example.com>") || !strings.Contains(commands, "MAIL FROM:<bills@example.com>") {
		t.Errorf("bounces do not go to whom the mail is from:\n%s", commands)
	}
}

func TestAnUnsubscribeAddressThatNoHeaderCanHoldIsContentAndNoCall(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	g := mailGateway(t, far, nil)
	for _, address := range []string{
		"https://example.com/\r\nBcc: b@example.com", "https://example.com/>, <mailto:x@example.com", "http://example.com/", "https:///x", "javascript:alert(1)",
		"https://example.com/" + strings.Repeat("x", 900), "https://예시.example/", "https://example.com/a b", "%zz",
	} {
		d := mailTo("kim@example.com", 1)
		d.Content.Unsubscribe = address
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallRefused || reply.Class != attempt.Content || strings.Contains(reply.Detail, "kim@") {
			t.Errorf("%q: %+v", address, reply)
		}
	}
	if letters := far.Letters(); len(letters) != 0 {
		t.Errorf("%d letters went out", len(letters))
	}
}

// FuzzHeaders writes mails whose every value comes from outside: the header has the fields that it should have, each once.
func FuzzHeaders(f *testing.F) {
	g, err := New(Config{
		Provider: testProvider(channel.Email), Address: "mail.example.com:25", TLS: TLSNone, From: "발송 <bills@example.com>", ReplyTo: "help@example.com",
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("subject\r\nBcc: all@example.com", "kim@example.com\r\nBcc: b@example.com", "https://example.com/\r\nX: y", "text", "<p>", "ADVERTISING")
	f.Add("=?utf-8?q?=0D=0ABcc:_x?=", "kim@example.com", "https://example.com/u", "\r\n.\r\nQUIT\r\n", "", "")
	f.Add(strings.Repeat("길", 400), "k\u2028im@example.com", "", "", "\x00", "SMS")
	f.Fuzz(func(t *testing.T, subject, destination, unsubscribe, text, html, class string) {
		d := mailTo("kim@example.com", 1)
		d.Content = port.Variant{Subject: subject, Text: text, HTML: html, Class: class, Unsubscribe: unsubscribe}
		to, err := recipient(destination)
		if err != nil {
			return
		}
		message, err := g.compose(d, to, "")
		if err != nil {
			return
		}
		read, err := mail.ReadMessage(strings.NewReader(string(message)))
		if err != nil {
			t.Fatalf("no mail: %v", err)
		}
		fields := 0
		for name, values := range read.Header {
			if fields++; len(values) != 1 {
				t.Errorf("%s is there %d times", name, len(values))
			}
		}
		want := 9 // Date, From, Reply-To, To, Subject, Message-ID, X-Idempotency-Key, Auto-Submitted, MIME-Version
		if unsubscribe != "" {
			want += 2
		}
		for _, optional := range []string{"Content-Type", "Content-Transfer-Encoding"} {
			if read.Header.Get(optional) != "" {
				want++
			}
		}
		decoded, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
		if fields != want || strings.ContainsAny(decoded, "\r\n") {
			t.Errorf("%d fields, want %d; subject %q (%v): %v", fields, want, decoded, err, read.Header)
		}
	})
}
