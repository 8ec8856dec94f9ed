package restorecheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// readLog writes what the event log tells: first the results, then for each request without one that its outcome is unknown. A dead
// letter is a request as well.
func (r *run) readLog(ctx context.Context) error {
	for _, topic := range []struct {
		name port.Topic
		tell func(port.Message) (attempt.Recovery, error)
	}{
		{port.TopicResults, r.result},
		{port.TopicRequests, r.request},
		{port.TopicDeadLetter, r.request},
	} {
		done := int64(0)
		span, err := r.Reader.Read(ctx, topic.name, r.Since, func(ctx context.Context, messages []port.Received) error {
			done += int64(len(messages))
			defer r.progress(string(topic.name), done)
			for part := range slices.Chunk(messages, page) {
				if err := r.tell(ctx, part, topic.tell); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read %s: %w", topic.name, err)
		}
		r.report.Topics = append(r.report.Topics, TopicReport{Topic: topic.name, Messages: span.Messages, From: span.From})
		if topic.name != port.TopicDeadLetter && span.From.After(r.report.From) {
			r.report.From = span.From
		}
	}
	return nil
}

// tell takes over what messages tell.
func (r *run) tell(ctx context.Context, messages []port.Received, tell func(port.Message) (attempt.Recovery, error)) error {
	recoveries := make([]attempt.Recovery, 0, len(messages))
	for _, m := range messages {
		recovery, err := tell(m.Message)
		switch {
		case err != nil: // it names no delivery that could be trusted
			r.report.Undecodable++
			continue
		case !r.months[recovery.Key.Month].DroppedAt.IsZero():
			continue // nothing of the month is left
		}
		r.highest = max(r.highest, key.CustomerID(recovery.Key.UserID))
		recoveries = append(recoveries, recovery)
	}
	if err := r.notice(ctx, recoveries); err != nil {
		return err
	}
	return r.take(ctx, recoveries)
}

func (r *run) result(m port.Message) (attempt.Recovery, error) {
	e, err := event.DecodeResult(m)
	if err != nil {
		return attempt.Recovery{}, err
	}
	facts := attempt.Facts{Channel: e.Channel, Step: e.Step, PolicyID: e.PolicyID, PolicyVersion: e.PolicyVersion, RunID: e.RunID, Unknown: attempt.Hold}
	if e.Outcome == attempt.Revoked {
		// An act of a person closed the key: a cancellation, or a correction. It is lost, and must not be taken for a put-back, after
		// which the bill would go out as it was before.
		return attempt.Lost(e.Delivery(), facts, e.FinishedAt), nil
	}
	return attempt.Recovery{
		Key: e.Delivery(), Facts: facts, State: e.Outcome, Class: e.Class, Reason: e.Reason,
		Provider: e.Provider, ProviderMessageID: e.ProviderMessageID, FinishedAt: e.FinishedAt,
	}, nil
}

func (r *run) request(m port.Message) (attempt.Recovery, error) {
	e, known, err := event.DecodeRequested(m)
	if !known {
		return attempt.Recovery{}, errors.Join(event.ErrUndecodable, err)
	}
	return attempt.Lost(e.Delivery(), e.Facts(), r.Clock.Now().Truncate(time.Microsecond)), nil
}

// notice notes what the database does not have: policy versions and targets.
func (r *run) notice(ctx context.Context, recoveries []attempt.Recovery) error {
	targets := make([]key.Target, 0, len(recoveries))
	for _, recovery := range recoveries {
		ref := policy.Ref{ID: recovery.PolicyID, Version: recovery.PolicyVersion}
		if _, ok := r.versions[ref]; !ok && !ref.IsZero() && !slices.Contains(r.report.Policies, ref) {
			r.report.Policies = append(r.report.Policies, ref)
		}
		targets = append(targets, recovery.Key.Target())
	}
	return r.database(ctx, func(ctx context.Context) error {
		missing, err := r.Recovery.Missing(ctx, targets)
		for _, k := range missing {
			r.missing[k] = true
		}
		return err
	})
}

// take writes the recoveries that the ledger does not have, in one transaction.
func (r *run) take(ctx context.Context, recoveries []attempt.Recovery) error {
	if len(recoveries) == 0 {
		return nil
	}
	states, err := r.states(ctx, recoveries)
	if err != nil {
		return err
	}
	var write []attempt.Recovery
	at := map[key.Delivery]int{}
	for _, recovery := range recoveries {
		k := recovery.Key
		if !recovery.Recovers(states[k]) {
			continue
		}
		states[k] = recovery.State
		if i, again := at[k]; again {
			write[i] = recovery
			continue
		}
		at[k] = len(write)
		write = append(write, recovery)
	}
	if !r.Apply {
		for _, recovery := range write {
			r.would[recovery.Key] = recovery.State
		}
		return nil
	}
	if len(write) == 0 {
		return nil
	}
	if err := r.openMonths(ctx, write); err != nil {
		return err
	}
	var written []key.Delivery
	err = r.database(ctx, func(ctx context.Context) error {
		return r.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) (err error) {
			written, err = tx.Recover(ctx, write)
			return err
		})
	})
	for _, k := range written {
		r.would[k] = states[k]
	}
	return err
}

// states returns the states of the rows that keys have, or would have by now.
func (r *run) states(ctx context.Context, recoveries []attempt.Recovery) (map[key.Delivery]attempt.State, error) {
	keys := make([]key.Delivery, len(recoveries))
	for i, recovery := range recoveries {
		keys[i] = recovery.Key
	}
	states := make(map[key.Delivery]attempt.State, len(keys))
	err := r.database(ctx, func(ctx context.Context) error {
		rows, err := r.Ledger.Find(ctx, keys)
		for _, row := range rows {
			states[row.Key] = row.State
		}
		return err
	})
	for _, k := range keys {
		if state, ok := r.would[k]; ok {
			states[k] = state
		}
	}
	return states, err
}

// openMonths opens months that the database does not know: their bills are to be imported again, and their keys are closed by then.
func (r *run) openMonths(ctx context.Context, write []attempt.Recovery) error {
	for _, recovery := range write {
		month := recovery.Key.Month
		if _, known := r.months[month]; known {
			continue
		}
		if err := r.database(ctx, func(ctx context.Context) error { return r.Months.Open(ctx, month) }); err != nil {
			return err
		}
		r.months[month] = port.MonthState{Month: month, Open: true}
	}
	return nil
}
