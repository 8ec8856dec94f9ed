package kafka

import (
	"context"
	"net"
)

// Through returns the config with another way to open connections.
func (c Config) Through(dial func(ctx context.Context, network, address string) (net.Conn, error)) Config {
	c.dial = dial
	return c
}
