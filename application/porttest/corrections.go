package porttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Corrections runs the suite of port.Corrections.
func Corrections(t *testing.T, open OpenStorage) { Run(t, CorrectionsChecks(), open) }

// CorrectionsChecks are the promises of port.Corrections.
func CorrectionsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("takes new data, to be rendered again", correctionsData),
		onStage("tells whether the current key was revoked", correctionsRevoke),
		onStage("shows the current key's row, and none of an older one", correctionsCurrent),
		onStage("rolls back when the decision fails, and returns its error", correctionsRollback),
		onStage("rolls back when the new data cannot be sealed", correctionsSealFails),
		onStage("waits for whoever holds the target", correctionsLock),
		onStage("holds the target while it decides", correctionsHolds),
		onStage("is what the next import is compared with", correctionsFingerprint),
		onStage("does not find who has no bill in the month", correctionsNotFound),
	}
}

var errNotRevoked = errors.New("the key was not revoked")

// corrected is the n-th bill with other data, another destination, a zone and a wish.
func corrected(n int) port.ImportedBill {
	b := bill(november, n, noon)
	b.Data = []byte(`{"corrected":true}`)
	b.Destinations = map[channel.Kind]string{channel.Push: "token"}
	b.State.Reachable, b.State.Wished = channel.NewSet(channel.Push), channel.Push
	b.State.Deadline, b.State.Zone = noon.Add(48*time.Hour), time.UTC
	b.Fingerprint[0]++
	return b
}

func correctionsData(s *stage) {
	keys := s.rendered(november, 2)
	source := corrected(0)
	k := s.found(november, 0).Key
	other := keys[0]
	if other == k {
		other = keys[1]
	}
	untouched := s.state(other)
	var now billing.State
	s.must(s.correct(source, func(target *billing.Target, current *attempt.Row, revoke func(attempt.Revocation) (bool, error)) error {
		if target.Key() != k || current != nil {
			s.Errorf("deciding about %s with the row %v, want %s without one", target.Key(), current, k)
		}
		if _, err := revoke(attempt.Revocation{Key: target.Delivery(), Reason: attempt.ReasonCorrect, FinishedAt: noon}); err != nil {
			return err
		}
		err := target.Correct(source.State, noon.Add(time.Hour))
		now = target.State()
		return err
	}))
	now.Batch = billing.Imported
	s.stateIs("corrected", s.state(k), now)
	s.stateIs("the other bill", s.state(other), untouched)
	bills, _, err := s.Renders.Next(s.ctx, november, port.Cursor{}, 10)
	s.must(err)
	want, _ := seal(source.Data, port.Purpose{Kind: port.KindBillingData, Target: k})
	if len(bills) != 1 || bills[0].Target != k || string(bills[0].Data) != string(want) || bills[0].Reachable != source.State.Reachable {
		s.Errorf("to be rendered: %+v, want %s with %q", bills, k, want)
	}
	s.render(november)
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		candidates, err := tx.LockPage(ctx, port.Page{Month: november, PassNow: noon.Add(time.Hour), Limit: 10})
		for _, c := range candidates {
			if c.Target.Key() != k {
				continue
			}
			sealed, _ := seal([]byte("token"), port.Purpose{Kind: port.KindDestination, Target: k, Channel: channel.Push})
			if len(c.Destinations) != 1 || c.Destinations[0].Channel != channel.Push || string(c.Destinations[0].Sealed) != string(sealed) {
				s.Errorf("the destinations are %v, want the corrected one alone", c.Destinations)
			}
		}
		if len(candidates) != 2 {
			s.Errorf("%d candidates, want 2", len(candidates))
		}
		return err
	}))
}

func correctionsRevoke(s *stage) {
	keys := s.imported(november, 2)
	s.claimed(delivery(keys[1], 0, 0), token(1))
	for i, want := range []bool{true, false} {
		err := s.correct(corrected(i), func(target *billing.Target, _ *attempt.Row, revoke func(attempt.Revocation) (bool, error)) error {
			revoked, err := revoke(attempt.Revocation{Key: target.Delivery(), Reason: attempt.ReasonCorrect, FinishedAt: noon})
			if revoked != want {
				s.Errorf("revoked: %v, want %v", revoked, want)
			}
			if err == nil && !revoked {
				err = errNotRevoked
			}
			return err
		})
		if want && err != nil || !want && !errors.Is(err, errNotRevoked) {
			s.Errorf("the correction ended with %v", err)
		}
	}
	if row := s.row(delivery(keys[0], 0, 0)); row.State != attempt.Revoked || row.Reason != attempt.ReasonCorrect {
		s.Errorf("the revoked row is %+v", row)
	}
	if row := s.row(delivery(keys[1], 0, 0)); row.State != attempt.Claimed {
		s.Errorf("the claimed row is %+v", row)
	}
}

