package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
)

var _ port.EventReader = (*Reader)(nil)

// Reader reads the log of a topic as it is, as a member of no group.
type Reader struct {
	cluster Cluster
	conn    *connection
}

// NewReader checks the configuration; it does no I/O.
func NewReader(cluster Cluster) (*Reader, error) {
	cluster, err := cluster.complete()
	if err != nil {
		return nil, err
	}
	return &Reader{cluster: cluster, conn: newConnection(cluster, false)}, nil
}

// Close ends the connection.
func (r *Reader) Close() error {
	r.conn.close()
	return nil
}

// readBatch is how many messages are handed out at a time.
const readBatch = 1000

// errSilent: a partition has messages, and the broker does not send them.
var errSilent = errors.New("the broker sends no more messages, though the partition has some")

// Read implements port.EventReader.
func (r *Reader) Read(ctx context.Context, topic port.Topic, since time.Time, handle func(ctx context.Context, messages []port.Received) error) (span port.LogSpan, err error) {
	var failed error       // of handle
	var reading sync.Mutex // held while handle may be called
	err = r.conn.use(ctx, "read "+r.cluster.TopicName(topic), func(client sarama.Client) error {
		reading.Lock()
		defer reading.Unlock()
		if ctx.Err() != nil {
			return ctx.Err() // Read may have returned
		}
		work := logReading{
			client: client, topic: topic, name: r.cluster.TopicName(topic), since: since, patience: 3 * r.cluster.Timeouts.Request,
			handle: func(messages []port.Received) error { failed = handle(ctx, messages); return failed }, span: &span,
		}
		return work.all(ctx)
	})
	reading.Lock() // use returns before the work where ctx ends
	defer reading.Unlock()
	if failed != nil {
		return span, failed
	}
	return span, err
}

// logReading is one reading of a topic.
type logReading struct {
	client   sarama.Client
	topic    port.Topic
	name     string
	since    time.Time
	patience time.Duration
	handle   func([]port.Received) error
	span     *port.LogSpan
}

func (l *logReading) all(ctx context.Context) error {
	if err := l.client.RefreshMetadata(l.name); err != nil {
		return fmt.Errorf("metadata of %s: %w", l.name, err)
	}
	partitions, err := l.client.Partitions(l.name)
	if err != nil {
		return fmt.Errorf("partitions of %s: %w", l.name, err)
	}
	consumer, err := sarama.NewConsumerFromClient(l.client)
	if err != nil {
		return err
	}
	defer func() { _ = consumer.Close() }()
	for _, partition := range partitions {
		if err := l.partition(ctx, consumer, partition); err != nil {
			return err
		}
	}
	return nil
}

// partition reads a partition from where it begins, or since, to what is its end now.
func (l *logReading) partition(ctx context.Context, consumer sarama.Consumer, partition int32) error {
	oldest, end, err := bounds(l.client, l.name, partition)
	if err != nil {
		return err
	}
	from := oldest
	if !l.since.IsZero() {
		if from, err = l.client.GetOffset(l.name, partition, l.since.UnixMilli()); err != nil {
			return fmt.Errorf("offset by time of %s/%d: %w", l.name, partition, err)
		}
		if from < 0 { // no message is that young
			from = end
		}
	}
	if from > oldest {
		l.reachesBackTo(l.since)
	}
	if from >= end {
		if from == oldest && oldest > 0 {
			l.reachesBackTo(time.Now()) // nothing tells how young the youngest was that was removed
		}
		return nil
	}
	reading, err := consumer.ConsumePartition(l.name, partition, from)
	if err != nil {
		return fmt.Errorf("read %s/%d from %d: %w", l.name, partition, from, err)
	}
	defer func() { _ = reading.Close() }()
	return l.messages(ctx, reading, from == oldest && oldest > 0, end)
}

// messages hands out the messages of a partition below an offset. removed says that there were older ones than the first.
func (l *logReading) messages(ctx context.Context, reading sarama.PartitionConsumer, removed bool, end int64) error {
	batch, nobody := make([]port.Received, 0, readBatch), &pending{tracker: &tracker{}} // nothing is committed
	silence := time.NewTimer(l.patience)
	defer silence.Stop()
	for last := int64(-1); last < end-1; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-silence.C:
			return errSilent
		case message, more := <-reading.Messages():
			if !more {
				return errSilent
			}
			if removed {
				l.reachesBackTo(message.Timestamp)
				removed = false
			}
			last = message.Offset
			batch = append(batch, received(l.topic, message, nobody))
			if len(batch) < readBatch && last < end-1 {
				continue
			}
			if err := l.handle(batch); err != nil {
				return err
			}
			l.span.Messages += int64(len(batch))
			batch = batch[:0]
			silence.Reset(l.patience)
		}
	}
	return nil
}

// reachesBackTo notes that nothing is missing of a partition since an instant.
func (l *logReading) reachesBackTo(at time.Time) {
	if at.After(l.span.From) {
		l.span.From = at
	}
}
