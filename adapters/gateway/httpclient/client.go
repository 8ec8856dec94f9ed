// Package httpclient calls providers over HTTP/1.1, once for each message, and says of each call whether it was answered,
// certainly not made, or has an unknown outcome. Nothing in it repeats a call or follows a redirect (ADR 0019, ADR 0063).
package httpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
)

// Config describes how a provider's servers are called.
type Config struct {
	CallDeadline time.Duration // the longest a call may take, connecting included; the context may end it earlier
	TLS          *tls.Config   // for https; default: the system's certificates, TLS 1.2 and later
	// IdleTimeout is how long an unused connection is kept. It must be shorter than the server keeps its own: a request on
	// a connection that is being closed leaves an unknown outcome. Default 4 s.
	IdleTimeout time.Duration
	MaxBody     int // bytes of an answer's body that are read. Default 16 KiB
}

const (
	defaultIdleTimeout = 4 * time.Second
	defaultMaxBody     = 16 << 10
	maxDial            = 10 * time.Second // for a connection with its TLS handshake
	maxHeader          = 32 << 10         // bytes of an answer before its body, informational answers included
)

// Client calls the servers of a provider. It writes requests itself, on connections of its own, because it must know
// whether any byte of a call may have left, and because nothing may repeat a call, as net/http does with a request that
// has an idempotency key. Safe for concurrent use.
type Client struct {
	config Config
	open   func(ctx context.Context, network, address string) (net.Conn, error)

	mu     sync.Mutex
	hosts  map[string]*Host // by scheme and authority
	closed bool
}

// New returns a client; it does not connect.
func New(c Config) *Client {
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = defaultIdleTimeout
	}
	if c.MaxBody <= 0 {
		c.MaxBody = defaultMaxBody
	}
	return &Client{config: c, open: (&net.Dialer{}).DialContext, hosts: map[string]*Host{}}
}

// Host is a server of a provider, with the connections to it that no call uses.
type Host struct {
	client    *Client
	authority string      // for the header field Host
	address   string      // host:port
	tls       *tls.Config // nil: plain TCP
	pool      *gateway.Pool[*connection]
}

var errNoAddress = errors.New("no http or https address")

// Host returns the server of a URL, the same one for each URL of it. Path and query are not looked at.
func (c *Client) Host(u *url.URL) (*Host, error) {
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || !visible(u.Host) {
		return nil, errNoAddress
	}
	name := u.Scheme + "://" + u.Host
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.hosts[name]; known != nil {
		return known, nil
	}
	h := &Host{client: c, authority: u.Host, address: u.Host}
	if u.Port() == "" {
		h.address = net.JoinHostPort(u.Hostname(), u.Scheme) // the schemes are the services' names
	}
	if u.Scheme == "https" {
		h.tls = settingsFor(u.Hostname(), c.config.TLS)
	}
	h.pool = gateway.NewPool(c.config.IdleTimeout, func(conn *connection) { _ = conn.Close() })
	if c.closed {
		h.pool.Close()
	}
	c.hosts[name] = h
	return h, nil
}

// settingsFor are the TLS settings for a server. No protocol but HTTP/1.1 is offered.
func settingsFor(host string, settings *tls.Config) *tls.Config {
	if settings = settings.Clone(); settings == nil {
		settings = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if settings.ServerName == "" {
		settings.ServerName = host
	}
	settings.NextProtos = []string{"http/1.1"}
	return settings
}

// Close closes unused connections; those in use are closed after their call.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, h := range c.hosts {
		h.pool.Close()
	}
}
