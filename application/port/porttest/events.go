package porttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
)

// EventLog is one log of events to be tested: the four ports over topics that are empty, exist and belong to the test.
type EventLog struct {
	Publisher port.Publisher
	Topics    port.Topics
	// Consumer returns a consumer of the requests; every Run is a new member of the group.
	Consumer func(group string) port.Consumer
	Progress func(group string) port.Progress
	// Partitions of the requests; at least 2.
	Partitions int
	// Tick lets the clock that stamps the messages go on, by at least two milliseconds.
	Tick func()
	// Patience bounds each wait; 0: 30 s.
	Patience time.Duration
}

// Events runs the suites of port.Publisher, port.Consumer, port.Progress and port.Topics.
func Events(t *testing.T, open func(t testing.TB) EventLog) {
	t.Run("publisher", func(t *testing.T) { Run(t, PublisherChecks(), open) })
	t.Run("consumer", func(t *testing.T) { Run(t, ConsumerChecks(), open) })
	t.Run("progress", func(t *testing.T) { Run(t, ProgressChecks(), open) })
	t.Run("topics", func(t *testing.T) { Run(t, TopicsChecks(), open) })
}

// desk is an opened log and what the checks do with it.
type desk struct {
	testing.TB
	EventLog
}

func atDesk(t testing.TB, open func(t testing.TB) EventLog) desk {
	t.Helper()
	log := open(t)
	if log.Patience == 0 {
		log.Patience = 30 * time.Second
	}
	return desk{TB: t, EventLog: log}
}

// messages returns n messages of so many keys in turn; each value is unique: number, key.
func messages(n, keys int) []port.Message {
	all := make([]port.Message, 0, n)
	for i := range n {
		k := fmt.Sprint(i % keys)
		all = append(all, port.Message{Key: k, Value: fmt.Appendf(nil, "%d of %s", i, k)})
	}
	return all
}

// publish publishes to the requests and ends the check where a message is not acknowledged.
func (d desk) publish(all ...port.Message) {
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

// run is a member at work.
type run struct {
	desk
	name  string
	got   chan port.Received
	stop  context.CancelFunc
	ended chan error
}

// join starts a member that does with each message what handle says and then tells it to got; nil: it is done.
func (d desk) join(name, group string, handle func(ctx context.Context, m port.Received)) *run {
	d.Helper()
	if handle == nil {
		handle = func(_ context.Context, m port.Received) { m.Done() }
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.Context()))
	r := &run{desk: d, name: name, got: make(chan port.Received, 100_000), stop: cancel, ended: make(chan error, 1)}
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
	err := within(r.desk, r.ended, r.name+" returns after its context has ended")
	if err == nil {
		r.Errorf("Run of %s returned nil, want its context's error", r.name)
	}
	r.ended <- err
}

// next waits for the next message that was handled.
func (r *run) next() port.Received {
	r.Helper()
	return within(r.desk, r.got, r.name+" gets a message")
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

// within waits for a value, as long as the log's patience lasts.
func within[T any](d desk, from <-chan T, what string) T {
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

// eventually asks until the answer is yes.
func (d desk) eventually(what string, ask func(ctx context.Context) (bool, error)) {
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
