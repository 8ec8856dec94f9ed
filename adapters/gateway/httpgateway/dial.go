package httpgateway

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// dial opens a connection to the gateway, including its TLS handshake.
type dial func(ctx context.Context) (net.Conn, error)

// dialerFor returns a dial for an address; secure means https. It offers no protocol but HTTP/1.1.
func dialerFor(address string, secure bool, settings *tls.Config, timeout time.Duration) dial {
	plain := &net.Dialer{Timeout: timeout}
	if !secure {
		return func(ctx context.Context) (net.Conn, error) { return plain.DialContext(ctx, "tcp", address) }
	}
	config := settings.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.NextProtos = []string{"http/1.1"}
	dialer := &tls.Dialer{NetDialer: plain, Config: config}
	return func(ctx context.Context) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return dialer.DialContext(ctx, "tcp", address)
	}
}

// connect returns an unused connection, or a new one. One that the gateway has closed meanwhile is not used: a request
// on it would leave the outcome unknown.
func (g *Gateway) connect(ctx context.Context, deadline time.Time) (net.Conn, error) {
	for {
		conn, kept := g.pool.Take()
		if !kept {
			ctx, cancel := context.WithDeadline(ctx, deadline)
			defer cancel()
			return g.dialAside(ctx)
		}
		if quiet(conn) {
			return conn, nil
		}
		_ = conn.Close()
	}
}

// dialAside dials on a goroutine of its own. Dialling needs a deep stack, which the caller's would keep: with thousands of calls
// under way 16 KB each instead of 8.
func (g *Gateway) dialAside(ctx context.Context) (net.Conn, error) {
	type dialled struct {
		conn net.Conn
		err  error
	}
	done := make(chan dialled, 1)
	go func() {
		conn, err := g.dial(ctx)
		done <- dialled{conn, err}
	}()
	d := <-done
	return d.conn, d.err
}
