//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package gateway

import (
	"net"
	"os"
	"syscall"
)

// socketOf returns nil: on this system a socket cannot be asked whether there is something to read.
func socketOf(net.Conn) syscall.RawConn { return nil }

func awaitReadable(syscall.RawConn) {}

func readNow(syscall.RawConn, []byte) (int, error) { return 0, os.ErrDeadlineExceeded }
