package deliver

import (
	"context"

	"github.com/balsong/balsong/application/batch"
	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

// report publishes a result for settlement, which finds by its sweep what was not reported; nil: there is none.
func (s *Service) report(r *event.Result) {
	if r != nil {
		s.results.add(*r)
	}
}

// resultOfRow is the result of a final row that somebody else wrote, because the event published then may have been
// lost; nil where there is none.
func (s *Service) resultOfRow(d *delivery) *event.Result {
	row, err := s.ledger.find(d.request.Delivery())
	if err != nil {
		return nil
	}
	return d.resultOf(row)
}

// resultPublisher publishes result events for deliveries, which do not wait for the acknowledgement: an event is only a
// hint, because the sweep of the ledger finds what no event reported. So each is tried once, for publishTimeout at most,
// and a failure is only counted.
type resultPublisher struct {
	publisher port.Publisher
	clock     port.Clock
	metrics   port.Metrics
	source    string
	batches   *batch.Batcher[port.Message, struct{}]
}

func newResultPublisher(publisher port.Publisher, clock port.Clock, metrics port.Metrics, config Config) *resultPublisher {
	p := &resultPublisher{publisher: publisher, clock: clock, metrics: metrics, source: config.Source}
	atOnce := config.Limits.InFlight // deliveries wait where so many results do
	p.batches = batch.New(batch.Config{Max: atOnce, Workers: 1, Linger: config.Bulk.Linger, After: clock.After}, p.publish)
	return p
}

// add queues a result event.
func (p *resultPublisher) add(r event.Result) {
	m, err := r.Message(p.source, event.Trace(r.Delivery(), r.RunID), p.clock.Now())
	if err == nil {
		err = p.batches.Add(context.Background(), m) // the publisher outlives every delivery
	}
	if err != nil {
		metric.ResultsUnpublished.Add(p.metrics, 1)
	}
}

// publish publishes a batch of results.
func (p *resultPublisher) publish(ctx context.Context, messages []port.Message) ([]struct{}, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	failed := 0
	for _, err := range p.publisher.Publish(ctx, port.TopicResults, messages) {
		if err != nil {
			failed++
		}
	}
	if failed > 0 {
		metric.ResultsUnpublished.Add(p.metrics, failed)
	}
	return nil, nil
}

// shutdown publishes what is queued. No delivery may add any more.
func (p *resultPublisher) shutdown() { p.batches.Drain() }
