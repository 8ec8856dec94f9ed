package httpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
)

// connection is a connection to a server: TCP, or TLS over TCP.
type connection struct {
	net.Conn                    // what requests are written to and answers are read from
	probe    *gateway.ProbeConn // below TLS
	secure   bool
}

// quiet reports whether the server has sent nothing that no call has read, and has not closed the connection.
func (c *connection) quiet() bool {
	return c.probe.Quiet(func() error {
		var one [1]byte
		_, err := c.Read(one[:])
		return err
	})
}

var errUnexpectedData = errors.New("unexpected data from the server before the request")

// dial opens a connection, including its TLS handshake.
func (h *Host) dial(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, maxDial)
	defer cancel()
	conn, err := h.client.open(ctx, "tcp", h.address)
	if err != nil {
		return nil, err
	}
	probe := gateway.NewProbeConn(conn)
	if h.tls == nil {
		return &connection{Conn: probe, probe: probe}, nil
	}
	secure := tls.Client(probe, h.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, inWords(err)
	}
	return &connection{Conn: secure, probe: probe, secure: true}, nil
}

// inWords says more of a handshake that failed because the server speaks no HTTP/1.1: crypto/tls has no type for that alert.
func inWords(err error) error {
	for _, said := range []string{"no application protocol", "unadvertised ALPN protocol"} {
		if strings.Contains(err.Error(), said) {
			return fmt.Errorf("the server does not speak HTTP/1.1, the only protocol offered to it (ALPN): %w", err)
		}
	}
	return err
}

// connect returns an idle connection, or a new one, whose deadline is set. One on which the server has sent something, or
// which it has closed, is not used: a call would take the former for its answer, and end unknown on the latter.
func (h *Host) connect(ctx context.Context, deadline time.Time) (*connection, error) {
	for {
		conn, idle := h.pool.Take()
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
	conn, err := h.dialAside(ctx)
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
func (h *Host) dialAside(ctx context.Context) (*connection, error) {
	type dialled struct {
		conn *connection
		err  error
	}
	done := make(chan dialled, 1)
	go func() {
		conn, err := h.dial(ctx)
		done <- dialled{conn, err}
	}()
	d := <-done
	return d.conn, d.err
}

// http2Patience is how long Check waits for the first frame of a server that did not say which protocol it speaks.
const http2Patience = 300 * time.Millisecond

// Check connects, and encrypts if the URL says https; it sends no request. The error wraps gateway.ErrCheck.
func (h *Host) Check(ctx context.Context) error {
	conn, err := h.dial(ctx)
	if err != nil {
		return fmt.Errorf("%w: no connection: %w", gateway.ErrCheck, err)
	}
	defer conn.Close() // nothing was sent
	secure, is := conn.Conn.(*tls.Conn)
	if !is || secure.ConnectionState().NegotiatedProtocol != "" {
		return nil
	}
	var first [1]byte
	if err := conn.SetDeadline(time.Now().Add(http2Patience)); err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	switch _, err := conn.Read(first[:]); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil // it waits for a request, as HTTP/1.1 does
	case err != nil:
		return fmt.Errorf("%w: the server closed the connection before a request: %w", gateway.ErrCheck, err)
	default:
		return fmt.Errorf("%w: %w", gateway.ErrCheck, errUnexpectedData)
	}
}
