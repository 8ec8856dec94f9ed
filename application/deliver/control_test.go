package deliver_test

import (
	"context"
	"testing"
	"time"

	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

func (w *world) haltEverything(t *testing.T) {
	t.Helper()
	if _, err := w.operator.Halt(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
}

func TestAHaltSetBeforeTheStartLetsNothingOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for user := int64(1); user <= 30; user++ {
		w.bill(t, user)
	}
	w.dispatch(t)
	w.haltEverything(t)
	reading := make(chan struct{})
	w.store.Fail(func(op string) error {
		if op == "control.halted" {
			<-reading // the first look at the switch is slow
		}
		return nil
	})
	w.start(t)
	eventually(t, "all messages are in flight", func() bool { return w.service.InFlight() == 30 })
	close(reading)
	eventually(t, "the halt is told", func() bool { return len(w.log.Find("halted: nothing more goes out until it is lifted")) == 1 })
	for range 5 {
		w.clock.Advance(2 * time.Second)
	}
	if w.lag() != 30 || len(w.store.Rows(w.key(1))) != 0 {
		t.Fatalf("the lag is %d, the rows %v", w.lag(), w.store.Rows(w.key(1)))
	}
	w.expectCalls(t, w.email, 0)
	if _, err := w.operator.LiftHalt(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	w.whileTimePasses(t, "it goes on once the halt is lifted", w.drained)
	w.expectCalls(t, w.email, 30)
}

func TestAHaltInTheMiddleStopsWhatIsNotClaimed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.email.Script(memory.GatewayAnswer{Block: true})
	w.bill(t, 1)
	w.dispatch(t)
	w.start(t)
	<-w.email.Blocked()
	w.haltEverything(t)
	w.whileTimePasses(t, "the halt is read", func() bool { return len(w.log.Find("halted: nothing more goes out until it is lifted")) == 1 })
	w.bill(t, 2)
	if _, err := w.operator.LiftHalt(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	w.dispatch(t) // before Delivery reads the switch again
	w.haltEverything(t)
	eventually(t, "the second message is in flight", func() bool { return w.service.InFlight() == 2 })
	w.email.Release()
	eventually(t, "the call under way is done", func() bool { return w.service.InFlight() == 1 })
	w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
	if rows := w.store.Rows(w.key(2)); len(rows) != 0 {
		t.Fatalf("while halted the ledger got %v", rows)
	}
	if _, err := w.operator.LiftHalt(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	w.whileTimePasses(t, "it goes on", w.drained)
	w.expectRow(t, 2, 0, 0, attempt.Succeeded, "")
}

func TestAShutdownFinishesTheCallsUnderWayAndTakesNothingNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.email.Script(memory.GatewayAnswer{Block: true})
	w.bill(t, 1)
	w.dispatch(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	service := w.service
	go func() { ended <- service.Run(ctx) }()
	<-w.email.Blocked()
	w.haltEverything(t) // the second message is consumed and not claimed
	w.whileTimePasses(t, "the halt is read", func() bool { return len(w.log.Find("halted: nothing more goes out until it is lifted")) == 1 })
	w.bill(t, 2)
	if err := w.store.Control().SetHalt(t.Context(), false, port.Act{Actor: "kim"}); err != nil {
		t.Fatal(err)
	}
	w.dispatch(t)
	eventually(t, "the second message is in flight", func() bool { return w.service.InFlight() == 2 })
	stop()
	eventually(t, "what is not claimed is given up", func() bool { return w.service.InFlight() == 1 })
	w.copyRequests(t, 1) // comes too late for this process
	select {
	case err := <-ended:
		t.Fatalf("Run ended with %v before the call did", err)
	default:
	}
	w.email.Release()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	w.expectRow(t, 1, 0, 0, attempt.Succeeded, "")
	if rows := w.store.Rows(w.key(2)); len(rows) != 0 || w.lag() == 0 {
		t.Fatalf("the unclaimed message left %v, the lag is %d", rows, w.lag())
	}
	w.service = w.newService(t)
	w.start(t)
	w.awaitDrained(t)
	w.expectRow(t, 2, 0, 0, attempt.Succeeded, "")
	w.expectCalls(t, w.email, 2)
}

func TestAMessageThatWaitsForAPermitIsGivenUpByAShutdown(t *testing.T) {
	t.Parallel()
	permits := newTurnstile()
	w := newWorld(t, func(w *world) { w.permits = permits })
	w.bill(t, 1)
	w.dispatch(t)
	stop := w.start(t)
	<-permits.waiting
	stop()
	if w.lag() != 1 || len(w.store.Rows(w.key(1))) != 0 {
		t.Fatalf("the lag is %d, the rows %v", w.lag(), w.store.Rows(w.key(1)))
	}
}

func TestACallThatOutlastsTheDrainIsCutAndBecomesUnknownWhenItsLeaseEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { w.config = deliver.Config{Patience: deliver.Patience{Drain: 20 * time.Second}} })
	w.email.Script(memory.GatewayAnswer{Block: true})
	w.bill(t, 1)
	w.dispatch(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	service := w.service
	go func() { ended <- service.Run(ctx) }()
	<-w.email.Blocked()
	stop()
	eventually(t, "Delivery gives the call up", func() bool {
		select {
		case err := <-ended:
			return err == nil
		default:
			w.clock.Advance(time.Second)
			return false
		}
	})
	if len(w.log.Find("calls are still under way; their outcomes become UNKNOWN when their leases end")) != 1 {
		t.Fatal("nobody was told")
	}
	w.clock.Advance(lease)
	if _, err := w.settler.SweepLeases(t.Context()); err != nil { // unless the cut call could still say so itself
		t.Fatal(err)
	}
	w.settle(t)
	w.expect(t, 1, billing.Unknown, 0, 0)
	w.service = w.newService(t)
	w.copyRequests(t, 1)
	w.start(t)
	w.awaitDrained(t)
	w.expectCalls(t, w.email, 1)
}

func TestAnEventLogThatIsDownIsWaitedForAndToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for user := int64(1); user <= 10; user++ {
		w.bill(t, user)
	}
	w.dispatch(t)
	w.email.Answer(func(port.Delivery) memory.GatewayAnswer { return memory.GatewayAnswer{Block: true} })
	w.start(t)
	for range 10 {
		<-w.email.Blocked()
	}
	w.broker.SetDown(true)
	w.email.Release()
	eventually(t, "the outcomes are stored, though no result can be published", func() bool { return w.service.InFlight() == 0 })
	for user := int64(1); user <= 10; user++ {
		w.expectRow(t, user, 0, 0, attempt.Succeeded, "")
	}
	w.broker.SetDown(false)
	w.awaitDrained(t)
	w.settle(t)
	for user := int64(1); user <= 10; user++ {
		w.expect(t, user, billing.Succeeded, 0, 0)
	}
	w.expectCalls(t, w.email, 10)
}
