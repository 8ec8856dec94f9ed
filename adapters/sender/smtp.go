package sender

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// TLSPolicy says whether the line to the server must be encrypted.
type TLSPolicy string

// The policies. Once the server offers STARTTLS, a handshake that fails is never followed by plain text.
const (
	TLSMandatory     TLSPolicy = "mandatory"     // STARTTLS, or no call
	TLSOpportunistic TLSPolicy = "opportunistic" // STARTTLS where it is offered
	TLSNone          TLSPolicy = "none"
	TLSImplicit      TLSPolicy = "implicit" // TLS from the first byte (RFC 8314), mostly port 465
)

// SMTPConfig describes a mail server that takes our messages.
type SMTPConfig struct {
	Provider         port.Provider
	Address          string // host:port
	TLS              TLSPolicy
	TLSConfig        *tls.Config // nil: the system's roots, the address's host name
	Username         string      // "": no AUTH
	Password         string
	LocalName        string        // of EHLO; default "localhost"
	From             string        // RFC 5322: "Example Telecom <bills@example.com>"
	ReplyTo          string        // "": none
	EnvelopeFrom     string        // where bounces go; default: the address of From
	IdleTimeout      time.Duration // how long an unused connection is kept; default 30 s
	PerConnection    int           // messages on one connection; default 100
	ConnectTimeout   time.Duration // dial, greeting, EHLO, TLS and AUTH; default 30 s, at most the call deadline
	AllowPlainSecret bool          // AUTH on a line that is not encrypted (the server on this machine may always)
	Now              func() time.Time
}

// SMTP is a port.Gateway over SMTP. It keeps connections for further messages.
type SMTP struct {
	provider     port.Provider
	config       SMTPConfig
	host         string
	from         *mail.Address
	replyTo      *mail.Address
	envelopeFrom string
	idDomain     string
	now          func() time.Time
	pool         *pool
}

var _ port.Gateway = (*SMTP)(nil)

// NewSMTP checks the settings; it does not connect.
func NewSMTP(c SMTPConfig) (*SMTP, error) {
	if err := CheckProvider(c.Provider); err != nil {
		return nil, err
	}
	name := c.Provider.Name
	if c.Provider.Channel != channel.Email {
		return nil, badConfig(name, "channel", "%s does not go by SMTP", c.Provider.Channel)
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil || host == "" {
		return nil, badConfig(name, "address", "is not host:port")
	}
	switch c.TLS {
	case TLSMandatory, TLSOpportunistic, TLSNone, TLSImplicit:
	default:
		return nil, badConfig(name, "tls", "%q is none of mandatory, opportunistic, none, implicit", c.TLS)
	}
	c = c.withDefaults()
	if c.LocalName != header(c.LocalName) || strings.Contains(c.LocalName, " ") {
		return nil, badConfig(name, "local name", "is no host name")
	}
	g := &SMTP{provider: c.Provider, config: c, host: host, now: c.Now, pool: newPool(c.IdleTimeout, c.Provider.InFlight)}
	return g, g.addresses(c)
}

func (c SMTPConfig) withDefaults() SMTPConfig {
	if c.LocalName == "" {
		c.LocalName = "localhost"
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = 30 * time.Second
	}
	if c.PerConnection <= 0 {
		c.PerConnection = 100
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = 30 * time.Second
	}
	c.ConnectTimeout = min(c.ConnectTimeout, c.Provider.CallDeadline)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (g *SMTP) addresses(c SMTPConfig) error {
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return badConfig(c.Provider.Name, "from", "is no e-mail address")
	}
	g.from, g.envelopeFrom = from, from.Address
	_, g.idDomain, _ = strings.Cut(from.Address, "@")
	if c.EnvelopeFrom != "" {
		if g.envelopeFrom, err = recipient(c.EnvelopeFrom); err != nil {
			return badConfig(c.Provider.Name, "envelope from", "is no e-mail address")
		}
	}
	if c.ReplyTo != "" {
		if g.replyTo, err = mail.ParseAddress(c.ReplyTo); err != nil {
			return badConfig(c.Provider.Name, "reply to", "is no e-mail address")
		}
	}
	return nil
}

// Provider implements port.Gateway.
func (g *SMTP) Provider() port.Provider { return g.provider }

// Close closes unused connections; those in use close after their message.
func (g *SMTP) Close() { g.pool.close() }

// Send implements port.Gateway.
func (g *SMTP) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return notMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	to, err := recipient(d.Destination)
	if err != nil {
		return port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent, Detail: err.Error()}
	}
	letter, err := g.compose(d, to)
	if err != nil {
		return port.Reply{Verdict: port.CallRefused, Class: attempt.Content, Detail: mask(err.Error(), to)}
	}
	ctx, cancel := context.WithTimeout(ctx, g.provider.CallDeadline)
	defer cancel()
	reply := g.call(ctx, envelope{from: g.envelopeFrom, to: to, letter: letter})
	reply.Detail = mask(reply.Detail, to)
	return reply
}

// call makes the call on a kept connection or on a new one. A kept one that turns out to be dead before DATA is
// replaced once, by a new one: surely nothing was sent on it.
func (g *SMTP) call(ctx context.Context, e envelope) port.Reply {
	if kept := g.pool.take(); kept != nil {
		reply, stale := kept.deliver(ctx, e)
		g.putBack(kept)
		if !stale || ctx.Err() != nil {
			return reply
		}
	}
	fresh, reply := g.connect(ctx)
	if fresh == nil {
		return reply
	}
	reply, _ = fresh.deliver(ctx, e)
	g.putBack(fresh)
	return reply
}

func (g *SMTP) putBack(s *session) {
	if s.broken || s.sent >= g.config.PerConnection {
		s.close()
		return
	}
	g.pool.put(s)
}

// String names the gateway without its secrets.
func (g *SMTP) String() string {
	return fmt.Sprintf("smtp %s at %s", g.provider.Name, g.config.Address)
}
