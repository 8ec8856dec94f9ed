package porttest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Sweeps runs the suite of port.Sweeps.
func Sweeps(t *testing.T, open OpenStorage) { Run(t, SweepsChecks(), open) }

// SweepsChecks are the promises of port.Sweeps.
func SweepsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("turns claims whose lease has ended into UNKNOWN", sweepsExpire),
		onStage("leaves alone what lives, is closed, or belongs to another month", sweepsExpireOthers),
		onStage("expires at most as many as asked for", sweepsExpireLimit),
		onStage("lets the call's own success win over an expired lease", sweepsExpireSuccess),
		onStage("finds targets whose ledger rows changed", sweepsChanged),
		onStage("finds what changed since an instant, and nothing older", sweepsChangedSince),
		onStage("pages through changed targets by user id, losing none", sweepsChangedPages),
		onStage("leaves out targets whose success is settled", sweepsChangedAgree),
		onStage("finds a late success of an older try", sweepsChangedLate),
		onStage("has no write that is still to come behind the horizon", sweepsHorizon),
		onStage("moves the horizon on with the clock", sweepsHorizonMoves),
		onStage("tells the database's clock, which moves on", sweepsNow),
		onStage("counts what is in doubt and until when", sweepsInDoubt),
		onStage("counts the UNKNOWN targets of a month, and no more once they are decided", sweepsUnknown),
	}
}

// sweepsHorizon asks for the horizon while a transaction is open that has written, and commits it afterwards.
func sweepsHorizon(s *stage) {
	k := ledgerKey(0)
	var horizon time.Time
	err := s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		if _, err := tx.Revoke(ctx, []attempt.Revocation{{Key: k, Reason: attempt.ReasonCancel, FinishedAt: s.now()}}); err != nil {
			return err
		}
		horizon = given(s.Sweeps.Horizon(s.ctx))(s)
		return nil
	})
	if err != nil {
		s.Fatalf("revoke: %v", err)
	}
	if row := s.row(k); row.ChangedAt.Before(normal(horizon)) {
		s.Errorf("a row that changed at %s was committed after the horizon was said to be %s", row.ChangedAt, horizon)
	}
}

func sweepsHorizonMoves(s *stage) {
	first := given(s.Sweeps.Horizon(s.ctx))(s)
	s.Elapse(s, 5*time.Millisecond)
	if second := given(s.Sweeps.Horizon(s.ctx))(s); !second.After(first) {
		s.Errorf("later the horizon is %s, after %s", second, first)
	}
	if now := given(s.Sweeps.Now(s.ctx))(s); first.After(now) {
		s.Errorf("the horizon, %s, lies in the future of %s", first, now)
	}
}

func (s *stage) expire(month key.Month, limit int) []key.Delivery {
	s.Helper()
	return sorted(given(s.Sweeps.ExpireLeases(s.ctx, month, limit))(s))
}

func sweepsExpire(s *stage) {
	k := ledgerKey(0)
	s.leaseOver(k, token(1))
	claimed, before := s.row(k), s.now()
	keysAre(s, "expired", s.expire(november, 10), k)
	row := s.row(k)
	want := claimed
	want.State, want.Reason = attempt.Unknown, attempt.ReasonLease
	want.FinishedAt, want.ChangedAt = row.FinishedAt, row.ChangedAt
	if row != want {
		s.Errorf("the row is\n%+v, want\n%+v", row, want)
	}
	if row.ChangedAt.Before(normal(before)) || row.FinishedAt.Before(claimed.LeaseUntil) {
		s.Errorf("changed at %s, finished at %s: neither before %s", row.ChangedAt, row.FinishedAt, before)
	}
	keysAre(s, "expired again", s.expire(november, 10))
}

func sweepsExpireOthers(s *stage) {
	other := key.Delivery{Month: december, UserID: 1}
	s.leaseOver(other, token(1))
	for i, state := range attempt.States {
		s.bring(ledgerKey(i), state)
	}
	over := ledgerKey(len(attempt.States))
	s.leaseOver(over, token(1))
	s.record(outcome(over, token(1), attempt.NotSent))
	keysAre(s, "expired", s.expire(november, 10))
	keysAre(s, "expired in the other month", s.expire(december, 10), other)
}

func sweepsExpireLimit(s *stage) {
	keys := ledgerKeys(5)
	for _, k := range keys {
		s.leaseOver(k, token(1))
	}
	var all []key.Delivery
	for _, size := range []int{2, 2, 1, 0} {
		expired := s.expire(november, 2)
		if len(expired) != size {
			s.Errorf("expired %d, want %d", len(expired), size)
		}
		all = append(all, expired...)
	}
	keysAre(s, "expired in all", sorted(all), keys...)
}

