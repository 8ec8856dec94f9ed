package kafka

import (
	"context"
	"net"
)

// Through returns the cluster with another way to open connections.
func (c Cluster) Through(dial func(ctx context.Context, network, address string) (net.Conn, error)) Cluster {
	c.dial = dial
	return c
}
