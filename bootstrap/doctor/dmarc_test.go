package doctor

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/config"
)

// zone answers with the texts of its names; err is what every question comes to instead.
type zone struct {
	records
	texts map[string]string
	err   error
}

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if z.err != nil {
		return nil, z.err
	}
	text, found := z.texts[name]
	if !found {
		return nil, errNothing
	}
	return []string{"some text", text}, nil
}

func TestDMARCIsLookedAtWithTheSendersDomains(t *testing.T) {
	t.Parallel()
	const key = config.SigningKey("a key")
	policy := func(at, text string) zone { return zone{texts: map[string]string{"_dmarc." + at: text}} }
	for name, c := range map[string]struct {
		smtp  config.SMTP
		dns   zone
		found string // "": nothing is said
	}{
		"the envelope's own":          {config.SMTP{From: "a@bills.dev"}, policy("bills.dev", "v=DMARC1; p=reject"), ""},
		"the envelope's organization": {config.SMTP{From: "a@mail.bills.dev", EnvelopeFrom: "bounces+{key}@back.bills.dev"}, policy("bills.dev", "v=DMARC1; p=reject"), ""},
		"no record":                   {config.SMTP{From: "a@bills.dev"}, zone{}, "has no DMARC record"},
		"another text there":          {config.SMTP{From: "a@bills.dev"}, policy("bills.dev", "v=spf1 -all"), "has no DMARC record"},
		"no policy in it":             {config.SMTP{From: "a@bills.dev"}, policy("bills.dev", "v=DMARC1; rua=mailto:a@bills.dev"), "cannot be read"},
		"no resolver":                 {config.SMTP{From: "a@bills.dev"}, zone{err: &net.DNSError{Err: "timeout", IsTimeout: true}}, ""},
		"an example":                  {config.SMTP{From: "a@example.com"}, zone{}, ""},
		"another envelope":            {config.SMTP{From: "a@bills.dev", EnvelopeFrom: "b@relay.net"}, policy("bills.dev", "v=DMARC1; p=quarantine"), "whose DMARC policy is quarantine"},
		"another one, of a subdomain": {config.SMTP{From: "a@mail.bills.dev", EnvelopeFrom: "b@relay.net"}, policy("bills.dev", "v=DMARC1; p=none; sp=reject"), "whose DMARC policy is reject"},
		"strict":                      {config.SMTP{From: "a@bills.dev", EnvelopeFrom: "b@back.bills.dev"}, policy("bills.dev", "v=DMARC1; p=reject; aspf=s"), "whose DMARC policy is reject"},
		"strict, and signed":          {config.SMTP{From: "a@bills.dev", EnvelopeFrom: "b@back.bills.dev", DKIM: config.DKIM{Key: key}}, policy("bills.dev", "v=DMARC1; p=reject; aspf=s"), ""},
		"signed by the relay's name":  {config.SMTP{From: "a@bills.dev", EnvelopeFrom: "b@relay.net", DKIM: config.DKIM{Key: key, Domain: "relay.net"}}, policy("bills.dev", "v=DMARC1; p=reject"), "whose DMARC policy is reject"},
		"another registrant":          {config.SMTP{From: "a@bills.co.kr", EnvelopeFrom: "b@relay.co.kr"}, policy("bills.co.kr", "v=DMARC1; p=reject"), "whose DMARC policy is reject"},
		"an advertiser":               {config.SMTP{From: "a@bills.dev", AdFrom: "ads@shop.dev"}, policy("bills.dev", "v=DMARC1; p=reject"), "domain shop.dev has no DMARC record"},
	} {
		var p component
		p.authors(t.Context(), c.dns, c.smtp)
		said := ""
		for _, f := range p.list {
			said += f.Found
			if f.Level != Advice || f.Do == "" {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if !strings.Contains(said, c.found) || (c.found == "") != (said == "") {
			t.Errorf("%s: it says %q, want %q", name, said, c.found)
		}
	}
}
