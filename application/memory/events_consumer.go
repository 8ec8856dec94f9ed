package memory

import (
	"context"
	"slices"
	"sync"

	"github.com/balsong/balsong/application/port"
)

// membershipOf names a group's reading of one topic.
type membershipOf struct {
	group string
	topic port.Topic
}

// group shares the partitions of one topic among its members. Its fields are guarded by Broker.mu.
type group struct {
	committed []int64
	done      []map[int64]bool // done messages behind the committed offset, by partition
	members   []*memberOf
	readers   []*partitionReader // by partition; nil: nobody reads it now
}

// memberOf is one member of a group: one call of Run.
type memberOf struct {
	ctx     context.Context
	handle  func(context.Context, port.Received)
	readers sync.WaitGroup
}

// partitionReader reads one partition for one member until its context ends.
type partitionReader struct {
	member *memberOf
	cancel context.CancelFunc
	ended  bool
}

// Consumer returns a consumer; each Run of it is a member of the group.
func (b *Broker) Consumer(group string, topic port.Topic) port.Consumer {
	return eventConsumer{broker: b, of: membershipOf{group: group, topic: topic}}
}

type eventConsumer struct {
	broker *Broker
	of     membershipOf
}

// Run implements port.Consumer.
func (c eventConsumer) Run(ctx context.Context, handle func(context.Context, port.Received)) error {
	b := c.broker
	me := &memberOf{ctx: ctx, handle: handle}
	b.mu.Lock()
	g := b.group(c.of)
	g.members = append(g.members, me)
	b.share(c.of, g)
	b.mu.Unlock()

	<-ctx.Done()

	b.mu.Lock()
	g.members = slices.DeleteFunc(g.members, func(m *memberOf) bool { return m == me })
	b.share(c.of, g)
	b.mu.Unlock()
	me.readers.Wait()
	return ctx.Err()
}

// group returns the group of that name. Callers hold b.mu.
func (b *Broker) group(of membershipOf) *group {
	g := b.groups[of]
	if g == nil {
		g = &group{
			committed: make([]int64, b.partitions),
			done:      make([]map[int64]bool, b.partitions),
			readers:   make([]*partitionReader, b.partitions),
		}
		b.groups[of] = g
	}
	return g
}

// share assigns each partition to a member. A partition that another member is reading is handed over once that one has
// let go. The caller holds b.mu.
func (b *Broker) share(of membershipOf, g *group) {
	for partition, now := range g.readers {
		var next *memberOf
		if len(g.members) > 0 {
			next = g.members[partition%len(g.members)]
		}
		switch {
		case now != nil && now.member != next:
			now.cancel()
		case now == nil && next != nil:
			ctx, cancel := context.WithCancel(next.ctx)
			r := &partitionReader{member: next, cancel: cancel}
			g.readers[partition] = r
			g.done[partition] = make(map[int64]bool)
			next.readers.Add(1)
			go b.read(ctx, of, g, partition, r)
		}
	}
}

// read passes on the messages of one partition from the committed offset on.
func (b *Broker) read(ctx context.Context, of membershipOf, g *group, partition int, r *partitionReader) {
	defer r.member.readers.Done()
	b.mu.Lock()
	next := g.committed[partition]
	b.mu.Unlock()
	for {
		message, ok := b.next(ctx, of.topic, partition, next)
		if !ok {
			break
		}
		message.Done = func() { b.finish(g, partition, r, message.Offset) }
		r.member.handle(ctx, message)
		next++
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r.cancel()
	r.ended = true
	g.readers[partition] = nil
	b.share(of, g)
}

// next waits for the message at an offset; false: the context has ended.
func (b *Broker) next(ctx context.Context, topic port.Topic, partition int, offset int64) (port.Received, bool) {
	for {
		b.mu.Lock()
		changed := b.changed
		log := b.log(topic)[partition]
		if !b.down && offset < int64(len(log)) && ctx.Err() == nil {
			defer b.mu.Unlock()
			return received(topic, partition, offset, log[offset]), true
		}
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return port.Received{}, false
		}
	}
}

// finish notes a done message, unless its reader has let the partition go.
func (b *Broker) finish(g *group, partition int, r *partitionReader, offset int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.ended || offset < g.committed[partition] {
		return
	}
	g.done[partition][offset] = true
	if !b.down {
		g.commit()
	}
}

// commit moves the committed offsets over the contiguous done messages. Callers hold Broker.mu.
func (g *group) commit() {
	for partition, done := range g.done {
		for done[g.committed[partition]] {
			delete(done, g.committed[partition])
			g.committed[partition]++
		}
	}
}
