package porttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// PermitsRig is permits with the bounds that they have; 0 means none.
type PermitsRig struct {
	Permits  port.Permits
	InFlight int // permits at the same time
	Failures int // calls in a row without an answer that open the breaker; its pause is short
	Rate     float64
}

// PermitsBench makes a rig with at most inFlight permits at once, a breaker that opens after some failures and pauses a
// few milliseconds, and a rate with a burst of one. A port that lacks one of these bounds sets it to 0.
type PermitsBench func(t testing.TB, inFlight, failures int, rate float64) PermitsRig

// Permits runs the suite of port.Permits.
func Permits(t *testing.T, bench PermitsBench) {
	Run(t, PermitsChecks(), func(testing.TB) PermitsBench { return bench })
}

// PermitsChecks are the promises of port.Permits. Bounds that a port does not have are not checked.
func PermitsChecks() []Check[PermitsBench] {
	return []Check[PermitsBench]{
		{"gives a permit for each call", permitsGive},
		{"gives none once the context has ended", permitsEnded},
		{"holds as many as may run at once, and ends a wait with the context", permitsInFlight},
		{"takes a permit back once, however often it is released", permitsReleaseTwice},
		{"loses no permit to a wait that ended", permitsLoseNone},
		{"opens after failures in a row, tests, and closes after an answer", permitsBreaker},
		{"stays closed while refusals, throttling and lost claims come back", permitsNeutral},
		{"opens at the first clear word that the provider refuses everything", permitsClearWord},
		{"holds every call as long as the provider asks", permitsHold},
		{"opens when most answers fit every customer", permitsShare},
		{"lets few calls through before the provider has answered", permitsUntested},
		{"goes on testing after a test that made no call", permitsEmptyTest},
		{"loses no test to a wait that ended", permitsLoseNoTest},
		{"keeps to the rate, and gives up at once what would come too late", permitsRate},
		{"says whether calls are held back", permitsHeldBack},
		{"serves many callers at once", permitsConcurrent},
	}
}

// blink is long enough to get a permit that is free, and short enough to wait for one that is not.
const blink = 40 * time.Millisecond

func (r PermitsRig) take(t testing.TB) port.Permit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	permit, err := r.Permits.Acquire(ctx)
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	return permit
}

func (r PermitsRig) expectNone(t testing.TB, why string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), blink)
	defer cancel()
	permit, err := r.Permits.Acquire(ctx)
	switch {
	case err == nil:
		permit.Release(port.Reply{Verdict: port.CallAccepted})
		t.Errorf("got a permit %s", why)
	case !errors.Is(err, context.DeadlineExceeded):
		t.Errorf("%s: the error is %v, want the context's", why, err)
	}
}

func permitsGive(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 1, 3, 0)
	for range 10 {
		r.take(t).Release(port.Reply{Verdict: port.CallAccepted})
	}
}

func permitsEnded(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 5, 3, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		if _, err := r.Permits.Acquire(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("the error is %v, want context.Canceled", err)
		}
	}
	r.take(t).Release(port.Reply{Verdict: port.CallAccepted})
}

func permitsInFlight(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 2, 0, 0)
	if r.InFlight == 0 {
		return
	}
	first, second := r.take(t), r.take(t)
	r.expectNone(t, "beyond the bound")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	third := make(chan error, 1)
	go func() {
		permit, err := r.Permits.Acquire(ctx)
		if err == nil {
			permit.Release(port.Reply{Verdict: port.CallAccepted})
		}
		third <- err
	}()
	first.Release(port.Reply{Verdict: port.CallAccepted})
	if err := <-third; err != nil {
		t.Errorf("after a release: %v", err)
	}
	second.Release(port.Reply{Verdict: port.CallAccepted})
}

func permitsReleaseTwice(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 1, 0, 0)
	permit := r.take(t)
	permit.Release(port.Reply{Verdict: port.CallAccepted})
	permit.Release(port.Reply{Verdict: port.CallAccepted})
	if r.InFlight == 0 {
		return
	}
	second := r.take(t)
	permit.Release(port.Reply{Verdict: port.CallAccepted})
	r.expectNone(t, "because one was released twice")
	second.Release(port.Reply{Verdict: port.CallAccepted})
}

