// Package httpgateway sends SMS, push and AlimTalk messages by the HTTP contract of docs/contract/http-gateway.md, one call for each message.
package httpgateway

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
)

// Config describes a gateway for SMS, push or AlimTalk by the contract of docs/contract/http-gateway.md.
type Config struct {
	Provider port.Provider
	URL      string // the gateway's root; /sms, /push, … is added
	Token    string // sent as "Authorization: Bearer"; "": none
	TLS      *tls.Config
	Now      func() time.Time // for a Retry-After that names a date; default time.Now
}

// Gateway is a port.Gateway over HTTP. Safe for concurrent use.
type Gateway struct {
	provider port.Provider
	client   *httpclient.Client
	host     *httpclient.Host
	path     string
	bearer   string // of Authorization; "": none
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
	g := &Gateway{
		provider: c.Provider, now: c.Now,
		client: httpclient.New(httpclient.Config{CallDeadline: c.Provider.CallDeadline, TLS: c.TLS}),
	}
	endpoint, err := url.Parse(strings.TrimSuffix(c.URL, "/") + "/" + strings.ToLower(string(c.Provider.Channel)))
	if err == nil {
		g.host, err = g.client.Host(endpoint)
	}
	if err != nil {
		return nil, gateway.ConfigError(name, "url", "is no http or https address")
	}
	if g.path = endpoint.RequestURI(); c.Token != "" {
		g.bearer = "Bearer " + c.Token
	}
	if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, gateway.ConfigError(name, "token", "holds what no header can carry")
	}
	if g.now == nil {
		g.now = time.Now
	}
	return g, nil
}

// Provider implements port.Gateway.
func (g *Gateway) Provider() port.Provider { return g.provider }

// Close closes unused connections; those in use are closed after their call.
func (g *Gateway) Close() { g.client.Close() }

// Send implements port.Gateway.
func (g *Gateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return gateway.NotMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	call, refusal := g.callOf(d)
	if refusal.Verdict != "" {
		return refusal
	}
	return table.Send(ctx, g.host, call, d.Destination, nil, g.now)
}

// keyHeader carries the delivery key, in the request and, if the gateway repeats it, in the answer.
const keyHeader = "Idempotency-Key"

// callOf writes the contract's request.
func (g *Gateway) callOf(d port.Delivery) (*httpclient.Call, port.Reply) {
	call := g.host.NewCall(http.MethodPost, g.path)
	var refusal port.Reply
	if call.Body, refusal = appendBody(call.Body, d, g.provider.Name); refusal.Verdict != "" {
		call.Discard()
		return nil, refusal
	}
	call.Header("Content-Type", "application/json")
	if g.bearer != "" {
		call.Header("Authorization", g.bearer)
	}
	call.Key(keyHeader, d.Key.String())
	return call, port.Reply{}
}
