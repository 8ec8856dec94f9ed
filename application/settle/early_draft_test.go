package settle_test

import (
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// The model's runs in which an early draft of the protocol fails (docs/model), each as the same order of events on the
// real code, with the right end.

// aw_disp_crash: the dispatcher dies between publish and commit. The draft left a delivered target stuck.
func TestEarlyDraftDispatcherCrashesBetweenPublishAndCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.store.Fail(func(op string) error {
		if op == "targets.commit" {
			return errCrash
		}
		return nil
	})
	w.dispatchAndCrash(t)
	w.store.Fail(nil)
	w.expect(t, billing.Ready, 0, 0) // the message is out, the row knows nothing of it
	w.claim(t, w.topic[0], 1)
	w.answer(t, w.topic[0], 1, attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 0, 0)
	w.dispatchOnce(t)
	w.expectCalls(t, 1)
}

// aw_unack: the broker took the event and its acknowledgement is lost.
func TestEarlyDraftAcknowledgementIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.loseAcks = true
	w.dispatchOnce(t)
	w.loseAcks = false
	w.expect(t, billing.Ready, 0, 0)
	w.claim(t, w.topic[0], 1)
	w.clock.Advance(time.Hour)
	w.dispatchOnce(t) // the same key again
	if w.topic[1].Delivery() != w.topic[0].Delivery() {
		t.Fatalf("published %s after %s", w.topic[1].Delivery(), w.topic[0].Delivery())
	}
	if w.tryClaim(t, w.topic[1], 2) {
		t.Fatal("the second copy got the claim too")
	}
	w.answer(t, w.topic[0], 1, attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 0, 0)
}

// aw_quiet: quiet hours begin before the call. The draft deferred against its own claim and was stuck.
func TestEarlyDraftWindowClosesBeforeTheClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	opening := w.clock.Now().Add(11 * time.Hour)
	w.close(t, w.topic[0], attempt.NotSent, attempt.ReasonWindow, opening)
	w.settle(t)
	w.expect(t, billing.Ready, 0, 1)
	w.dispatchOnce(t) // not yet due
	if len(w.topic) != 1 {
		t.Fatal("it was published again before the window opens")
	}
	w.clock.Advance(11 * time.Hour)
	w.dispatchOnce(t)
	w.deliver(t, w.topic[1], attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 0, 1)
	w.expectCalls(t, 1)
}

// aw_reaper: the reaper fires while the message is only slow. The draft ignored the success that followed.
func TestEarlyDraftReaperFiresEarly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.clock.Advance(time.Hour)
	w.reap(t)
	w.expect(t, billing.Ready, 0, 0)
	w.claim(t, w.topic[0], 1)
	w.answer(t, w.topic[0], 1, attempt.Succeeded)
	w.dispatchOnce(t)
	w.settle(t)
	w.expect(t, billing.Succeeded, 0, 0)
	if len(w.topic) > 1 && w.tryClaim(t, w.topic[1], 2) {
		t.Fatal("the requeued copy got a claim")
	}
}

// aw_crash_lag: Delivery dies after the call; the lease ends, the message comes again.
func TestEarlyDraftDeliveryCrashesAfterTheCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.claim(t, w.topic[0], 1)
	w.calls++ // the gateway accepted; nobody is left to say so
	if w.tryClaim(t, w.topic[0], 2) {
		t.Fatal("the redelivered message got a second claim")
	}
	w.expireLeases(t)
	w.expect(t, billing.Unknown, 0, 0)
	if w.tryClaim(t, w.topic[0], 3) {
		t.Fatal("an UNKNOWN key was claimed again")
	}
	w.expectCalls(t, 1)
}

// aw_stall: the caller stalls past its lease and then has its answer. The draft ignored a success on UNKNOWN.
func TestEarlyDraftSuccessComesAfterTheLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.claim(t, w.topic[0], 1)
	w.expireLeases(t)
	w.expect(t, billing.Unknown, 0, 0)
	w.answer(t, w.topic[0], 1, attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 0, 0)
}

// aw_cancel: cancelled before anybody claimed. The draft sent it all the same.
func TestEarlyDraftCancelledIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.cancel(t)
	w.expect(t, billing.Cancelled, 0, 0)
	if w.tryClaim(t, w.topic[0], 1) {
		t.Fatal("a cancelled delivery was claimed")
	}
}

// aw_cancel_lies: cancelled while the call is under way. The draft showed CANCELLED though it was delivered.
func TestEarlyDraftCancelledWhileBeingSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.claim(t, w.topic[0], 1)
	w.cancel(t)
	w.expect(t, billing.Requested, 0, 0) // the end waits for the outcome
	w.answer(t, w.topic[0], 1, attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 0, 0)

	refused := newWorld(t, attempt.Hold)
	refused.dispatchOnce(t)
	refused.claim(t, refused.topic[0], 1)
	refused.cancel(t)
	refused.answer(t, refused.topic[0], 1, attempt.Failed)
	refused.settle(t)
	refused.expect(t, billing.Cancelled, 0, 0)
}