func permitsLoseNone(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 1, 2, 0)
	for range 2 {
		r.take(t).Release(port.Reply{Verdict: port.CallUnknown})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if permit, err := r.Permits.Acquire(ctx); err == nil {
		permit.Release(port.Reply{Verdict: port.CallAccepted})
	}
	r.take(t).Release(port.Reply{Verdict: port.CallAccepted})
	r.take(t).Release(port.Reply{Verdict: port.CallAccepted})
}

func permitsBreaker(t testing.TB, open func(testing.TB) PermitsBench) {
	for _, failure := range []port.Verdict{port.CallNotMade, port.CallUnknown} {
		r := open(t)(t, 10, 3, 0)
		if r.Failures == 0 {
			return
		}
		r.take(t).Release(port.Reply{Verdict: failure})
		r.take(t).Release(port.Reply{Verdict: failure})
		r.take(t).Release(port.Reply{Verdict: port.CallAccepted}) // not in a row
		for range r.Failures {
			r.take(t).Release(port.Reply{Verdict: failure})
		}
		test := r.take(t) // after the pause
		r.expectNone(t, "while the breaker tests the provider")
		test.Release(port.Reply{Verdict: failure})
		test = r.take(t)
		r.expectNone(t, "after a test that failed")
		test.Release(port.Reply{Verdict: port.CallRefused})
		first, second := r.take(t), r.take(t)
		first.Release(port.Reply{Verdict: port.CallAccepted})
		second.Release(port.Reply{Verdict: port.CallAccepted})
	}
}

func permitsNeutral(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 10, 2, 0)
	for range 5 {
		r.take(t).Release(port.Reply{Verdict: port.CallRefused})
		r.take(t).Release(port.Reply{Verdict: port.CallThrottled})
		for range 3 {
			r.take(t).Cancel()
		}
	}
	a, b := r.take(t), r.take(t) // both at once: no test is under way
	a.Release(port.Reply{Verdict: port.CallAccepted})
	b.Release(port.Reply{Verdict: port.CallAccepted})
}

// The provider's replies, as gateways report them.
var (
	suspended = port.Reply{Verdict: port.CallRefused, Class: attempt.Provider, Detail: "554 5.7.1 Sending suspended"}
	doubted   = port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent, Doubtful: true}
	accepted  = port.Reply{Verdict: port.CallAccepted}
)

func permitsClearWord(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 10, 0, 0)
	r.take(t).Release(accepted)
	under, late, word := r.take(t), r.take(t), r.take(t)
	if !under.Begin() {
		t.Error("a permit is not valid although nothing was said")
	}
	word.Release(suspended)
	if under.Begin() {
		t.Error("a permit of before the word is still valid")
	}
	under.Cancel()
	test := r.take(t) // after the pause
	r.expectNone(t, "while one call tests the provider")
	late.Release(accepted) // a call of before the word says nothing about the time since
	r.expectNone(t, "because of a late answer")
	test.Release(suspended)
	r.take(t).Release(accepted)
	first, second := r.take(t), r.take(t)
	first.Cancel()
	second.Cancel()
}

func permitsHold(t testing.TB, open func(testing.TB) PermitsBench) {
	const short = blink / 4
	for _, asked := range [][2]time.Duration{{time.Hour, 0}, {time.Hour, short}, {short, time.Hour}} { // the longest wait counts
		r := open(t)(t, 10, 0, 0)
		r.take(t).Release(accepted)
		late, word := r.take(t), r.take(t)
		word.Release(port.Reply{Verdict: port.CallThrottled, Hold: asked[0]})
		late.Release(port.Reply{Verdict: port.CallThrottled, Hold: asked[1]})
		r.expectNone(t, fmt.Sprintf("before the longest wait of %s is over", asked))
	}
	r := open(t)(t, 10, 0, 0)
	r.take(t).Release(port.Reply{Verdict: port.CallThrottled, Hold: short})
	r.take(t).Release(accepted)
}

