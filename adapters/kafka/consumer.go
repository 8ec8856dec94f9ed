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
	cluster Cluster
	group   Group // its name with the prefix
	topic   port.Topic
	name    string // of the topic, in Kafka
	log     port.Log
	metrics port.Metrics
	outage  *outage
}

// NewConsumer checks the configuration; it does no I/O.
func NewConsumer(cluster Cluster, group Group, topic port.Topic, log port.Log, metrics port.Metrics) (*Consumer, error) {
	cluster, err := cluster.complete()
	if err != nil {
		return nil, err
	}
	if group, err = group.complete(); err != nil {
		return nil, err
	}
	group.Name = cluster.GroupName(group.Name)
	name := cluster.TopicName(topic)
	return &Consumer{
		cluster: cluster, group: group, topic: topic, name: name, log: log, metrics: metrics,
		outage: newOutage(log, port.Field{Key: "component", Value: "consumer"},
			port.Field{Key: "group", Value: group.Name}, port.Field{Key: "topic", Value: name}),
	}, nil
}

// Down names the event log while the brokers cannot be used.
func (c *Consumer) Down() []string {
	if c.outage.down.Load() {
		return []string{port.ComponentEventLog}
	}
	return nil
}

// Run implements port.Consumer. It returns the context's error. A partition whose committed offset is no longer in the
// log stays unread until an operator resets the offset (see session.leaveUnread).
func (c *Consumer) Run(ctx context.Context, handle func(ctx context.Context, message port.Received)) error {
	assigned := &assignments{run: ctx, topic: c.topic, handle: handle, of: make(map[int32]*assignment)}
	defer assigned.end()
	reported := make(map[int32]int64)
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, longestPause) {
		if c.join(ctx, assigned, reported) {
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
// whether there was a session. reported holds, by partition, the committed offset that was logged to be out of range.
func (c *Consumer) join(ctx context.Context, assigned *assignments, reported map[int32]int64) (served bool) {
	dialer := newDialer(c.cluster)
	defer dialer.abort()
	unwatch := context.AfterFunc(ctx, func() { time.AfterFunc(c.cluster.Timeouts.Close, dialer.abort) })
	defer unwatch()

	client, err := sarama.NewClient(c.cluster.Brokers, c.group.member(c.cluster, dialer))
	if err != nil {
		c.outage.failed(err)
		return false
	}
	defer func() { _ = client.Close() }()
	group, err := sarama.NewConsumerGroupFromClient(c.group.Name, client)
	if err != nil {
		c.outage.failed(err)
		return false
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for err := range group.Errors() {
			c.recordError(err)
		}
	}()
	served, err = c.consume(ctx, group, func() *session {
		return &session{consumer: c, client: client, assigned: assigned, reported: reported}
	})
	if err != nil && ctx.Err() == nil && !answered(err) {
		dialer.abort() // the brokers are out of reach: leaving the group would only wait for them
	}
	_ = group.Close()
	<-drained
	return served
}

// renewAfter is how many times in a row a session may fail to start before the connection is made anew. Until then the
// member keeps its id: under a new one it would have to wait until the coordinator has given the old one up.
const renewAfter = 20

// consume takes part in one session after another until the context ends or the connection seems to be useless. It
// reports whether one of them began.
func (c *Consumer) consume(ctx context.Context, group sarama.ConsumerGroup, next func() *session) (served bool, err error) {
	pause, failures := firstPause, 0
	for {
		session := next()
		err := group.Consume(ctx, []string{c.name}, session)
		served = served || session.began
		if ctx.Err() != nil {
			return served, ctx.Err()
		}
		if err != nil {
			c.recordError(err)
			failures++
		}
		if errors.Is(err, sarama.ErrClosedConsumerGroup) || failures == renewAfter {
			return served, err
		}
		if session.began {
			pause, failures = firstPause, 0
		}
		wait(ctx, pause)
		pause = min(2*pause, longestPause)
	}
}

// recordError counts and logs an error of sarama's, unless it only belongs to a rebalance.
func (c *Consumer) recordError(err error) {
	if isRebalanceError(err) {
		return
	}
	metric.KafkaConsumerErrors.Add(c.metrics, 1, c.topic)
	if errors.Is(err, sarama.ErrOffsetOutOfRange) {
		return // the next session leaves the partition unread, and logs it
	}
	c.outage.failed(err)
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
