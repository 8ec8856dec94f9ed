package memory

import (
	"context"
	"time"

	"github.com/balsong/balsong/application/port"
)

// Reader returns the side that reads a log as it is.
func (b *Broker) Reader() port.EventReader { return eventReader{b} }

type eventReader struct{ broker *Broker }

// Read implements port.EventReader. Nothing is ever removed from this log.
func (r eventReader) Read(ctx context.Context, topic port.Topic, since time.Time, handle func(ctx context.Context, messages []port.Received) error) (port.LogSpan, error) {
	if err := r.broker.available(ctx); err != nil {
		return port.LogSpan{}, err
	}
	var span port.LogSpan
	byPartition := map[int32][]port.Received{}
	for _, m := range r.broker.Messages(topic) {
		if !m.Time.Before(since) {
			m.Done = func() {}
			byPartition[m.Partition] = append(byPartition[m.Partition], m)
		}
	}
	for partition := range int32(r.broker.partitions) {
		if messages := byPartition[partition]; len(messages) > 0 {
			if err := handle(ctx, messages); err != nil {
				return span, err
			}
			span.Messages += int64(len(messages))
		}
	}
	return span, ctx.Err()
}
