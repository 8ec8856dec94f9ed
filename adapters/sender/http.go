package sender

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
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
	URL      string // the gateway's root; /sms or /push is added
	Token    string // sent as "Authorization: Bearer"; "": none
	TLS      *tls.Config
	// IdleTimeout is how long an unused connection is kept. It must be shorter than the gateway keeps its own: a
	// request on a connection that is being closed leaves an unknown outcome. Default 4 s.
	IdleTimeout time.Duration
	Now         func() time.Time // for a Retry-After that names a date; default time.Now
}

// HTTP is a port.Gateway over HTTP/1.1.
type HTTP struct {
	provider  port.Provider
	endpoint  *url.URL
	header    http.Header
	transport *http.Transport
	now       func() time.Time
}

var _ port.Gateway = (*HTTP)(nil)

// NewHTTP checks the settings; it does not connect.
func NewHTTP(c HTTPConfig) (*HTTP, error) {
	if err := CheckProvider(c.Provider); err != nil {
		return nil, err
	}
	name := c.Provider.Name
	paths := map[channel.Kind]string{channel.SMS: "/sms", channel.Push: "/push"}
	path, ok := paths[c.Provider.Channel]
	if !ok {
		return nil, badConfig(name, "channel", "%s does not go by HTTP", c.Provider.Channel)
	}
	endpoint, err := url.Parse(strings.TrimSuffix(c.URL, "/") + path)
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
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"balsong"}}
	if c.Token != "" {
		header.Set("Authorization", "Bearer "+c.Token)
	}
	return &HTTP{
		provider: c.Provider, endpoint: endpoint, header: header, now: c.Now,
		transport: newTransport(c),
	}, nil
}

func newTransport(c HTTPConfig) *http.Transport {
	dial := dialer{tls: c.TLS, timeout: min(c.Provider.CallDeadline, 10*time.Second)}
	return &http.Transport{
		Proxy:                  nil, // never from the environment
		DialContext:            dial.plain,
		DialTLSContext:         dial.secure,
		ForceAttemptHTTP2:      false,
		DisableCompression:     true, // no decoder without a bound
		MaxIdleConnsPerHost:    c.Provider.InFlight,
		MaxConnsPerHost:        c.Provider.InFlight,
		IdleConnTimeout:        c.IdleTimeout,
		MaxResponseHeaderBytes: 16 << 10,
		WriteBufferSize:        2 << 10, // 10,000 connections are kept
		ReadBufferSize:         2 << 10,
	}
}

// Provider implements port.Gateway.
func (g *HTTP) Provider() port.Provider { return g.provider }

// Close closes unused connections.
func (g *HTTP) Close() { g.transport.CloseIdleConnections() }

// Send implements port.Gateway.
func (g *HTTP) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return notMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	body, reply := bodyOf(d)
	if reply.Verdict != "" {
		return reply
	}
	ctx, cancel := context.WithTimeout(ctx, g.provider.CallDeadline)
	defer cancel()
	line := &line{}
	request := g.request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: line.got}), d.Key, body)
	destination := d.Destination
	response, err := g.transport.RoundTrip(request)
	if err != nil {
		if line.untouched() {
			return notMade("no byte was sent: " + mask(err.Error(), destination))
		}
		return unknown("no answer: " + mask(err.Error(), destination))
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return unknown("the answer broke off: " + mask(err.Error(), destination))
	}
	reply = httpReply(response.StatusCode, response.Header.Get("Retry-After"), answer, g.now())
	reply.Detail = mask(reply.Detail, destination)
	return reply
}

// message is the contract's request body.
type message struct {
	To    string `json:"to"`
	Text  string `json:"text"`
	Title string `json:"title,omitempty"`
	Class string `json:"class,omitempty"`
}

// bodyOf is the request's body. What the contract does not allow it refuses, without a call: the gateway's "bad
// request" would leave an outcome that nobody can know.
func bodyOf(d port.Delivery) ([]byte, port.Reply) {
	refused := func(class attempt.FailureClass, why string) ([]byte, port.Reply) {
		return nil, port.Reply{Verdict: port.CallRefused, Class: class, Detail: why}
	}
	if strings.TrimSpace(d.Destination) == "" || len(d.Destination) > maxDestination {
		return refused(attempt.Permanent, "the destination is empty or too long")
	}
	c := d.Content
	if c.Text == "" || (c.Class != "" && c.Class != "SMS" && c.Class != "LMS") {
		return refused(attempt.Content, "the text is empty, or its class is neither SMS nor LMS")
	}
	body, err := json.Marshal(message{To: d.Destination, Text: c.Text, Title: c.Title, Class: c.Class})
	if err != nil || len(body) > maxRequest {
		return refused(attempt.Content, "the message is longer than the contract allows")
	}
	return body, port.Reply{}
}

func (g *HTTP) request(ctx context.Context, key key.Delivery, body []byte) *http.Request {
	header := g.header.Clone()
	header["Idempotency-Key"] = []string{key.String()}
	request := &http.Request{
		Method: http.MethodPost, URL: g.endpoint, Host: g.endpoint.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: &onceBody{left: body}, ContentLength: int64(len(body)),
		GetBody: nil, // or net/http would repeat the request by itself
	}
	return request.WithContext(ctx)
}

// onceBody is a request body that can be read once. net/http must not know its type: it rewinds those it knows. What
// was read it holds no longer: thousands of calls wait for their answers at the same time.
type onceBody struct{ left []byte }

// Read implements io.Reader.
func (b *onceBody) Read(p []byte) (int, error) {
	n := copy(p, b.left)
	if b.left = b.left[n:]; len(b.left) == 0 {
		b.left = nil
		return n, io.EOF
	}
	return n, nil
}

// Close implements io.Closer.
func (*onceBody) Close() error { return nil }
