package smtp

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/verp"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

const envelopeSecret = "a-secret-of-32-characters-or-more"

func TestABounceGoesToAnAddressThatNamesItsDeliveryKey(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	g := mailGateway(t, far, func(c *Config) {
		c.EnvelopeFrom, c.EnvelopeSecrets, c.Installation = "bounces+{key}@bounces.example.com", []string{envelopeSecret}, &named{id: "prod42"}
	})
	tokens, err := verp.New("prod42", envelopeSecret)
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
		if read, err := tokens.Read(strings.TrimSuffix(address, ">")); !isMail || err != nil || read != d.Key {
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
		c.EnvelopeFrom, c.EnvelopeSecrets, c.Installation = "bounces+{key}@bounces.example.com", []string{envelopeSecret}, &named{}
	})
	if err := g.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	tokens, _ := verp.New("", envelopeSecret)
	line := far.Commands()[1]
	address, isMail := strings.CutPrefix(line, "MAIL FROM:<bounces+")
	if _, err := tokens.Read(address); !isMail || len(address) != verp.TokenSize+len("@bounces.example.com>") || !errors.Is(err, verp.ErrForeign) {
		t.Errorf("%s: %v", line, err)
	}
}

func TestBounceAddressesAreCompleteOrRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"no secret":            func(c *Config) { c.EnvelopeFrom = "b+{key}@example.com" },
		"a short secret":       func(c *Config) { c.EnvelopeFrom, c.EnvelopeSecrets = "b+{key}@example.com", []string{"hunter2"} },
		"a secret for nothing": func(c *Config) { c.EnvelopeSecrets = []string{envelopeSecret} },
		"a key in the domain":  func(c *Config) { c.EnvelopeFrom, c.EnvelopeSecrets = "b@{key}.example.com", []string{envelopeSecret} },
		"a local part too long": func(c *Config) {
			c.EnvelopeFrom, c.EnvelopeSecrets = strings.Repeat("b", 25)+"{key}@example.com", []string{envelopeSecret}
		},
		"a command in the place": func(c *Config) {
			c.EnvelopeFrom, c.EnvelopeSecrets = "b+{key}@example.com>\r\nRCPT", []string{envelopeSecret}
		},
	} {
		c := Config{Provider: testProvider("EMAIL"), Address: "127.0.0.1:25", TLS: TLSNone, From: "a@example.com"}
		change(&c)
		if _, err := New(c); !errors.Is(err, gateway.ErrConfig) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
