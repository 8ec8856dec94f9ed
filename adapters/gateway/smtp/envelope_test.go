package smtp

import (
	"errors"
	"net/mail"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

const envelopeSecret = "a-secret-of-32-characters-or-more"

func references(t testing.TB, installation port.Installation) *reference.Source {
	t.Helper()
	source, err := reference.NewSource(installation, envelopeSecret)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestABounceGoesToAnAddressThatNamesItsDeliveryKey(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	g := mailGateway(t, far, func(c *Config) {
		c.Installation = &named{id: "prod42"}
		c.EnvelopeFrom, c.References = "bounces+{key}@bounces.example.com", references(t, c.Installation)
	})
	own, err := reference.New("prod42", envelopeSecret)
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(3) {
		d := mailTo("kim@example.com", n+1)
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted {
			t.Fatalf("%+v", reply)
		}
		commands := far.Commands()
		line := commands[len(commands)-3] // MAIL, RCPT, DATA
		address, isMail := strings.CutPrefix(line, "MAIL FROM:<bounces+")
		if read, err := own.Read(strings.TrimSuffix(address, ">")); !isMail || err != nil || read != d.Key {
			t.Errorf("%s names %s, want %s (%v)", line, read, d.Key, err)
		}
		for _, personal := range []string{"kim", "4711"} {
			if strings.Contains(line, personal) {
				t.Errorf("%s shows %s", line, personal)
			}
		}
	}
}

// The address that a check announces belongs to no bill: whoever answers it says nothing about one.
func TestACheckAnnouncesABounceAddressOfNoBill(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	g := mailGateway(t, far, func(c *Config) {
		c.Installation = &named{}
		c.EnvelopeFrom, c.References = "bounces+{key}@bounces.example.com", references(t, c.Installation)
	})
	if err := g.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	own, _ := reference.New("", envelopeSecret)
	line := far.Commands()[1]
	address, isMail := strings.CutPrefix(line, "MAIL FROM:<bounces+")
	if _, err := own.Read(address); !isMail || len(address) != reference.Size+len("@bounces.example.com>") || !errors.Is(err, reference.ErrForeign) {
		t.Errorf("%s: %v", line, err)
	}
}

func TestPatternsOfBounceAddresses(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"bounces+{key}@example.com": true, "bounces-{key}@example.com": true, "{key}@bounces.example.com": true, "b.{key}.x@example.com": true,
		strings.Repeat("b", 24) + "{key}@example.com": true, strings.Repeat("b", 25) + "{key}@example.com": false,
		"bounces@example.com": false, "bounces@{key}.example.com": false, "{key}{key}@example.com": false, "{key}": false, "{key}@": false, "": false,
		"b {key}@example.com": false, "Bounces <b+{key}@example.com>": false, "b+{key}@example.com\r\nX: y": false, "b+{key}@a@example.com": false,
	} {
		pattern, err := ParsePattern(text)
		if (err == nil) != ok || err != nil && !errors.Is(err, ErrPattern) {
			t.Errorf("%q: %v", text, err)
		}
		address := pattern.Address(references(t, nil).OfNobody())
		if parsed, err := mail.ParseAddress(address); ok && (err != nil || parsed.Address != address) {
			t.Errorf("%q: %s is no address (%v)", text, address, err)
		}
	}
}

func TestBounceAddressesAreCompleteOrRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"no references":       func(c *Config) { c.EnvelopeFrom = "b+{key}@example.com" },
		"a key in the domain": func(c *Config) { c.EnvelopeFrom, c.References = "b@{key}.example.com", references(t, nil) },
		"a local part too long": func(c *Config) {
			c.EnvelopeFrom, c.References = strings.Repeat("b", 25)+"{key}@example.com", references(t, nil)
		},
		"a command in the place": func(c *Config) {
			c.EnvelopeFrom, c.References = "b+{key}@example.com>\r\nRCPT", references(t, nil)
		},
	} {
		c := Config{Provider: testProvider("EMAIL"), Address: "127.0.0.1:25", TLS: TLSNone, From: "a@example.com"}
		change(&c)
		if _, err := New(c); !errors.Is(err, gateway.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
