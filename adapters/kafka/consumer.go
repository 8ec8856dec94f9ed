package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

var _ port.Consumer = (*Consumer)(nil)

// Consumer reads one topic as a member of a group. It keeps no state between runs; several Runs at once are several
// members.
type Consumer struct {
	config Config
	group  string
	topic  port.Topic
	outage *outage
}

// NewConsumer checks the config; it does no I/O.
func NewConsumer(config Config, group string, topic port.Topic) (*Consumer, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	if group == "" || topic == "" {
		return nil, invalid("a consumer needs the name of its group and a topic")
	}
	return &Consumer{config: config, group: group, topic: topic, outage: newOutage(config.Log, port.Field{Key: "component", Value: "consumer"},
		port.Field{Key: "group", Value: group}, port.Field{Key: "topic", Value: config.TopicName(topic)})}, nil
}

// Down names the event log while the brokers cannot be used.
func (c *Consumer) Down() []string {
	if c.outage.down.Load() {
		return []string{"event log"}
	}
	return nil
}

// Run implements port.Consumer. It returns the context's error. A partition whose committed offset is no longer in the
// log stays unread until an operator resets the offset (see member.park).
func (c *Consumer) Run(ctx context.Context, handle func(ctx context.Context, message port.Received)) error {
	m := &member{
		config: c.config, group: c.group, topic: c.topic, name: c.config.TopicName(c.topic), handle: handle,
		outage:       c.outage,
		parkedBefore: make(map[int32]int64),
	}
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, longestPause) {
		if m.join(ctx) {
			pause = firstPause
		}
		wait(ctx, pause)
	}
	return ctx.Err()
}

// firstPause and longestPause bound the growing pause between two tries to join the group.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 3 * time.Second
)

// join connects and takes part in the group until the context ends or the connection has become useless. It reports
// whether the member had a session.
func (m *member) join(ctx context.Context) (served bool) {
	dialer := newDialer(m.config)
	defer dialer.abort()
	unwatch := context.AfterFunc(ctx, func() { time.AfterFunc(m.config.CloseTimeout, dialer.abort) })
	defer unwatch()

	client, err := sarama.NewClient(m.config.Brokers, m.config.consuming(dialer))
	if err != nil {
		m.outage.failed(err)
		return false
	}
	defer func() { _ = client.Close() }()
	group, err := sarama.NewConsumerGroupFromClient(m.group, client)
	if err != nil {
		m.outage.failed(err)
		return false
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for err := range group.Errors() {
			m.recordError(err)
		}
	}()
	m.client = client
	before := m.sessions
	err = m.consume(ctx, group)
	if err != nil && ctx.Err() == nil && !answered(err) {
		dialer.abort() // the brokers are out of reach: leaving the group would only wait for them
	}
	_ = group.Close()
	<-drained
	return m.sessions > before
}

// renewAfter is how many times in a row a session may fail to start before the connection is made anew. Until then the
// member keeps its id: under a new one it would have to wait until the coordinator has given the old one up.
const renewAfter = 20

// consume takes part in one session after another until the context ends or the connection seems to be useless.
func (m *member) consume(ctx context.Context, group sarama.ConsumerGroup) error {
	pause, failures := firstPause, 0
	for {
		before := m.sessions
		err := group.Consume(ctx, []string{m.name}, m)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			m.recordError(err)
			failures++
		}
		if errors.Is(err, sarama.ErrClosedConsumerGroup) || failures == renewAfter {
			return err
		}
		if m.sessions > before {
			pause, failures = firstPause, 0
		}
		wait(ctx, pause)
		pause = min(2*pause, longestPause)
	}
}

// recordError counts and logs an error of sarama's, unless it only belongs to a rebalance.
func (m *member) recordError(err error) {
	if isRebalanceError(err) {
		return
	}
	metric.KafkaConsumerErrors.Add(m.config.Metrics, 1, m.topic)
	if errors.Is(err, sarama.ErrOffsetOutOfRange) {
		return // the next session parks the partition, and says so
	}
	m.outage.failed(err)
}

// answered reports whether an error is an answer of a broker.
func answered(err error) bool {
	var answer sarama.KError
	return errors.As(err, &answer)
}

// wait returns after a pause, or when the context ends.
func wait(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
