package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/oauth"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// The call deadlines and leases of production (R4).
const (
	smtpCall, smtpLease = 10 * time.Minute, 15 * time.Minute
	httpCall, httpLease = 30 * time.Second, 90 * time.Second
)

func gateways(ctx context.Context, c config.Gateways, clock port.Clock) (list []Finding) {
	for _, provider := range c.Providers() {
		p := component{name: provider.Account(), checked: provider.Variables + "_…"}
		gateway, err := core.NewGateway(c, provider, nil, clock)
		switch {
		case err != nil && provider.URL != "":
			p.add(Problem, err.Error(), "check the variables "+p.checked+"; "+provider.Variables+"_URL is http://… or https://…, the provider's root")
		case err != nil:
			p.add(Problem, err.Error(), "check the variables "+p.checked)
		case provider.Name == config.ProviderSMTP:
			p.mail(ctx, c.SMTP, gateway)
		default:
			p.byHTTP(ctx, provider, gateway)
		}
		list = append(list, p.list...)
	}
	if p := references(c); len(p.list) > 0 {
		list = append(list, p.list...)
	}
	if len(list) == 0 {
		p := component{name: "gateways", checked: "BALSONG_SMTP_ADDR, BALSONG_SMS_URL, BALSONG_PUSH_URL, BALSONG_ALIMTALK_URL"}
		p.add(Problem, "no gateway is set: nothing can be sent", "set one (docs/providers/README.md)")
		return p.list
	}
	return list
}

// references says which messages will never be found again.
func references(c config.Gateways) component {
	p := component{name: "reports", checked: "BALSONG_REFERENCE_SECRETS"}
	var lost []string
	for _, provider := range c.Providers() {
		switch provider.Name {
		case config.ProviderHTTP, config.ProviderFCM, config.ProviderSMTP: // they report nothing, or say themselves that they need it
		default:
			lost = append(lost, provider.Account())
		}
	}
	if len(lost) > 0 && len(c.ReferenceSecrets) == 0 {
		p.add(Advice, "it is not set: what becomes of messages by "+strings.Join(lost, ", ")+" is never known, and who is not reached gets no bill by the next channel",
			"set it before the first message (openssl rand -hex 32), the same for delivery, feedback and balsong")
	}
	return p
}

func (p *component) mail(ctx context.Context, c config.SMTP, gateway core.Gateway) {
	p.checked = c.Addr
	defer gateway.Close()
	if err := gateway.Check(ctx); err != nil {
		do := mailAdvice(err.Error())
		if c.Auth == config.XOAuth2 {
			do = cmp.Or(tokenAdvice(err), do)
		}
		p.add(Problem, err.Error(), do)
	} else {
		p.add(OK, "the server accepts EHLO, TLS, login and sender as configured", "")
	}
	if c.TLS == "none" && config.Elsewhere(c.Addr) {
		p.add(Advice, "BALSONG_SMTP_TLS is none: bills go over the network in the clear", "set it to mandatory")
	}
	if config.Elsewhere(c.Addr) { // a server on this machine is one for trying out
		p.senders(ctx, net.DefaultResolver, map[string]string{
			"BALSONG_SMTP_FROM": c.From, "BALSONG_SMTP_ENVELOPE_FROM": c.EnvelopeFrom, "BALSONG_SMTP_ADVERTISING_FROM": c.AdFrom,
		})
		p.dkim(ctx, net.DefaultResolver, c)
		p.authors(ctx, net.DefaultResolver, c)
	}
	p.deadlines("BALSONG_SMTP", c.CallDeadline, c.Lease, smtpCall, smtpLease)
}

// mailAdvice says what to do by what the server said. Servers may put off what they hold against the name, the line or the
// user until MAIL FROM: their words come before the step.
func mailAdvice(said string) string {
	words := strings.ToLower(said)
	switch {
	case strings.Contains(said, "failed to verify certificate"):
		return "the certificate is not trusted, or for another name: set BALSONG_SMTP_CA to the CA that signed it (file:/path), and use the name that it has in BALSONG_SMTP_ADDR"
	case strings.Contains(words, "helo"), strings.Contains(words, "ehlo"):
		return "the server refuses this machine's name: set BALSONG_SMTP_EHLO to a name that resolves to this machine's public address"
	case strings.Contains(words, "reverse hostname"), strings.Contains(words, "ptr record"), strings.Contains(words, "reverse dns"):
		return "the address of this machine has no reverse name: let its owner set one (a PTR record), and BALSONG_SMTP_EHLO to the same name"
	case strings.Contains(words, "must issue a starttls"), strings.Contains(words, "encryption required"), strings.Contains(words, "5.7.11"):
		return "the server wants TLS first: set BALSONG_SMTP_TLS=mandatory (STARTTLS, usually port 587)"
	case strings.Contains(said, "MAIL FROM: 530"), strings.Contains(words, "authentication required"):
		return "the server wants a login: set BALSONG_SMTP_USER and BALSONG_SMTP_PASSWORD"
	case strings.Contains(said, "MAIL FROM: "):
		return "the server refuses the sender: set BALSONG_SMTP_FROM, or BALSONG_SMTP_ENVELOPE_FROM, to an address that this user may send from; with {key} in it, the server must take every address of the form, and where it does not take a plus, another form"
	case strings.Contains(said, "first record does not look like a TLS handshake"):
		return "the server begins without TLS on this port: set BALSONG_SMTP_TLS=mandatory (STARTTLS, usually port 587), or take its port with TLS from the first byte (465)"
	case strings.Contains(said, "greeting: "):
		return "what listens there does not greet as a mail server: check host and port in BALSONG_SMTP_ADDR (587 is usual); a port with TLS from the first byte (465) needs BALSONG_SMTP_TLS=implicit"
	case strings.Contains(said, "STARTTLS: "):
		return "the server offers STARTTLS, and the TLS handshake fails: its words say why; ask who runs it which versions of TLS it takes, and whether it wants a client certificate"
	case strings.Contains(said, "STARTTLS"):
		return "the server offers no STARTTLS on this port: take its submission port (587), or one with TLS from the first byte (465) and BALSONG_SMTP_TLS=implicit"
	case strings.Contains(said, "connect: connection refused"):
		return "nothing listens there: check host and port in BALSONG_SMTP_ADDR (587 is usual)"
	case strings.Contains(said, "AUTH"), strings.Contains(said, "535"), strings.Contains(said, "530"):
		return "check BALSONG_SMTP_USER and BALSONG_SMTP_PASSWORD; a password is never sent over a line that is not encrypted"
	case strings.Contains(said, "no such host"):
		return "no machine has that name: check BALSONG_SMTP_ADDR"
	}
	return "check host and port in BALSONG_SMTP_ADDR (587 is usual), and that this machine may reach it"
}

