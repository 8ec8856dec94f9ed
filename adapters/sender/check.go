package sender

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// checkLimit bounds one Check of a gateway.
const checkLimit = 10 * time.Second

// ErrCheck is wrapped by the errors of Check.
var ErrCheck = errors.New("the gateway cannot be called")

// Check connects, encrypts and authenticates as for a message, and disconnects without sending one. The error wraps
// ErrCheck and has the server's words; the context's end is reported the same way.
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

// Check connects, and encrypts if the URL says https; it sends no request. The error wraps ErrCheck.
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
