package settle_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// reportedAt are sweeps over reports that were stored at known moments, one a target: the target's user id is the place of its report + 1. They
// count what is read, as each page reads all reports of its span.
type reportedAt struct {
	port.Sweeps
	at    []time.Time
	found map[int64]bool
	calls int
	read  int
}

func (r *reportedAt) Reported(_ context.Context, month key.Month, when port.Span, after int64, limit int) (keys []key.Target, next int64, err error) {
	r.calls++
	for i, at := range r.at {
		if at.Before(when.Since) || (!when.Until.IsZero() && !at.Before(when.Until)) {
			continue
		}
		r.read++
		if user := int64(i) + 1; user > after && len(keys) < limit {
			keys = append(keys, key.Target{Month: month, UserID: user})
			r.found[user] = true
		}
	}
	if len(keys) == limit {
		next = keys[limit-1].UserID
	}
	return keys, next, nil
}

func TestALongSpanOfReportsIsReadInWindowsAndEachReportIsFound(t *testing.T) {
	t.Parallel()
	spread := func(n int, over time.Duration) (at []time.Duration) {
		for i := range n {
			at = append(at, over*time.Duration(i)/time.Duration(n))
		}
		return at
	}
	const hours = 6 * time.Hour
	for name, c := range map[string]struct {
		at    []time.Duration // since the span began
		open  bool            // the span has no end
		reads int             // at most, of each report on average
		calls int
	}{
		"none for hours":            {nil, true, 0, 12},
		"a few for hours":           {spread(500, hours), true, 1, 12},
		"as many as come in a day":  {spread(200_000, hours), true, 2, 80},
		"a burst at the end":        {append(spread(100, hours), spreadFrom(hours-time.Minute, spread(90_000, time.Minute))...), true, 6, 60},
		"a page and more at once":   {spread(35_000, time.Millisecond), true, 10, 40},
		"a span with an end":        {spread(200_000, 2*hours), false, 2, 80},
		"one that is shorter":       {spread(300, 20*time.Second), true, 1, 12},
		"stored ahead of the clock": {[]time.Duration{hours + time.Minute}, true, 1, 12},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, attempt.Hold)
			now := w.clock.Now()
			when := port.Span{Since: now.Add(-hours)}
			within := 0
			sweeps := &reportedAt{Sweeps: w.store.Sweeps(), found: map[int64]bool{}}
			if !c.open {
				when.Until = now
			}
			for _, d := range c.at {
				at := when.Since.Add(d)
				sweeps.at = append(sweeps.at, at)
				if c.open || at.Before(when.Until) {
					within++
				}
			}
			settler, err := settle.New(settle.Ports{
				Targets: w.store.Targets(), Sweeps: sweeps, Months: w.store.Months(), Policies: w.store.Policies(), Clock: w.clock, Log: w.log, Metrics: &memory.Metrics{},
			}, settle.Config{Batch: 1000})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := settler.SweepReports(t.Context(), when); err != nil {
				t.Fatal(err)
			}
			told := fmt.Sprintf("%d reports were read %d times in %d pages", within, sweeps.read, sweeps.calls)
			if len(sweeps.found) != within {
				t.Errorf("%d of %d were found", len(sweeps.found), within)
			}
			if sweeps.read > c.reads*within || sweeps.calls > c.calls {
				t.Errorf("%s, want at most %d times in %d", told, c.reads*within, c.calls)
			}
		})
	}
}

func spreadFrom(start time.Duration, at []time.Duration) []time.Duration {
	for i := range at {
		at[i] += start
	}
	return at
}
