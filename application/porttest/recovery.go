package porttest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Recovery runs the suite of port.Recovery.
func Recovery(t *testing.T, open OpenStorage) { Run(t, RecoveryChecks(), open) }

// RecoveryChecks are the promises of port.Recovery, and of TargetTx.Recover.
func RecoveryChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("writes what the log tells of a key without a row", recoveryInserts),
		onStage("changes a row exactly where the rules allow it", recoveryGuard),
		onStage("refuses a month that was never opened", recoveryUnopened),
		onStage("finds targets that disagree with the ledger, page by page", recoveryUnsettled),
		onStage("finds what sweeps find, too", recoveryFindsSweeps),
		onStage("tells which targets do not exist", recoveryMissing),
		onStage("finds untouched bills of new customers that were imported since", recoveryImported),
		onStage("gives new customers user ids above one", recoveryUserIDs),
		onStage("tells the highest user id of a customer", recoveryHighest),
	}
}

func recovery(k key.Delivery, state attempt.State) attempt.Recovery {
	return attempt.Recovery{Key: k, Facts: facts(), State: state, Reason: attempt.ReasonRestored, FinishedAt: noon}
}

func (s *stage) recover(recoveries ...attempt.Recovery) []key.Delivery {
	s.Helper()
	var written []key.Delivery
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) (err error) {
		written, err = tx.Recover(ctx, recoveries)
		return err
	}))
	return written
}

func recoveryInserts(s *stage) {
	k, other := ledgerKey(0), key.Delivery{Month: december, UserID: 7, Attempt: 2, Round: 3}
	r := recovery(k, attempt.Failed)
	r.Class, r.Reason, r.Provider, r.ProviderMessageID = attempt.Temporary, attempt.ReasonRefused, "sms-1", "m-1"
	before := s.now()
	keysAre(s, "written", s.recover(recovery(other, attempt.Unknown), r), k, other)
	row := s.row(k)
	want := attempt.Row{
		Key: k, Facts: facts(), State: attempt.Failed, Class: attempt.Temporary, Reason: attempt.ReasonRefused,
		Provider: "sms-1", ProviderMessageID: "m-1", FinishedAt: noon, ChangedAt: row.ChangedAt,
	}
	if row != want {
		s.Errorf("the row is\n%+v, want\n%+v", row, want)
	}
	if row.ChangedAt.Before(normal(before)) {
		s.Errorf("changed at %s, before %s: no sweep finds it", row.ChangedAt, before)
	}
	keysAre(s, "written again", s.recover(r))
	keysAre(s, "written of nothing", s.recover())
}

func recoveryGuard(s *stage) {
	n := 0
	for _, from := range attempt.States {
		for _, to := range []attempt.State{attempt.Succeeded, attempt.Failed, attempt.NotSent, attempt.Unknown} {
			k := ledgerKey(n)
			n++
			s.bring(k, from)
			before := s.row(k)
			s.Elapse(s, time.Millisecond)
			r := recovery(k, to)
			var want []key.Delivery
			if r.Recovers(from) {
				want = []key.Delivery{k}
			}
			keysAre(s, string(from)+" to "+string(to), s.recover(r), want...)
			after := s.row(k)
			if len(want) == 0 && after != before {
				s.Errorf("%s to %s is not allowed, and changed the row to %+v", from, to, after)
			}
			if len(want) > 0 && (after.State != to || after.Owner != before.Owner || !after.ChangedAt.After(before.ChangedAt)) {
				s.Errorf("%s to %s came to %+v", from, to, after)
			}
		}
	}
}

func recoveryUnopened(s *stage) {
	err := s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		_, err := tx.Recover(ctx, []attempt.Recovery{recovery(key.Delivery{Month: december + 1, UserID: 1}, attempt.Unknown)})
		return err
	})
	if !errors.Is(err, port.ErrInvalid) {
		s.Errorf("recovering in a month that was never opened: %v", err)
	}
}

