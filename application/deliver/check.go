package deliver

import (
	"context"

	"github.com/balsong/balsong/application/batch"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/attempt"
)

// check reports whether the message may go out by its time and its customer; else it has closed the key, or ctx ended.
func (s *Service) check(ctx context.Context, d *delivery) bool {
	s.step(d, trace.Check)
	if !s.checkTime(ctx, d) {
		return false
	}
	return s.look(ctx, d, s.ledger.suppressions)
}

// look reports whether the suppression list does not cover the customer; else it has closed the key, or ctx ended.
func (s *Service) look(ctx context.Context, d *delivery, by *batch.Batcher[port.Use, answer]) bool {
	d.lifts, d.looked = s.halt.liftsOf(d.request.Channel), s.clock.Now()
	suppressed, err := ask(ctx, by, d.request.Use())
	if suppressed {
		s.closeKey(ctx, d, attempt.Closing{State: attempt.Failed, Class: attempt.Suppressed, Reason: attempt.ReasonSuppress})
	}
	return err == nil && !suppressed
}

// lookAgain looks at the suppression list again where the last look is older than oldLook: it waited for an open circuit breaker, a slow
// rate, its provider's token or the storage. It holds its permit meanwhile, as it would wait as long for another one.
func (s *Service) lookAgain(ctx context.Context, d *delivery) bool {
	return s.clock.Now().Sub(d.looked) <= oldLook || s.look(ctx, d, s.ledger.looksAgain)
}

// checkTime waits while everything is halted; then it closes the key if the deadline has passed or quiet hours have
// begun. It reports false if nothing is left to be done for the message.
func (s *Service) checkTime(ctx context.Context, d *delivery) bool {
	if s.halt.wait(ctx) != nil {
		return false
	}
	now := s.clock.Now()
	if deadline := d.request.Deadline; deadline != nil && !now.Before(*deadline) {
		s.closeKey(ctx, d, attempt.Closing{State: attempt.NotSent, Reason: attempt.ReasonExpired})
		return false
	}
	if opening := d.quiet.NextOpening(now); opening.After(now) {
		s.closeKey(ctx, d, attempt.Closing{State: attempt.NotSent, Reason: attempt.ReasonWindow, NotBefore: opening})
		return false
	}
	return true
}
