package smtp

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/mail"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// published is what DNS has of a key.
func published(t testing.TB, key crypto.Signer) string {
	t.Helper()
	if public, is := key.Public().(ed25519.PublicKey); is {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)
}

// verify checks the signature of a mail as a receiver does.
func verify(t testing.TB, letter string, key crypto.Signer) error {
	t.Helper()
	found, err := dkim.VerifyWithOptions(strings.NewReader(letter), &dkim.VerifyOptions{LookupTXT: func(domain string) ([]string, error) {
		if domain != "balsong1._domainkey.example.com" {
			t.Errorf("asked for %s", domain)
		}
		return []string{published(t, key)}, nil
	}})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d signatures (%v)", len(found), err)
	}
	return found[0].Err
}

// signed sends a mail of each kind and returns them as they arrived.
func signed(t testing.TB, key crypto.Signer) []string {
	t.Helper()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	g := mailGateway(t, far, func(c *Config) {
		c.DKIM, c.FeedbackID, c.Installation = &DKIM{Domain: "example.com", Selector: "balsong1", Key: key}, "balsong", &named{id: "prod42"}
	})
	advertising, text, dotted := mailTo("kim@example.com", 1), mailTo("lee@example.com", 2), mailTo("park@example.com", 3)
	advertising.Content.Class, advertising.Content.Unsubscribe = "ADVERTISING", "https://example.com/u?c=C-1"
	text.Content = port.Variant{Subject: strings.Repeat("길고 긴 제목 ", 40), Text: "한 줄\n\n.\n..\n  끝  \n\n\n"}
	dotted.Content = port.Variant{Subject: "HTML", HTML: strings.Repeat("<p>.  52,000원\t </p>\r\n", 200)}
	for _, d := range []port.Delivery{mailTo("kim@example.com", 4), advertising, text, dotted} {
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted {
			t.Fatalf("%+v", reply)
		}
	}
	letters := far.Letters()
	for i := range letters { // the server's lines end with LF
		letters[i] = strings.ReplaceAll(letters[i], "\n", "\r\n") + "\r\n"
	}
	return letters
}

func TestEachMailIsSignedAsItArrives(t *testing.T) {
	t.Parallel()
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey(), "Ed25519": edKey} {
		for i, letter := range signed(t, key) {
			if err := verify(t, letter, key); err != nil {
				t.Errorf("%s, letter %d: %v\n%s", name, i, err, letter)
			}
		}
	}
}

// dkimpy verifies the mail of its standard input with the key of its argument.
const dkimpy = `import dkim, sys
sys.exit(0 if dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda name, timeout=5: sys.argv[1].encode()) else 1)`

func TestAnotherImplementationTakesTheSignature(t *testing.T) {
	t.Parallel()
	python := os.Getenv("BALSONG_TEST_DKIMPY")
	if python == "" {
		t.Skip("SKIPPED: needs dkimpy: BALSONG_TEST_DKIMPY=$(.ci/python dkimpy)/bin/python3 (make test-real does so)")
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey(), "Ed25519": edKey} {
		for i, letter := range signed(t, key) {
			for _, c := range []struct {
				letter string
				holds  bool
			}{{letter, true}, {strings.Replace(letter, "Date: Tue", "Date: Wed", 1), false}} {
				verify := exec.CommandContext(t.Context(), python, "-c", dkimpy, published(t, key))
				verify.Stdin = strings.NewReader(c.letter)
				if said, err := verify.CombinedOutput(); (err == nil) != c.holds {
					t.Errorf("%s, letter %d, want it to hold: %t: %v %s", name, i, c.holds, err, said)
				}
			}
		}
	}
}

