package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
)

var _ port.ConsumerGroup = (*ConsumerGroup)(nil)

// ConsumerGroup compares a group's committed offsets with the log of the requests, and counts its members.
type ConsumerGroup struct {
	group string
	topic string
	conn  *connection
}

// NewConsumerGroup checks the configuration; it does no I/O. group is the name without Cluster.Prefix.
func NewConsumerGroup(cluster Cluster, group string) (*ConsumerGroup, error) {
	cluster, err := cluster.complete()
	if err != nil {
		return nil, err
	}
	if group == "" {
		return nil, invalid("a consumer group needs a name")
	}
	return &ConsumerGroup{
		group: cluster.GroupName(group), topic: cluster.TopicName(port.TopicRequests), conn: newConnection(cluster, false),
	}, nil
}

// ReadUpTo implements port.ConsumerGroup.
func (g *ConsumerGroup) ReadUpTo(ctx context.Context, at time.Time) (bool, error) {
	// Kafka keeps milliseconds. Rounded up: a message of the same millisecond but before the instant must count.
	millis := at.Add(time.Millisecond - time.Nanosecond).UnixMilli()
	answer := make(chan bool, 1) // not a variable: the work may continue after use has returned
	err := g.conn.use(ctx, "how far the group "+g.group+" has read", func(client sarama.Client) error {
		positions, err := g.positions(client)
		if err != nil {
			return err
		}
		for _, at := range positions {
			first, err := client.GetOffset(g.topic, at.partition, millis)
			if err != nil {
				return fmt.Errorf("offset by time of %s/%d: %w", g.topic, at.partition, err)
			}
			if first < 0 { // no message is that young
				first = at.end
			}
			if at.committed < first {
				answer <- false
				return nil
			}
		}
		answer <- true
		return nil
	})
	if err != nil {
		return false, err
	}
	return <-answer, nil
}

// Position implements port.ConsumerGroup.
func (g *ConsumerGroup) Position(ctx context.Context) (port.GroupPosition, error) {
	answer := make(chan port.GroupPosition, 1)
	err := g.conn.use(ctx, "position of the group "+g.group, func(client sarama.Client) error {
		positions, err := g.positions(client)
		if err != nil {
			return err
		}
		var group port.GroupPosition
		for _, at := range positions {
			group.Lag += max(0, at.end-at.committed)
			group.Committed += at.committed
		}
		if group.Oldest, err = oldest(client, g.topic, positions); err != nil {
			return err
		}
		answer <- group
		return nil
	})
	if err != nil {
		return port.GroupPosition{}, err
	}
	return <-answer, nil
}

// Members implements port.ConsumerGroup.
func (g *ConsumerGroup) Members(ctx context.Context) (int, error) {
	answer := make(chan int, 1)
	err := g.conn.use(ctx, "members of the group "+g.group, func(client sarama.Client) error {
		members, err := membersOf(client, g.group)
		if err != nil {
			return err
		}
		answer <- members
		return nil
	})
	if err != nil {
		return 0, err
	}
	return <-answer, nil
}

// position is where the group stands in one partition.
type position struct {
	partition int32
	committed int64 // the oldest offset where nothing is committed, or where what is committed is gone
	end       int64
}

// positions asks for the committed offsets first: a commit in between makes the answer too old, but never claims that
// more was read than was.
func (g *ConsumerGroup) positions(client sarama.Client) ([]position, error) {
	if err := client.RefreshMetadata(g.topic); err != nil { // partitions may have been added
		return nil, fmt.Errorf("metadata of %s: %w", g.topic, err)
	}
	partitions, err := client.Partitions(g.topic)
	if err != nil {
		return nil, fmt.Errorf("partitions of %s: %w", g.topic, err)
	}
	committed, err := committedOffsets(client, g.group, g.topic, partitions)
	if err != nil {
		return nil, err
	}
	positions := make([]position, 0, len(partitions))
	for _, partition := range partitions {
		oldest, end, err := bounds(client, g.topic, partition)
		if err != nil {
			return nil, err
		}
		positions = append(positions, position{partition: partition, committed: max(committed[partition], oldest), end: end})
	}
	return positions, nil
}

// Close ends the connection.
func (g *ConsumerGroup) Close() error {
	g.conn.close()
	return nil
}