func correctionsCurrent(s *stage) {
	k := s.imported(november, 1)[0]
	see := func() (row *attempt.Row) {
		stop := errors.New("seen")
		err := s.correct(corrected(0), func(_ *billing.Target, current *attempt.Row, _ func(attempt.Revocation) (bool, error)) error {
			row = current
			return stop
		})
		if !errors.Is(err, stop) {
			s.Errorf("the correction ended with %v", err)
		}
		return row
	}
	s.bring(delivery(k, 0, 0), attempt.Failed)
	if row := see(); row == nil || normalRow(*row) != s.row(delivery(k, 0, 0)) {
		s.Errorf("the current row is %+v", row)
	}
	s.change(func(state *billing.State) { state.Round = 1 }, k)
	if row := see(); row != nil {
		s.Errorf("the current key has no row, shown was %+v", row)
	}
}

func correctionsRollback(s *stage) {
	k := s.rendered(november, 1)[0]
	before := s.state(k)
	failure := errors.New("the domain refuses")
	err := s.correct(corrected(0), func(target *billing.Target, current *attempt.Row, revoke func(attempt.Revocation) (bool, error)) error {
		if err := takeCorrection(target, current, revoke); err != nil {
			return err
		}
		return failure
	})
	if !errors.Is(err, failure) {
		s.Errorf("the error is %v, want the decision's", err)
	}
	s.unchanged(k, before)
}

// unchanged asserts that a correction left no trace.
func (s *stage) unchanged(k key.Target, before billing.State) {
	s.Helper()
	s.stateIs("after the rollback", s.state(k), before)
	if row := s.row(delivery(k, before.Attempt, before.Round)); row.State != "" {
		s.Errorf("a row is %s after the rollback", row.State)
	}
	if left, _ := s.chunk(port.Cursor{}, 10); len(left) != 0 {
		s.Errorf("%v wait to be rendered after the rollback", left)
	}
}

func correctionsSealFails(s *stage) {
	k := s.rendered(november, 1)[0]
	before := s.state(k)
	failure := errors.New("the key service is gone")
	err := s.Corrections.Correct(s.ctx, corrected(0), func([]byte, port.Purpose) ([]byte, error) { return nil, failure }, takeCorrection, act)
	if !errors.Is(err, failure) {
		s.Errorf("the error is %v, want the seal's", err)
	}
	s.unchanged(k, before)
}

func correctionsLock(s *stage) {
	k := s.imported(november, 1)[0]
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		if _, err := tx.Lock(ctx, []key.Target{k}); err != nil {
			return err
		}
		s.blocked("a correction of a target that is held", func(ctx context.Context) error {
			return s.Corrections.Correct(ctx, corrected(0), seal, takeCorrection, act)
		})
		return nil
	}))
	s.must(s.correct(corrected(0), takeCorrection))
}

func correctionsHolds(s *stage) {
	k := s.imported(november, 1)[0]
	s.must(s.correct(corrected(0), func(target *billing.Target, current *attempt.Row, revoke func(attempt.Revocation) (bool, error)) error {
		s.blocked("Lock of a target that is being corrected", func(ctx context.Context) error { return s.lock(ctx, nil, k) })
		return takeCorrection(target, current, revoke)
	}))
}

func correctionsFingerprint(s *stage) {
	s.imported(november, 1)
	s.must(s.correct(corrected(0), takeCorrection))
	s.reportIs(s.importing(november, corrected(0)), port.ImportReport{Unchanged: 1})
	s.reportIs(s.importing(november, bill(november, 0, noon)),
		port.ImportReport{Conflicts: []port.ImportConflict{{Customer: customer(0), Line: 1}}})
}

func correctionsNotFound(s *stage) {
	s.imported(december, 1)
	for _, n := range []int{0, 7} {
		err := s.correct(corrected(n), func(*billing.Target, *attempt.Row, func(attempt.Revocation) (bool, error)) error {
			s.Error("the decision was asked for")
			return nil
		})
		if !errors.Is(err, port.ErrNotFound) {
			s.Errorf("correcting %s: %v, want ErrNotFound", customer(n), err)
		}
	}
}
