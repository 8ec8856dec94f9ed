package gateway

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// ProbeConn is a connection, below TLS if there is TLS, that can tell whether the server has sent something unasked. Like
// the calls themselves it serves one goroutine at a time.
type ProbeConn struct {
	net.Conn
	socket      syscall.RawConn // nil where there is none
	nonblocking bool            // reads fail with os.ErrDeadlineExceeded instead of waiting
	records     recordCount
}

// NewProbeConn wraps a connection before anything was read from it.
func NewProbeConn(conn net.Conn) *ProbeConn { return &ProbeConn{Conn: conn, socket: socketOf(conn)} }

// Quiet reports whether the server has sent nothing that was not read yet, and has not closed the connection. What it has
// sent may lie in the socket, in a part of a TLS record, decrypted inside TLS, or in a reader's buffer; whatever it is, the
// next call would take it for its answer. So read must read, or peek, on top of all these. While it runs, a read of the
// socket does not wait: it fails with a timeout, which leaves a tls.Conn usable. TLS consumes its session tickets meanwhile.
// Where the system cannot tell, the socket counts as empty.
func (c *ProbeConn) Quiet(read func() error) bool {
	c.nonblocking = true
	err := read()
	c.nonblocking = false
	return errors.Is(err, os.ErrDeadlineExceeded) && c.records.atBoundary()
}

// AwaitReadable waits until there is something to read, or until the connection's deadline, which the read that follows
// reports. Waiting here needs no buffer: thousands of calls wait for their answers at the same time.
func (c *ProbeConn) AwaitReadable() {
	if c.socket != nil {
		awaitReadable(c.socket)
	}
}

// Read implements net.Conn.
func (c *ProbeConn) Read(p []byte) (n int, err error) {
	switch {
	case !c.nonblocking:
		n, err = c.Conn.Read(p)
	case c.socket == nil:
		err = os.ErrDeadlineExceeded
	default:
		if n, err = readNow(c.socket, p); n == 0 && err == nil {
			err = io.EOF
		}
	}
	c.records.follow(p[:n])
	return n, err
}

const (
	headerSize      = 5    // of a TLS record: type, version and the length of what follows (RFC 8446, 5.1)
	recordHandshake = 0x16 // the type of a server's first record; no text before STARTTLS contains it
)

// recordCount follows the TLS records in a stream, because crypto/tls does not tell whether it has read one in part.
type recordCount struct {
	started  bool
	header   [headerSize]byte
	inHeader int // bytes of the header so far
	inBody   int // bytes of the body still to come
}

// follow counts bytes. Those before the first record are skipped.
func (c *recordCount) follow(p []byte) {
	for len(p) > 0 {
		switch {
		case !c.started:
			if c.started = p[0] == recordHandshake; !c.started {
				p = p[1:]
			}
		case c.inBody > 0:
			n := min(c.inBody, len(p))
			c.inBody, p = c.inBody-n, p[n:]
		default:
			n := copy(c.header[c.inHeader:], p)
			c.inHeader, p = c.inHeader+n, p[n:]
			if c.inHeader == headerSize {
				c.inHeader, c.inBody = 0, int(c.header[3])<<8|int(c.header[4])
			}
		}
	}
}

// atBoundary reports whether no record has been read in part.
func (c *recordCount) atBoundary() bool { return c.inHeader == 0 && c.inBody == 0 }
