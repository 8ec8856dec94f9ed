package httpgateway

import (
	"net"

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
