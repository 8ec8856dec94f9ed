package postgres

import (
	"bytes"
	"context"
	"errors"
	"net"
	"time"

	"github.com/lib/pq"
)

// errNotPostgreSQL is the error of a connection to something that is not PostgreSQL.
var errNotPostgreSQL = errors.New("what answers there is not PostgreSQL")

// dialer opens connections whose every read and write has a deadline, and whose first byte is one that PostgreSQL sends.
// The driver itself waits for ever, past its context, if the network swallows packets; and it takes the greeting of a web
// server for the length of a message, for which it allocates over a gigabyte.
type dialer struct {
	net.Dialer
	silence time.Duration
}

var _ interface {
	pq.Dialer
	pq.DialerContext
} = dialer{}

func newDialer(silence time.Duration) dialer { return dialer{silence: silence} }

// DialTimeout is part of the driver's interface.
func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// Dial is part of the driver's interface.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialContext is part of the driver's interface.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &deadlineConn{Conn: conn, silence: d.silence}, nil
}

// deadlineConn is a connection whose reads and writes fail when they make no progress for a while. An earlier deadline,
// such as the driver sets while it connects, comes first.
type deadlineConn struct {
	net.Conn
	silence  time.Duration
	deadline time.Time
	greeted  bool // the first byte has come
}

// SetDeadline is called before and after the handshake, by the one goroutine that then reads and writes.
func (c *deadlineConn) SetDeadline(t time.Time) error {
	c.deadline = t
	return c.Conn.SetDeadline(t)
}

func (c *deadlineConn) next() time.Time {
	limit := time.Now().Add(c.silence)
	if !c.deadline.IsZero() && c.deadline.Before(limit) {
		return c.deadline
	}
	return limit
}

func (c *deadlineConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(c.next()); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if n > 0 && !c.greeted {
		if !isGreeting(p[:n]) {
			return 0, errNotPostgreSQL
		}
		c.greeted = true
	}
	return n, err
}

// isGreeting reports whether a server of PostgreSQL may begin with these bytes: with a request to log in, an error or the
// versions that it speaks; or with one letter, where it was asked for TLS.
func isGreeting(first []byte) bool {
	return bytes.IndexByte([]byte("REvN"), first[0]) >= 0 || string(first) == "S"
}

func (c *deadlineConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(c.next()); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
