package settle_test

import (
	"context"
	"testing"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

// handed is a consumer of one message.
type handed port.Received

// Run implements port.Consumer.
func (h handed) Run(ctx context.Context, handle func(context.Context, port.Received)) error {
	handle(ctx, port.Received(h))
	<-ctx.Done()
	return nil
}

func TestAResultIsDoneOnceItsTargetIsSettledAndNotBefore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body  string // of the message, "": the result's
		stops bool   // the process is asked to stop before the target is locked
		done  bool
		want  billing.Status
	}{
		"settled":                               {"", false, true, billing.Succeeded},
		"the process stops":                     {"", true, false, billing.Requested},
		"what cannot be decoded, for the sweep": {"{", false, true, billing.Requested},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, attempt.Hold)
			w.dispatchOnce(t)
			w.deliver(t, w.topic[0], attempt.Succeeded)
			message, err := event.Result{Identity: w.topic[0].Identity, Outcome: attempt.Succeeded, FinishedAt: w.clock.Now()}.Message("test", "", w.clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			if c.body != "" {
				message.Value = []byte(c.body)
			}
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			defer stop()
			if c.stops {
				w.store.Fail(func(op string) error {
					if op == "targets.within" {
						stop()
					}
					return ctx.Err()
				})
			}
			done := false
			w.settler.Results = handed{Message: message, Done: func() { done = true; stop() }}
			if err := w.settler.ConsumeResults(ctx); err != nil {
				t.Fatal(err)
			}
			w.store.Fail(nil)
			if done != c.done {
				t.Errorf("done: %t, want %t", done, c.done)
			}
			w.expect(t, c.want, 0, 0)
		})
	}
}