// tokenAdvice says what to do where a login by XOAUTH2 came to nothing; "": it was not the token.
func tokenAdvice(err error) string {
	none, is := errors.AsType[*oauth.Error](err)
	switch said := err.Error(); {
	case is && none.Failure == oauth.Refused:
		return "check BALSONG_SMTP_OAUTH_CLIENT_ID, _CLIENT_SECRET, _SCOPES and _REFRESH_TOKEN, and the path in _TOKEN_URL; invalid_grant is a refresh token that has expired or was taken back"
	case is && none.Failure == oauth.Untrusted:
		return "set BALSONG_SMTP_OAUTH_CA to the CA that signed it (file:/path), and use the name that it has in BALSONG_SMTP_OAUTH_TOKEN_URL"
	case is:
		return "check BALSONG_SMTP_OAUTH_TOKEN_URL, and that it can be reached from here; no bill is claimed without a token"
	case strings.Contains(said, "does not offer XOAUTH2"):
		return "take the server and port that offer it, or BALSONG_SMTP_AUTH=password; some servers offer it once the connection is encrypted (BALSONG_SMTP_TLS)"
	case strings.Contains(said, "AUTH XOAUTH2: "):
		return "the server refuses the token: BALSONG_SMTP_USER must be a mailbox that the client may send from, and BALSONG_SMTP_OAUTH_SCOPES the mail server's; at Exchange Online SMTP AUTH must be switched on for the mailbox"
	}
	return ""
}

func (p *component) byHTTP(ctx context.Context, provider config.Provider, gateway core.Gateway) {
	defer gateway.Close()
	variable, path := provider.Variables, "/"+strings.ToLower(string(provider.Channel))
	u, err := url.Parse(provider.URL)
	if err != nil { // the gateway has accepted it
		u = &url.URL{}
	}
	if u.Host != "" {
		p.checked = u.Scheme + "://" + u.Host + u.Path
	}
	if provider.Name == config.ProviderHTTP && strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), path) {
		p.add(Problem, fmt.Sprintf("the URL ends with %s, and %s is added to it: messages would go to %s%s", path, path, path, path), "take it off: "+variable+"_URL is the provider's root")
	}
	if err := gateway.Check(ctx); err != nil {
		do := cmp.Or(vendorAdvice(provider, err.Error()), "check "+variable+"_URL, and that this machine may reach it")
		if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
			do = "use the name that the certificate has, or set " + variable + "_CA to its CA (file:/path)"
		}
		p.add(Problem, err.Error(), do)
	} else {
		p.add(OK, "it can be reached", "")
		if limited, is := gateway.(interface{ Limits() string }); is && limited.Limits() != "" {
			p.add(Advice, limited.Limits(), vendorAdvice(provider, limited.Limits()))
		}
	}
	if u.Scheme == "http" && !config.Loopback(u.Hostname()) {
		p.add(Advice, "the URL is http: bills and the credentials go over the network in the clear", "take https")
	}
	p.deadlines(variable, provider.CallDeadline, provider.Lease, httpCall, httpLease)
}

// deadlines checks the times that decide what counts as unknown.
func (p *component) deadlines(variable string, call, lease, wantCall, wantLease time.Duration) {
	if call < wantCall {
		p.add(Advice, fmt.Sprintf("%s_CALL_DEADLINE is %s", variable, call), fmt.Sprintf("in production %s: a call that is given up sooner leaves outcomes unknown", wantCall))
	}
	if lease < wantLease {
		p.add(Advice, fmt.Sprintf("%s_LEASE is %s", variable, lease), fmt.Sprintf("in production %s: a slow process loses its claims sooner", wantLease))
	}
}
