package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
)

var (
	_ port.Progress      = (*Progress)(nil)
	_ port.DeliveryGroup = (*Progress)(nil)
)

// Progress compares a group's committed offsets with the log of the requests.
type Progress struct {
	group string
	topic string
	conn  *connection
}

// NewProgress checks the configuration; it does no I/O. group is the name without Cluster.Prefix.
func NewProgress(cluster Cluster, group string) (*Progress, error) {
	cluster, err := cluster.complete()
	if err != nil {
		return nil, err
	}
	if group == "" {
		return nil, invalid("progress needs the name of a group")
	}
	return &Progress{
		group: cluster.GroupName(group), topic: cluster.TopicName(port.TopicRequests), conn: newConnection(cluster, false),
	}, nil
}

// ReadUpTo implements port.Progress.
func (p *Progress) ReadUpTo(ctx context.Context, at time.Time) (bool, error) {
	// Kafka keeps milliseconds. Rounded up: a message of the same millisecond but before the instant must count.
	millis := at.Add(time.Millisecond - time.Nanosecond).UnixMilli()
	answer := make(chan bool, 1) // not a variable: the work may continue after use has returned
	err := p.conn.use(ctx, "how far the group "+p.group+" has read", func(client sarama.Client) error {
		positions, err := p.positions(client)
		if err != nil {
			return err
		}
		for _, at := range positions {
			first, err := client.GetOffset(p.topic, at.partition, millis)
			if err != nil {
				return fmt.Errorf("offset by time of %s/%d: %w", p.topic, at.partition, err)
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

// Lag implements port.Progress.
func (p *Progress) Lag(ctx context.Context) (int64, error) {
	answer := make(chan int64, 1)
	err := p.conn.use(ctx, "lag of the group "+p.group, func(client sarama.Client) error {
		positions, err := p.positions(client)
		if err != nil {
			return err
		}
		var lag int64
		for _, at := range positions {
			lag += max(0, at.end-at.committed)
		}
		answer <- lag
		return nil
	})
	if err != nil {
		return 0, err
	}
	return <-answer, nil
}

// Position implements port.DeliveryGroup.
func (p *Progress) Position(ctx context.Context) (port.GroupPosition, error) {
	answer := make(chan port.GroupPosition, 1)
	err := p.conn.use(ctx, "position of the group "+p.group, func(client sarama.Client) error {
		positions, err := p.positions(client)
		if err != nil {
			return err
		}
		var group port.GroupPosition
		for _, at := range positions {
			group.Lag += max(0, at.end-at.committed)
			group.Committed += at.committed
		}
		if group.Members, err = membersOf(client, p.group); err != nil {
			return err
		}
		if group.Oldest, err = oldest(client, p.topic, positions); err != nil {
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

// Consumers returns the number of the group's members.
func (p *Progress) Consumers(ctx context.Context) (int, error) {
	answer := make(chan int, 1)
	err := p.conn.use(ctx, "members of the group "+p.group, func(client sarama.Client) error {
		members, err := membersOf(client, p.group)
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
func (p *Progress) positions(client sarama.Client) ([]position, error) {
	if err := client.RefreshMetadata(p.topic); err != nil { // partitions may have been added
		return nil, fmt.Errorf("metadata of %s: %w", p.topic, err)
	}
	partitions, err := client.Partitions(p.topic)
	if err != nil {
		return nil, fmt.Errorf("partitions of %s: %w", p.topic, err)
	}
	committed, err := committedOffsets(client, p.group, p.topic, partitions)
	if err != nil {
		return nil, err
	}
	positions := make([]position, 0, len(partitions))
	for _, partition := range partitions {
		oldest, end, err := bounds(client, p.topic, partition)
		if err != nil {
			return nil, err
		}
		positions = append(positions, position{partition: partition, committed: max(committed[partition], oldest), end: end})
	}
	return positions, nil
}

// Close ends the connection.
func (p *Progress) Close() error {
	p.conn.close()
	return nil
}
