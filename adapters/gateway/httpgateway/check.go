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
	if err := g.host.Check(ctx); err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	return nil
}
