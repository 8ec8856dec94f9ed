package httpgateway

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
)

// checkLimit bounds one Check.
const checkLimit = 10 * time.Second

// Check connects, and encrypts if the URL says https; it sends no request. The error wraps gateway.ErrCheck.
func (g *Gateway) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	conn, err := g.dial(ctx)
	if err != nil {
		return fmt.Errorf("%w: no connection: %w", gateway.ErrCheck, err)
	}
	_ = conn.Close() // nothing was sent
	return nil
}
