package sender

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"sync"
	"time"
)

// errSealed is what a write gets after its call was given up as "not made".
var errSealed = errors.New("the call was given up before its first byte")

// countedConn counts the writes that were begun. Above TLS it counts what the request wrote, not the handshake.
type countedConn struct {
	net.Conn
	mu     sync.Mutex
	begun  int
	sealed bool
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.sealed {
		c.mu.Unlock()
		return 0, errSealed
	}
	c.begun++
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// copies keeps the room through which bodies go: io.Copy would make it anew for each.
var copies = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// ReadFrom implements io.ReaderFrom, by way of Write.
func (c *countedConn) ReadFrom(r io.Reader) (written int64, err error) {
	room, _ := copies.Get().(*[16 << 10]byte)
	defer copies.Put(room)
	return io.CopyBuffer(writeOnly{c}, r, room[:])
}

// writeOnly hides every other method.
type writeOnly struct{ io.Writer }

func (c *countedConn) writes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.begun
}

// seal forbids further writes if none was begun since the count, and reports whether it did.
func (c *countedConn) seal(since int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = c.sealed || c.begun == since
	return c.begun == since
}

// line is the connection that a request was given, if any. It belongs to the request until its answer is read:
// HTTP/1.1 without pipelining.
type line struct {
	mu    sync.Mutex
	conn  net.Conn
	since int
}

func (l *line) got(info httptrace.GotConnInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = info.Conn
	if counted, ok := info.Conn.(*countedConn); ok {
		l.since = counted.writes()
	}
}

// untouched reports whether surely no byte of the request was, or will be, written.
func (l *line) untouched() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		return true
	}
	counted, ok := l.conn.(*countedConn)
	return ok && counted.seal(l.since)
}

// dialer makes the connections whose writes are counted.
type dialer struct {
	tls     *tls.Config
	timeout time.Duration
}

func (d dialer) plain(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: d.timeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &countedConn{Conn: conn}, nil
}

// secure makes the handshake before the transport sees the connection, so that its bytes are no request's. It offers
// no protocol but HTTP/1.1.
func (d dialer) secure(ctx context.Context, network, address string) (net.Conn, error) {
	config := d.tls.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.NextProtos = []string{"http/1.1"}
	secure := &tls.Dialer{NetDialer: &net.Dialer{Timeout: d.timeout}, Config: config}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := secure.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &countedConn{Conn: conn}, nil
}
