package porttest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/balsong/balsong/application/port"
)

func consumerTakenAway(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	const keys = 50
	d.publish(messages(keys, keys)...)
	var mu sync.Mutex
	done := make(map[string]bool)
	finish := func(_ context.Context, m port.Received) {
		mu.Lock()
		defer mu.Unlock()
		done[string(m.Value)] = true
		m.Done()
	}
	partitions := make(map[int32]bool)
	for _, m := range d.join("witness", "witness", nil).take(keys) {
		partitions[m.Partition] = true
	}
	handed, ended := make(chan struct{}, 1000), make(chan port.Received, 1000)
	release := make(chan struct{})
	d.join("first", "g", func(ctx context.Context, m port.Received) {
		handed <- struct{}{}
		select {
		case <-ctx.Done():
			ended <- m
		case <-release:
			finish(ctx, m)
		}
	})
	for range partitions { // each blocks, so the partition that is taken away has a message whose context can end
		within(d, handed, "the first member gets a message of every partition")
	}
	d.join("second", "g", finish)
	given := within(d, ended, "a partition is taken from the first member, and its message's context ends")
	close(release)
	finish(d.Context(), given) // late: it may be handed out again, or not
	d.eventually("every message is handed out to someone who finishes it", func(context.Context) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		return len(done) == keys, nil
	})
}

func consumerStays(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	const keys = 50
	d.publish(messages(keys, keys)...)
	partitions := make(map[int32]bool)
	for _, m := range d.join("witness", "witness", nil).take(keys) {
		partitions[m.Partition] = true
	}
	var mu sync.Mutex
	contexts := make(map[int32]context.Context) // of the message that each partition handed out first
	again := make(map[int32]bool)               // partitions that handed out their first message again
	handed, release, moved := make(chan struct{}, 1000), make(chan struct{}), make(chan struct{}, 1000)
	first := d.join("first", "g", func(ctx context.Context, m port.Received) {
		mu.Lock()
		again[m.Partition] = again[m.Partition] || contexts[m.Partition] != nil
		if contexts[m.Partition] == nil {
			contexts[m.Partition] = ctx
		}
		mu.Unlock()
		handed <- struct{}{}
		select {
		case <-ctx.Done():
		case <-release:
			m.Done()
		}
	})
	for range partitions {
		within(d, handed, "the first member gets a message of every partition")
	}
	d.join("second", "g", func(_ context.Context, m port.Received) {
		m.Done()
		moved <- struct{}{}
	})
	within(d, moved, "a partition is taken from the first member and given to the second")
	mu.Lock()
	stayed := 0
	for partition, ctx := range contexts {
		if ctx.Err() != nil {
			continue
		}
		stayed++
		if again[partition] {
			t.Errorf("the message of partition %d, which stayed, was handed out again while it was being handled", partition)
		}
	}
	mu.Unlock()
	if stayed == 0 {
		t.Error("every message's context ended, although partitions stayed")
	}
	close(release)
	first.leave()
}

func consumerShares(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	const keys = 60
	var mu sync.Mutex
	done := make(map[string]bool)
	owner := make(map[int32]string)
	as := func(name string) func(context.Context, port.Received) {
		return func(_ context.Context, m port.Received) {
			mu.Lock()
			done[string(m.Value)], owner[m.Partition] = true, name
			mu.Unlock()
			m.Done()
		}
	}
	published := 0
	more := func() {
		batch := make([]port.Message, 0, keys)
		for k := range keys {
			batch = append(batch, port.Message{Key: fmt.Sprint(k), Value: fmt.Appendf(nil, "%d", published+k)})
		}
		published += keys
		d.publish(batch...)
	}
	owners := func(want int) func(context.Context) (bool, error) {
		return func(context.Context) (bool, error) {
			more()
			mu.Lock()
			defer mu.Unlock()
			names := make(map[string]bool)
			for _, name := range owner {
				names[name] = true
			}
			return len(names) == want, nil
		}
	}
	d.join("one", "g", as("one"))
	d.eventually("one member reads", owners(1))
	two := d.join("two", "g", as("two"))
	d.eventually("two members share the partitions", owners(2))
	two.leave()
	d.eventually("the member that stays reads everything again", owners(1))
	d.eventually("nothing is lost", func(context.Context) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		if len(done) < published {
			return false, fmt.Errorf("%d of %d were handed out", len(done), published)
		}
		return true, nil
	})
}
