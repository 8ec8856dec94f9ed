package postgres

import (
	"context"
	"net"
	"time"

	"github.com/lib/pq"
)

// dialer opens connections whose every read and write has a deadline. The driver itself waits for ever, past its
// context, if the network swallows packets.
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
	return &impatient{Conn: conn, silence: d.silence}, nil
}

// impatient is a connection whose reads and writes fail when they make no progress for a while. An earlier deadline,
// such as the driver sets while it connects, comes first.
type impatient struct {
	net.Conn
	silence  time.Duration
	deadline time.Time
}

// SetDeadline is called before and after the handshake, by the one goroutine that then reads and writes.
func (c *impatient) SetDeadline(t time.Time) error {
	c.deadline = t
	return c.Conn.SetDeadline(t)
}

func (c *impatient) next() time.Time {
	limit := time.Now().Add(c.silence)
	if !c.deadline.IsZero() && c.deadline.Before(limit) {
		return c.deadline
	}
	return limit
}

func (c *impatient) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(c.next()); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *impatient) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(c.next()); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
