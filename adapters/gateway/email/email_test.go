package email_test

import (
	"mime"
	"net/mail"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/gateway/email"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// FuzzHeaders writes mails whose every value comes from outside: the header has the fields that it should have, each once.
func FuzzHeaders(f *testing.F) {
	w, err := email.NewWriter(email.Config{Sender: email.SenderIdentity{From: "발송 <bills@example.com>", ReplyTo: "help@example.com"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("subject\r\nBcc: all@example.com", "kim@example.com\r\nBcc: b@example.com", "https://example.com/\r\nX: y", "text", "<p>", "ADVERTISING")
	f.Add("=?utf-8?q?=0D=0ABcc:_x?=", "kim@example.com", "https://example.com/u", "\r\n.\r\nQUIT\r\n", "", "")
	f.Add(strings.Repeat("길", 400), "k\u2028im@example.com", "", "", "\x00", "SMS")
	f.Fuzz(func(t *testing.T, subject, destination, unsubscribe, text, html, class string) {
		d := port.Delivery{Key: key.Delivery{Month: 24000, UserID: 1}, Channel: channel.Email}
		d.Content = port.Variant{Subject: subject, Text: text, HTML: html, Class: class, Unsubscribe: unsubscribe}
		to, err := email.Recipient(destination)
		if err != nil {
			return
		}
		message, err := w.Write(d, to)
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
