//go:build linux || darwin || freebsd || netbsd || openbsd

package gateway

import (
	"net"
	"os"
	"syscall"
)

// socketOf returns a connection's socket; nil where there is none.
func socketOf(conn net.Conn) syscall.RawConn {
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

// peek reports whether a read would return at once: with data, the connection's end or an error.
func peek(socket uintptr) bool {
	var one [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(socket), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			return err != syscall.EAGAIN && err != syscall.EWOULDBLOCK
		}
	}
}

// awaitReadable waits until a read would return at once, or until the deadline.
func awaitReadable(socket syscall.RawConn) { _ = socket.Read(peek) }

// readNow reads what is there; os.ErrDeadlineExceeded if that is nothing.
func readNow(socket syscall.RawConn, p []byte) (n int, err error) {
	access := socket.Read(func(descriptor uintptr) bool {
		for {
			if n, err = syscall.Read(int(descriptor), p); err != syscall.EINTR {
				return true
			}
		}
	})
	switch {
	case access != nil:
		return 0, access
	case err == syscall.EAGAIN || err == syscall.EWOULDBLOCK:
		return 0, os.ErrDeadlineExceeded
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	}
	return n, nil
}
