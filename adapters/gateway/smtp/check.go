package smtp

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
)

// checkLimit bounds one Check.
const checkLimit = 10 * time.Second

// Check connects, encrypts and authenticates as for a message, and disconnects without sending one. The error wraps
// gateway.ErrCheck and has the server's words; the context's end is reported the same way.
func (g *Gateway) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	session, reply := g.connect(ctx)
	if session == nil {
		return fmt.Errorf("%w: %s", gateway.ErrCheck, reply.Detail)
	}
	session.close()
	return nil
}
