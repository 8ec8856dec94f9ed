package settle

import (
	"context"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// SweepReports settles the targets of the open months about which something was reported in a span (R11). It returns how many targets
// changed.
func (s *Settler) SweepReports(ctx context.Context, when port.Span) (int, error) {
	return s.sweep(ctx, when, s.Sweeps.Reported)
}

// SweepLedger settles the targets of the open months whose ledger rows changed in a span. It returns how many targets
// changed.
func (s *Settler) SweepLedger(ctx context.Context, when port.Span) (int, error) {
	return s.sweep(ctx, when, s.Sweeps.Changed)
}

// finder finds targets that may have to be settled, a page at a time.
type finder func(ctx context.Context, month key.Month, when port.Span, after int64, limit int) (found []key.Target, next int64, err error)

// fullPage is how many targets of a sweep are found at once: each page of a window reads the whole of it.
const fullPage = 10_000

// How long a window of a span is (ADR 0079).
const (
	firstWindow = time.Minute // longer than what lies between two sweeps, so that a sweep that is not late has one
	leastWindow = time.Second
)

// sweep settles the targets that find returns for each open month.
func (s *Settler) sweep(ctx context.Context, when port.Span, find finder) (int, error) {
	return s.eachMonth(ctx, func(month key.Month) (int, error) { return s.sweepMonth(ctx, month, when, find) })
}

// sweepMonth settles the targets that find returns for a month. A span is swept in windows, one after the other: where one holds more than a
// page, the next try is a quarter as long, and where it holds little, the next window is twice as long. So a long span is read a few times, however
// many pages it has. What has no beginning is a walk through the month, and not divided.
func (s *Settler) sweepMonth(ctx context.Context, month key.Month, when port.Span, find finder) (total int, err error) {
	width, after := firstWindow, int64(0)
	for {
		window, left := s.window(when, width)
		found, next, changed, err := s.sweepPage(ctx, month, window, after, find)
		if total += changed; err != nil {
			return total, err
		}
		switch {
		case next > 0 && min(width, left) > leastWindow:
			width, after = max(min(width, left)/4, leastWindow), 0
		case next > 0:
			after = next
		case left <= width:
			return total, nil
		default:
			when.Since, after = window.Until, 0
			if found < fullPage/2 {
				width *= 2
			}
		}
	}
}

// window returns the first window of a span, and how much of the span is left, that window included; 0: it is not divided. The last window ends
// where the span does: where that has no end, this process's clock says only when the last one begins.
func (s *Settler) window(when port.Span, width time.Duration) (window port.Span, left time.Duration) {
	if when.Since.IsZero() {
		return when, 0
	}
	end := when.Until
	if end.IsZero() {
		end = s.Clock.Now()
	}
	if left = max(end.Sub(when.Since), 0); left <= width {
		return when, left
	}
	return port.Span{Since: when.Since, Until: when.Since.Add(width)}, left
}

// sweepPage settles a page of the targets that find returns. next is 0 if it is the last one.
func (s *Settler) sweepPage(ctx context.Context, month key.Month, when port.Span, after int64, find finder) (found int, next int64, changed int, err error) {
	var keys []key.Target
	err = s.database(ctx, func(ctx context.Context) (err error) {
		keys, next, err = find(ctx, month, when, after, fullPage)
		return err
	})
	if err == nil {
		changed, err = s.Settle(ctx, keys)
	}
	return len(keys), next, changed, err
}
