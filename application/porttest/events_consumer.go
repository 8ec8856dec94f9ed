package porttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/balsong/balsong/application/port"
)

// ConsumerChecks are the promises of port.Consumer.
func ConsumerChecks() []Check[EventLog] {
	return []Check[EventLog]{
		{"hands out everything, old and new", consumerEverything},
		{"hands out one message of a partition at a time, in order", consumerOneAtATime},
		{"gives every group everything", consumerGroups},
		{"hands out again what was not done", consumerRedelivers},
		{"hands out nothing again that was done before Run returned", consumerCommitsAtTheEnd},
		{"commits the contiguous prefix alone", consumerPrefix},
		{"takes Done from anywhere and after handle has returned", consumerLateDone},
		{"a handler that blocks stops its partition and nothing else", consumerBlocks},
		{"ends the message's context with Run's", consumerStops},
		{"ends the message's context when its partition is taken away", consumerTakenAway},
		{"continues what was handed out of a partition that stays", consumerStays},
		{"two members share the partitions, and coming and going lose nothing", consumerShares},
	}
}

func consumerEverything(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	all := messages(200, 50)
	d.publish(all[:100]...)
	r := d.join("reader", "g", nil)
	r.take(100)
	d.publish(all[100:]...)
	for _, m := range r.take(100) {
		if m.Topic != port.TopicRequests || m.Time.IsZero() || m.Offset < 0 || int(m.Partition) >= d.Partitions {
			t.Fatalf("a message says topic %q, partition %d of %d, offset %d, time %v", m.Topic, m.Partition, d.Partitions, m.Offset, m.Time)
		}
	}
}

func consumerOneAtATime(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	busy := make([]atomic.Bool, d.Partitions)
	d.publish(messages(300, 50)...)
	r := d.join("reader", "g", func(_ context.Context, m port.Received) {
		if !busy[m.Partition].CompareAndSwap(false, true) {
			t.Errorf("partition %d: two messages at the same time", m.Partition)
		}
		m.Done()
		busy[m.Partition].Store(false)
	})
	last := make(map[int32]int64)
	for _, m := range r.take(300) {
		if before, any := last[m.Partition]; any && m.Offset <= before {
			t.Errorf("partition %d: offset %d comes behind %d", m.Partition, m.Offset, before)
		}
		last[m.Partition] = m.Offset
	}
	if len(last) < 2 {
		t.Errorf("50 keys lie in %d partition", len(last))
	}
}

func consumerGroups(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	d.publish(messages(40, 10)...)
	one, two := d.join("reader of one", "one", nil), d.join("reader of two", "two", nil)
	one.take(40)
	two.take(40)
}

func consumerRedelivers(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	d.publish(messages(50, 20)...)
	first := d.join("first", "g", func(context.Context, port.Received) {})
	first.take(50)
	first.leave()
	d.join("second", "g", nil).take(50)
}

func consumerCommitsAtTheEnd(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	const keys = 20
	d.publish(messages(60, keys)...)
	first := d.join("first", "g", nil)
	first.take(60)
	first.leave()
	for k := range keys {
		d.publish(port.Message{Key: fmt.Sprint(k), Value: fmt.Appendf(nil, "new %d", k)})
	}
	for _, m := range d.join("second", "g", nil).take(keys) {
		if string(m.Value[:4]) != "new " {
			t.Fatalf("%q was done and is handed out again", m.Value)
		}
	}
}

func consumerPrefix(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	d.publish(messages(10, 1)...)
	first := d.join("first", "g", func(context.Context, port.Received) {})
	held := first.take(10)
	for _, i := range []int{9, 1, 5, 0, 2, 4, 6, 7, 8} { // all but 3
		held[i].Done()
	}
	first.leave()
	for i, m := range d.join("second", "g", nil).take(7) {
		if want := held[3].Offset + int64(i); m.Offset != want {
			t.Fatalf("message %d of the second member has offset %d, want %d: only the first three were done in a row", i, m.Offset, want)
		}
	}
}

func consumerLateDone(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	d.publish(messages(20, 1)...)
	first := d.join("first", "g", func(context.Context, port.Received) {})
	var all sync.WaitGroup
	for _, m := range first.take(20) {
		all.Go(m.Done)
	}
	all.Wait()
	first.leave()
	d.publish(port.Message{Key: "0", Value: []byte("new")})
	if m := d.join("second", "g", nil).next(); string(m.Value) != "new" {
		t.Errorf("%q was done and is handed out again", m.Value)
	}
}

func consumerBlocks(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	all := messages(200, 50)
	d.publish(all...)
	var mu sync.Mutex
	stuck := int32(-1)
	release := make(chan struct{})
	var started []port.Received
	r := d.join("reader", "g", func(ctx context.Context, m port.Received) {
		mu.Lock()
		if stuck < 0 {
			stuck = m.Partition
		}
		blocks := stuck == m.Partition
		if blocks {
			started = append(started, m)
		}
		mu.Unlock()
		if blocks {
			select {
			case <-release:
			case <-ctx.Done():
			}
		}
		m.Done()
	})
	where := make(map[string]int32)
	for _, m := range d.join("witness", "witness", nil).take(len(all)) {
		where[string(m.Value)] = m.Partition
	}
	first := r.next()
	mu.Lock()
	partition := stuck
	mu.Unlock()
	elsewhere := 0
	for _, at := range where {
		if at != partition {
			elsewhere++
		}
	}
	if first.Partition == partition || elsewhere == 0 {
		t.Fatalf("partition %d was to be stuck, %d messages lie elsewhere", partition, elsewhere)
	}
	r.take(elsewhere - 1)
	mu.Lock()
	if len(started) != 1 {
		t.Errorf("%d messages of the stuck partition were handed out, want 1", len(started))
	}
	mu.Unlock()
	close(release)
	r.take(len(all) - elsewhere)
}

func consumerStops(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	d.publish(messages(1, 1)...)
	handed := make(chan struct{}, 100)
	r := d.join("reader", "g", func(ctx context.Context, m port.Received) {
		handed <- struct{}{}
		<-ctx.Done()
		m.Done() // what is done when handle returns is committed
	})
	within(d, handed, "the message is handed out")
	r.stop()
	r.next()
	if err := within(d, r.ended, "Run returns"); !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v, want its context's error", err)
	}
	r.ended <- nil
	d.publish(port.Message{Key: "0", Value: []byte("new")})
	if m := d.join("second", "g", nil).next(); string(m.Value) != "new" {
		t.Errorf("%q was done before Run returned and is handed out again", m.Value)
	}
}
