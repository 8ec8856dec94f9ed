package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

// pageResult is the result of one page.
type pageResult struct {
	rows         int
	last         port.Cursor
	dispatches   int
	published    int
	publishError error // of one event that was not acknowledged
	decisions    map[billing.Rule]int
}

// page dispatches one page in one transaction: lock, decide, publish, wait for the acknowledgements, store, commit.
// Once begun it is finished even if ctx ends. After a crash or a failed commit the same keys are published again, which
// does no harm.
func (r *run) page(ctx context.Context, page port.Page) (result pageResult, err error) {
	err = r.watch.Retry(ctx, "database", func(ctx context.Context) error {
		return r.Targets.Within(context.WithoutCancel(ctx), func(ctx context.Context, tx port.TargetTx) error {
			result = pageResult{decisions: map[billing.Rule]int{}, last: page.After}
			candidates, err := tx.LockPage(ctx, page)
			if err != nil || len(candidates) == 0 {
				return err
			}
			last := candidates[len(candidates)-1].Target.State()
			result.rows = len(candidates)
			result.last = port.Cursor{AvailableAt: last.AvailableAt, UserID: last.Key.UserID}
			changed, err := r.decide(ctx, tx, candidates, &result)
			if err != nil {
				return err
			}
			return tx.Save(ctx, changed)
		})
	})
	if err != nil && ctx.Err() != nil {
		return pageResult{}, ErrStopped
	}
	return result, err
}

// outgoing is a candidate that is to be dispatched, with its event.
type outgoing struct {
	target   billing.Target
	decision billing.Decision
	message  port.Message
}

// decide decides about each candidate and carries the decisions out. It returns the targets to store.
func (r *run) decide(ctx context.Context, tx port.TargetTx, candidates []port.Candidate, result *pageResult) ([]billing.Target, error) {
	now := r.Clock.Now()
	changed := make([]billing.Target, 0, len(candidates))
	dispatches := make([]outgoing, 0, len(candidates))
	var ending []billing.Target
	var ends []billing.Status
	for _, c := range candidates {
		t, d := c.Target, billing.Decide(c.Target, r.snapshot, now)
		var sealed []byte
		if d.Kind() == billing.Dispatch {
			switch sealed = destination(c, d.Channel); {
			case len(sealed) == 0:
				d = d.Held(billing.RuleNoDestination)
			case len(c.Statement) == 0:
				d = d.Held(billing.RuleNoStatement)
			}
		}
		result.decisions[d.Rule]++
		switch d.Kind() {
		case billing.Dispatch:
			m, err := r.message(c, d, sealed, now)
			if err != nil {
				return nil, err
			}
			dispatches = append(dispatches, outgoing{target: t, decision: d, message: m})
		case billing.Deferral:
			t.Defer(d)
			changed = append(changed, t)
		case billing.Pausing:
			if err := t.PauseFor(d.Rule.Pause()); err != nil {
				return nil, err
			}
			t.Explain(d)
			changed = append(changed, t)
		default:
			ending = append(ending, t)
			ends = append(ends, d.End)
		}
	}
	changed = append(changed, r.publish(ctx, dispatches, now, result)...)
	ended, err := settle.RequestEnd(ctx, tx, ending, ends, r.snapshot.For, r.Clock)
	if err != nil {
		return nil, err
	}
	for _, t := range ended {
		t.AwaitWish(now) // what could not end yet
		changed = append(changed, t)
	}
	return changed, nil
}

// publish publishes the page's events, waits for their acknowledgements and notes on each target what came of it.
func (r *run) publish(ctx context.Context, dispatches []outgoing, now time.Time, result *pageResult) []billing.Target {
	if len(dispatches) == 0 {
		return nil
	}
	result.dispatches = len(dispatches)
	messages := make([]port.Message, len(dispatches))
	for i, g := range dispatches {
		messages[i] = g.message
	}
	ctx, cancel := context.WithTimeout(ctx, r.config.AckTimeout)
	defer cancel()
	errs := r.Publisher.Publish(ctx, port.TopicRequests, messages)
	targets := make([]billing.Target, len(dispatches))
	for i, g := range dispatches {
		err := errs[i]
		if err == nil {
			err = g.target.Requested(g.decision, now, r.record.ID)
		}
		if err != nil {
			g.target.PublishFailed(g.decision, now, "the event was not acknowledged")
			result.publishError = err
		} else {
			result.published++
		}
		targets[i] = g.target
	}
	return targets
}

// message encodes the event for a candidate.
func (r *run) message(c port.Candidate, d billing.Decision, sealed []byte, now time.Time) (port.Message, error) {
	k := c.Target.Delivery()
	requested := event.Requested{
		Identity: event.Identity{
			Month: k.Month, UserID: k.UserID, Attempt: k.Attempt, Round: k.Round, Step: d.Step, Channel: d.Channel,
			PolicyID: d.Policy.Ref().ID, PolicyVersion: d.Policy.Ref().Version, RunID: r.record.ID,
		},
		Destination: sealed, Statement: c.Statement,
		QuietHours: event.NewQuietHours(d.Quiet), Unknown: d.Policy.UnknownFor(d.Channel),
		CallDeadlineMS: d.Policy.CallDeadline().Milliseconds(),
	}
	if !d.Deadline.IsZero() {
		deadline := d.Deadline.UTC()
		requested.Deadline = &deadline
	}
	m, err := requested.Message(r.config.Source, event.Trace(k, r.record.ID), now)
	if err != nil {
		return m, fmt.Errorf("dispatch %s: %w", k, err)
	}
	return m, nil
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