func sweepsExpireSuccess(s *stage) {
	keys := ledgerKeys(3)
	for _, k := range keys {
		s.leaseOver(k, token(1))
	}
	s.expire(november, 10)
	keysAre(s, "recorded after the sweep", s.record(
		outcome(keys[0], token(2), attempt.Succeeded),
		outcome(keys[1], token(1), attempt.NotSent),
		outcome(keys[2], token(1), attempt.Failed),
	), keys[0], keys[2])
}

func (s *stage) changed(since time.Time, after int64, limit int) []key.Target {
	s.Helper()
	return s.swept(s.Sweeps.Changed, november, port.Span{Since: since}, after, limit)
}

// requested makes targets REQUESTED, as after a dispatch.
func (s *stage) requested(keys ...key.Target) {
	s.Helper()
	s.change(func(state *billing.State) { state.Dispatch, state.RequestedAt = billing.Requested, noon }, keys...)
}

func sweepsChanged(s *stage) {
	keys := s.rendered(november, 7)
	s.requested(keys...)
	for i, state := range []attempt.State{attempt.Claimed, attempt.Unknown, attempt.Succeeded, attempt.Failed, attempt.NotSent} {
		s.bring(delivery(keys[i], 0, 0), state)
	}
	s.bring(key.Delivery{Month: december, UserID: keys[6].UserID}, attempt.Failed)
	keysAre(s, "changed", s.changed(time.Time{}, 0, 100), keys[1], keys[2], keys[3], keys[4])
}

func sweepsChangedSince(s *stage) {
	keys := s.rendered(november, 3)
	s.requested(keys...)
	s.bring(delivery(keys[0], 0, 0), attempt.Failed)
	s.bring(delivery(keys[2], 0, 0), attempt.Claimed)
	s.Elapse(s, 2*time.Millisecond)
	since := s.now()
	keysAre(s, "changed since", s.changed(since, 0, 100))
	s.bring(delivery(keys[1], 0, 0), attempt.NotSent)
	s.record(outcome(delivery(keys[2], 0, 0), token(1), attempt.Succeeded))
	keysAre(s, "changed since", s.changed(since, 0, 100), keys[1], keys[2])
	s.Elapse(s, 2*time.Millisecond)
	until := s.now()
	s.record(outcome(delivery(keys[0], 0, 0), token(1), attempt.Succeeded))
	span := port.Span{Since: since, Until: until}
	keysAre(s, "changed between", s.swept(s.Sweeps.Changed, november, span, 0, 100), keys[1], keys[2])
	at := s.row(delivery(keys[1], 0, 0)).ChangedAt
	span = port.Span{Since: since, Until: at}
	if got := s.swept(s.Sweeps.Changed, november, span, 0, 100); slices.Contains(got, keys[1]) {
		s.Errorf("%s changed at %s is among what changed before that: %v", keys[1], at, got)
	}
	if got := s.changed(at, 0, 100); !slices.Contains(got, keys[1]) {
		s.Errorf("%s changed at %s is not among what changed at or after that: %v", keys[1], at, got)
	}
}

// finding is Sweeps.Changed or Sweeps.Reported.
type finding func(ctx context.Context, month key.Month, when port.Span, after int64, limit int) ([]key.Target, int64, error)

// swept returns a page, and expects that a span's says well whether it is the last one.
func (s *stage) swept(find finding, month key.Month, when port.Span, after int64, limit int) []key.Target {
	s.Helper()
	keys, next, err := find(s.ctx, month, when, after, limit)
	s.must(err)
	if when != (port.Span{}) && len(keys) < limit && next != 0 || next != 0 && next <= after {
		s.Errorf("behind a page of %d of %d, from %d, it continues at %d", len(keys), limit, after, next)
	}
	return keys
}

// walked returns what a walk in small pages finds.
func (s *stage) walked(find finding, month key.Month) (all []key.Target) {
	s.Helper()
	for after, pages := int64(0), 0; ; pages++ {
		keys, next, err := find(s.ctx, month, port.Span{}, after, 2)
		if s.must(err); next == 0 {
			return append(all, keys...)
		}
		if all = append(all, keys...); next <= after || pages > 50 {
			s.Fatalf("a walk from %d continues at %d", after, next)
		}
		after = next
	}
}

func sweepsChangedPages(s *stage) {
	keys := s.rendered(november, 9)[:7] // of two no row is
	s.requested(keys...)
	for i := range keys {
		k := keys[len(keys)-1-i] // the latest change has the smallest user id
		s.bring(delivery(k, 0, 0), attempt.Failed)
		s.bring(delivery(k, 0, 1), attempt.Unknown) // a target is found once, however many rows changed
	}
	keysAre(s, "a walk", s.walked(s.Sweeps.Changed, november), keys...)
	var got []key.Target
	after := int64(0)
	for _, size := range []int{3, 3, 1, 0} {
		page := s.swept(s.Sweeps.Changed, november, port.Span{Until: s.now().Add(time.Hour)}, after, 3)
		if len(page) != size {
			s.Fatalf("a page of %d behind %d, want %d", len(page), after, size)
		}
		if size > 0 {
			got, after = append(got, page...), page[size-1].UserID
		}
	}
	keysAre(s, "all pages", got, keys...)
}

