package port

import (
	"context"
	"time"
)

// EventReader reads the log of a topic as it is, as a member of no group.
type EventReader interface {
	// Read calls handle with the messages of a topic that lie in its log when Read begins, in batches: those of a partition in
	// their order, from the first that is not older than since (the zero time: from the oldest). handle is called from one
	// goroutine; its error ends Read and is returned as it is. Done of the messages does nothing.
	Read(ctx context.Context, topic Topic, since time.Time, handle func(ctx context.Context, messages []Received) error) (LogSpan, error)
}

// LogSpan is what part of a topic's log is still there.
type LogSpan struct {
	Messages int64
	// From is the instant since which nothing is missing; the zero time where no message was ever removed.
	From time.Time
}
