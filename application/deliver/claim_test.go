package deliver_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

func TestTheLostAnswerToAClaimsCommitLeadsToOneCallWithTheSameToken(t *testing.T) {
	t.Parallel()
	for name, op := range map[string]string{
		"it was committed":     memory.Done("ledger.claim"),
		"it was not committed": "ledger.claim",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bill(t, 1)
			w.dispatch(t)
			w.store.Fail(failures(port.ErrCommitUnknown, map[string]int{op: 3}).hook)
			w.start(t)
			w.whileTimePasses(t, "it is sent", w.drained)
			w.expectCalls(t, w.email, 1)
			row := w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
			if n := w.tokens.Load(); n != 1 || row.Owner != (attempt.Token{1, 0, 1}) {
				t.Fatalf("%d tokens were made, the row belongs to %x", n, row.Owner)
			}
		})
	}
}

func TestAClaimThatTheDatabaseRefusesForARivalIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	w.store.Fail(failures(port.ErrConflict, map[string]int{"ledger.claim": 2}).hook)
	w.start(t)
	w.whileTimePasses(t, "it is sent", w.drained)
	w.expectCalls(t, w.email, 1)
	if parts := w.outages(); len(parts) != 0 {
		t.Fatalf("a lost race counts as an outage of %v", parts)
	}
}

func TestALeaseThatEndedWhileTheDatabaseWasAwayLeadsToNoCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	var away atomic.Bool
	away.Store(true)
	w.store.Fail(func(op string) error {
		switch {
		case op == memory.Done("ledger.claim") && away.Load():
			return port.ErrCommitUnknown // it was done, and then the database is away
		case op == "ledger.claim" && w.row(1, 0, 0).State == attempt.Claimed && away.Load():
			return port.ErrUnavailable
		}
		if w.clock.Now().After(time.Date(2026, 11, 22, 12, 2, 0, 0, seoul)) {
			away.Store(false)
		}
		return nil
	})
	w.start(t)
	eventually(t, "the claim is there", func() bool { return w.row(1, 0, 0).State == attempt.Claimed })
	for w.clock.Now().Before(time.Date(2026, 11, 22, 12, 3, 0, 0, seoul)) {
		w.clock.Advance(time.Second)
	}
	w.store.Fail(nil)
	w.whileTimePasses(t, "it is given up", w.drained)
	w.expectCalls(t, w.email, 0)
	w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonSendBy)
	if late := w.log.Find("a call was not made because too little of its claim's lease was left; logged at most once a minute, nothing is lost"); len(late) != 1 {
		t.Errorf("it is logged %d times that the call was too late, want once", len(late))
	}
	w.settle(t)
	w.expect(t, 1, billing.Ready, 0, 1)
	w.dispatch(t)
	w.awaitDrained(t)
	w.settle(t)
	w.expect(t, 1, billing.Succeeded, 0, 1)
	w.expectCalls(t, w.email, 1)
}

func TestALeaseThatTheSweeperEndedLeadsToNoCallAndStaysUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	gone := errors.Join(port.ErrCommitUnknown)
	swept := make(chan struct{})
	w.store.Fail(func(op string) error {
		if op == memory.Done("ledger.claim") {
			select {
			case <-swept:
			default:
				return gone
			}
		}
		if op == "ledger.claim" && w.row(1, 0, 0).State == attempt.Claimed {
			<-swept // the database answers nobody before the sweeper came by
		}
		return nil
	})
	w.start(t)
	w.whileTimePasses(t, "the claim is there", func() bool { return w.row(1, 0, 0).State == attempt.Claimed })
	w.clock.Advance(2 * lease)
	if n, err := w.settler.SweepLeases(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d leases ended: %v", n, err)
	}
	close(swept)
	w.whileTimePasses(t, "the message is done", w.drained)
	w.expectCalls(t, w.email, 0)
	w.expectRow(t, 1, 0, 0, attempt.Unknown, attempt.ReasonLease)
	w.settle(t)
	w.expect(t, 1, billing.Unknown, 0, 0)
}

func TestAClaimThatTookTooLongIsGivenUpBeforeTheCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		took  time.Duration
		calls int
	}{
		"within the send-by":         {lease - callDeadline - margin, 1},
		"past the send-by":           {lease - callDeadline - margin + time.Millisecond, 0},
		"past the lease, unnoticed":  {lease + time.Minute, 0},
		"at once, as nearly all are": {0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bill(t, 1)
			w.dispatch(t)
			w.store.Fail(func(op string) error {
				if op == memory.Done("ledger.claim") {
					w.clock.Advance(c.took)
				}
				return nil
			})
			w.start(t)
			w.awaitDrained(t)
			w.expectCalls(t, w.email, c.calls)
			if c.calls == 0 {
				w.expectRow(t, 1, 0, 0, attempt.NotSent, attempt.ReasonSendBy)
				w.settle(t)
				w.expect(t, 1, billing.Ready, 0, 1)
			}
		})
	}
}

func TestARequestsOwnShorterCallDeadlineLengthensTheSendBy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { w.spec.CallDeadline = 10 * time.Second })
	w.bill(t, 1)
	w.dispatch(t)
	w.store.Fail(func(op string) error {
		if op == memory.Done("ledger.claim") {
			w.clock.Advance(lease - 10*time.Second - margin) // too late for the provider's own 30 s
		}
		return nil
	})
	w.start(t)
	w.awaitDrained(t)
	w.expectCalls(t, w.email, 1)
}

func TestARevokedKeyIsNeverCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	if _, err := w.operator.Cancel(t.Context(), w.key(1), by()); err != nil {
		t.Fatal(err)
	}
	w.start(t)
	w.awaitDrained(t)
	w.expectCalls(t, w.email, 0)
	w.expect(t, 1, billing.Cancelled, 0, 0)
}

func TestADatabaseErrorThatSomebodyMustFixIsWaitedForAndLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bill(t, 1)
	w.dispatch(t)
	w.store.Fail(failures(errors.New("SQLSTATE 42501: no right"), map[string]int{"ledger.claim": 3, "control.halted": 2}).hook)
	w.start(t)
	w.whileTimePasses(t, "it is sent in the end", w.drained)
	w.expectCalls(t, w.email, 1)
	if len(w.outages()) == 0 {
		t.Fatal("nobody was told")
	}
}
