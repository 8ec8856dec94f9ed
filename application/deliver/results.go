package deliver

import (
	"context"

	"github.com/balsong/balsong/application/batch"
	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
)

// report publishes a result for settlement, which finds by its sweep what was not reported; nil: there is none.
func (s *Service) report(d *delivery, r *event.Result) {
	parent, publication := s.traced(d, r)
	if r != nil {
		s.results.add(*r, parent, publication)
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
	tracer    *trace.Tracer
	source    string
	batches   *batch.Batcher[outgoing, struct{}]
}

// outgoing is a result event on its way, with the span of its publication where that is recorded.
type outgoing struct {
	message port.Message
	span    *port.TraceSpan
}

func newResultPublisher(ports Ports, config Config) *resultPublisher {
	p := &resultPublisher{publisher: ports.Publisher, clock: ports.Clock, metrics: ports.Metrics, tracer: ports.Tracer, source: config.Source}
	atOnce := config.Limits.InFlight // deliveries wait where so many results do
	p.batches = batch.New(batch.Config{Max: atOnce, Workers: 1, Linger: config.Bulk.Linger, After: p.clock.After}, p.publish)
	return p
}

// add queues a result event. parent is its traceparent.
func (p *resultPublisher) add(r event.Result, parent string, span *port.TraceSpan) {
	m, err := r.Message(p.source, parent, p.clock.Now())
	if err == nil {
		err = p.batches.Add(context.Background(), outgoing{m, span}) // the publisher outlives every delivery
	}
	if err != nil {
		metric.ResultsUnpublished.Add(p.metrics, 1)
	}
}

// publish publishes a batch of results.
func (p *resultPublisher) publish(ctx context.Context, results []outgoing) ([]struct{}, error) {
	messages := make([]port.Message, len(results))
	for i, r := range results {
		messages[i] = r.message
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	failed := 0
	for i, err := range p.publisher.Publish(ctx, port.TopicResults, messages) {
		if err != nil {
			failed++
		}
		if span := results[i].span; span != nil {
			span.End, span.Failed = p.clock.Now(), err != nil
			p.tracer.Add(*span)
		}
	}
	if failed > 0 {
		metric.ResultsUnpublished.Add(p.metrics, failed)
	}
	return nil, nil
}

// shutdown publishes what is queued. No delivery may add any more.
func (p *resultPublisher) shutdown() { p.batches.Drain() }