func sweepsChangedAgree(s *stage) {
	keys := s.rendered(november, 3)
	s.requested(keys...)
	for _, k := range keys {
		s.bring(delivery(k, 0, 0), attempt.Succeeded)
	}
	s.change(func(state *billing.State) { state.Dispatch = billing.Succeeded }, keys[:2]...)
	keysAre(s, "changed", s.changed(time.Time{}, 0, 100), keys[2])
}

func sweepsChangedLate(s *stage) {
	keys := s.rendered(november, 5)
	ends := []billing.Status{billing.WrittenOff, billing.Cancelled, billing.Exhausted, billing.Unknown, billing.Failed}
	for i, end := range ends {
		s.bring(delivery(keys[i], 0, 0), attempt.Unknown)
		s.change(func(state *billing.State) { state.Dispatch, state.Attempt = end, 1 }, keys[i])
	}
	s.Elapse(s, 2*time.Millisecond)
	since := s.now()
	for _, k := range keys {
		s.record(outcome(delivery(k, 0, 0), token(1), attempt.Succeeded))
	}
	keysAre(s, "changed", s.changed(since, 0, 100), keys...)
}

func sweepsNow(s *stage) {
	before := s.now()
	s.Elapse(s, 2*time.Millisecond)
	if after := s.now(); after.Sub(before) < 2*time.Millisecond {
		s.Errorf("the clock moved from %s to %s though 2 ms passed", before, after)
	}
}

func sweepsInDoubt(s *stage) {
	claimed, until, err := s.Sweeps.InDoubt(s.ctx, november)
	if claimed != 0 || !until.IsZero() || err != nil {
		s.Errorf("of an empty ledger: %d until %s (%v)", claimed, until, err)
	}
	for i, state := range attempt.States {
		s.bring(ledgerKey(i), state)
	}
	longest := claim(ledgerKey(20), token(1))
	longest.Lease = 2 * longLease
	s.claim(longest, claim(ledgerKey(21), token(1)), claim(key.Delivery{Month: december, UserID: 1}, token(1)))
	s.leaseOver(ledgerKey(22), token(1)) // in doubt until it is swept
	claimed, until, err = s.Sweeps.InDoubt(s.ctx, november)
	if want := s.row(longest.Key).LeaseUntil; claimed != 4 || !normal(until).Equal(want) || err != nil {
		s.Errorf("in doubt: %d until %s (%v), want 4 until %s", claimed, until, err, want)
	}
}

// sweepsUnknown: the row of a target becomes UNKNOWN first, and the target when it is settled; then somebody decides.
func sweepsUnknown(s *stage) {
	keys := s.rendered(november, 4)
	unknown := func(limit int) int {
		s.Helper()
		return given(s.Sweeps.Unknown(s.ctx, november, limit))(s)
	}
	counts := func(when string, want int) {
		s.Helper()
		if n := unknown(10); n != want {
			s.Errorf("%s: %d targets, want %d", when, n, want)
		}
	}
	counts("before anything", 0)
	var rows []key.Delivery
	for _, k := range keys[:3] {
		rows = append(rows, key.Delivery{Month: k.Month, UserID: k.UserID})
		s.bring(rows[len(rows)-1], attempt.Unknown)
	}
	s.bring(key.Delivery{Month: keys[3].Month, UserID: keys[3].UserID}, attempt.Failed)
	counts("rows alone", 0)
	s.change(func(state *billing.State) { state.Dispatch = billing.Unknown }, keys[:3]...)
	counts("once they are settled", 3)
	counts("at another look", 3)
	if n := unknown(2); n != 2 {
		s.Errorf("at most 2: %d", n)
	}
	if n := given(s.Sweeps.Unknown(s.ctx, december, 10))(s); n != 0 {
		s.Errorf("another month has %d", n)
	}
	s.change(func(state *billing.State) { state.Dispatch = billing.WrittenOff }, keys[0])
	s.change(func(state *billing.State) { state.Dispatch, state.Attempt = billing.Failed, 1 }, keys[1])
	counts("once two are decided", 1)
	s.record(attempt.Outcome{Key: rows[2], State: attempt.Succeeded, FinishedAt: noon})
	s.change(func(state *billing.State) { state.Dispatch = billing.Succeeded }, keys[2])
	counts("after a late success", 0)
	second := key.Delivery{Month: november, UserID: keys[1].UserID, Attempt: 1}
	s.bring(second, attempt.Unknown)
	s.change(func(state *billing.State) { state.Dispatch = billing.Unknown }, keys[1])
	counts("when the next try is unknown too", 1)
}
