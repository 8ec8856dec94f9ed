package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

var _ port.Publisher = (*Publisher)(nil)

// errClosed says that the publisher was closed.
var errClosed = errors.New("the publisher is closed")

// stuckAfter is how long a Publish must have waited, without any acknowledgement coming back, before its producer is
// given up with everything it holds.
const stuckAfter = time.Second

// Publisher writes to Kafka: idempotent, acknowledged by all in-sync replicas. It connects with the first message, and
// again after every outage. Safe for concurrent use.
type Publisher struct {
	cluster Cluster
	metrics port.Metrics
	outage  *outage

	mu      sync.Mutex
	current *producer // connecting or connected; nil: the next message makes one
	ending  sync.WaitGroup
	closed  bool
}

// NewPublisher checks the configuration; it does no I/O.
func NewPublisher(cluster Cluster, log port.Log, metrics port.Metrics) (*Publisher, error) {
	cluster, err := cluster.complete()
	if err != nil {
		return nil, err
	}
	return &Publisher{cluster: cluster, metrics: metrics, outage: newOutage(log, port.Field{Key: "component", Value: "publisher"})}, nil
}

// Publish implements port.Publisher. An error wraps port.ErrInvalid if Kafka refuses the message itself, for its size
// for example; everything else is port.ErrUnavailable: the message may be in the log, or get there shortly.
func (p *Publisher) Publish(ctx context.Context, topic port.Topic, messages []port.Message) []error {
	if len(messages) == 0 {
		return nil
	}
	name := p.cluster.TopicName(topic)
	b := newBatch(name, messages)
	from, err := p.acquire(ctx)
	if err != nil {
		b.fail(0, unavailable("publish to "+name, err))
	} else {
		p.deliver(ctx, from, b, name)
	}
	answers := b.result()
	p.count(topic, answers)
	return answers
}

// deliver hands the batch to the producer and waits for its answers.
func (p *Publisher) deliver(ctx context.Context, to *producer, b *batch, name string) {
	started := time.Now()
	sent := p.send(ctx, to, b)
	p.release(to)
	if sent < len(b.records) {
		why := ctx.Err()
		if why == nil {
			why = errors.New("the connection was given up before the message was sent")
		}
		b.fail(sent, unavailable("publish to "+name, why))
	}
	select {
	case <-b.done:
		return
	case <-to.finished:
		b.fail(0, unavailable("publish to "+name, errors.New("the connection ended without an answer")))
		return
	case <-ctx.Done():
	}
	b.fail(0, fmt.Errorf("kafka: publish to %s: no acknowledgement in time, it may have been written: %w: %w",
		name, port.ErrUnavailable, ctx.Err()))
	acknowledged := epoch.Add(time.Duration(to.lastAck.Load()))
	if time.Since(started) >= stuckAfter && acknowledged.Before(started) {
		if p.retire(to) {
			p.outage.failed(ctx.Err())
		}
	}
}

// send writes to the producer's input until the context ends or the producer is given up; it returns how many it wrote.
func (p *Publisher) send(ctx context.Context, to *producer, b *batch) int {
	for i := range b.records {
		select {
		case to.async.Input() <- &b.records[i]:
		case <-to.retired:
			return i
		case <-ctx.Done():
			return i
		}
	}
	return len(b.records)
}

// acquire returns a connected producer that stays open for writing until it is released.
func (p *Publisher) acquire(ctx context.Context) (*producer, error) {
	for {
		to, err := p.producer()
		if err != nil {
			return nil, err
		}
		select {
		case <-to.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if to.err != nil {
			p.outage.failed(to.err)
			p.drop(to)
			return nil, to.err
		}
		p.mu.Lock()
		if !to.closing {
			to.senders++
			p.mu.Unlock()
			return to, nil
		}
		p.mu.Unlock()
	}
}

// producer returns the current producer and begins to connect where there is none.
func (p *Publisher) producer() (*producer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if p.current == nil {
		made := newProducer(p.cluster)
		p.current = made
		go made.connect(p.cluster, p.outage.settled, func(err error) { p.failed(made, err) })
	}
	return p.current, nil
}

// failed is called for each message that failed. What sarama itself refuses never left this process; everything else
// ends the producer.
func (p *Publisher) failed(by *producer, err error) {
	var tooLarge sarama.ConfigurationError
	if errors.As(err, &tooLarge) {
		return
	}
	if p.retire(by) && !refused(err) {
		p.outage.failed(err)
	}
}

// drop forgets a producer that could not connect.
func (p *Publisher) drop(failed *producer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == failed {
		p.current = nil
	}
}

// release ends the writing of one Publish; the last one closes a producer that was given up.
func (p *Publisher) release(to *producer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to.senders--
	p.endWhenIdle(to)
}

// retire gives a producer up: it takes no new messages, and what it holds may still be answered. It reports whether
// this call did it.
func (p *Publisher) retire(old *producer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old.closing {
		return false
	}
	if p.current == old {
		p.current = nil
	}
	old.closing = true
	close(old.retired)
	p.endWhenIdle(old)
	return true
}

// endWhenIdle closes a producer that was given up once nobody writes to it any more: sarama panics at a write after the
// close. The caller holds p.mu.
func (p *Publisher) endWhenIdle(old *producer) {
	if !old.closing || old.senders > 0 {
		return
	}
	p.ending.Add(1)
	go func() {
		defer p.ending.Done()
		old.end(p.cluster.Timeouts.Close)
	}()
}

func (p *Publisher) count(topic port.Topic, answers []error) {
	failed := 0
	for _, err := range answers {
		if err != nil {
			failed++
		}
	}
	if failed > 0 {
		metric.KafkaPublishFailures.Add(p.metrics, failed, topic)
	}
	if acked := len(answers) - failed; acked > 0 {
		metric.KafkaMessagesPublished.Add(p.metrics, acked, topic)
	}
}

// Close flushes what was taken, for Timeouts.Close at most, and closes the connections.
func (p *Publisher) Close() error {
	p.mu.Lock()
	p.closed = true
	last := p.current
	p.current = nil
	p.mu.Unlock()
	if last != nil {
		select {
		case <-last.ready:
		default:
			last.dialer.abort()
			<-last.ready
		}
		if last.err == nil {
			p.retire(last)
		}
	}
	p.ending.Wait()
	return nil
}
