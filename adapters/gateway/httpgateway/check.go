package httpgateway

import (
	"context"

	"github.com/balsong/balsong/adapters/gateway"
)

// Check connects, and encrypts if the URL says https; it sends no request. The error wraps gateway.ErrCheck.
func (g *Gateway) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, gateway.CheckLimit)
	defer cancel()
	return g.host.Check(ctx)
}
