package imagetest_test

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
)

func TestDeliveryThatIsToldToStopEndsItsCallsAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3*time.Second)
	_, port, err := net.SplitHostPort(observetest.FreeAddr(t))
	must(t, err)
	settlement := w.begins("settlement", nil)
	delivery := w.begins("delivery", map[string]string{"BALSONG_DELIVERY_DRAIN": "30s", "BALSONG_HEALTH_ADDR": "0.0.0.0:" + port})
	w.inTheMiddle(delivery)
	for _, question := range [][]string{{"/delivery", "health"}, {"/delivery", "health", "--alive"}} {
		if code, said := delivery.exec(question...); code != core.ExitOK {
			t.Errorf("%s in the container ends with %d: %s", strings.Join(question, " "), code, said)
		}
	}
	w.inTheMiddle(delivery)
	if killed := delivery.stop(60 * time.Second); killed || delivery.cmd.ProcessState.ExitCode() != core.ExitOK {
		t.Errorf("it was killed: %t, it ended with %d:\n%s", killed, delivery.cmd.ProcessState.ExitCode(), delivery.output.String())
	}
	if cut := w.cut(); len(cut) > 0 {
		t.Errorf("calls were cut off: of the bills %v", cut)
	}
	accepted := w.accepted()
	if n := len(accepted); n < inFlight || n == bills {
		t.Errorf("%d of %d bills were accepted: it was not in the middle of calls", n, bills)
	}
	w.awaits("SUCCEEDED", len(accepted), settlement)

	must(t, w.gateway.SetSettings(slow(0)))
	again := w.begins("delivery", nil)
	w.awaits("SUCCEEDED", bills, settlement, again)
	w.everyBillOnce()
}

func TestOfDeliveryThatIsKilledWhatWasCutOffIsUnknownAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8*time.Second)
	settlement := w.begins("settlement", nil)
	delivery := w.begins("delivery", nil)
	w.inTheMiddle(delivery)
	if !delivery.stop(time.Second) { // a stop timeout below the drain
		t.Fatalf("it ended by itself, and the test shows nothing:\n%s", delivery.output.String())
	}
	cut := w.cut()
	if len(cut) != inFlight {
		t.Errorf("the calls of %d bills were cut off, want %d", len(cut), inFlight)
	}
	w.awaits("UNKNOWN", len(cut), settlement)
	if unknown := w.status("UNKNOWN"); !slices.Equal(unknown, cut) {
		t.Errorf("UNKNOWN are %v, cut off were %v", unknown, cut)
	}

	must(t, w.gateway.SetSettings(slow(0)))
	again := w.begins("delivery", nil)
	w.awaits("SUCCEEDED", bills-len(cut), settlement, again)
	waittest.Until(t, "the gateway is through with what was cut off", func() bool { return w.gateway.Stats().InFlight == 0 })
	w.judge(cut)
	w.runs("dispatcher", "--month", month)
	w.awaits("SUCCEEDED", bills, settlement, again)
	w.everyBillOnce()
}

// inTheMiddle waits until the gateway handles as many calls as there can be.
func (w *world) inTheMiddle(delivery *container) {
	w.Helper()
	waittest.Until(w.T, "delivery is in the middle of calls", func() bool {
		if delivery.ended(0) {
			w.Fatalf("it ended:\n%s", delivery.output.String())
		}
		return w.gateway.Stats().InFlight == inFlight
	})
}

// judge says of each bill that is UNKNOWN what the gateway's log says, as an operator does.
func (w *world) judge(unknown []string) {
	w.Helper()
	accepted := w.accepted()
	for _, bill := range unknown {
		customer := w.list("SELECT customer FROM customers WHERE user_id = " + bill)[0]
		verdict := "not-delivered"
		if accepted[bill] > 0 {
			verdict = "delivered"
		}
		w.runs("balsong", "target", verdict, "--month", month, "--customer", customer, "--reason", "the gateway's log")
	}
}
