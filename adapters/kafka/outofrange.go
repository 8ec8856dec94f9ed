package kafka

import (
	"fmt"
	"math"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
)

// outOfRange is where a partition stands whose committed offset is not in the log any more (or not yet, after a log was
// lost).
type outOfRange struct{ committed, oldest, end int64 }

// readable is where a session begins to read a partition, and the end of its log then.
type readable struct{ committed, end int64 } // committed is negative, and end not asked for, where nothing was committed

// findOutOfRange divides partitions into those that can be read from their committed offset and those where it is out of range.
func findOutOfRange(client sarama.Client, group, topic string, partitions []int32) (read map[int32]readable, found map[int32]outOfRange, err error) {
	if len(partitions) == 0 {
		return nil, nil, nil
	}
	committed, err := committedOffsets(client, group, topic, partitions)
	if err != nil {
		return nil, nil, err
	}
	read, found = make(map[int32]readable), make(map[int32]outOfRange)
	for partition, offset := range committed {
		if offset < 0 {
			read[partition] = readable{committed: offset, end: math.MaxInt64}
			continue
		}
		oldest, end, err := bounds(client, topic, partition)
		if err != nil {
			return nil, nil, err
		}
		if offset < oldest || offset > end {
			found[partition] = outOfRange{committed: offset, oldest: oldest, end: end}
		} else {
			read[partition] = readable{committed: offset, end: end}
		}
	}
	return read, found, nil
}

// leaveUnread leaves a partition unread, logs it as an error and keeps the other partitions going. Left to itself, sarama
// would either skip what is missing without a word or end the session of all partitions again and again. So the
// partition's mark is moved into range for as long as sarama looks at it, and moved back before anything is committed
// (restore).
func (s *session) leaveUnread(group sarama.ConsumerGroupSession, partition int32, o outOfRange) {
	c := s.consumer
	s.unrestored.Add(1)
	if o.committed < o.oldest {
		group.MarkOffset(c.name, partition, o.oldest, "")
	} else {
		group.ResetOffset(c.name, partition, o.end, "")
	}
	if before, known := s.reported[partition]; known && before == o.committed {
		return
	}
	s.reported[partition] = o.committed
	c.log.Error("Committed offset is not in the log: this partition is not read until someone decides",
		port.Field{Key: "group", Value: c.group.Name}, port.Field{Key: "topic", Value: c.name},
		port.Field{Key: "partition", Value: int64(partition)}, port.Field{Key: "committed", Value: o.committed},
		port.Field{Key: "oldest", Value: o.oldest}, port.Field{Key: "end", Value: o.end},
		port.Field{Key: "what_to_do", Value: fmt.Sprintf("messages are gone from the log (retention, or a log that was lost). "+
			"Stop every member of the group, run `kafka-consumer-groups.sh --bootstrap-server BROKER --group %s --topic %s:%d "+
			"--reset-offsets --to-earliest --execute`, start again; the reaper asks anew for what was lost", c.group.Name, c.name, partition)})
}

// restore moves the mark of a partition out of range back to its committed offset.
func (s *session) restore(group sarama.ConsumerGroupSession, partition int32, o outOfRange) {
	if o.committed < o.oldest {
		group.ResetOffset(s.consumer.name, partition, o.committed, "")
	} else {
		group.MarkOffset(s.consumer.name, partition, o.committed, "")
	}
}
