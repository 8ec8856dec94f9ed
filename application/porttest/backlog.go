package porttest

import (
	"context"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Backlog runs the suite of port.Backlog.
func Backlog(t *testing.T, open OpenStorage) { Run(t, BacklogChecks(), open) }

// BacklogChecks are the promises of port.Backlog.
func BacklogChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("counts what is due, up to a limit", backlogDue),
		onStage("counts candidates alone", backlogCandidates),
		onStage("counts what others hold, without waiting", backlogHeld),
		onStage("tells when the next one comes due", backlogNextDue),
		onStage("counts what is in flight, up to a limit", backlogInFlight),
		onStage("counts what waits to be rendered", backlogUnrendered),
	}
}

func (s *stage) due(now time.Time, limit int) int {
	s.Helper()
	return given(s.Backlog.Due(s.ctx, november, now, limit))(s)
}

func backlogDue(s *stage) {
	if got := s.due(noon, 10); got != 0 {
		s.Errorf("%d are due of none", got)
	}
	keys := s.rendered(november, 4)
	s.rendered(december, 2)
	s.change(func(state *billing.State) { state.AvailableAt = noon.Add(time.Hour) }, keys[0])
	for _, c := range []struct {
		now         time.Time
		limit, want int
	}{{noon.Add(-time.Microsecond), 10, 0}, {noon, 10, 3}, {noon, 2, 2}, {noon.Add(time.Hour), 10, 4}} {
		if got := s.due(c.now, c.limit); got != c.want {
			s.Errorf("%d are due at %s, up to %d; want %d", got, c.now, c.limit, c.want)
		}
	}
}

func backlogCandidates(s *stage) {
	keys := s.rendered(november, len(billing.Statuses))
	for i, k := range keys {
		s.change(func(state *billing.State) { state.Dispatch = billing.Statuses[i] }, k)
	}
	s.store(november, bill(november, 90, noon)) // not rendered
	if got := s.due(noon, 100); got != 2 {
		s.Errorf("%d are due, want 2: READY and FAILED", got)
	}
}

func backlogHeld(s *stage) {
	keys := s.rendered(november, 2)
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		if _, err := tx.Lock(ctx, keys[:1]); err != nil {
			return err
		}
		if got := s.due(noon, 10); got != 2 {
			s.Errorf("%d are due while one is held, want 2", got)
		}
		return nil
	}))
}

func backlogUnrendered(s *stage) {
	expect := func(want int) {
		s.Helper()
		if got := given(s.Backlog.Unrendered(s.ctx, november))(s); got != want {
			s.Errorf("%d wait to be rendered, want %d", got, want)
		}
	}
	expect(0)
	s.rendered(november, 2)
	s.imported(december, 3)
	expect(0)
	fresh := s.store(november, bill(november, 50, noon), bill(november, 51, noon), bill(november, 52, noon))
	expect(3)
	if _, err := s.Renders.Mark(s.ctx, []port.RenderedBill{{Target: fresh[0], Version: s.versionOf(fresh[0]), Failed: "no name"}}, 1, noon); err != nil {
		s.Fatal(err)
	}
	expect(2)
}

func backlogInFlight(s *stage) {
	expect := func(limit, want int) {
		s.Helper()
		if got := given(s.Backlog.InFlight(s.ctx, november, limit))(s); got != want {
			s.Errorf("%d are in flight, up to %d; want %d", got, limit, want)
		}
	}
	expect(10, 0)
	s.requested(s.rendered(december, 1)...)
	keys := s.rendered(november, len(billing.Statuses)+2)
	for i, status := range billing.Statuses {
		s.change(func(state *billing.State) { state.Dispatch = status }, keys[i])
	}
	expect(10, 1)
	s.requested(keys[len(billing.Statuses):]...)
	expect(10, 3)
	expect(2, 2)
}

func backlogNextDue(s *stage) {
	expect := func(want time.Time) {
		s.Helper()
		if got := given(s.Backlog.NextDue(s.ctx, november))(s); !normal(got).Equal(want) {
			s.Errorf("the next one is due at %s, want %s", got, want)
		}
	}
	expect(time.Time{})
	s.store(december, bill(december, 0, noon.Add(-time.Hour)))
	s.render(december)
	expect(time.Time{})
	keys := s.rendered(november, 3)
	s.change(func(state *billing.State) { state.AvailableAt = noon.Add(time.Hour) }, keys[0])
	s.change(func(state *billing.State) { state.AvailableAt = noon.Add(2 * time.Hour) }, keys[1])
	s.change(func(state *billing.State) { state.Dispatch = billing.Paused }, keys[2])
	expect(noon.Add(time.Hour))
}

// Requests runs the suite of port.Requests.
func Requests(t *testing.T, open OpenStorage) { Run(t, RequestsChecks(), open) }

// RequestsChecks are the promises of port.Requests.
func RequestsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("finds requested targets that nobody claimed", requestsUnclaimed),
		onStage("looks at the row of the current key alone", requestsCurrentKey),
		onStage("finds what was requested before an instant", requestsBefore),
		onStage("pages by user id", requestsPages),
	}
}

func (s *stage) unclaimed(before time.Time, after int64, limit int) []key.Target {
	s.Helper()
	return given(s.Requests.Unclaimed(s.ctx, november, before, after, limit))(s)
}

func requestsUnclaimed(s *stage) {
	keys := s.rendered(november, 9)
	s.requested(keys...)
	s.requested(s.rendered(december, 1)...)
	for i, state := range attempt.States {
		s.bring(delivery(keys[i], 0, 0), state)
	}
	s.change(func(state *billing.State) { state.Dispatch = billing.Ready }, keys[6])
	keysAre(s, "unclaimed", s.unclaimed(noon.Add(time.Second), 0, 100), keys[7], keys[8])
}

func requestsCurrentKey(s *stage) {
	keys := s.rendered(november, 3)
	s.requested(keys...)
	s.change(func(state *billing.State) { state.Attempt, state.Round = 1, 2 }, keys...)
	s.bring(delivery(keys[0], 1, 1), attempt.NotSent)
	s.bring(delivery(keys[0], 0, 2), attempt.Failed)
	s.bring(delivery(keys[1], 1, 2), attempt.Claimed)
	keysAre(s, "unclaimed", s.unclaimed(noon.Add(time.Second), 0, 100), keys[0], keys[2])
}

func requestsBefore(s *stage) {
	keys := s.rendered(november, 2)
	s.requested(keys...)
	s.change(func(state *billing.State) { state.RequestedAt = noon.Add(time.Hour) }, keys[1])
	keysAre(s, "unclaimed", s.unclaimed(noon, 0, 100))
	keysAre(s, "unclaimed", s.unclaimed(noon.Add(time.Microsecond), 0, 100), keys[0])
}

func requestsPages(s *stage) {
	keys := s.rendered(november, 5)
	s.requested(keys...)
	before := noon.Add(time.Second)
	keysAre(s, "the first page", s.unclaimed(before, 0, 2), keys[0], keys[1])
	keysAre(s, "the second page", s.unclaimed(before, keys[1].UserID, 2), keys[2], keys[3])
	keysAre(s, "the last page", s.unclaimed(before, keys[3].UserID, 2), keys[4])
}