func permitsShare(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 10, 0, 0)
	for range 40 { // half of the answers
		r.take(t).Release(doubted)
		r.take(t).Release(accepted)
	}
	out := r.take(t)
	for n := 0; n < 20 && out.Begin(); n++ {
		r.take(t).Release(doubted)
	}
	if out.Begin() {
		t.Error("the breaker has not opened")
	}
}

func permitsUntested(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 100, 0, 0)
	var held []port.Permit
	for range 16 {
		held = append(held, r.take(t))
	}
	r.expectNone(t, "before the provider has answered")
	held[0].Cancel()
	held[0] = r.take(t)
	held[1].Release(accepted)
	for range 50 {
		held = append(held, r.take(t))
	}
	for _, permit := range held {
		permit.Cancel()
	}
}

func permitsEmptyTest(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 10, 1, 0)
	if r.Failures == 0 {
		return
	}
	r.take(t).Release(port.Reply{Verdict: port.CallUnknown})
	r.take(t).Cancel() // the claim was lost: the provider was not tested
	test := r.take(t)
	r.expectNone(t, "though nothing was tested")
	test.Release(port.Reply{Verdict: port.CallAccepted})
	a, b := r.take(t), r.take(t)
	a.Release(port.Reply{Verdict: port.CallAccepted})
	b.Release(port.Reply{Verdict: port.CallAccepted})
}

// permitsLoseNoTest ends the wait of calls that were let through as a test and then wait for the rate. Had one taken the
// test with it, the last call would wait for the breaker until its context ends, and not give up at once.
func permitsLoseNoTest(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 10, 1, 0.01)
	if r.Failures == 0 {
		return
	}
	r.take(t).Release(port.Reply{Verdict: port.CallUnknown})
	for range 3 {
		r.expectNone(t, "beyond the rate")
	}
	r.expectGivenUp(t)
}

func permitsRate(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 10, 3, 0.01)
	if r.Rate == 0 {
		return
	}
	r.take(t).Release(port.Reply{Verdict: port.CallAccepted})
	r.expectGivenUp(t)
}

// expectGivenUp expects that a call which the rate would let through long after its context's end does not wait for that.
func (r PermitsRig) expectGivenUp(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := r.Permits.Acquire(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("beyond the rate: the error is %v, want the context's", err)
	}
	if ctx.Err() != nil {
		t.Error("it waited for a permit that could not come in time")
	}
}

func permitsHeldBack(t testing.TB, open func(testing.TB) PermitsBench) {
	r := open(t)(t, 10, 1, 0)
	held := func(want bool, when string) {
		t.Helper()
		if r.Permits.HeldBack() != want {
			t.Errorf("%s: held back is %v", when, !want)
		}
	}
	held(false, "at the start")
	if r.Failures == 0 {
		return
	}
	r.take(t).Release(accepted)
	held(false, "after a call")
	r.take(t).Release(port.Reply{Verdict: port.CallThrottled, Hold: time.Hour})
	held(true, "while the provider wants no call")

	r = open(t)(t, 10, 1, 0)
	r.take(t).Release(suspended)
	test := r.take(t) // after the pause
	held(true, "while one call tests the provider")
	test.Cancel()
	held(false, "while nobody tests it")
	r.take(t).Release(accepted)
	held(false, "after a good answer")
}

func permitsConcurrent(t testing.TB, open func(testing.TB) PermitsBench) {
	const callers, rounds = 50, 20
	r := open(t)(t, 4, 1_000_000, 0)
	var all sync.WaitGroup
	var mu sync.Mutex
	now, peak := 0, 0
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		now += by
		peak = max(peak, now)
	}
	for range callers {
		all.Go(func() {
			for range rounds {
				permit, err := r.Permits.Acquire(t.Context())
				if err != nil {
					t.Errorf("Acquire: %v", err)
					return
				}
				count(1)
				count(-1)
				permit.Release(port.Reply{Verdict: port.CallAccepted})
			}
		})
	}
	all.Wait()
	if r.InFlight > 0 && peak > r.InFlight {
		t.Errorf("%d permits were out at once, want at most %d", peak, r.InFlight)
	}
}
