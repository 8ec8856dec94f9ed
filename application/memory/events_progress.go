package memory

import (
	"context"
	"sort"
	"time"

	"github.com/balsong/balsong/application/port"
)

// Progress returns how far a group has read the requests.
func (b *Broker) Progress(group string) port.Progress {
	return eventProgress{broker: b, of: membershipOf{group: group, topic: port.TopicRequests}}
}

type eventProgress struct {
	broker *Broker
	of     membershipOf
}

// ReadUpTo implements port.Progress.
func (p eventProgress) ReadUpTo(ctx context.Context, at time.Time) (bool, error) {
	passed := true
	err := p.each(ctx, func(log []eventRecord, committed int64) {
		first := sort.Search(len(log), func(i int) bool { return !log[i].at.Before(at) })
		passed = passed && committed >= int64(first)
	})
	return passed && err == nil, err
}

// Lag implements port.Progress.
func (p eventProgress) Lag(ctx context.Context) (int64, error) {
	var lag int64
	err := p.each(ctx, func(log []eventRecord, committed int64) { lag += int64(len(log)) - committed })
	return lag, err
}

// Group returns where a group stands in the requests.
func (b *Broker) Group(group string) port.DeliveryGroup {
	return eventProgress{broker: b, of: membershipOf{group: group, topic: port.TopicRequests}}
}

// Position implements port.DeliveryGroup.
func (p eventProgress) Position(ctx context.Context) (at port.GroupPosition, err error) {
	err = p.each(ctx, func(log []eventRecord, committed int64) {
		at.Members = len(p.broker.group(p.of).members)
		at.Lag += int64(len(log)) - committed
		at.Committed += committed
		if committed < int64(len(log)) && (at.Oldest.IsZero() || log[committed].at.Before(at.Oldest)) {
			at.Oldest = log[committed].at
		}
	})
	return at, err
}

func (p eventProgress) each(ctx context.Context, look func(log []eventRecord, committed int64)) error {
	if err := p.broker.available(ctx); err != nil {
		return err
	}
	p.broker.mu.Lock()
	defer p.broker.mu.Unlock()
	group := p.broker.group(p.of)
	for partition, log := range p.broker.log(p.of.topic) {
		look(log, group.committed[partition])
	}
	return nil
}
