package porttest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
)

// TopicsChecks are the promises of port.Topics that hold for every log.
func TopicsChecks() []Check[EventLog] {
	return []Check[EventLog]{{"may be ensured again and at once, and keeps what is there", topicsAgain}}
}

func (d logFixture) passed(group string, at time.Time) bool {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), d.Patience)
	defer cancel()
	passed, err := d.Group(group).ReadUpTo(ctx, at)
	if err != nil {
		d.Fatalf("progress: %v", err)
	}
	return passed
}

// times publishes messages one by one, the clock going on between them, and returns when the log took them.
func (d logFixture) times(all []port.Message) []time.Time {
	d.Helper()
	for _, m := range all {
		d.publish(m)
		d.Tick()
	}
	at := make(map[string]time.Time)
	for _, m := range d.join("a witness of another group", "witness", nil).take(len(all)) {
		at[string(m.Value)] = m.Time
	}
	instants := make([]time.Time, 0, len(all))
	for i, m := range all {
		instants = append(instants, at[string(m.Value)])
		if i > 0 && !instants[i].After(instants[i-1]) {
			d.Fatalf("message %d was taken at %v, the one before at %v", i, instants[i], instants[i-1])
		}
	}
	return instants
}

func progressEmpty(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	d.publish(port.Message{Key: "1", Value: []byte("only to learn the time")})
	now := d.join("witness", "witness", nil).next().Time
	empty := newLogFixture(t, open)
	for _, at := range []time.Time{now.Add(-time.Hour), now.Add(time.Hour)} {
		if !empty.passed("g", at) {
			t.Errorf("the group has not passed %v in an empty log", at)
		}
	}
	if lag := empty.position("g").Lag; lag != 0 {
		t.Errorf("the lag in an empty log is %d", lag)
	}
}

func progressPasses(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	at := d.times(messages(20, 20))
	last := at[len(at)-1].Add(time.Hour) // no message is that young: the end of each partition counts
	if d.passed("g", last) || d.passed("g", at[1]) {
		t.Error("a group that never read has passed messages")
	}
	var mu sync.Mutex
	var held []port.Received
	r := d.join("reader", "g", func(_ context.Context, m port.Received) {
		mu.Lock()
		defer mu.Unlock()
		held = append(held, m)
	})
	r.take(20)
	if d.passed("g", last) {
		t.Error("the group has passed messages that it was handed but that are not done")
	}
	mu.Lock()
	late := held[0]
	for _, m := range held[1:] {
		m.Done()
	}
	mu.Unlock()
	r.publish(port.Message{Key: "0", Value: []byte("something else happens")})
	r.next().Done()
	if d.passed("g", last) {
		t.Errorf("the group has passed everything, but offset %d of partition %d is not done", late.Offset, late.Partition)
	}
	late.Done()
	d.eventually("the group has passed what is done", func(ctx context.Context) (bool, error) {
		return d.Group("g").ReadUpTo(ctx, last)
	})
}

func progressLater(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	at := d.times(messages(6, 1))
	if !d.passed("g", at[0]) {
		t.Error("nothing is older than the first message, but the group has not passed its instant")
	}
	d.join("reader", "g", func(_ context.Context, m port.Received) {
		if m.Offset < 3 {
			m.Done()
		}
	}).take(6)
	d.eventually("the group has passed the instant of the first message that is not done", func(ctx context.Context) (bool, error) {
		return d.Group("g").ReadUpTo(ctx, at[3])
	})
	if d.passed("g", at[3].Add(time.Nanosecond)) {
		t.Error("the group has passed an instant behind a message that is not done")
	}
}

func topicsAgain(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	d.publish(messages(10, 5)...)
	ctx, cancel := context.WithTimeout(d.Context(), d.Patience)
	defer cancel()
	ends := make(chan error, 4)
	for range cap(ends) {
		go func() { ends <- d.Topics.Ensure(ctx) }()
	}
	for range cap(ends) {
		if err := within(d, ends, "Ensure returns"); err != nil {
			t.Errorf("ensure again: %v", err)
		}
	}
	d.join("reader", "g", nil).take(10)
}
