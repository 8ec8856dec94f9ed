package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

// member is one member of a group. sarama calls Setup at the start of a session, ConsumeClaim for each partition, and
// Cleanup at the end; it runs one session at a time.
type member struct {
	config Config
	group  string
	topic  port.Topic
	name   string // the topic's name in Kafka
	handle func(ctx context.Context, message port.Received)
	outage *outage

	client       sarama.Client
	sessions     int
	parkedBefore map[int32]int64 // partition → committed offset that was logged to be out of range
	session      *session
}

// session is the state of one session: the time between two rebalances.
type session struct {
	trackers   map[int32]*tracker
	parked     map[int32]parked
	unrestored atomic.Int64  // parked partitions whose mark is not yet back at the committed offset
	commits    chan struct{} // closed when the committing on a timer has ended
}

// parked is a partition whose committed offset is not in the log.
type parked struct{ committed, oldest, end int64 }

// Setup implements sarama.ConsumerGroupHandler.
func (m *member) Setup(from sarama.ConsumerGroupSession) error {
	partitions := from.Claims()[m.name]
	m.session = &session{trackers: make(map[int32]*tracker), commits: make(chan struct{})}
	lost, err := m.outOfRange(partitions)
	if err != nil {
		close(m.session.commits)
		return err
	}
	m.session.parked = lost
	for _, partition := range partitions {
		if p, is := lost[partition]; is {
			m.park(from, partition, p)
			continue
		}
		m.session.trackers[partition] = &tracker{}
	}
	m.sessions++
	metric.KafkaConsumerSessions.Add(m.config.Metrics, 1, m.topic)
	metric.KafkaPartitionsAssigned.Set(m.config.Metrics, len(partitions), m.topic)
	metric.KafkaPartitionsParked.Set(m.config.Metrics, len(lost), m.topic)
	m.outage.worked()
	go m.commitEvery(from, m.session)
	return nil
}

// outOfRange finds the partitions whose committed offset is not in the log any more (or not yet, after a log was lost).
func (m *member) outOfRange(partitions []int32) (map[int32]parked, error) {
	lost := make(map[int32]parked)
	if len(partitions) == 0 {
		return lost, nil
	}
	committed, err := committedOffsets(m.client, m.group, m.name, partitions)
	if err != nil {
		return nil, err
	}
	for partition, offset := range committed {
		if offset < 0 {
			continue
		}
		oldest, end, err := bounds(m.client, m.name, partition)
		if err != nil {
			return nil, err
		}
		if offset < oldest || offset > end {
			lost[partition] = parked{committed: offset, oldest: oldest, end: end}
		}
	}
	return lost, nil
}

// park leaves a partition unread, logs it as an error and keeps the other partitions going. Left to itself, sarama
// would either skip what is missing without a word or end the session of all partitions again and again. So the
// partition's mark is moved into range for as long as sarama looks at it, and moved back before anything is committed
// (restore).
func (m *member) park(from sarama.ConsumerGroupSession, partition int32, p parked) {
	m.session.unrestored.Add(1)
	if p.committed < p.oldest {
		from.MarkOffset(m.name, partition, p.oldest, "")
	} else {
		from.ResetOffset(m.name, partition, p.end, "")
	}
	if before, told := m.parkedBefore[partition]; told && before == p.committed {
		return
	}
	m.parkedBefore[partition] = p.committed
	m.config.Log.Error("Committed offset is not in the log: this partition is not read until someone decides",
		port.Field{Key: "group", Value: m.group}, port.Field{Key: "topic", Value: m.name},
		port.Field{Key: "partition", Value: int64(partition)}, port.Field{Key: "committed", Value: p.committed},
		port.Field{Key: "oldest", Value: p.oldest}, port.Field{Key: "end", Value: p.end},
		port.Field{Key: "what_to_do", Value: fmt.Sprintf("messages are gone from the log (retention, or a log that was lost). "+
			"Stop every member of the group, run `kafka-consumer-groups.sh --bootstrap-server BROKER --group %s --topic %s:%d "+
			"--reset-offsets --to-earliest --execute`, start again; the reaper asks anew for what was lost", m.group, m.name, partition)})
}

// restore moves the mark of a parked partition back to its committed offset.
func (m *member) restore(from sarama.ConsumerGroupSession, partition int32, p parked) {
	if p.committed < p.oldest {
		from.ResetOffset(m.name, partition, p.committed, "")
	} else {
		from.MarkOffset(m.name, partition, p.committed, "")
	}
}

// ConsumeClaim implements sarama.ConsumerGroupHandler: it hands out the messages of one partition, one after another.
func (m *member) ConsumeClaim(from sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	ctx := from.Context()
	if p, is := m.session.parked[claim.Partition()]; is {
		m.restore(from, claim.Partition(), p)
		m.session.unrestored.Add(-1)
		<-ctx.Done()
		return nil
	}
	done := m.session.trackers[claim.Partition()]
	for {
		select {
		case <-ctx.Done():
			return nil
		case message, open := <-claim.Messages():
			// The channel may be ready as well when the session has ended.
			if !open || ctx.Err() != nil {
				return nil //nolint:nilerr // the end of a session is no failure
			}
			m.outage.settled()
			m.handle(ctx, m.received(message, done.add(message.Offset)))
		}
	}
}

func (m *member) received(message *sarama.ConsumerMessage, p *pending) port.Received {
	return port.Received{
		Topic:     m.topic,
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
func (m *member) commitEvery(from sarama.ConsumerGroupSession, s *session) {
	defer close(s.commits)
	ticker := time.NewTicker(m.config.CommitInterval)
	defer ticker.Stop()
	for {
		select {
		case <-from.Context().Done():
			return
		case <-ticker.C:
			if s.unrestored.Load() == 0 {
				m.commit(from, s)
			}
			m.outage.settled()
		}
	}
}

// commit commits what is done. sarama reports no error here: what failed stays marked and goes with the next commit.
func (m *member) commit(from sarama.ConsumerGroupSession, s *session) {
	unfinished, risen := 0, false
	for partition, t := range s.trackers {
		unfinished += t.unfinished()
		if offset, more := t.committable(); more {
			from.MarkOffset(m.name, partition, offset, "")
			risen = true
		}
	}
	metric.KafkaMessagesUnfinished.Set(m.config.Metrics, unfinished, m.topic)
	started := time.Now()
	from.Commit()
	if risen {
		metric.KafkaCommitDuration.Observe(m.config.Metrics, time.Since(started), m.topic)
	}
}

// Cleanup implements sarama.ConsumerGroupHandler: no partition is read any more; what is done is committed.
func (m *member) Cleanup(from sarama.ConsumerGroupSession) error {
	s := m.session
	if s == nil {
		return errors.New("kafka: a session ends that never began")
	}
	<-s.commits
	for partition, p := range s.parked {
		m.restore(from, partition, p)
	}
	m.commit(from, s)
	return nil
}
