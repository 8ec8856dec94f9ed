// Package httpgateway sends SMS and push messages by the HTTP contract of docs/contract/http-gateway.md, one call for each message.
package httpgateway

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// maxBody bounds the body of a gateway's answer, in bytes; the contract knows no longer one.
const maxBody = 16 << 10

// Config describes a gateway for SMS or push by the contract of docs/contract/http-gateway.md.
type Config struct {
	Provider port.Provider
	URL      string // the gateway's root; /sms, /push, … is added
	Token    string // sent as "Authorization: Bearer"; "": none
	TLS      *tls.Config
	// IdleTimeout is how long an unused connection is kept. It must be shorter than the gateway keeps its own: a
	// request on a connection that is being closed leaves an unknown outcome. Default 4 s.
	IdleTimeout time.Duration
	Now         func() time.Time // for a Retry-After that names a date; default time.Now
}

// Gateway is a port.Gateway over HTTP/1.1. It writes requests itself, on connections of its own, because it must know
// whether any byte of a call may have left, and because nothing may repeat a call, as net/http does with a request that
// has an idempotency key. Safe for concurrent use.
type Gateway struct {
	provider port.Provider
	head     []byte // of each request, up to the idempotency key
	dial     dial
	pool     *gateway.Pool[*connection]
	now      func() time.Time
}

var _ port.Gateway = (*Gateway)(nil)

// New checks the settings, wrapping gateway.ErrConfig; it does not connect.
func New(c Config) (*Gateway, error) {
	if err := c.Provider.Validate(); err != nil {
		return nil, err
	}
	name := c.Provider.Name
	if !c.Provider.Channel.Valid() || c.Provider.Channel == channel.Email {
		return nil, gateway.ConfigError(name, "channel", "%s does not go by HTTP", c.Provider.Channel)
	}
	endpoint, err := url.Parse(strings.TrimSuffix(c.URL, "/") + "/" + strings.ToLower(string(c.Provider.Channel)))
	if err != nil || (endpoint.Scheme != "http" && endpoint.Scheme != "https") || endpoint.Host == "" {
		return nil, gateway.ConfigError(name, "url", "is no http or https address")
	}
	if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, gateway.ConfigError(name, "token", "holds what no header can carry")
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = 4 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	address, timeout := endpoint.Host, min(c.Provider.CallDeadline, 10*time.Second)
	if endpoint.Port() == "" {
		address = net.JoinHostPort(endpoint.Hostname(), endpoint.Scheme) // the schemes are the services' names
	}
	open := plainDialer(address, timeout)
	if endpoint.Scheme == "https" {
		open = tlsDialer(address, endpoint.Hostname(), c.TLS, timeout)
	}
	return &Gateway{
		provider: c.Provider, head: headOf(endpoint, c.Token), now: c.Now, dial: open,
		pool: gateway.NewPool(c.IdleTimeout, func(conn *connection) { _ = conn.Close() }),
	}, nil
}

// Provider implements port.Gateway.
func (g *Gateway) Provider() port.Provider { return g.provider }

// Close closes unused connections; those in use are closed after their call.
func (g *Gateway) Close() { g.pool.Close() }

// Send implements port.Gateway.
func (g *Gateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return gateway.NotMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	body, _ := bodies.Get().(*[]byte)
	var reply port.Reply
	if *body, reply = appendBody((*body)[:0], d); reply.Verdict != "" {
		bodies.Put(body)
		return reply
	}
	destination := d.Destination
	d = port.Delivery{Key: d.Key}
	deadline := time.Now().Add(g.provider.CallDeadline)
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(deadline) {
		deadline = earlier
	}
	conn, err := g.connect(ctx, deadline)
	if err != nil {
		bodies.Put(body)
		return gateway.NotMade("no byte was sent: " + gateway.Redact(err.Error(), destination))
	}
	cut := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // an instant that has passed
	var reusable bool
	reply, reusable = g.call(ctx, conn, d.Key, body)
	if cut() && reusable {
		g.pool.Put(conn)
	} else {
		_ = conn.Close()
	}
	reply.Detail = gateway.Redact(reply.Detail, destination)
	return reply
}

// call sends the request and reads the answer. It gives body back to the pool as soon as it is written, because
// thousands of calls wait for their answers at the same time. reusable reports whether the connection may carry another
// call.
func (g *Gateway) call(ctx context.Context, conn *connection, key key.Delivery, body *[]byte) (reply port.Reply, reusable bool) {
	if err := ctx.Err(); err != nil {
		bodies.Put(body)
		return gateway.NotMade("no byte was sent: " + err.Error()), false
	}
	err := g.write(conn, key, *body)
	bodies.Put(body)
	if err != nil {
		return gateway.Unknown("the request broke off: " + err.Error()), false
	}
	conn.probe.AwaitReadable()
	return g.read(conn, key)
}

// bodies holds the buffers of request bodies for the next calls.
var bodies = sync.Pool{New: func() any { return new([]byte) }}