func (s *stage) unsettled(after int64, limit int) []key.Target {
	s.Helper()
	return given(s.Recovery.Unsettled(s.ctx, november, after, limit))(s)
}

func recoveryUnsettled(s *stage) {
	keys := s.rendered(november, 8)
	keysAre(s, "of untouched bills", s.unsettled(0, 100))
	s.requested(keys[0])                                          // without a row
	s.recover(recovery(delivery(keys[1], 0, 1), attempt.Unknown), // above the current key of a READY target
		recovery(delivery(keys[2], 1, 0), attempt.Unknown), recovery(delivery(keys[3], 1, 0), attempt.Unknown),
		recovery(delivery(keys[4], 0, 0), attempt.NotSent), recovery(delivery(keys[5], 0, 0), attempt.Succeeded))
	s.change(func(state *billing.State) { state.Dispatch = billing.Exhausted }, keys[2]) // nothing goes out any more
	s.change(func(state *billing.State) { state.Dispatch = billing.Cancelled }, keys[3]) // it was taken back
	s.change(func(state *billing.State) { state.Dispatch = billing.Succeeded }, keys[5])
	s.requested(keys[6])
	s.bring(delivery(keys[6], 0, 0), attempt.Claimed)
	s.change(func(state *billing.State) { state.Dispatch = billing.Succeeded }, keys[7]) // a report had taken it back
	s.recover(recovery(delivery(keys[7], 0, 0), attempt.Succeeded), recovery(delivery(keys[7], 1, 0), attempt.Failed))
	want := []key.Target{keys[0], keys[1], keys[3], keys[4], keys[7]}
	keysAre(s, "unsettled", s.unsettled(0, 100), want...)
	keysAre(s, "the first page", s.unsettled(0, 3), want[:3]...)
	keysAre(s, "the second page", s.unsettled(want[2].UserID, 3), want[3:]...)
	keysAre(s, "of a month that was never opened", given(s.Recovery.Unsettled(s.ctx, december+1, 0, 10))(s))
}

func recoveryFindsSweeps(s *stage) {
	keys := s.rendered(november, 6)
	s.requested(keys...)
	for i, state := range attempt.States {
		s.bring(delivery(keys[i], 0, 0), state)
	}
	found := s.unsettled(0, 100)
	for _, k := range s.changed(time.Time{}, 0, 100) {
		if state := s.row(delivery(k, 0, 0)).State; state == attempt.Revoked {
			continue // a sweep looks at it; it needs nothing
		}
		if !slices.Contains(found, k) {
			s.Errorf("a sweep finds %s, the recovery does not", k)
		}
	}
}

func recoveryMissing(s *stage) {
	keys := s.rendered(november, 2)
	none := key.Target{Month: november, UserID: keys[1].UserID + 1000}
	later, never := key.Target{Month: december, UserID: keys[0].UserID}, key.Target{Month: december + 1, UserID: keys[0].UserID}
	missing := given(s.Recovery.Missing(s.ctx, []key.Target{never, keys[1], none, later, keys[0], none}))(s)
	keysAre(s, "missing", missing, none, later, never)
	keysAre(s, "missing of nothing", given(s.Recovery.Missing(s.ctx, nil))(s))
}

func recoveryImported(s *stage) {
	record := func(at time.Time) port.ImportRecord {
		r := importing("bills.csv")
		r.StartedAt = at
		return r
	}
	brought := func(at time.Time, customers ...int) []key.Target {
		id := given(s.Imports.Begin(s.ctx, record(at)))(s)
		bills := make([]port.ImportedBill, len(customers))
		for i, n := range customers {
			bills[i] = bill(november, n, noon)
			bills[i].Import = id
		}
		return s.store(november, bills...)
	}
	old := brought(noon, 1, 2)
	again := brought(noon.Add(time.Hour), 3, 4, 5)
	s.requested(again[1])
	above := old[1].UserID
	find := func(above int64, since time.Time, after int64, limit int) []key.Target {
		return given(s.Recovery.ImportedSince(s.ctx, november, above, since, after, limit))(s)
	}
	keysAre(s, "imported since", find(above, noon.Add(time.Minute), 0, 10), again[0], again[2])
	keysAre(s, "the first of them", find(above, noon.Add(time.Minute), 0, 1), again[0])
	keysAre(s, "behind it", find(above, noon.Add(time.Minute), again[0].UserID, 10), again[2])
	keysAre(s, "above", find(again[0].UserID, noon, 0, 10), again[2])
	keysAre(s, "all that are untouched", find(0, noon, 0, 10), old[0], old[1], again[0], again[2])
}

