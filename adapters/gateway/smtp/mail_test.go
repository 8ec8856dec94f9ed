package smtp

import (
	"net/mail"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
)

func TestAdvertisingHasASenderIdentityOfItsOwnAndOneClickUnsubscribes(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	g := mailGateway(t, far, func(c *Config) {
		c.Advertising, c.EnvelopeFrom = SenderIdentity{From: "News <news@news.example.com>", ReplyTo: "stop@example.com"}, ""
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
