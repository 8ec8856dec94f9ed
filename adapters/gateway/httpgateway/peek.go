//go:build linux || darwin || freebsd || netbsd || openbsd

package httpgateway

import (
	"net"
	"syscall"
)

// raw returns a connection's socket, below TLS; nil where there is none.
func raw(conn net.Conn) syscall.RawConn {
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	access, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	return access
}

// peek reports whether a read would return at once: with an answer, the connection's end or an error.
func peek(socket uintptr) bool {
	var one [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(socket), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			return err != syscall.EAGAIN && err != syscall.EWOULDBLOCK
		}
	}
}

// quiet reports whether nothing has come on an unused connection, so that the other end has not closed it. True where
// that cannot be told.
func quiet(conn net.Conn) bool {
	access := raw(conn)
	if access == nil {
		return true
	}
	something := false
	err := access.Read(func(socket uintptr) bool {
		something = peek(socket)
		return true
	})
	return err == nil && !something
}

// awaitAnswer waits until there is something to read, or until the connection's deadline, which the read that follows
// reports. Waiting here needs no buffer for the answer: thousands of calls wait at the same time.
func awaitAnswer(conn net.Conn) {
	if access := raw(conn); access != nil {
		_ = access.Read(peek)
	}
}
