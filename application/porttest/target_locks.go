package porttest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

func targetLockChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("rolls back all of it when the function fails, and returns its error", targetsRollback),
		onStage("locks those that exist, sorted", targetsLockSorted),
		onStage("waits for a lock and then reads what was committed", targetsLockWaits),
		onStage("skips what others hold, without waiting", targetsSkipLocked),
		onStage("fills a page from behind what others hold", targetsFillPage),
		onStage("ends one side of a deadlock with ErrConflict", targetsDeadlock),
		onStage("reads the ledger as it is after the lock", targetsLedgerNow),
		onStage("reads all rows of a target, sorted", targetsLedgerSorted),
		onStage("revokes a key without a row, once", targetsRevoke),
		onStage("shows a revocation to others after the commit only", targetsRevokeHidden),
		onStage("makes SUCCEEDED what was accepted and waits for nothing else", targetsSucceed),
		onStage("looks again at who was held before it makes it SUCCEEDED", targetsSucceedAgain),
		onStage("makes a claim wait for a revocation that is under way", targetsRevokeBeforeClaim),
		onStage("makes a closing wait for a revocation that is under way", targetsRevokeBeforeClose),
		onStage("makes a revocation wait for another one", targetsRevokeTwice),
		onStage("commits nothing once the context has ended", targetsContext),
	}
}

// brief is a context that ends soon: who waits for a lock meanwhile gets its error.
func (s *stage) brief() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.ctx, 100*time.Millisecond)
}

// blocked asserts that a call waits until its context ends.
func (s *stage) blocked(what string, call func(ctx context.Context) error) {
	s.Helper()
	ctx, cancel := s.brief()
	defer cancel()
	if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("%s does not wait until its context ends: %v", what, err)
	}
}

// lock locks targets in a transaction of its own and hands them to see.
func (s *stage) lock(ctx context.Context, see func(targets []billing.Target), keys ...key.Target) error {
	return s.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, keys)
		if err == nil && see != nil {
			see(targets)
		}
		return err
	})
}

// async runs fn in a goroutine; what it returns waits for it.
func async(fn func()) (wait func()) {
	var group sync.WaitGroup
	group.Go(fn)
	return group.Wait
}

// set changes and saves locked targets.
func set(ctx context.Context, tx port.TargetTx, targets []billing.Target, change func(state *billing.State)) error {
	for i, target := range targets {
		state := target.State()
		change(&state)
		changed, err := billing.Restore(state)
		if err != nil {
			return err
		}
		targets[i] = changed
	}
	return tx.Save(ctx, targets)
}

func targetsRollback(s *stage) {
	k := s.rendered(november, 1)[0]
	failure := errors.New("the function failed")
	err := s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		if err := set(ctx, tx, targets, func(state *billing.State) { state.Attempt = 5 }); err != nil {
			return err
		}
		if _, err := tx.Revoke(ctx, revocations(delivery(k, 0, 0))); err != nil {
			return err
		}
		return failure
	})
	if err != failure { //nolint:errorlint // the port promises the very error
		s.Errorf("the error is %v, want the function's own", err)
	}
	if got := s.state(k).Attempt; got != 0 {
		s.Errorf("the attempt is %d after the rollback", got)
	}
	if row := s.row(delivery(k, 0, 0)); row.State != "" {
		s.Errorf("a row is %s after the rollback", row.State)
	}
	keysAre(s, "revoked after the rollback", s.revoke(delivery(k, 0, 0)), delivery(k, 0, 0))
}

func targetsLockSorted(s *stage) {
	keys := s.rendered(november, 4)
	asked := []key.Target{keys[2], {Month: november, UserID: 1 << 40}, keys[0], {Month: december, UserID: keys[0].UserID}, keys[3], keys[2]}
	var locked []key.Target
	s.must(s.lock(s.ctx, func(targets []billing.Target) {
		for _, target := range targets {
			locked = append(locked, target.Key())
		}
	}, asked...))
	keysAre(s, "locked", locked, keys[0], keys[2], keys[3])
}

