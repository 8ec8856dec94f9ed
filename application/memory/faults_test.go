package memory_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

var (
	start  = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	month  = key.Month(2026*12 + 10)
	target = key.Target{Month: month, UserID: 7}
	first  = key.Delivery{Month: month, UserID: 7}
)

// seeded is a store with one candidate.
func seeded() (*memory.Store, *memory.Clock) {
	clock := memory.NewClock(start)
	s := memory.NewStore(clock)
	s.Seed(memory.Seeded{
		State: billing.State{
			Key: target, Batch: billing.Rendered, Dispatch: billing.Ready, AvailableAt: start,
			Reachable: channel.NewSet(channel.Email, channel.SMS), Suppressed: channel.NewSet(channel.SMS),
		},
		Destinations: []port.Destination{{Channel: channel.Email, Sealed: []byte("sealed")}},
		Statement:    []byte("reference"),
	})
	return s, clock
}

// failing is a hook that fails one operation.
func failing(op string, err error) func(string) error {
	return func(asked string) error {
		if asked == op {
			return err
		}
		return nil
	}
}

func claim(s *memory.Store) ([]key.Delivery, error) {
	return s.Ledger().Claim(context.Background(), []attempt.Claim{{Key: first, Token: attempt.Token{1}, Lease: time.Minute}})
}

func TestAFaultBeforeAnOperationLeavesItUndone(t *testing.T) {
	t.Parallel()
	s, _ := seeded()
	s.Fail(failing("ledger.claim", port.ErrUnavailable))
	if _, err := claim(s); !errors.Is(err, port.ErrUnavailable) {
		t.Errorf("the error is %v", err)
	}
	if rows := s.Rows(target); len(rows) != 0 {
		t.Errorf("the ledger has %v", rows)
	}
}

func TestAFaultAfterAnOperationLeavesItDone(t *testing.T) {
	t.Parallel()
	s, _ := seeded()
	s.Fail(failing(memory.Done("ledger.claim"), port.ErrCommitUnknown))
	if _, err := claim(s); !errors.Is(err, port.ErrCommitUnknown) {
		t.Errorf("the error is %v", err)
	}
	s.Fail(nil)
	if mine, err := claim(s); len(mine) != 1 || err != nil {
		t.Errorf("asking again with the same token gave %v, %v", mine, err)
	}
}

func TestACommitThatIsUnknownIsDoneOrNot(t *testing.T) {
	t.Parallel()
	for op, want := range map[string]int16{"targets.commit": 0, memory.Done("targets.commit"): 3} {
		s, _ := seeded()
		s.Fail(failing(op, port.ErrCommitUnknown))
		err := s.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error { return saveAttempt(ctx, tx, 3) })
		if !errors.Is(err, port.ErrCommitUnknown) {
			t.Errorf("%s: the error is %v", op, err)
		}
		if got, _ := s.Target(target); got.State().Attempt != want {
			t.Errorf("%s: attempt %d, want %d", op, got.State().Attempt, want)
		}
	}
}

// saveAttempt locks the target and saves it with another attempt.
func saveAttempt(ctx context.Context, tx port.TargetTx, n int16) error {
	targets, err := tx.Lock(ctx, []key.Target{target})
	if err != nil {
		return err
	}
	state := targets[0].State()
	state.Attempt = n
	changed, err := billing.Restore(state)
	if err != nil {
		return err
	}
	return tx.Save(ctx, []billing.Target{changed})
}

func TestAStatementThatFailedEndsTheTransactionThoughTheFunctionGoesOn(t *testing.T) {
	t.Parallel()
	s, _ := seeded()
	s.Fail(failing("targets.revoke", port.ErrConflict))
	err := s.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
		if err := saveAttempt(ctx, tx, 3); err != nil {
			return err
		}
		_, _ = tx.Revoke(ctx, []attempt.Revocation{{Key: first}})
		if _, err := tx.Lock(ctx, []key.Target{target}); err == nil {
			t.Error("a statement after the failed one succeeds")
		}
		return nil
	})
	if !errors.Is(err, port.ErrConflict) {
		t.Errorf("the error is %v", err)
	}
	if got, _ := s.Target(target); got.State().Attempt != 0 {
		t.Errorf("attempt %d was committed", got.State().Attempt)
	}
}