func TestNothingCanBeChangedOrAddedWithoutBreakingTheSignature(t *testing.T) {
	t.Parallel()
	letter := signed(t, rsaKey())[1]
	for name, change := range map[string]func(string) string{
		"the body":                func(s string) string { return strings.Replace(s, "52,000", "52,001", 1) },
		"the subject":             func(s string) string { return strings.Replace(s, "Subject: ", "Subject: [spam] ", 1) },
		"the feedback id":         func(s string) string { return strings.Replace(s, "ADVERTISING:prod42", "ADVERTISING:prod43", 1) },
		"where one unsubscribes":  func(s string) string { return strings.Replace(s, "https://example.com/u", "https://example.net/u", 1) },
		"a second From":           func(s string) string { return "From: <a@example.net>\r\n" + s },
		"a second Subject":        func(s string) string { return "Subject: x\r\n" + s },
		"a Cc":                    func(s string) string { return "Cc: <a@example.net>\r\n" + s },
		"a second Reply-To":       func(s string) string { return "Reply-To: <a@example.net>\r\n" + s },
		"a second Content-Type":   func(s string) string { return "Content-Type: text/plain\r\n" + s },
		"a second Feedback-ID":    func(s string) string { return "Feedback-ID: a:b:c:d\r\n" + s },
		"a second Date":           func(s string) string { return "Date: Tue, 03 Nov 2026 09:00:01 +0000\r\n" + s },
		"a second Auto-Submitted": func(s string) string { return "Auto-Submitted: no\r\n" + s },
	} {
		changed := change(letter)
		if changed == letter {
			t.Fatalf("%s: nothing was changed", name)
		}
		if err := verify(t, changed, rsaKey()); err == nil {
			t.Errorf("%s: the signature still holds", name)
		}
	}
	for name, change := range map[string]func(string) string{ // as relays do
		"a Received": func(s string) string { return "Received: from a by b; Tue, 03 Nov 2026 09:00:01 +0000\r\n" + s },
		"a Sender":   func(s string) string { return "Sender: <a@example.net>\r\n" + s },
		"white space": func(s string) string {
			return strings.Replace(s, "Subject: ", "Subject:  ", 1)
		},
	} {
		if err := verify(t, change(letter), rsaKey()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bill := "List-Unsubscribe: <https://relay.example/>\r\n" + signed(t, rsaKey())[0]
	if err := verify(t, bill, rsaKey()); err != nil {
		t.Errorf("a relay that adds its own List-Unsubscribe to a bill: %v", err)
	}
}

func TestWhatSESWritesAnewIsNotSignedThere(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{"email-smtp.ap-northeast-2.amazonaws.com": false, "EMAIL-SMTP.us-east-1.AMAZONAWS.COM": false, "relay.example.com": true, "amazonaws.com.example": true} {
		s, err := (&DKIM{Domain: "example.com", Selector: "s", Key: rsaKey()}).newSignature("test", host)
		if err != nil {
			t.Fatal(err)
		}
		names := s.headers([]byte("From: a\r\nDate: b\r\nMessage-ID: c\r\n\r\n"))
		if got := slices.Contains(names, "Date") && slices.Contains(names, "Message-ID"); got != want {
			t.Errorf("%s: %v", host, names)
		}
	}
}

func TestEveryHeaderThatWeWriteIsSigned(t *testing.T) {
	t.Parallel()
	for i, letter := range signed(t, rsaKey()) {
		read, err := mail.ReadMessage(strings.NewReader(letter))
		if err != nil {
			t.Fatal(err)
		}
		var h string
		for field := range strings.SplitSeq(read.Header.Get("Dkim-Signature"), ";") {
			if names, is := strings.CutPrefix(strings.TrimSpace(field), "h="); is {
				h = ":" + strings.ToLower(names) + ":"
			}
		}
		for name := range read.Header {
			if name = strings.ToLower(name); name != "dkim-signature" && strings.Count(h, ":"+name+":") == 0 {
				t.Errorf("letter %d: %s is not signed: %s", i, name, h)
			}
		}
	}
}

func TestAKeyThatCannotSignIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]DKIM{
		"no key": {Domain: "example.com", Selector: "s"}, "no domain": {Selector: "s", Key: rsaKey()}, "no selector": {Domain: "example.com", Key: rsaKey()},
	} {
		c := Config{Provider: testProvider("EMAIL"), Address: "127.0.0.1:25", TLS: TLSNone, From: "a@example.com", DKIM: &d}
		if _, err := New(c); !errors.Is(err, gateway.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkAMail composes a bill of the shipped templates as it is sent, with what the options cost.
func BenchmarkAMail(b *testing.B) {
	statement, err := os.ReadFile("testdata/statement.eml")
	if err != nil {
		b.Fatal(err)
	}
	d := mailTo("kim@example.com", 4711)
	d.Content = port.Variant{Subject: "11월 청구서", HTML: string(statement), Text: string(statement[:len(statement)/4])}
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	for _, option := range []struct {
		name   string
		change func(*Config)
	}{
		{"plain", func(*Config) {}},
		{"bounce-address", func(c *Config) {
			c.EnvelopeFrom, c.References = "bounces+{key}@example.com", references(b, c.Installation)
		}},
		{"dkim-rsa-2048", func(c *Config) { c.DKIM = &DKIM{Domain: "example.com", Selector: "s", Key: rsaKey()} }},
		{"dkim-ed25519", func(c *Config) { c.DKIM = &DKIM{Domain: "example.com", Selector: "s", Key: edKey} }},
	} {
		b.Run(option.name, func(b *testing.B) {
			far := porttest.NewSMTPFarEnd(b, porttest.SMTPSettings{})
			g := mailGateway(b, far, option.change)
			b.ReportAllocs()
			for b.Loop() {
				message, err := g.writer.Write(d, d.Destination)
				if err == nil && g.signature != nil {
					message, err = g.signature.sign(message)
				}
				if from := g.envelopeSender(d); err != nil || from == "" || len(message) == 0 {
					b.Fatal(err)
				}
			}
		})
	}
}
