package dispatch

import (
	"context"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// pageResult is the result of one page.
type pageResult struct {
	rows         int
	last         port.Cursor
	dispatches   int
	published    int
	publishError error // of one event that was not acknowledged
	decisions    map[billing.Rule]int
	waiting      int // for a halted channel

	first         key.Target // of the candidates
	sending, sent time.Time  // when the requests were published, from and to
	traced        []traced
}

// page dispatches one page in one transaction. Once begun it is finished even if ctx ends. After a crash or a failed
// commit the same keys are published again, which does no harm.
func (r *run) page(ctx context.Context, page port.Page) (result pageResult, err error) {
	err = r.database(ctx, func(ctx context.Context) error {
		return r.Targets.Within(context.WithoutCancel(ctx), func(ctx context.Context, tx port.TargetTx) (err error) {
			result, err = r.pageWithin(ctx, tx, page)
			return err
		})
	})
	return result, err
}

// pageWithin is the transaction of a page (R1): lock, decide, publish and wait for the acknowledgements, end what is to
// end, save.
func (r *run) pageWithin(ctx context.Context, tx port.TargetTx, page port.Page) (pageResult, error) {
	result := pageResult{last: page.After, decisions: map[billing.Rule]int{}}
	candidates, err := tx.LockPage(ctx, page)
	if err != nil || len(candidates) == 0 {
		return result, err
	}
	last := candidates[len(candidates)-1].Target.State()
	result.rows, result.last = len(candidates), port.Cursor{AvailableAt: last.AvailableAt, UserID: last.Key.UserID}

	now := r.Clock.Now()
	decided, err := r.decide(candidates, now, result.decisions)
	if err != nil {
		return result, err
	}
	result.first, result.traced, result.waiting = candidates[0].Target.Key(), decided.traced, decided.untouched
	requested, err := r.publish(ctx, decided.dispatches, now, &result)
	if err != nil {
		return result, err
	}
	ended, err := r.end(ctx, tx, decided.ends, now)
	if err != nil {
		return result, err
	}
	return result, tx.Save(ctx, append(append(decided.waiting, requested...), ended...))
}

// decisions are a page's candidates by what is done with them.
type decisions struct {
	dispatches []dispatched
	waiting    []billing.Target // deferred or paused
	ends       []settle.End
	untouched  int      // while their channel is halted
	traced     []traced // of those that are not dispatched
}

// dispatched is a candidate that is to be dispatched.
type dispatched struct {
	candidate port.Candidate
	decision  billing.Decision
	sealed    []byte // its destination
}

// decide lets the domain decide about each candidate and counts the rules that led to it.
func (r *run) decide(candidates []port.Candidate, now time.Time, counts map[billing.Rule]int) (decisions, error) {
	result := decisions{dispatches: make([]dispatched, 0, len(candidates))}
	for _, c := range candidates {
		t, d := c.Target, billing.Decide(c.Target, r.snapshot, now)
		if d = t.Under(r.halted, d); d.Kind() == billing.Waiting {
			result.untouched++
			continue
		}
		var sealed []byte
		if d.Kind() == billing.Dispatch {
			switch sealed = destination(c, d.Channel); {
			case len(sealed) == 0:
				d = d.Held(billing.RuleNoDestination)
			case len(c.Statement) == 0:
				d = d.Held(billing.RuleNoStatement)
			}
		}
		counts[d.Rule]++
		if d.Kind() != billing.Dispatch {
			if c, sampled := r.sampled(t, d); sampled {
				result.traced = append(result.traced, c)
			}
		}
		switch d.Kind() {
		case billing.Dispatch:
			result.dispatches = append(result.dispatches, dispatched{candidate: c, decision: d, sealed: sealed})
		case billing.Deferral:
			t.Defer(d)
			result.waiting = append(result.waiting, t)
		case billing.Pausing:
			if err := t.PauseFor(d.Rule.Pause()); err != nil {
				return result, err
			}
			t.Explain(d)
			result.waiting = append(result.waiting, t)
		case billing.Exhaust, billing.Expire, billing.GrantEnd:
			result.ends = append(result.ends, settle.End{Target: t, As: d.End})
		case billing.Waiting: // left as it is, above
		}
	}
	return result, nil
}

// destination returns a candidate's sealed destination on a channel; nil if it has none.
func destination(c port.Candidate, kind channel.Kind) []byte {
	for _, d := range c.Destinations {
		if d.Channel == kind {
			return d.Sealed
		}
	}
	return nil
}

// end ends targets (R6). What cannot end yet is deferred, so that the run does not come back to it at once.
func (r *run) end(ctx context.Context, tx port.TargetTx, ends []settle.End, now time.Time) ([]billing.Target, error) {
	targets, err := settle.Within{Tx: tx, Policies: r.snapshot.For, Clock: r.Clock}.RequestEnds(ctx, ends)
	for i := range targets {
		targets[i].AwaitEnd(now)
	}
	return targets, err
}
