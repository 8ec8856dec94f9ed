package memory

import (
	"context"
	"sort"
	"time"

	"github.com/balsong/balsong/application/port"
)

// Group returns a consumer group of the requests.
func (b *Broker) Group(name string) port.ConsumerGroup {
	return consumerGroup{broker: b, of: membershipOf{group: name, topic: port.TopicRequests}}
}

type consumerGroup struct {
	broker *Broker
	of     membershipOf
}

// ReadUpTo implements port.ConsumerGroup.
func (g consumerGroup) ReadUpTo(ctx context.Context, at time.Time) (bool, error) {
	passed := true
	err := g.each(ctx, func(log []eventRecord, committed int64) {
		first := sort.Search(len(log), func(i int) bool { return !log[i].at.Before(at) })
		passed = passed && committed >= int64(first)
	})
	return passed && err == nil, err
}

// Position implements port.ConsumerGroup.
func (g consumerGroup) Position(ctx context.Context) (at port.GroupPosition, err error) {
	err = g.each(ctx, func(log []eventRecord, committed int64) {
		at.Lag += int64(len(log)) - committed
		at.Committed += committed
		if committed < int64(len(log)) && (at.Oldest.IsZero() || log[committed].at.Before(at.Oldest)) {
			at.Oldest = log[committed].at
		}
	})
	return at, err
}

// Members implements port.ConsumerGroup.
func (g consumerGroup) Members(ctx context.Context) (int, error) {
	if err := g.broker.available(ctx); err != nil {
		return 0, err
	}
	g.broker.mu.Lock()
	defer g.broker.mu.Unlock()
	return len(g.broker.group(g.of).members), nil
}

func (g consumerGroup) each(ctx context.Context, look func(log []eventRecord, committed int64)) error {
	if err := g.broker.available(ctx); err != nil {
		return err
	}
	g.broker.mu.Lock()
	defer g.broker.mu.Unlock()
	group := g.broker.group(g.of)
	for partition, log := range g.broker.log(g.of.topic) {
		look(log, group.committed[partition])
	}
	return nil
}
