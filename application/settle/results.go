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

// consumed is a consumed result whose target waits to be settled.
type consumed struct {
	target key.Target
	done   func()
}

// consumeResults settles the targets that results name, in batches across partitions. A result that cannot be decoded
// is logged and skipped: the sweep finds its ledger row.
func (s *Settler) consumeResults(ctx context.Context) error {
	results := make(chan consumed, s.config.Batch)
	var settling sync.WaitGroup
	settling.Go(func() { s.settleBatches(ctx, results) })
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
		case results <- consumed{target: result.Delivery().Target(), done: m.Done}:
		case <-ctx.Done():
		}
	})
	close(results)
	settling.Wait()
	return err
}

// settleBatches settles results in batches: whatever waits, and under load, if the batch before had more than one,
// what comes within Config.Linger. The batch in progress is finished after the context has ended.
func (s *Settler) settleBatches(ctx context.Context, results <-chan consumed) {
	pending := make([]consumed, 0, s.config.Batch)
	for first := range results {
		var over <-chan time.Time
		if len(pending) > 1 && s.config.Linger > 0 {
			over = s.Clock.After(s.config.Linger)
		}
		pending = batch.Gather(append(pending[:0], first), s.config.Batch, results, over)
		s.settleResults(ctx, pending)
	}
}

func (s *Settler) settleResults(ctx context.Context, results []consumed) {
	keys := make([]key.Target, len(results))
	for i, h := range results {
		keys[i] = h.target
	}
	if _, err := s.Settle(ctx, keys); err != nil {
		if ctx.Err() != nil {
			return // not done, so the results are redelivered
		}
		// An event is only a hint: the ledger has their rows, and the sweep tries again.
		s.Log.Error("results could not be settled; the sweep tries again", port.Field{Key: "error", Value: err})
	}
	for _, h := range results {
		h.done()
	}
}