func targetsLockWaits(s *stage) {
	keys := s.rendered(november, 2)
	var seen int16
	var wait func()
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, keys[:1])
		if err != nil {
			return err
		}
		s.blocked("Lock of a target that is held", func(ctx context.Context) error { return s.lock(ctx, nil, keys...) })
		wait = async(func() {
			if err := s.lock(s.ctx, func(targets []billing.Target) { seen = targets[0].State().Attempt }, keys[0]); err != nil {
				s.Errorf("Lock of a target that was held: %v", err)
			}
		})
		return set(ctx, tx, targets, func(state *billing.State) { state.Attempt = 5 })
	}))
	wait()
	if seen != 5 {
		s.Errorf("who waited for the lock reads attempt %d, want 5 as committed", seen)
	}
}

// succeed calls Succeed in a transaction of its own.
func (s *stage) succeed(keys ...key.Target) []key.Target {
	s.Helper()
	var succeeded []key.Target
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) (err error) {
		succeeded, err = tx.Succeed(ctx, keys)
		return err
	}))
	return succeeded
}

// requestedWith brings targets to REQUESTED with the given rows of their first try.
func (s *stage) requestedWith(state attempt.State, keys ...key.Target) {
	s.Helper()
	s.change(func(t *billing.State) { t.Dispatch, t.RequestedAt = billing.Requested, noon }, keys...)
	for _, k := range keys {
		s.bring(delivery(k, 0, 0), state)
	}
}

func targetsSucceed(s *stage) {
	keys := s.rendered(november, 9)
	accepted, failed, wished, ready, late, doubted, nobody, claimed := keys[:2], keys[2], keys[3], keys[4], keys[5], keys[6], keys[7], keys[8]
	s.requestedWith(attempt.Succeeded, append([]key.Target{wished, ready, late, doubted}, accepted...)...)
	s.requestedWith(attempt.Failed, failed)
	s.requestedWith(attempt.Claimed, claimed)
	s.change(func(t *billing.State) { t.Dispatch, t.RequestedAt = billing.Requested, noon }, nobody)
	s.change(func(t *billing.State) { t.PendingEnd = billing.Cancelled }, wished)
	s.change(func(t *billing.State) { t.Dispatch = billing.Ready }, ready)
	s.change(func(t *billing.State) { t.Attempt = 1 }, late)
	s.change(func(t *billing.State) { t.Dispatch = billing.Unknown }, doubted)
	before := make([]billing.State, len(keys))
	for i, k := range keys {
		before[i] = s.state(k)
	}
	asked := append([]key.Target{accepted[1], {Month: november, UserID: 1 << 40}, accepted[1]}, keys...)
	keysAre(s, "made SUCCEEDED", s.succeed(asked...), accepted...)
	for i, k := range keys {
		if i < len(accepted) {
			before[i].Dispatch = billing.Succeeded
		}
		s.stateIs("after Succeed", s.state(k), before[i])
	}
	keysAre(s, "made SUCCEEDED once more", s.succeed(asked...))
}

func targetsSucceedAgain(s *stage) {
	keys := s.rendered(november, 2)
	s.requestedWith(attempt.Succeeded, keys...)
	var succeeded []key.Target
	var wait func()
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, keys[:1])
		if err != nil {
			return err
		}
		s.blocked("Succeed of a target that is held", func(ctx context.Context) error {
			return s.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
				_, err := tx.Succeed(ctx, keys)
				return err
			})
		})
		wait = async(func() { succeeded = s.succeed(keys...) })
		return set(ctx, tx, targets, func(state *billing.State) { state.PendingEnd = billing.Cancelled })
	}))
	wait()
	keysAre(s, "made SUCCEEDED", succeeded, keys[1])
	if got := s.state(keys[0]); got.Dispatch != billing.Requested || got.PendingEnd != billing.Cancelled {
		s.Errorf("who was changed meanwhile is %s with the wish %q", got.Dispatch, got.PendingEnd)
	}
}

func targetsSkipLocked(s *stage) {
	keys := s.rendered(november, 5)
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		first, err := tx.LockPage(ctx, port.Page{Month: november, PassNow: noon, Limit: 2})
		if err != nil || len(first) != 2 {
			s.Errorf("the first page has %d (%v), want 2", len(first), err)
			return err
		}
		page, _ := s.page(port.Page{Month: november, PassNow: noon, Limit: 10})
		keysAre(s, "the page beside", page, keys[2:]...)
		return nil
	}))
	page, _ := s.page(port.Page{Month: november, PassNow: noon, Limit: 10})
	keysAre(s, "the page after", page, keys...)
}

