package sender

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// checkLimit bounds one look at a gateway.
const checkLimit = 10 * time.Second

// ErrCheck is wrapped by what a look at a gateway finds.
var ErrCheck = errors.New("the gateway cannot be called")

// Check connects, encrypts and signs in as for a message, and leaves without one. The error has the server's words.
func (g *SMTP) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	session, reply := g.connect(ctx)
	if session == nil {
		return fmt.Errorf("%w: %s", ErrCheck, reply.Detail)
	}
	session.close()
	return nil
}

// Check connects, and encrypts where the URL says so; it asks for nothing.
func (g *HTTP) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	conn, err := g.dial(ctx)
	if err != nil {
		return fmt.Errorf("%w: no connection: %w", ErrCheck, err)
	}
	_ = conn.Close() // nothing was sent
	return nil
}
