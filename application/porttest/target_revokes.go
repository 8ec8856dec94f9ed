package porttest

import (
	"context"
	"errors"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

func targetsRevoke(s *stage) {
	keys := s.rendered(november, 3)
	s.claimed(delivery(keys[1], 0, 0), token(1))
	all := []key.Delivery{delivery(keys[2], 0, 0), delivery(keys[1], 0, 0), delivery(keys[0], 0, 0)}
	revoked := s.revoke(all...)
	slices.SortFunc(revoked, key.Delivery.Compare)
	keysAre(s, "revoked", revoked, all[2], all[0])
	row := s.row(all[0])
	if row.State != attempt.Revoked || row.Reason != attempt.ReasonCancel || !row.FinishedAt.Equal(noon) || row.ChangedAt.IsZero() {
		s.Errorf("the row is %+v", row)
	}
	if got := s.row(all[1]).State; got != attempt.Claimed {
		s.Errorf("the claimed row is %s now", got)
	}
	keysAre(s, "revoked again", s.revoke(all...))
	if mine := s.claim(claim(all[0], token(2))); len(mine) != 0 {
		s.Errorf("a revoked key was claimed")
	}
}

func targetsRevokeHidden(s *stage) {
	k := delivery(s.rendered(november, 1)[0], 0, 0)
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		if _, err := tx.Revoke(ctx, revocations(k)); err != nil {
			return err
		}
		if row := s.row(k); row.State != "" {
			s.Errorf("others see %s before the commit", row.State)
		}
		rows, err := tx.Ledger(ctx, []key.Target{k.Target()})
		if err == nil && (len(rows[k.Target()]) != 1 || rows[k.Target()][0].State != attempt.Revoked) {
			s.Errorf("the transaction itself sees %v", rows)
		}
		return err
	}))
	if row := s.row(k); row.State != attempt.Revoked {
		s.Errorf("after the commit the row is %q", row.State)
	}
}

// revokeBeside runs a call beside a revocation of the key that is under way, first with a context that ends: it must
// wait. Then it lets the transaction end as told, and returns what the call came to.
func (s *stage) revokeBeside(k key.Delivery, commit bool, call func(ctx context.Context) ([]key.Delivery, error)) []key.Delivery {
	s.Helper()
	rollback := errors.New("rolled back")
	var got []key.Delivery
	var wait func()
	err := s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		if _, err := tx.Revoke(ctx, revocations(k)); err != nil {
			return err
		}
		s.blocked("a write of a key that is being revoked", func(ctx context.Context) error {
			_, err := call(ctx)
			return err
		})
		wait = async(func() {
			var err error
			if got, err = call(s.ctx); err != nil {
				s.Errorf("who waited for the revocation: %v", err)
			}
		})
		if commit {
			return nil
		}
		return rollback
	})
	if wait != nil {
		wait()
	}
	if err != nil && !errors.Is(err, rollback) {
		s.Fatal(err)
	}
	return got
}

func targetsRevokeBeforeClaim(s *stage) {
	keys := s.rendered(november, 2)
	for i, commit := range []bool{true, false} {
		k := delivery(keys[i], 0, 0)
		got := s.revokeBeside(k, commit, func(ctx context.Context) ([]key.Delivery, error) {
			return s.Ledger.Claim(ctx, []attempt.Claim{claim(k, token(1))})
		})
		if claimed := len(got) == 1; claimed == commit {
			s.Errorf("revocation committed: %v, key claimed: %v", commit, claimed)
		}
	}
}

func targetsRevokeBeforeClose(s *stage) {
	keys := s.rendered(november, 2)
	for i, commit := range []bool{true, false} {
		k := delivery(keys[i], 0, 0)
		got := s.revokeBeside(k, commit, func(ctx context.Context) ([]key.Delivery, error) {
			return s.Ledger.Close(ctx, []attempt.Closing{closing(k, attempt.NotSent)})
		})
		if closed := len(got) == 1; closed == commit {
			s.Errorf("revocation committed: %v, key closed: %v", commit, closed)
		}
	}
}

func targetsRevokeTwice(s *stage) {
	keys := s.rendered(november, 2)
	for i, commit := range []bool{true, false} {
		k := delivery(keys[i], 0, 0)
		got := s.revokeBeside(k, commit, func(ctx context.Context) (revoked []key.Delivery, err error) {
			err = s.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
				revoked, err = tx.Revoke(ctx, revocations(k))
				return err
			})
			return revoked, err
		})
		if revoked := len(got) == 1; revoked == commit {
			s.Errorf("first revocation committed: %v, revoked by the second: %v", commit, revoked)
		}
	}
}
