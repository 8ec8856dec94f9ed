package porttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
)

// EventLog is an event log under test: its ports, with topics that exist, are empty and belong to the test.
type EventLog struct {
	Publisher port.Publisher
	Topics    port.Topics
	// Consumer returns a consumer of the requests. Every Run of it is a new member of the group.
	Consumer func(group string) port.Consumer
	Group    func(name string) port.ConsumerGroup
	Reader   port.EventReader
	// Partitions of the requests; at least 2.
	Partitions int
	// Tick moves the clock that stamps the messages on, by at least two milliseconds.
	Tick func()
	// Patience bounds each wait; 0: 30 s.
	Patience time.Duration
}

// Events runs the suites of port.Publisher, port.Consumer, port.ConsumerGroup and port.Topics.
func Events(t *testing.T, open func(t testing.TB) EventLog) {
	t.Run("publisher", func(t *testing.T) { Run(t, PublisherChecks(), open) })
	t.Run("consumer", func(t *testing.T) { Run(t, ConsumerChecks(), open) })
	t.Run("consumer group", func(t *testing.T) { Run(t, ConsumerGroupChecks(), open) })
	t.Run("reader", func(t *testing.T) { Run(t, ReaderChecks(), open) })
	t.Run("topics", func(t *testing.T) { Run(t, TopicsChecks(), open) })
}

// logFixture is an opened event log with what the checks do to it.
type logFixture struct {
	testing.TB
	EventLog
}

func newLogFixture(t testing.TB, open func(t testing.TB) EventLog) logFixture {
	t.Helper()
	log := open(t)
	if log.Patience == 0 {
		log.Patience = 30 * time.Second
	}
	return logFixture{TB: t, EventLog: log}
}

// messages returns n messages with so many keys in turn. Each value is unique and names its number and key.
func messages(n, keys int) []port.Message {
	all := make([]port.Message, 0, n)
	for i := range n {
		k := fmt.Sprint(i % keys)
		all = append(all, port.Message{Key: k, Value: fmt.Appendf(nil, "%d of %s", i, k)})
	}
	return all
}

// publish publishes to the requests. It ends the check if a message is not acknowledged.
func (d logFixture) publish(all ...port.Message) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), d.Patience)
	defer cancel()
	answers := d.Publisher.Publish(ctx, port.TopicRequests, all)
	if len(answers) != len(all) {
		d.Fatalf("%d answers for %d messages", len(answers), len(all))
	}
	for i, err := range answers {
		if err != nil {
			d.Fatalf("message %d of %d was not acknowledged: %v", i, len(all), err)
		}
	}
}

// run is a running member of a group.
type run struct {
	logFixture
	name  string
	got   chan port.Received
	stop  context.CancelFunc
	ended chan error
}

// join starts a member. It passes each message to handle and then to got; a nil handle calls Done.
func (d logFixture) join(name, group string, handle func(ctx context.Context, m port.Received)) *run {
	d.Helper()
	if handle == nil {
		handle = func(_ context.Context, m port.Received) { m.Done() }
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.Context()))
	r := &run{logFixture: d, name: name, got: make(chan port.Received, 100_000), stop: cancel, ended: make(chan error, 1)}
	consumer := d.Consumer(group)
	go func() {
		r.ended <- consumer.Run(ctx, func(ctx context.Context, m port.Received) {
			handle(ctx, m)
			r.got <- m
		})
	}()
	d.Cleanup(func() {
		cancel()
		select {
		case err := <-r.ended:
			d.Logf("%s ended: %v", name, err)
		case <-time.After(d.Patience):
			d.Errorf("%s does not end", name)
		}
	})
	return r
}

// leave ends the member and waits until Run has returned.
func (r *run) leave() {
	r.Helper()
	r.stop()
	err := within(r.logFixture, r.ended, r.name+" returns after its context has ended")
	if err == nil {
		r.Errorf("Run of %s returned nil, want its context's error", r.name)
	}
	r.ended <- err
}

// next waits for the next message that was handled.
func (r *run) next() port.Received {
	r.Helper()
	return within(r.logFixture, r.got, r.name+" gets a message")
}

// take waits for messages until it has seen n different values, and returns them in the order of arrival.
func (r *run) take(n int) []port.Received {
	r.Helper()
	var all []port.Received
	seen := make(map[string]bool)
	for len(seen) < n {
		m := r.next()
		if !seen[string(m.Value)] {
			seen[string(m.Value)] = true
			all = append(all, m)
		}
	}
	return all
}

// within waits for a value, for the log's patience at most.
func within[T any](d logFixture, from <-chan T, what string) T {
	d.Helper()
	timer := time.NewTimer(d.Patience)
	defer timer.Stop()
	select {
	case v := <-from:
		return v
	case <-timer.C:
	case <-d.Context().Done():
	}
	d.Fatalf("it did not happen in time: %s", what)
	panic("not reached")
}

// eventually waits until ask returns true, for the log's patience at most.
func (d logFixture) eventually(what string, ask func(ctx context.Context) (bool, error)) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), d.Patience)
	defer cancel()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		yes, err := ask(ctx)
		if err == nil && yes {
			return
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			d.Fatalf("it did not come about: %s (last error: %v)", what, err)
		}
	}
}
