package httpgateway

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
)

// connection is a connection to the gateway: TCP, or TLS over TCP.
type connection struct {
	net.Conn                    // what requests are written to and answers are read from
	probe    *gateway.ProbeConn // below TLS
	secure   bool
}

// quiet reports whether the gateway has sent nothing that no call has read, and has not closed the connection.
func (c *connection) quiet() bool {
	return c.probe.Quiet(func() error {
		var one [1]byte
		_, err := c.Read(one[:])
		return err
	})
}

var errUnexpectedData = errors.New("unexpected data from the server before the request")

// dial opens a connection to the gateway, including its TLS handshake.
type dial func(ctx context.Context) (*connection, error)

// plainDialer returns a dial for an address without TLS.
func plainDialer(address string, timeout time.Duration) dial {
	dialer := &net.Dialer{Timeout: timeout}
	return func(ctx context.Context) (*connection, error) {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		probe := gateway.NewProbeConn(conn)
		return &connection{Conn: probe, probe: probe}, nil
	}
}

// tlsDialer returns a dial for an address with TLS; host is the name in the certificate. It offers no protocol but
// HTTP/1.1.
func tlsDialer(address, host string, settings *tls.Config, timeout time.Duration) dial {
	dialer := &net.Dialer{}
	config := settings.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	config.NextProtos = []string{"http/1.1"}
	return func(ctx context.Context) (*connection, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		probe := gateway.NewProbeConn(conn)
		secure := tls.Client(probe, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return &connection{Conn: secure, probe: probe, secure: true}, nil
	}
}

// connect returns an idle connection, or a new one, whose deadline is set. One on which the gateway has sent something, or
// which it has closed, is not used: a call would take the former for its answer, and end unknown on the latter.
func (g *Gateway) connect(ctx context.Context, deadline time.Time) (*connection, error) {
	for {
		conn, idle := g.pool.Take()
		if !idle {
			break
		}
		if conn.SetDeadline(deadline) == nil && conn.quiet() {
			return conn, nil
		}
		_ = conn.Close()
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := g.dialAside(ctx)
	if err != nil {
		return nil, err
	}
	if err = conn.SetDeadline(deadline); err == nil && !conn.quiet() {
		err = errUnexpectedData
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// dialAside dials on a goroutine of its own. Dialling needs a deep stack, which the caller's would keep: with thousands of
// calls in flight 16 KB each instead of 8.
func (g *Gateway) dialAside(ctx context.Context) (*connection, error) {
	type dialled struct {
		conn *connection
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
