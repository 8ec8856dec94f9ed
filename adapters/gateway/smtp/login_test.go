package smtp

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
)

func TestTheTLSPolicyHolds(t *testing.T) {
	t.Parallel()
	server, client := porttest.Certificate()
	for _, c := range []struct {
		policy   TLSPolicy
		offered  bool
		trusted  bool
		verdict  port.Verdict
		starttls bool
	}{
		{TLSMandatory, true, true, port.CallAccepted, true},
		{TLSMandatory, true, false, port.CallNotMade, true},
		{TLSMandatory, false, true, port.CallNotMade, false},
		{TLSOpportunistic, true, true, port.CallAccepted, true},
		{TLSOpportunistic, true, false, port.CallNotMade, true},
		{TLSOpportunistic, false, true, port.CallAccepted, false},
		{TLSNone, true, true, port.CallAccepted, false},
		{TLSImplicit, false, true, port.CallNotMade, false}, // the server speaks plain text
	} {
		settings := porttest.SMTPSettings{TLS: server}
		if c.offered {
			settings.Extensions = []string{"STARTTLS"}
		}
		far := porttest.NewSMTPFarEnd(t, settings)
		g := mailGateway(t, far, func(config *Config) {
			config.TLS = c.policy
			if c.trusted {
				config.TLSConfig = client
			}
			if c.policy == TLSImplicit {
				config.ConnectTimeout = 100 * time.Millisecond
			}
		})
		reply := g.Send(t.Context(), mailTo("kim@example.com", 1))
		asked := strings.Contains(strings.Join(far.Commands(), " "), "STARTTLS")
		if reply.Verdict != c.verdict || asked != c.starttls {
			t.Errorf("%+v: got %+v, STARTTLS asked for: %v", c, reply, asked)
		}
	}
}

func TestAuthTakesWhatTheServerOffers(t *testing.T) {
	t.Parallel()
	for offer, want := range map[string]string{
		"AUTH PLAIN LOGIN": "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00user\x00secret")),
		"AUTH LOGIN":       "AUTH LOGIN",
	} {
		far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Extensions: []string{offer}})
		g := mailGateway(t, far, func(c *Config) { c.Username, c.Password = "user", "secret" })
		if reply := g.Send(t.Context(), mailTo("kim@example.com", 1)); reply.Verdict != port.CallAccepted || far.Commands()[1] != want {
			t.Errorf("%s: %+v after %q", offer, reply, far.Commands())
		}
	}
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Reply: func(_ int, verb string) string {
		if verb == "AUTH" {
			return "535 5.7.8 wrong"
		}
		return ""
	}})
	g := mailGateway(t, far, func(c *Config) { c.Username, c.Password = "user", "secret" })
	reply := g.Send(t.Context(), mailTo("kim@example.com", 1))
	if reply.Class != attempt.Provider || strings.Contains(reply.Detail+g.String(), "secret") {
		t.Errorf("wrong password: %+v", reply)
	}
}
