package restorecheck_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/restorecheck"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

// retained is a log from which retention removes what is older than an instant after it was read once.
type retained struct {
	port.EventReader
	readings map[port.Topic]int
	until    time.Time
}

func (l retained) Read(ctx context.Context, topic port.Topic, since time.Time, handle func(context.Context, []port.Received) error) (port.LogSpan, error) {
	if l.readings[topic]++; l.readings[topic] < 2 {
		return l.EventReader.Read(ctx, topic, since, handle)
	}
	kept := int64(0)
	span, err := l.EventReader.Read(ctx, topic, since, func(ctx context.Context, messages []port.Received) error {
		messages = slices.DeleteFunc(slices.Clone(messages), func(m port.Received) bool { return m.Time.Before(l.until) })
		kept += int64(len(messages))
		return handle(ctx, messages)
	})
	if kept < span.Messages {
		span.Messages, span.From = kept, l.until
	}
	return span, err
}

// The second reading writes, so it refuses nothing half way: what it misses is told, and all else is written.
func TestWhatRetentionRemovesBetweenTheTwoReadingsIsTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		later    time.Duration // than the moment of the restore: since then the log is complete in the second reading
		allowGap bool
		refused  bool
	}{
		"of the lost period":                         {2 * time.Minute, false, true},
		"of the lost period, and a gap is let be":    {2 * time.Minute, true, false},
		"of before the restore, which it knows well": {-time.Second, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 3)
			removed, kept := at(1, 0, 0), at(2, 0, 0)
			w.clock.Set(w.moment.Add(test.later - time.Second))
			w.requested(removed)
			w.result(removed, attempt.Succeeded, "", "")
			w.clock.Advance(5 * time.Minute)
			w.requested(kept)
			w.result(kept, attempt.Succeeded, "", "")
			w.reader = retained{w.reader, map[port.Topic]int{}, w.moment.Add(test.later)}
			o := w.options()
			o.AllowGap = test.allowGap
			report, err := w.checker().Run(t.Context(), o)
			if errors.Is(err, restorecheck.ErrGap) != test.refused || !test.refused && err != nil || report.Complete == test.refused {
				t.Errorf("complete %v, %v", report.Complete, err)
			}
			want := []restorecheck.TopicReport{
				{Topic: port.TopicResults, Messages: 1, From: w.moment.Add(test.later)}, {Topic: port.TopicRequests, Messages: 1, From: w.moment.Add(test.later)},
			}
			if !slices.Equal(report.Removed, want) || report.RemovedGap != (test.later > 0) || report.Gap || report.Topics[0].Messages != 2 {
				t.Errorf("removed %+v (gap %v), want %+v; at first gap %v, read %+v", report.Removed, report.RemovedGap, want, report.Gap, report.Topics)
			}
			w.is(2, billing.Succeeded, kept)
			w.is(3, billing.Ready, at(3, 0, 0))
			if !w.isHalted() {
				t.Error("nothing is halted")
			}
		})
	}
}