// aw_resend_next: cancelled and taken back while the first message is still in the topic. The draft sent two bills.
func TestEarlyDraftUncancelledGoesOutOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.cancel(t)
	w.uncancel(t)
	w.expect(t, billing.Ready, 0, 1)
	w.dispatchOnce(t)
	if w.tryClaim(t, w.topic[0], 1) {
		t.Fatal("the message from before the cancellation was claimed")
	}
	w.deliver(t, w.topic[1], attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 0, 1)
	w.expectCalls(t, 1)
}

// aw_resend_same: taken back with the same key the new message would be dropped, and the target stuck.
func TestEarlyDraftUncancelledTakesANewKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.cancel(t) // before any dispatch
	w.uncancel(t)
	w.dispatchOnce(t)
	if w.topic[0].Round != 1 {
		t.Fatalf("published with key %s, which is revoked", w.topic[0].Delivery())
	}
	w.deliver(t, w.topic[0], attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 0, 1)
}

// aw_resendpol: with RESEND an unknown outcome goes on with the route; then the first call turns out to be accepted.
func TestEarlyDraftResendShowsALateSuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Resend)
	w.dispatchOnce(t)
	w.claim(t, w.topic[0], 1)
	w.expireLeases(t)
	w.expect(t, billing.Failed, 1, 0)
	w.answer(t, w.topic[0], 1, attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 1, 0)
	rows := w.store.Rows(w.key)
	if last := rows[len(rows)-1]; last.State != attempt.Revoked {
		t.Fatalf("the newer key is %s, not REVOKED: its message could still be sent", last.State)
	}

	claimed := newWorld(t, attempt.Resend)
	claimed.dispatchOnce(t)
	claimed.claim(t, claimed.topic[0], 1)
	claimed.expireLeases(t)
	claimed.clock.Advance(24 * time.Hour)
	claimed.dispatchOnce(t)
	claimed.claim(t, claimed.topic[1], 2)
	claimed.answer(t, claimed.topic[0], 1, attempt.Succeeded)
	claimed.settle(t)
	claimed.expect(t, billing.Requested, 1, 0) // the second call is under way: its outcome first
	claimed.answer(t, claimed.topic[1], 2, attempt.Failed)
	claimed.settle(t)
	claimed.expect(t, billing.Succeeded, 1, 0)
}

// The system this replaces skipped the SMS fallback for ever when a late copy of an e-mail event came.
func TestALateCopyOfAnEMailDoesNotSkipTheFallback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.deliver(t, w.topic[0], attempt.Failed)
	w.settle(t)
	w.expect(t, billing.Failed, 1, 0)
	w.clock.Advance(24 * time.Hour)
	w.dispatchOnce(t)
	if w.tryClaim(t, w.topic[0], 9) {
		t.Fatal("the late copy of attempt 0 was claimed")
	}
	w.settle(t)
	w.expect(t, billing.Requested, 1, 0)
	w.deliver(t, w.topic[1], attempt.Succeeded)
	w.settle(t)
	w.expect(t, billing.Succeeded, 1, 0)
}

func TestTheReaperKnowsAPolicyThatIsYoungerThanItsProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.settle(t) // settlement has read the policies
	younger, err := w.store.Policies().Draft(t.Context(), policy.Spec{
		Name: "monthly", Zone: time.UTC, Route: policy.Route{{Channel: channel.Email, Tries: 1}},
	}, w.by())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Policies().Activate(t.Context(), younger.Ref(), w.by()); err != nil {
		t.Fatal(err)
	}
	w.dispatchOnce(t)
	w.topic = nil // every request is lost, so no result names the policy
	w.clock.Advance(time.Hour)
	w.reap(t)
	w.expect(t, billing.Ready, 0, 0)
}

// The system this replaces left a delivered bill unsettled when the database was away for two seconds.
func TestADatabaseThatGoesAwayDelaysSettlingAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.deliver(t, w.topic[0], attempt.Succeeded)
	failures := 3
	w.store.Fail(func(op string) error {
		if op == "targets.commit" && failures > 0 {
			failures--
			return port.ErrUnavailable
		}
		return nil
	})
	w.settleWhileTimePasses(t)
	w.expect(t, billing.Succeeded, 0, 0)
	lines := w.log.Find("a component is down; waiting for it, nothing is lost")
	if len(lines) != 1 {
		t.Fatalf("the outage was told %d times, want once", len(lines))
	}
}

func TestAnUndecodableResultIsToldAndItsTargetSettledByTheSweep(t *testing.T) {
	t.Parallel()
	if _, err := event.DecodeResult(port.Message{Value: []byte("{")}); !errors.Is(err, event.ErrUndecodable) {
		t.Fatal(err)
	}
	w := newWorld(t, attempt.Hold)
	w.dispatchOnce(t)
	w.deliver(t, w.topic[0], attempt.Succeeded)
	if n, err := w.settler.SweepLedger(t.Context(), port.Span{}); err != nil || n != 1 {
		t.Fatalf("the sweep settled %d: %v", n, err)
	}
	w.expect(t, billing.Succeeded, 0, 0)
}
