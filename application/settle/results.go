package settle

import (
	"context"
	"sync"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// hint is one consumed result on its way to a look.
type hint struct {
	target key.Target
	done   func()
}

// consumeResults settles what the results name, in batches across partitions. An undecodable result is told and
// passed over: the sweep finds its ledger row.
func (s *Settler) consumeResults(ctx context.Context) error {
	hints := make(chan hint, s.config.Batch)
	var looking sync.WaitGroup
	looking.Go(func() { s.lookAtHints(ctx, hints) })
	err := s.Results.Run(ctx, func(ctx context.Context, m port.Received) {
		result, err := event.DecodeResult(m.Message)
		if err != nil {
			s.Metrics.Count("results_undecodable_total", 1)
			s.Log.Error("a result cannot be decoded; the sweep settles its target",
				port.Field{Key: "partition", Value: int(m.Partition)}, port.Field{Key: "offset", Value: m.Offset}, port.Field{Key: "error", Value: err})
			m.Done()
			return
		}
		select {
		case hints <- hint{target: result.Delivery().Target(), done: m.Done}:
		case <-ctx.Done():
		}
	})
	close(hints)
	looking.Wait()
	return err
}

// lookAtHints takes whatever is there as one batch; a batch in hand is finished after the context has ended.
func (s *Settler) lookAtHints(ctx context.Context, hints <-chan hint) {
	batch := make([]hint, 0, s.config.Batch)
	for first := range hints {
		batch = append(batch[:0], first)
	more:
		for len(batch) < s.config.Batch {
			select {
			case h, ok := <-hints:
				if !ok {
					break more
				}
				batch = append(batch, h)
			default:
				break more
			}
		}
		s.settleHints(ctx, batch)
	}
}

func (s *Settler) settleHints(ctx context.Context, batch []hint) {
	keys := make([]key.Target, len(batch))
	for i, h := range batch {
		keys[i] = h.target
	}
	if _, err := s.Settle(ctx, keys); err != nil {
		if ctx.Err() == nil {
			s.Log.Error("results could not be settled; the sweep tries again", port.Field{Key: "error", Value: err})
		}
		return // not done: they come again
	}
	for _, h := range batch {
		h.done()
	}
}
