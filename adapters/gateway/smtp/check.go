package smtp

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/adapters/gateway"
)

// Check connects, says EHLO, encrypts and authenticates as for a message, announces each sender with MAIL FROM, takes that
// back with RSET, and disconnects: no recipient is named, and nothing is sent. The error wraps gateway.ErrCheck, names the
// step that failed and has the server's words; the context's end is reported the same way.
func (g *Gateway) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, gateway.CheckLimit)
	defer cancel()
	if err := g.Prepare(ctx); err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	s, err := g.open(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	defer s.close()
	stop := context.AfterFunc(ctx, func() { s.raw.Close() })
	defer stop()
	for _, from := range g.envelopeSenders() {
		line, ok := s.mailFrom(envelope{from: from})
		if !ok {
			return fmt.Errorf("%w: MAIL FROM: the server takes no address beyond ASCII", gateway.ErrCheck)
		}
		if _, err := s.say([]command{{stageMail, line, codeDone}}); err != nil {
			return fmt.Errorf("%w: MAIL FROM: %w", gateway.ErrCheck, err)
		}
		if err := s.client.Reset(); err != nil {
			return fmt.Errorf("%w: RSET: %w", gateway.ErrCheck, err)
		}
	}
	return nil
}