func TestATransactionCannotBeUsedAfterItsEnd(t *testing.T) {
	t.Parallel()
	s, _ := seeded()
	var kept port.TargetTx
	err := s.Targets().Within(t.Context(), func(_ context.Context, tx port.TargetTx) error {
		kept = tx
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Lock(t.Context(), []key.Target{target}); err == nil {
		t.Error("a statement after the transaction's end succeeds")
	}
}

func TestWhatIsSavedMustBeLocked(t *testing.T) {
	t.Parallel()
	s, _ := seeded()
	known, _ := s.Target(target)
	err := s.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
		return tx.Save(ctx, []billing.Target{known})
	})
	if !errors.Is(err, port.ErrInvalid) {
		t.Errorf("the error is %v", err)
	}
}

func TestAPanicRollsBackAndLetsGoOfTheLocks(t *testing.T) {
	t.Parallel()
	s, _ := seeded()
	func() {
		defer func() { _ = recover() }()
		_ = s.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
			if err := saveAttempt(ctx, tx, 3); err != nil {
				t.Error(err)
			}
			panic("a broken use case")
		})
	}()
	err := s.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, []key.Target{target})
		if err == nil && targets[0].State().Attempt != 0 {
			t.Errorf("attempt %d was committed", targets[0].State().Attempt)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOneCallNamesAKeyOnceWithATokenInAnOpenedMonth(t *testing.T) {
	t.Parallel()
	s, _ := seeded()
	c := attempt.Claim{Key: first, Token: attempt.Token{1}, Lease: time.Minute}
	twice := []attempt.Claim{c, {Key: first, Token: attempt.Token{2}, Lease: time.Minute}}
	nobody := []attempt.Claim{{Key: first, Lease: time.Minute}}
	elsewhere := []attempt.Claim{c, c}
	elsewhere[1].Key.Month++
	for name, claims := range map[string][]attempt.Claim{"twice": twice, "without a token": nobody, "in a month without room": elsewhere} {
		if mine, err := s.Ledger().Claim(t.Context(), claims); !errors.Is(err, port.ErrInvalid) || len(mine) != 0 {
			t.Errorf("%s: %v, %v", name, mine, err)
		}
	}
	if rows := s.Rows(target); len(rows) != 0 {
		t.Errorf("the ledger has %v", rows)
	}
}

func TestASeededTargetIsACandidate(t *testing.T) {
	t.Parallel()
	s, _ := seeded()
	err := s.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
		candidates, err := tx.LockPage(ctx, port.Page{Month: month, PassNow: start, Limit: 10})
		if len(candidates) != 1 || string(candidates[0].Statement) != "reference" || candidates[0].Target.State().Suppressed != channel.NewSet(channel.SMS) {
			t.Errorf("the candidates are %+v", candidates)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if found, _, err := s.Report().Find(t.Context(), month, "customer-7"); err != nil || found.Key() != target {
		t.Errorf("found %s, %v", found.Key(), err)
	}
}

func TestTransactionsOverManyTargetsEndUnderLoad(t *testing.T) {
	t.Parallel()
	s := memory.NewStore(memory.NewClock(start))
	var keys []key.Target
	for i := range 8 {
		k := key.Target{Month: month, UserID: int64(i) + 1}
		keys = append(keys, k)
		s.Seed(memory.Seeded{State: billing.New(k, start).State()})
	}
	// Each adds one to two targets, in an order that may close a circle; who loses runs again.
	var done sync.WaitGroup
	for i := range 16 {
		done.Go(func() {
			pair := []key.Target{keys[i%8], keys[(i*3+1)%8]}
			err := port.ErrConflict
			for errors.Is(err, port.ErrConflict) {
				err = s.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
					for _, k := range pair {
						targets, err := tx.Lock(ctx, []key.Target{k})
						if err != nil {
							return err
						}
						state := targets[0].State()
						state.RunID++
						if targets[0], err = billing.Restore(state); err != nil {
							return err
						}
						if err := tx.Save(ctx, targets); err != nil {
							return err
						}
					}
					return nil
				})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	sum := int64(0)
	for _, k := range keys {
		saved, _ := s.Target(k)
		sum += saved.State().RunID
	}
	if sum != 32 {
		t.Errorf("32 additions were committed as %d", sum)
	}
}