func targetsFillPage(s *stage) {
	keys := s.rendered(november, 6)
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		if _, err := tx.Lock(ctx, []key.Target{keys[0], keys[2]}); err != nil {
			return err
		}
		page, _ := s.page(port.Page{Month: november, PassNow: noon, Limit: 3})
		keysAre(s, "the page beside", page, keys[1], keys[3], keys[4])
		return nil
	}))
}

func targetsDeadlock(s *stage) {
	keys := s.rendered(november, 2)
	errs := make([]error, 2)
	var both, done sync.WaitGroup
	both.Add(2)
	for i := range errs {
		done.Go(func() {
			arrive := sync.OnceFunc(both.Done)
			defer arrive()
			errs[i] = s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
				if _, err := tx.Lock(ctx, keys[i:i+1]); err != nil {
					return err
				}
				arrive()
				both.Wait()
				targets, err := tx.Lock(ctx, keys[1-i:2-i])
				if err != nil {
					return err
				}
				return set(ctx, tx, targets, func(state *billing.State) { state.Attempt = 5 })
			})
		})
	}
	done.Wait()
	lost := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if lost < 0 || errs[1-lost] != nil || !errors.Is(errs[lost], port.ErrConflict) {
		s.Fatalf("the two sides ended with %v; want ErrConflict for one, nothing for the other", errs)
	}
	// The one that won changed the other one's first target.
	if got := s.state(keys[lost]).Attempt; got != 5 {
		s.Errorf("the side that won left attempt %d, want 5", got)
	}
	if got := s.state(keys[1-lost]).Attempt; got != 0 {
		s.Errorf("the side that lost left attempt %d, want 0", got)
	}
}

func targetsLedgerNow(s *stage) {
	k := s.rendered(november, 1)[0]
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		if _, err := tx.Lock(ctx, []key.Target{k}); err != nil {
			return err
		}
		for i, want := range []attempt.State{"", attempt.Claimed, attempt.Succeeded} {
			if want == attempt.Claimed {
				s.claimed(delivery(k, 0, 0), token(1))
			}
			if want == attempt.Succeeded {
				s.record(outcome(delivery(k, 0, 0), token(1), attempt.Succeeded))
			}
			rows, err := tx.Ledger(ctx, []key.Target{k})
			if err != nil {
				return err
			}
			switch {
			case want == "" && len(rows) != 0:
				s.Errorf("look %d: %d targets have rows, want none", i, len(rows))
			case want != "" && (len(rows[k]) != 1 || rows[k][0].State != want):
				s.Errorf("look %d at the same transaction: %v, want one row that is %s", i, rows[k], want)
			}
		}
		return nil
	}))
}

func targetsLedgerSorted(s *stage) {
	keys := s.rendered(november, 3)
	want := []key.Delivery{delivery(keys[0], 0, 0), delivery(keys[0], 0, 1), delivery(keys[0], 1, 0), delivery(keys[0], 10, 0)}
	for _, i := range []int{2, 0, 3, 1} {
		s.claimed(want[i], token(1))
	}
	s.claimed(delivery(keys[1], 0, 0), token(1))
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		if _, err := tx.Lock(ctx, keys); err != nil {
			return err
		}
		rows, err := tx.Ledger(ctx, []key.Target{keys[2], keys[0]})
		var got []key.Delivery
		for _, row := range rows[keys[0]] {
			got = append(got, row.Key)
		}
		keysAre(s, "rows of the first target", got, want...)
		if len(rows[keys[1]])+len(rows[keys[2]]) != 0 {
			s.Errorf("rows of a target that has none or was not asked for: %v", rows)
		}
		return err
	}))
}

func targetsContext(s *stage) {
	k := s.rendered(november, 1)[0]
	ctx, cancel := context.WithCancel(s.ctx)
	err := s.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		err = set(ctx, tx, targets, func(state *billing.State) { state.Attempt = 5 })
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		s.Errorf("the context ended before the commit: %v", err)
	}
	if got := s.state(k).Attempt; got != 0 {
		s.Errorf("attempt %d was committed", got)
	}
	called := false
	err = s.Targets.Within(ctx, func(context.Context, port.TargetTx) error { called = true; return nil })
	if !errors.Is(err, context.Canceled) || called {
		s.Errorf("begun with a context that had ended: %v, function called: %v", err, called)
	}
}
