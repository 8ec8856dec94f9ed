package settle

import (
	"context"
	"sync"
	"time"

	"github.com/balsong/balsong/application/batch"
	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// hint is a consumed result whose target waits to be settled.
type hint struct {
	target key.Target
	done   func()
}

// consumeResults settles the targets that results name, in batches across partitions. A result that cannot be decoded
// is logged and skipped: the sweep finds its ledger row.
func (s *Settler) consumeResults(ctx context.Context) error {
	hints := make(chan hint, s.config.Batch)
	var settling sync.WaitGroup
	settling.Go(func() { s.settleBatches(ctx, hints) })
	err := s.Results.Run(ctx, func(ctx context.Context, m port.Received) {
		result, err := event.DecodeResult(m.Message)
		if err != nil {
			metric.ResultsUndecodable.Add(s.Metrics, 1)
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
	settling.Wait()
	return err
}

// settleBatches settles hints in batches: whatever waits, and under load, if the batch before had more than one hint,
// what comes within Config.Linger. The batch in hand is finished after the context has ended.
func (s *Settler) settleBatches(ctx context.Context, hints <-chan hint) {
	hand := make([]hint, 0, s.config.Batch)
	for first := range hints {
		var over <-chan time.Time
		if len(hand) > 1 && s.config.Linger > 0 {
			over = s.Clock.After(s.config.Linger)
		}
		hand = batch.Gather(append(hand[:0], first), s.config.Batch, hints, over)
		s.settleHints(ctx, hand)
	}
}

func (s *Settler) settleHints(ctx context.Context, hints []hint) {
	keys := make([]key.Target, len(hints))
	for i, h := range hints {
		keys[i] = h.target
	}
	if _, err := s.Settle(ctx, keys); err != nil {
		if ctx.Err() != nil {
			return // not done, so the results are redelivered
		}
		// They are only hints: the ledger has their rows, and the sweep tries again.
		s.Log.Error("results could not be settled; the sweep tries again", port.Field{Key: "error", Value: err})
	}
	for _, h := range hints {
		h.done()
	}
}
