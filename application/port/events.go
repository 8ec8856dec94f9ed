package port

import (
	"context"
	"time"
)

// Message is one message for a topic.
type Message struct {
	Key     string
	Headers []Header
	Value   []byte
}

// Header is one header of a message.
type Header struct{ Name, Value string }

// Topic names a topic by its role; the adapter maps it to the topic's name in the log.
type Topic string

// The topics.
const (
	TopicRequests   Topic = "dispatch-requests.v1"
	TopicResults    Topic = "dispatch-results.v1"
	TopicDeadLetter Topic = "dispatch-requests.v1.dlq"
)

// Publisher writes messages to the log of events.
type Publisher interface {
	// Publish writes the messages and waits until each is acknowledged by all in-sync replicas, or the context ends.
	// The result has one entry for each message: nil if it was acknowledged; an error means that it may or may not have
	// been published. Publish returns soon after the context's end at the latest.
	Publish(ctx context.Context, topic Topic, messages []Message) []error
}

// Received is one consumed message.
type Received struct {
	Topic     Topic
	Partition int32
	Offset    int64
	Time      time.Time // when the log took it
	Message
	// Done says that the message needs no redelivery: its key has a ledger row, or it lies in the dead letter topic. It
	// may be called once, from any goroutine, in any order. Only the contiguous prefix of done messages is committed.
	Done func()
}

// Consumer reads messages as a member of a group, at least once.
type Consumer interface {
	// Run joins the group and calls handle for each message, in order within a partition, from one goroutine for each
	// partition. handle may block, which holds up its partition and nothing else. Its context ends when the partition
	// is taken away or Run's context ends; the message must then be abandoned unless it is done. Run returns when its
	// context ends, after committing what is done. Losing the brokers is not an error: Run waits, logs that once, and
	// goes on.
	Run(ctx context.Context, handle func(ctx context.Context, message Received)) error
}

// ConsumerGroup tells how far a consumer group has read the requests, and who reads.
type ConsumerGroup interface {
	// ReadUpTo reports whether, on every partition of the requests, the group's committed offset has passed the offset
	// of the first message that is not older than at (R8).
	ReadUpTo(ctx context.Context, at time.Time) (bool, error)
	// Position returns where the group stands now.
	Position(ctx context.Context) (GroupPosition, error)
	// Members returns how many processes are members of the group now.
	Members(ctx context.Context) (int, error)
}

// GroupPosition is where a consumer group stands in the requests.
type GroupPosition struct {
	Lag       int64     // requests that are not committed
	Committed int64     // sum of the committed offsets: it grows by what is done
	Oldest    time.Time // when the log took the oldest request that is not committed; zero without any
}

// Topics creates the topics.
type Topics interface {
	// Ensure creates those of the three topics that are missing and checks the others. ErrInvalid if a topic has fewer
	// partitions than asked for.
	Ensure(ctx context.Context) error
}
