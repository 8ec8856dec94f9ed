package doctor

import (
	"cmp"
	"context"
	"errors"
	netmail "net/mail"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dmarc"
	"golang.org/x/net/publicsuffix"

	"github.com/balsong/balsong/bootstrap/config"
)

// authors looks at what the domains of From ask receivers to do with mail that neither SPF nor DKIM proves to be theirs (DMARC,
// RFC 7489), and whether ours would be proved. What it finds is advice: a relay may sign with a key that is not seen here.
func (p *component) authors(ctx context.Context, dns resolver, c config.SMTP) {
	own := domainOf(c.From)
	p.author(ctx, dns, c, own, "BALSONG_SMTP_FROM")
	if other := domainOf(c.AdFrom); other != own {
		p.author(ctx, dns, c, other, "BALSONG_SMTP_ADVERTISING_FROM")
	}
}

func (p *component) author(ctx context.Context, dns resolver, c config.SMTP, domain, variable string) {
	if domain == "" || ofNobody(domain) {
		return // found elsewhere, or not set
	}
	ctx, cancel := context.WithTimeout(ctx, resolverLimit)
	defer cancel()
	asked, at, err := askDMARC(ctx, dns, domain)
	switch {
	case errors.Is(err, dmarc.ErrNoPolicy):
		p.add(Advice, "the sender's domain "+domain+" has no DMARC record: large receivers refuse bulk mail without", "publish a TXT record at _dmarc."+at+" (v=DMARC1; p=none; rua=mailto:… to begin with)")
	case errors.Is(err, errNoResolver): // no answer says nothing
	case err != nil:
		p.add(Advice, "the DMARC record at _dmarc."+at+" cannot be read: receivers take it for none", "correct it: v=DMARC1; then p=none, quarantine or reject; then the other tags, with a semicolon between them")
	case !proved(c, asked, domain):
		p.add(Advice, "neither the envelope sender nor our DKIM signature is of "+domain+", the domain of "+variable+", whose DMARC policy is "+policyOf(asked, domain, at),
			"let the relay sign with d="+domain+", or set BALSONG_SMTP_DKIM_KEY, or BALSONG_SMTP_ENVELOPE_FROM to an address of that domain; else receivers do as the policy says")
	}
}

// errNoResolver says that nobody answered.
var errNoResolver = errors.New("no resolver answers")

// askDMARC asks for a domain's record, and for its organization's where it has none; at is the domain that was asked last. The error is
// dmarc.ErrNoPolicy where there is none, errNoResolver where nobody answers, else what is wrong with the record.
func askDMARC(ctx context.Context, dns resolver, domain string) (asked *dmarc.Record, at string, err error) {
	for _, at = range slices.Compact([]string{domain, organization(domain)}) {
		texts, err := dns.LookupTXT(ctx, "_dmarc."+at)
		if err != nil && !isNotFound(err) {
			return nil, at, errNoResolver
		}
		asked, err = dmarc.LookupWithOptions(at, &dmarc.LookupOptions{LookupTXT: func(string) ([]string, error) { return texts, nil }})
		if !errors.Is(err, dmarc.ErrNoPolicy) {
			return asked, at, err
		}
	}
	return nil, at, dmarc.ErrNoPolicy
}

// proved reports whether the envelope sender's domain or that of our signature is the author's, as the record wants it. That the mail then comes
// from a server that SPF allows, only receivers see.
func proved(c config.SMTP, asked *dmarc.Record, domain string) bool {
	aligned := func(with string, mode dmarc.AlignmentMode) bool {
		return with == domain || mode != dmarc.AlignmentStrict && organization(with) == organization(domain)
	}
	signs := c.DKIM.Key != "" && aligned(c.DKIM.Signs(c.From), asked.DKIMAlignment)
	return signs || aligned(domainOf(cmp.Or(c.EnvelopeFrom, c.From)), asked.SPFAlignment)
}

// policyOf is what receivers are asked to do with mail of a domain, by the record that was found at a domain.
func policyOf(asked *dmarc.Record, domain, at string) string {
	if at != domain && asked.SubdomainPolicy != "" {
		return string(asked.SubdomainPolicy)
	}
	return string(asked.Policy)
}

// organization is the domain that was registered, as example.com of mail.example.com.
func organization(domain string) string {
	registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return domain
	}
	return registered
}

// domainOf is an address's domain in lower case; "" where it is none.
func domainOf(address string) string {
	parsed, err := netmail.ParseAddress(address)
	if err != nil {
		return ""
	}
	_, domain, _ := strings.Cut(parsed.Address, "@")
	return strings.ToLower(domain)
}
