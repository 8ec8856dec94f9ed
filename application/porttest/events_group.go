package porttest

import (
	"context"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
)

// ConsumerGroupChecks are the promises of port.ConsumerGroup.
func ConsumerGroupChecks() []Check[EventLog] {
	return []Check[EventLog]{
		{"has passed an empty log", progressEmpty},
		{"has not passed what is not committed, and has once it is", progressPasses},
		{"asks nothing of what came at the instant or later", progressLater},
		{"stands at the beginning before anybody reads", groupAtTheBeginning},
		{"goes on with what is committed", groupGoesOn},
		{"has the oldest message that is not done as its oldest, though younger ones are", groupOldest},
	}
}

func (d logFixture) position(group string) port.GroupPosition {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), d.Patience)
	defer cancel()
	at, err := d.Group(group).Position(ctx)
	if err != nil {
		d.Fatalf("position: %v", err)
	}
	return at
}

func (d logFixture) members(group string) int {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), d.Patience)
	defer cancel()
	n, err := d.Group(group).Members(ctx)
	if err != nil {
		d.Fatalf("members: %v", err)
	}
	return n
}

func groupAtTheBeginning(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	if at := d.position("g"); at != (port.GroupPosition{}) {
		t.Errorf("in an empty log a group that nobody joined stands at %+v", at)
	}
	at := d.times(messages(12, 12))
	got := d.position("g")
	if got.Lag != 12 || got.Committed != 0 || d.members("g") != 0 || !got.Oldest.Equal(at[0]) {
		t.Errorf("it stands at %+v, want a lag of 12 since %v", got, at[0])
	}
}

func groupGoesOn(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	d.publish(messages(30, 30)...)
	r := d.join("reader", "g", nil)
	r.take(30)
	d.eventually("all is committed, by one member", func(context.Context) (bool, error) {
		at := d.position("g")
		return at == (port.GroupPosition{Committed: 30}) && d.members("g") == 1, nil
	})
	r.leave()
	d.eventually("nobody is a member", func(context.Context) (bool, error) { return d.members("g") == 0, nil })
	d.publish(messages(5, 5)...)
	if at := d.position("g"); at.Lag != 5 || at.Committed != 30 || at.Oldest.IsZero() {
		t.Errorf("after five more it stands at %+v", at)
	}
}

func groupOldest(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	at := d.times(messages(20, 1)) // of one partition
	held := make(chan port.Received, 1)
	d.join("reader", "g", func(_ context.Context, m port.Received) {
		if m.Time.Equal(at[3]) {
			held <- m
			return
		}
		m.Done()
	}).take(20)
	var oldest time.Time
	d.eventually("what precedes the message that is held is committed", func(context.Context) (bool, error) {
		got := d.position("g")
		oldest = got.Oldest
		return got.Committed == 3 && got.Lag == 17, nil
	})
	if !oldest.Equal(at[3]) {
		t.Errorf("the oldest is of %v, want %v", oldest, at[3])
	}
	(<-held).Done()
	d.eventually("nothing is the oldest once all are done", func(context.Context) (bool, error) {
		return d.position("g").Oldest.IsZero(), nil
	})
}
