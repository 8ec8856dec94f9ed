package sender

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// maxBody bounds a gateway's answer, in bytes; a longer one is not the contract's.
const maxBody = 16 << 10

// Bounds of what is sent, in bytes: the destination ours, the request's body the contract's.
const (
	maxDestination = 1 << 10
	maxRequest     = 64 << 10
)

// HTTPConfig describes a gateway for SMS or push by the contract of docs/contract/http-gateway.md.
type HTTPConfig struct {
	Provider port.Provider
	URL      string // the gateway's root; /sms, /push, … is added
	Token    string // sent as "Authorization: Bearer"; "": none
	TLS      *tls.Config
	// IdleTimeout is how long an unused connection is kept. It must be shorter than the gateway keeps its own: a
	// request on a connection that is being closed leaves an unknown outcome. Default 4 s.
	IdleTimeout time.Duration
	Now         func() time.Time // for a Retry-After that names a date; default time.Now
}

// HTTP is a port.Gateway over HTTP/1.1. It writes requests itself, on connections of its own, because it has to know
// whether a byte of a call may have left, and because nothing may repeat a call: net/http does, for a request with an
// idempotency key.
type HTTP struct {
	provider port.Provider
	head     []byte // of each request, up to the idempotency key
	dial     dial
	pool     *pool[net.Conn]
	now      func() time.Time
}

var _ port.Gateway = (*HTTP)(nil)

// NewHTTP checks the settings; it does not connect.
func NewHTTP(c HTTPConfig) (*HTTP, error) {
	if err := CheckProvider(c.Provider); err != nil {
		return nil, err
	}
	name := c.Provider.Name
	if !c.Provider.Channel.Valid() || c.Provider.Channel == channel.Email {
		return nil, badConfig(name, "channel", "%s does not go by HTTP", c.Provider.Channel)
	}
	endpoint, err := url.Parse(strings.TrimSuffix(c.URL, "/") + "/" + strings.ToLower(string(c.Provider.Channel)))
	if err != nil || (endpoint.Scheme != "http" && endpoint.Scheme != "https") || endpoint.Host == "" {
		return nil, badConfig(name, "url", "is no http or https address")
	}
	if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, badConfig(name, "token", "holds what no header can carry")
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = 4 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	address, secure := endpoint.Host, endpoint.Scheme == "https"
	if endpoint.Port() == "" {
		address = net.JoinHostPort(endpoint.Hostname(), endpoint.Scheme) // the schemes are the services' names
	}
	return &HTTP{
		provider: c.Provider, head: headOf(endpoint, c.Token), now: c.Now,
		dial: dialerFor(address, secure, c.TLS, min(c.Provider.CallDeadline, 10*time.Second)),
		pool: newPool(c.IdleTimeout, func(conn net.Conn) { _ = conn.Close() }),
	}, nil
}

// Provider implements port.Gateway.
func (g *HTTP) Provider() port.Provider { return g.provider }

// Close closes unused connections.
func (g *HTTP) Close() { g.pool.close() }

// Send implements port.Gateway.
func (g *HTTP) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return notMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	body, _ := bodies.Get().(*bytes.Buffer)
	if reply := writeBody(body, d); reply.Verdict != "" {
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
	if err == nil {
		err = conn.SetDeadline(deadline)
	}
	if err != nil {
		bodies.Put(body)
		return notMade("no byte was sent: " + mask(err.Error(), destination))
	}
	cut := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // an instant that has passed
	reply, reusable := g.call(ctx, conn, d.Key, body)
	if cut() && reusable {
		g.pool.put(conn)
	} else {
		_ = conn.Close()
	}
	reply.Detail = mask(reply.Detail, destination)
	return reply
}

// call sends the request and reads the answer. body is given back as soon as it is written: thousands of calls wait
// for their answers at the same time. reusable tells that the connection may carry another call.
func (g *HTTP) call(ctx context.Context, conn net.Conn, key key.Delivery, body *bytes.Buffer) (reply port.Reply, reusable bool) {
	if err := ctx.Err(); err != nil {
		bodies.Put(body)
		return notMade("no byte was sent: " + err.Error()), false
	}
	err := g.write(conn, key, body.Bytes())
	bodies.Put(body)
	if err != nil {
		return unknown("the request broke off: " + err.Error()), false
	}
	awaitAnswer(conn)
	return g.read(conn)
}

// message is the contract's request body.
type message struct {
	To    string `json:"to"`
	Text  string `json:"text"`
	Title string `json:"title,omitempty"`
	Class string `json:"class,omitempty"`
}

// bodies keeps room for request bodies.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// writeBody makes the request's body. What the contract does not allow it refuses, without a call: the gateway's "bad
// request" would leave an outcome that nobody can know.
func writeBody(body *bytes.Buffer, d port.Delivery) (refusal port.Reply) {
	refused := func(class attempt.FailureClass, why string) port.Reply {
		return port.Reply{Verdict: port.CallRefused, Class: class, Detail: why}
	}
	if strings.TrimSpace(d.Destination) == "" || len(d.Destination) > maxDestination {
		return refused(attempt.Permanent, "the destination is empty or too long")
	}
	c := d.Content
	if c.Text == "" || (c.Class != "" && c.Class != "SMS" && c.Class != "LMS") {
		return refused(attempt.Content, "the text is empty, or its class is neither SMS nor LMS")
	}
	body.Reset()
	err := json.NewEncoder(body).Encode(message{To: d.Destination, Text: c.Text, Title: c.Title, Class: c.Class})
	body.Truncate(max(body.Len()-1, 0)) // the line feed that the encoder adds
	if err != nil || body.Len() > maxRequest {
		return refused(attempt.Content, "the message is longer than the contract allows")
	}
	return port.Reply{}
}
