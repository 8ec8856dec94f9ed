package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"
)

// resolver is what is asked about a sender's domain; *net.Resolver is one.
type resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupHost(ctx context.Context, name string) ([]string, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// resolverLimit bounds the questions about one domain: where no resolver answers, nothing is said.
const resolverLimit = 3 * time.Second

// reserved are the domains that belong to nobody (RFC 2606).
var reserved = []string{"example.com", "example.net", "example.org", "example", "test", "invalid", "localhost"}

// ofNobody reports whether a domain is none of the internet.
func ofNobody(domain string) bool {
	isReserved := func(name string) bool { return domain == name || strings.HasSuffix(domain, "."+name) }
	return slices.ContainsFunc(reserved, isReserved) || !strings.Contains(domain, ".")
}

// senders looks at the domains of the addresses from which mail goes out: whether receivers can find them, answer them, and
// check who may send for them. What it finds is advice: only the receivers know what they take.
func (p *component) senders(ctx context.Context, dns resolver, variables map[string]string) {
	byDomain := map[string][]string{}
	for variable, address := range variables {
		if domain := domainOf(address); domain != "" { // else found elsewhere, or not set
			byDomain[domain] = append(byDomain[domain], variable)
		}
	}
	for _, domain := range slices.Sorted(maps.Keys(byDomain)) { // findings come in a fixed order
		names := byDomain[domain]
		slices.Sort(names)
		p.domain(ctx, dns, domain, strings.Join(names, ", "))
	}
}

func (p *component) domain(ctx context.Context, dns resolver, domain, variables string) {
	if ofNobody(domain) {
		p.add(Advice, fmt.Sprintf("the sender's domain %s is no domain of the internet", domain), "set "+variables+" to an address of your own: receivers refuse mail from a domain that they cannot find")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, resolverLimit)
	defer cancel()
	mx, err := dns.LookupMX(ctx, domain)
	switch {
	case err == nil && len(mx) == 1 && mx[0].Host == ".":
		p.add(Advice, "the sender's domain "+domain+" takes no mail (a null MX)", "set BALSONG_SMTP_ENVELOPE_FROM to an address that takes bounces")
	case isNotFound(err):
		if _, err := dns.LookupHost(ctx, domain); isNotFound(err) {
			p.add(Advice, "the sender's domain "+domain+" has neither an MX nor an address", "check the spelling of "+variables+": receivers refuse mail from a domain that they cannot answer")
			return
		}
	}
	texts, err := dns.LookupTXT(ctx, domain)
	if err == nil || isNotFound(err) {
		p.spf(domain, texts)
	}
}

// spf looks at the record that says which servers may send for a domain (RFC 7208).
func (p *component) spf(domain string, texts []string) {
	records := slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return text != "v=spf1" && !strings.HasPrefix(text, "v=spf1 ") })
	switch all := strings.Fields(strings.Join(records, " ")); {
	case len(records) == 0:
		p.add(Advice, "the sender's domain "+domain+" has no SPF record", "publish a TXT record that names the servers that send for it (v=spf1 …): large providers refuse mail without")
	case len(records) > 1:
		p.add(Advice, fmt.Sprintf("the sender's domain %s has %d SPF records: receivers take that for an error, and none counts", domain, len(records)), "make one record of them")
	case slices.Contains(all, "+all") || slices.Contains(all, "all"):
		p.add(Advice, "the SPF record of the sender's domain "+domain+" lets everybody send for it (+all)", "name the servers that send for it, and end the record with ~all or -all")
	case len(all) == 2 && all[1] == "-all":
		p.add(Advice, "the SPF record of the sender's domain "+domain+" lets nobody send for it (-all alone)", "name the servers that send for it: the relay's operator says which")
	}
}

// isNotFound reports whether a resolver has answered that there is nothing; one that does not answer says nothing.
func isNotFound(err error) bool {
	answer, ok := errors.AsType[*net.DNSError](err)
	return ok && answer.IsNotFound && !answer.IsTimeout && !answer.IsTemporary
}
