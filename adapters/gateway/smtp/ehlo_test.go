package smtp

import (
	"net"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

func TestNamesOfEHLO(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"mail.example.com": true, "host": true, "xn--9n2bp8q.example": true, "[192.0.2.1]": true, "[IPv6:2001:db8::1]": true,
		"": false, "a_b.example": false, "a b": false, "a\r\nMAIL": false, "-a.example": false, "a..b": false, "a.": false,
		"[192.0.2.1": false, "[2001:db8::1]": false, "[IPv6:192.0.2.1]": false, "[IPv6:fe80::1%eth0]": false, "[]": false, "길.example": false,
	} {
		if got := ValidEHLO(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
	for _, local := range []string{"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"} {
		if literal := addressLiteral(&net.TCPAddr{IP: net.ParseIP(local), Port: 1}); !ValidEHLO(literal) {
			t.Errorf("%s becomes %s", local, literal)
		}
	}
}

func TestAMachineWithoutANameGivesItsAddress(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"": "EHLO [127.0.0.1]", "mail.example.com": "EHLO mail.example.com"} {
		far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
		g := mailGateway(t, far, func(c *Config) { c.LocalName = name })
		if reply := g.Send(t.Context(), mailTo("kim@example.com", 1)); reply.Verdict != port.CallAccepted || far.Commands()[0] != want {
			t.Errorf("%+v after %q, want %q", reply, far.Commands(), want)
		}
	}
}
