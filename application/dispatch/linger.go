package dispatch

import (
	"context"
	"time"

	"github.com/balsong/balsong/application/port"
)

// awaitDue waits until a candidate is due. It reports false once there is none and nothing in flight is expected to
// become one. It ends with ErrHalted or ErrStopped as a pass does.
func (r *run) awaitDue(ctx context.Context) (bool, error) {
	stall := stall{since: r.Clock.Now(), inFlight: -1}
	for {
		if err := r.checkStop(ctx); err != nil {
			return false, err
		}
		// In this order: what leaves REQUESTED between the two reads is seen by the second one.
		inFlight, err := r.inFlight(ctx, 1)
		if err != nil {
			return false, err
		}
		next, err := r.upcoming(ctx)
		if err != nil {
			return false, err
		}
		wait := r.config.LingerPoll
		switch now := r.Clock.Now(); {
		case !next.IsZero() && !next.After(now):
			return true, nil
		case !next.IsZero():
			wait = min(wait, next.Sub(now))
		case inFlight == 0:
			return false, nil
		default:
			stalled, err := r.stalled(ctx, &stall, now)
			if err != nil || stalled {
				return false, err
			}
		}
		if err := r.pause(ctx, wait); err != nil {
			return false, err
		}
	}
}

// pause waits, until ErrStopped at most.
func (r *run) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ErrStopped
	case <-r.Clock.After(d):
		return nil
	}
}

// stall is how many targets were in flight at an instant; -1: not counted yet.
type stall struct {
	since    time.Time
	inFlight int
}

// stalled reports whether the number of targets in flight has not changed for LingerStall: then nothing is
// delivered or settled, and the run does not wait for it. They are counted that rarely because a month may have millions.
func (r *run) stalled(ctx context.Context, last *stall, now time.Time) (bool, error) {
	if last.inFlight >= 0 && now.Sub(last.since) < r.config.LingerStall {
		return false, nil
	}
	n, err := r.inFlight(ctx, countLimit)
	if err != nil {
		return false, err
	}
	if n > 0 && n == last.inFlight {
		r.Log.Error("the run no longer waits for what is in flight: the number has not changed",
			port.Field{Key: "in_flight", Value: n}, port.Field{Key: "for", Value: now.Sub(last.since)})
		return true, nil
	}
	*last = stall{since: now, inFlight: n}
	return false, nil
}

// inFlight counts the REQUESTED targets, at most limit.
func (r *run) inFlight(ctx context.Context, limit int) (n int, err error) {
	err = r.database(ctx, func(ctx context.Context) (err error) {
		n, err = r.Backlog.InFlight(ctx, r.month, limit)
		return err
	})
	return n, err
}

// upcoming returns when the first candidate is due that does not wait for a halted channel; the zero time if there is none. It is now where a
// channel was halted or resumed, or something became of those that wait: a pass sees what.
func (r *run) upcoming(ctx context.Context) (time.Time, error) {
	if r.waiting == 0 {
		return r.nextDue(ctx)
	}
	now := r.Clock.Now()
	if r.halted != r.passHalted {
		return now, nil
	}
	due, err := r.due(ctx, now, r.waiting+1)
	if err != nil || due != r.waiting {
		return now, err
	}
	all, err := r.due(ctx, now.AddDate(farYears, 0, 0), r.waiting+1)
	if err != nil || all == r.waiting {
		return time.Time{}, err
	}
	return now.Add(r.config.LingerPoll), nil // when is not known: those that wait are the first of the index
}

// farYears is later than any candidate is due.
const farYears = 10

// nextDue returns when the first candidate is due; the zero time if there is none.
func (r *run) nextDue(ctx context.Context) (next time.Time, err error) {
	err = r.database(ctx, func(ctx context.Context) (err error) {
		next, err = r.Backlog.NextDue(ctx, r.month)
		return err
	})
	return next, err
}
