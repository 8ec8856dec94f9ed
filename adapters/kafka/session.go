package kafka

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

// session is a member's time between two rebalances. sarama calls Setup at its start, ConsumeClaim for each partition,
// and Cleanup at its end.
type session struct {
	consumer *Consumer
	client   sarama.Client
	assigned *assignments    // of the partitions that are read
	reported map[int32]int64 // see Consumer.join

	began      bool
	outOfRange map[int32]outOfRange
	unrestored atomic.Int64 // partitions out of range whose mark is not yet back at the committed offset
	committing sync.WaitGroup
}

// Setup implements sarama.ConsumerGroupHandler.
func (s *session) Setup(group sarama.ConsumerGroupSession) error {
	c, partitions := s.consumer, group.Claims()[s.consumer.name]
	readable, outOfRange, err := findOutOfRange(s.client, c.group.Name, c.name, partitions)
	if err != nil {
		return err
	}
	s.outOfRange = outOfRange
	for partition, offsets := range outOfRange {
		s.leaveUnread(group, partition, offsets)
	}
	s.assigned.assign(readable)
	s.began = true
	metric.KafkaConsumerSessions.Add(c.metrics, 1, c.topic)
	metric.KafkaPartitionsAssigned.Set(c.metrics, float64(len(partitions)), c.topic)
	metric.KafkaPartitionsOutOfRange.Set(c.metrics, float64(len(s.outOfRange)), c.topic)
	c.outage.worked()
	s.committing.Go(func() { s.commitEvery(group) })
	return nil
}

// ConsumeClaim implements sarama.ConsumerGroupHandler: it passes the messages of one partition on, one after another.
func (s *session) ConsumeClaim(group sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	ctx := group.Context()
	if offsets, is := s.outOfRange[claim.Partition()]; is {
		s.restore(group, claim.Partition(), offsets)
		s.unrestored.Add(-1)
		<-ctx.Done()
		return nil
	}
	assigned := s.assigned.of[claim.Partition()]
	for {
		message, more := next(ctx, claim.Messages())
		if !more || !assigned.take(ctx, message) {
			return nil // the end of a session is no failure
		}
		s.consumer.outage.settled()
	}
}

// next waits for a message; there is none once the context has ended, although the channel may be ready as well then.
func next(ctx context.Context, messages <-chan *sarama.ConsumerMessage) (message *sarama.ConsumerMessage, more bool) {
	select {
	case <-ctx.Done():
		return nil, false
	case message, more = <-messages:
		return message, more && ctx.Err() == nil
	}
}

// received is a message as the port hands it out. Its Done lets the tracker move the offset that commit commits.
func received(topic port.Topic, message *sarama.ConsumerMessage, p *pending) port.Received {
	return port.Received{
		Topic:     topic,
		Partition: message.Partition,
		Offset:    message.Offset,
		Time:      message.Timestamp,
		Message:   port.Message{Key: string(message.Key), Headers: headersOf(message.Headers), Value: message.Value},
		Done:      p.finish,
	}
}

// headersOf copies all headers into one string and slices it: one allocation for a message instead of two for a header.
func headersOf(raw []*sarama.RecordHeader) []port.Header {
	if len(raw) == 0 {
		return nil
	}
	var all strings.Builder
	size := 0
	for _, h := range raw {
		size += len(h.Key) + len(h.Value)
	}
	all.Grow(size)
	for _, h := range raw {
		all.Write(h.Key)
		all.Write(h.Value)
	}
	text, headers := all.String(), make([]port.Header, len(raw))
	for i, h := range raw {
		name, value := len(h.Key), len(h.Key)+len(h.Value)
		headers[i] = port.Header{Name: text[:name], Value: text[name:value]}
		text = text[value:]
	}
	return headers
}

// commitEvery commits on a timer until the session ends.
func (s *session) commitEvery(group sarama.ConsumerGroupSession) {
	ticker := time.NewTicker(s.consumer.group.CommitInterval)
	defer ticker.Stop()
	for {
		select {
		case <-group.Context().Done():
			return
		case <-ticker.C:
			if s.unrestored.Load() == 0 {
				s.commit(group)
			}
			s.consumer.outage.settled()
		}
	}
}

// commit commits what is done. sarama reports no error here: what failed stays marked and goes with the next commit.
func (s *session) commit(group sarama.ConsumerGroupSession) {
	c, unfinished, risen := s.consumer, 0, false
	for _, partition := range group.Claims()[c.name] { // after a Setup that failed there are others
		assigned := s.assigned.of[partition]
		if assigned == nil {
			continue
		}
		unfinished += assigned.unfinished()
		if offset, more := assigned.committable(); more {
			group.MarkOffset(c.name, partition, offset, "")
			risen = true
		}
	}
	metric.KafkaMessagesUnfinished.Set(c.metrics, float64(unfinished), c.topic)
	started := time.Now()
	group.Commit()
	if risen {
		metric.KafkaCommitDuration.Observe(c.metrics, time.Since(started), c.topic)
	}
}

// Cleanup implements sarama.ConsumerGroupHandler: no partition is read any more; what is done is committed. Before a rebalance that is not
// waited for, at the end of Run it is. sarama calls it after a Setup that failed, too.
func (s *session) Cleanup(group sarama.ConsumerGroupSession) error {
	s.committing.Wait()
	if s.assigned.run.Err() != nil {
		s.assigned.handing.Wait()
	}
	for partition, offsets := range s.outOfRange {
		s.restore(group, partition, offsets)
	}
	s.commit(group)
	return nil
}
