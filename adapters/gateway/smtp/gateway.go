// Package smtp sends e-mail through an SMTP relay (RFC 5321), one call for each message, on connections that are kept and used again.
package smtp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/email"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// TLSPolicy says whether the connection to the server must be encrypted.
type TLSPolicy string

// The TLS policies. Once the server offers STARTTLS, a handshake that fails is never followed by plain text.
const (
	TLSMandatory     TLSPolicy = "mandatory"     // STARTTLS, or no call
	TLSOpportunistic TLSPolicy = "opportunistic" // STARTTLS where it is offered
	TLSNone          TLSPolicy = "none"
	TLSImplicit      TLSPolicy = "implicit" // TLS from the first byte (RFC 8314), mostly port 465
)

// Config describes a mail server that takes our messages.
type Config struct {
	Provider         port.Provider
	Address          string // host:port
	TLS              TLSPolicy
	TLSConfig        *tls.Config // nil: the system's roots, the address's host name
	Username         string      // "": no AUTH
	Password         string
	Tokens           Tokens            // login by XOAUTH2, without a password; nil: by PLAIN or LOGIN
	LocalName        string            // of EHLO; default: the address of our end, as in [192.0.2.1]
	From             string            // RFC 5322: "Example Telecom <bills@example.com>"
	ReplyTo          string            // "": none
	Advertising      SenderIdentity    // of mail of the class ADVERTISING; what is empty is as for bills
	EnvelopeFrom     string            // where bounces go; with Placeholder in it, one address for each message; default: the address of From
	References       *reference.Source // stand for the delivery key in these addresses; nil: without Placeholder
	IdleTimeout      time.Duration     // how long an unused connection is kept; default 30 s
	PerConnection    int               // messages on one connection; default 100
	ConnectTimeout   time.Duration     // dial, greeting, EHLO, TLS and AUTH; default 30 s, at most the call deadline
	DKIM             *DKIM             // nil: mail is not signed here
	FeedbackID       string            // the sender's id in Feedback-ID, by which Gmail reports complaints; "": no such header
	AllowPlainSecret bool              // AUTH on a line that is not encrypted (the server on this machine may always)
	Now              func() time.Time
	// Installation tells this installation from every other, in each Message-ID; it is asked once. nil: nothing does.
	Installation port.Installation
}

// SenderIdentity is the sender of a mail and who gets the answers.
type SenderIdentity = email.SenderIdentity

// Gateway is a port.Gateway over SMTP. It keeps connections for further messages. Safe for concurrent use.
type Gateway struct {
	provider     port.Provider
	config       Config
	host         string
	writer       *email.Writer
	envelopeFrom string     // "": the address of From
	bounces      *Pattern   // of addresses that name the delivery key; nil: one address for all
	signature    *signature // nil: mail is not signed here
	pool         *gateway.Pool[*session]
	connections  atomic.Int64 // in use or kept
}

var (
	_ port.Gateway  = (*Gateway)(nil)
	_ port.Preparer = (*Gateway)(nil)
)

// New checks the settings, wrapping gateway.ErrConfig; it does not connect.
func New(c Config) (*Gateway, error) {
	if err := c.Provider.Validate(); err != nil {
		return nil, err
	}
	name := c.Provider.Name
	if c.Provider.Channel != channel.Email {
		return nil, gateway.ConfigError(name, "channel", "%s does not go by SMTP", c.Provider.Channel)
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil || host == "" {
		return nil, gateway.ConfigError(name, "address", "is not host:port")
	}
	switch c.TLS {
	case TLSMandatory, TLSOpportunistic, TLSNone, TLSImplicit:
	default:
		return nil, gateway.ConfigError(name, "tls", "%q is none of mandatory, opportunistic, none, implicit", c.TLS)
	}
	if err := c.checkLogin(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	if c.LocalName != "" && !ValidEHLO(c.LocalName) {
		return nil, gateway.ConfigError(name, "EHLO", "is neither a host name nor an address such as [192.0.2.1]")
	}
	g := &Gateway{provider: c.Provider, config: c, host: host, pool: gateway.NewPool(c.IdleTimeout, (*session).close)}
	if g.writer, err = email.NewWriter(email.Config{
		Provider: name, Sender: email.SenderIdentity{From: c.From, ReplyTo: c.ReplyTo}, Advertising: c.Advertising, FeedbackID: c.FeedbackID,
		Now: c.Now, Installation: c.Installation,
	}); err != nil {
		return nil, err
	}
	if g.signature, err = c.DKIM.newSignature(name, host); err != nil {
		return nil, err
	}
	return g, g.envelope(c)
}

func (c Config) withDefaults() Config {
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
	return c
}

// Provider implements port.Gateway.
func (g *Gateway) Provider() port.Provider { return g.provider }

// Close closes unused connections; those in use close after their message.
func (g *Gateway) Close() { g.pool.Close() }

// Send implements port.Gateway.
func (g *Gateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return gateway.NotMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	to, err := email.Recipient(d.Destination)
	if err != nil {
		return port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent, Detail: err.Error()}
	}
	if !g.prepared() {
		return gateway.NotPrepared()
	}
	message, err := g.writer.Write(d, to) // before the dialogue: inside DATA nothing but the connection can fail
	if err != nil {
		return port.Reply{Verdict: port.CallRefused, Class: attempt.Content, Detail: gateway.Redact(err.Error(), to)}
	}
	if g.signature != nil {
		if message, err = g.signature.sign(message); err != nil {
			return gateway.NotMade("no byte was sent: " + err.Error())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, g.provider.CallDeadline)
	defer cancel()
	reply := g.call(ctx, envelope{from: g.envelopeSender(d), to: to, message: message})
	reply.Detail = gateway.Redact(reply.Detail, to)
	return reply
}

// call makes the call on a kept connection or on a new one. A kept connection that turns out to be dead before DATA is
// replaced by a new one, once: certainly nothing was sent on it.
func (g *Gateway) call(ctx context.Context, e envelope) port.Reply {
	if kept, ok := g.pool.Take(); ok {
		kept.kept = true
		reply, stale := kept.deliver(ctx, e)
		reply = g.crowded(reply, 1)
		g.putBack(kept)
		if !stale || ctx.Err() != nil {
			return reply
		}
	}
	fresh, reply := g.connect(ctx)
	if fresh == nil {
		return g.crowded(reply, 0)
	}
	reply, _ = fresh.deliver(ctx, e)
	reply = g.crowded(reply, 1)
	g.putBack(fresh)
	return reply
}

// crowded says how many connections at once a server takes that refused one more: those that we have, without the one that it
// refused. Where there is none, others have them all, and the server's words stay what they are.
func (g *Gateway) crowded(reply port.Reply, refused int) port.Reply {
	if reply.Verdict != port.CallThrottled || !tooManyConnections().MatchString(strings.ToLower(withoutNames(reply.Detail))) {
		return reply
	}
	if taken := int(g.connections.Load()) - refused; taken > 0 {
		reply.Concurrency, reply.Doubtful, reply.Hold = taken, false, 0
	}
	return reply
}

func (g *Gateway) putBack(s *session) {
	if s.broken || s.sent >= g.config.PerConnection {
		s.close()
		return
	}
	g.pool.Put(s)
}

// String names the gateway without its secrets.
func (g *Gateway) String() string {
	return fmt.Sprintf("smtp %s at %s", g.provider.Name, g.config.Address)
}
