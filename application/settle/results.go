package settle

import (
	"context"

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
	traced *traced // nil: its spans are not recorded
}

// consumeResults settles the targets that results name, in batches across partitions. A result that cannot be decoded
// is logged and skipped: the sweep finds its ledger row.
func (s *Settler) consumeResults(ctx context.Context) error {
	settling := batch.Config{Max: s.config.Batch, Workers: 1, Linger: s.config.Linger, After: s.Clock.After}
	results := batch.New(settling, func(_ context.Context, results []consumed) ([]struct{}, error) {
		s.settleResults(ctx, results)
		return nil, nil
	})
	defer results.Drain()
	return s.Results.Run(ctx, func(ctx context.Context, m port.Received) {
		result, err := event.DecodeResult(m.Message)
		if err != nil {
			metric.ResultsUndecodable.Add(s.Metrics, 1)
			s.Log.Error("a result cannot be decoded; the sweep settles its target",
				port.Field{Key: "partition", Value: int(m.Partition)}, port.Field{Key: "offset", Value: m.Offset}, port.Field{Key: "error", Value: err})
			m.Done()
			return
		}
		_ = results.Add(ctx, consumed{target: result.Delivery().Target(), done: m.Done, traced: s.traced(m, result)}) // else ctx ended: it is redelivered
	})
}

// settleResults settles the targets of a batch of results.
func (s *Settler) settleResults(ctx context.Context, results []consumed) {
	keys := make([]key.Target, len(results))
	for i, h := range results {
		keys[i] = h.target
	}
	began := s.Clock.Now()
	_, err := s.Settle(ctx, keys)
	if err != nil {
		if ctx.Err() != nil {
			return // not done, so the results are redelivered
		}
		// An event is only a hint: the ledger has their rows, and the sweep tries again.
		s.Log.Error("results could not be settled; the sweep tries again", port.Field{Key: "error", Value: err})
	}
	s.traceResults(results, began, err)
	for _, h := range results {
		h.done()
	}
}
