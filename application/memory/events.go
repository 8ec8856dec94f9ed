package memory

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
)

// Fault is what the broker does wrong with one message.
type Fault int

// The faults.
const (
	FaultNone    Fault = iota
	FaultAckLost       // the message is in the log, the publisher gets an error
	FaultDropped       // the message is not in the log, the publisher gets an error
)

// Broker is an event log in memory: the ports Publisher, Consumer, Progress and Topics over one set of topics. The
// FNV-1a hash of a key decides on its partition. A done message is committed at once. Safe for concurrent use.
type Broker struct {
	clock      port.Clock
	partitions int

	mu      sync.Mutex
	logs    map[port.Topic][][]eventRecord // topic → partition → messages, the offset is the index
	groups  map[membershipOf]*group
	fault   func(port.Topic, port.Message) Fault
	down    bool
	changed chan struct{} // closed and replaced when something changed that a waiting consumer may want
}

type eventRecord struct {
	port.Message
	at time.Time
}

// NewBroker returns an empty log with the given number of partitions for each topic. The clock stamps the messages.
func NewBroker(partitions int, clock port.Clock) *Broker {
	return &Broker{
		clock:      clock,
		partitions: partitions,
		logs:       make(map[port.Topic][][]eventRecord),
		groups:     make(map[membershipOf]*group),
		changed:    make(chan struct{}),
	}
}

// SetFault sets a function that says, for each message that is published, how it fails; nil: nothing. It is
// called with the broker locked.
func (b *Broker) SetFault(fault func(port.Topic, port.Message) Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = fault
}

// SetDown takes the broker down or up again. While it is down, every call returns port.ErrUnavailable, consumers
// receive nothing, and nothing is committed.
func (b *Broker) SetDown(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
	if !down {
		for _, g := range b.groups {
			g.commit()
		}
	}
	b.wake()
}

// Messages returns everything in a topic's log, partition by partition; Done is nil.
func (b *Broker) Messages(topic port.Topic) []port.Received {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []port.Received
	for partition, messages := range b.log(topic) {
		for offset, m := range messages {
			all = append(all, received(topic, partition, int64(offset), m))
		}
	}
	return all
}

// Publisher returns the publishing side.
func (b *Broker) Publisher() port.Publisher { return eventPublisher{b} }

// Topics returns the port that makes topics: they are there already.
func (b *Broker) Topics() port.Topics { return eventTopics{b} }

type eventPublisher struct{ broker *Broker }

// Publish implements port.Publisher.
func (p eventPublisher) Publish(ctx context.Context, topic port.Topic, messages []port.Message) []error {
	answers := make([]error, len(messages))
	b := p.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, m := range messages {
		answers[i] = b.take(ctx, topic, m)
	}
	b.wake()
	return answers
}

// take appends one message to the log. The caller holds b.mu.
func (b *Broker) take(ctx context.Context, topic port.Topic, m port.Message) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish to %s: %w: %w", topic, port.ErrUnavailable, err)
	}
	if b.down {
		return fmt.Errorf("publish to %s: the broker is down: %w", topic, port.ErrUnavailable)
	}
	fault := FaultNone
	if b.fault != nil {
		fault = b.fault(topic, m)
	}
	if fault == FaultDropped {
		return fmt.Errorf("publish to %s: the message was dropped: %w", topic, port.ErrUnavailable)
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(m.Key))
	log := b.log(topic)
	partition := int(hash.Sum32() % uint32(b.partitions))
	m.Value, m.Headers = bytes.Clone(m.Value), slices.Clone(m.Headers)
	at := b.clock.Now()
	if n := len(log[partition]); n > 0 && at.Before(log[partition][n-1].at) {
		at = log[partition][n-1].at // times rise within a partition, as those of a real log do
	}
	log[partition] = append(log[partition], eventRecord{Message: m, at: at})
	if fault == FaultAckLost {
		return fmt.Errorf("publish to %s: the acknowledgement was lost: %w", topic, port.ErrUnavailable)
	}
	return nil
}

// log returns the partitions of a topic. Callers hold b.mu.
func (b *Broker) log(topic port.Topic) [][]eventRecord {
	if b.logs[topic] == nil {
		b.logs[topic] = make([][]eventRecord, b.partitions)
	}
	return b.logs[topic]
}

// wake wakes everyone who waits for a change. The caller holds b.mu.
func (b *Broker) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

type eventTopics struct{ broker *Broker }

// Ensure implements port.Topics.
func (t eventTopics) Ensure(ctx context.Context) error { return t.broker.available(ctx) }

func (b *Broker) available(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.down {
		return fmt.Errorf("the broker is down: %w", port.ErrUnavailable)
	}
	return nil
}

func received(topic port.Topic, partition int, offset int64, m eventRecord) port.Received {
	message := m.Message
	message.Value, message.Headers = bytes.Clone(m.Value), slices.Clone(m.Headers)
	return port.Received{Topic: topic, Partition: int32(partition), Offset: offset, Time: m.at, Message: message}
}