func recoveryUserIDs(s *stage) {
	raise := port.AuditEntry{Action: port.ActionRestoreCheck, Subject: port.SubjectEverything, By: port.Act{Actor: "kim", Reason: "restored", At: noon}}
	first := s.imported(november, 1)[0].UserID
	s.must(s.Recovery.RaiseUserIDs(s.ctx, first+500, raise))
	next := s.store(november, bill(november, 1, noon))[0].UserID
	if next <= first+500 {
		s.Errorf("the next customer's user id is %d, not above %d", next, first+500)
	}
	s.must(s.Recovery.RaiseUserIDs(s.ctx, 1, raise))
	if after := s.store(november, bill(november, 2, noon))[0].UserID; after <= next {
		s.Errorf("the one after that has %d, not above %d", after, next)
	}
	acts := given(s.Audit.List(s.ctx, port.AuditFilter{Action: port.ActionRestoreCheck}, 10))(s)
	if len(acts) != 2 || acts[0].AuditEntry != raise {
		s.Errorf("audited: %+v", acts)
	}
	allow := s.RefuseAudit(s)
	if err := s.Recovery.RaiseUserIDs(s.ctx, 1, raise); err == nil {
		s.Error("the user ids were raised without an entry")
	}
	allow()
	s.must(s.Recovery.RaiseUserIDs(s.ctx, 1, raise))
}

func recoveryHighest(s *stage) {
	highest := func() int64 { return given(s.Recovery.HighestUserID(s.ctx))(s) }
	if got := highest(); got != 0 {
		s.Errorf("without a customer: %d", got)
	}
	keys := s.imported(november, 3)
	s.must(s.Recovery.RaiseUserIDs(s.ctx, keys[2].UserID+500, port.AuditEntry{Action: port.ActionRestoreCheck, Subject: port.SubjectEverything}))
	if got := highest(); got != keys[2].UserID {
		s.Errorf("it is %d, want that of a customer, %d", got, keys[2].UserID)
	}
}

// RestoreGuard runs the suite of port.RestoreGuard.
func RestoreGuard(t *testing.T, open OpenStorage) { Run(t, RestoreGuardChecks(), open) }

// RestoreGuardChecks are the promises of port.RestoreGuard.
func RestoreGuardChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("lets one check work at a time", guardLock),
		onStage("names other sessions sorted and once", guardSessions),
	}
}

func guardLock(s *stage) {
	first := given(s.RestoreGuard.TryLock(s.ctx))(s)
	if first == nil {
		s.Fatal("nobody had the lock, and it was not given")
	}
	if second := given(s.RestoreGuard.TryLock(s.ctx))(s); second != nil {
		s.Error("two checks have the lock")
	}
	month, _, err := s.Imports.TryLockMonth(s.ctx, november)
	s.must(err)
	if month == nil {
		s.Fatal("the lock of a month is not given")
	}
	month()
	first()
	again := given(s.RestoreGuard.TryLock(s.ctx))(s)
	if again == nil {
		s.Fatal("the lock is not given again")
	}
	again()
}

func guardSessions(s *stage) {
	release := given(s.RestoreGuard.TryLock(s.ctx))(s) // a second connection, where there are any
	defer release()
	names := given(s.RestoreGuard.Sessions(s.ctx))(s)
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) || slices.Contains(names, "") {
		s.Errorf("connected are %q", names)
	}
}
