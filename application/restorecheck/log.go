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

// readLog reads the event log: first the results, then the requests, so that those without a result are known. A dead letter is a
// request as well. It calls tell with what a page of messages tells.
func (r *run) readLog(ctx context.Context, work string, tell func(context.Context, []attempt.Recovery) error) error {
	r.report.logReport = logReport{}
	for _, topic := range []struct {
		name   port.Topic
		decode func(port.Message) (attempt.Recovery, error)
	}{
		{port.TopicResults, r.result},
		{port.TopicRequests, r.request},
		{port.TopicDeadLetter, r.request},
	} {
		done := int64(0)
		span, err := r.Reader.Read(ctx, topic.name, r.Since, func(ctx context.Context, messages []port.Received) error {
			for part := range slices.Chunk(messages, page) {
				if err := tell(ctx, r.decode(part, topic.decode)); err != nil {
					return err
				}
				done += int64(len(part))
				r.progress(work+" "+string(topic.name), "messages", done)
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

// decode returns what messages tell that can be believed.
func (r *run) decode(messages []port.Received, decode func(port.Message) (attempt.Recovery, error)) []attempt.Recovery {
	recoveries := make([]attempt.Recovery, 0, len(messages))
	for _, m := range messages {
		recovery, err := decode(m.Message)
		k := recovery.Key.Target()
		switch month, known := r.known.months[k.Month]; {
		case err != nil: // it names no delivery that could be trusted
			r.report.Undecodable++
		case !month.DroppedAt.IsZero(): // nothing of the month is left
		case r.isPlausible(recovery):
			recoveries = append(recoveries, recovery)
		default:
			r.report.Implausible++
			if known && k.Bill().UserID <= r.known.user {
				r.held[k] = true
			}
		}
	}
	return recoveries
}

// survey notes the highest user id, and the policy versions that the database does not have.
func (r *run) survey(_ context.Context, recoveries []attempt.Recovery) error {
	for _, recovery := range recoveries {
		r.highest = max(r.highest, key.CustomerID(recovery.Key.UserID))
		ref := policy.Ref{ID: recovery.PolicyID, Version: recovery.PolicyVersion}
		if _, ok := r.known.versions[ref]; !ok && !ref.IsZero() && !slices.Contains(r.report.Policies, ref) && len(r.report.Policies) < mostPolicies {
			r.report.Policies = append(r.report.Policies, ref)
		}
	}
	return nil
}

// mostPolicies is how many policy versions are listed: more than these come from no dispatcher.
const mostPolicies = 100

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
