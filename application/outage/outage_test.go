package outage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
)

const (
	down = "a component is down; waiting for it, nothing is lost"
	back = "a component is back"
)

type world struct {
	clock *memory.Clock
	log   *memory.Log
	watch *outage.Watch
}

func newWorld() *world {
	w := &world{clock: memory.NewClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)), log: &memory.Log{}}
	w.watch = outage.New(w.clock, w.log)
	return w
}

// advance lets time pass for callers that wait, until done is closed.
func (w *world) advance(t *testing.T, callers int, done <-chan struct{}) {
	t.Helper()
	for {
		waiting := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { waiting <- w.clock.AwaitTimers(ctx, callers) }()
		select {
		case <-done:
			cancel()
			<-waiting
			return
		case <-waiting:
			cancel()
			w.clock.Advance(5 * time.Second)
		}
	}
}

func TestAnOutageIsLoggedOnceHoweverManyWaitForIt(t *testing.T) {
	t.Parallel()
	w := newWorld()
	const callers, tries = 50, 20
	var left atomic.Int32
	left.Store(callers * tries)
	var waiting sync.WaitGroup
	for range callers {
		waiting.Go(func() {
			err := w.watch.Retry(t.Context(), "database", func(context.Context) error {
				if left.Add(-1) >= 0 {
					return fmt.Errorf("connect: %w", port.ErrUnavailable)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done := make(chan struct{})
	go func() { waiting.Wait(); close(done) }()
	w.advance(t, 1, done)
	if n := len(w.log.Find(down)); n != 1 {
		t.Errorf("told %d times that it is down", n)
	}
	lines := w.log.Find(back)
	if len(lines) != 1 || lines[0].Field("component") != "database" {
		t.Fatalf("told %d times that it is back", len(lines))
	}
	if after, ok := lines[0].Field("after").(time.Duration); !ok || after <= 0 {
		t.Errorf("it was away for %v", lines[0].Field("after"))
	}
	if components := w.watch.Down(); len(components) != 0 {
		t.Errorf("still down: %v", components)
	}
}

func TestAComponentThatFailsConnectionByConnectionIsLoggedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	tries, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		_ = w.watch.Retry(t.Context(), "database", func(context.Context) error {
			if tries++; tries == 1 {
				return port.ErrUnavailable
			}
			return nil
		})
	}()
	if err := w.clock.AwaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	works := func(context.Context) error { return nil } // another connection still does
	if err := w.watch.Retry(t.Context(), "database", works); err != nil {
		t.Fatal(err)
	}
	if components, returned := w.watch.Down(), w.log.Find(back); len(components) != 1 || len(returned) != 0 {
		t.Fatalf("down: %v, told %d times that it is back", components, len(returned))
	}
	w.advance(t, 1, done)
	if told, returned := w.log.Find(down), w.log.Find(back); len(told) != 1 || len(returned) != 1 {
		t.Errorf("told %d times that it is down, and %d times that it is back", len(told), len(returned))
	}
}

func TestTheNextOutageIsLoggedAgainAndEachComponentOnItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for range 2 {
		for _, component := range []string{"database", "statements"} {
			tries := 0
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = w.watch.Retry(t.Context(), component, func(context.Context) error {
					if tries++; tries < 3 {
						return port.ErrUnavailable
					}
					return nil
				})
			}()
			w.advance(t, 1, done)
		}
	}
	if n := len(w.log.Find(down)); n != 4 {
		t.Fatalf("told %d times, want twice for each component", n)
	}
}

func TestWhatIsDownIsListedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for _, component := range []string{"database", "statements"} {
		go func() {
			ended <- w.watch.Retry(ctx, component, func(context.Context) error { return port.ErrUnavailable })
		}()
	}
	if err := w.clock.AwaitTimers(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if components := slices.Sorted(slices.Values(w.watch.Down())); !slices.Equal(components, []string{"database", "statements"}) {
		t.Fatalf("down: %v", components)
	}
	cancel()
	for range 2 {
		if err := <-ended; !errors.Is(err, port.ErrUnavailable) {
			t.Fatalf("ended with %v, want what it was waiting for", err)
		}
	}
}

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		again  bool
		outage bool
	}{
		"unavailable":    {port.ErrUnavailable, true, true},
		"commit unknown": {port.ErrCommitUnknown, true, true},
		"lost a race":    {port.ErrConflict, true, false},
		"invalid":        {port.ErrInvalid, false, false},
		"not found":      {port.ErrNotFound, false, false},
		"content":        {port.ErrContent, false, false},
		"something else": {errors.New("no right"), false, false},
		"the end":        {context.Canceled, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			tries := 0
			var err error
			done := make(chan struct{})
			go func() {
				defer close(done)
				err = w.watch.Retry(t.Context(), "component", func(context.Context) error {
					if tries++; tries == 1 {
						return fmt.Errorf("do: %w", c.err)
					}
					return nil
				})
			}()
			w.advance(t, 1, done)
			if again := tries == 2 && err == nil; again != c.again {
				t.Errorf("after %d tries: %v", tries, err)
			}
			if !c.again && !errors.Is(err, c.err) {
				t.Errorf("the error is %v", err)
			}
			if told := len(w.log.Find(down)) == 1; told != c.outage {
				t.Errorf("told as an outage: %v", told)
			}
		})
	}
}

// paced is a clock that notes the pauses asked for and lets them pass at once.
type paced struct {
	*memory.Clock
	pauses []time.Duration
}

func (c *paced) After(d time.Duration) <-chan time.Time {
	c.pauses = append(c.pauses, d)
	c.Advance(d)
	return c.Clock.After(0)
}

func TestThePausesGrowToFiveSecondsAndStayWithinHalfOfThat(t *testing.T) {
	t.Parallel()
	clock := &paced{Clock: newWorld().clock}
	tries := 0
	err := outage.New(clock, &memory.Log{}).Retry(t.Context(), "component", func(context.Context) error {
		if tries++; tries <= 9 {
			return port.ErrUnavailable
		}
		return nil
	})
	ms := time.Millisecond
	bounds := []time.Duration{200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 5000 * ms, 5000 * ms, 5000 * ms, 5000 * ms}
	if err != nil || len(clock.pauses) != len(bounds) {
		t.Fatalf("the pauses are %v: %v", clock.pauses, err)
	}
	for i, bound := range bounds {
		if clock.pauses[i] < bound/2 || clock.pauses[i] > bound {
			t.Errorf("pause %d is %s, want %s to %s", i, clock.pauses[i], bound/2, bound)
		}
	}
}

// Ten thousand deliveries wait for one database; if all came back at once, they would knock it over again.
func TestManyWhoFailedTogetherComeBackSpreadOverThePause(t *testing.T) {
	t.Parallel()
	clock := &paced{Clock: newWorld().clock}
	watch := outage.New(clock, &memory.Log{})
	const callers = 1000
	for range callers {
		tries := 0
		err := watch.Retry(t.Context(), "component", func(context.Context) error {
			if tries++; tries == 1 {
				return port.ErrUnavailable
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	const bound, slots = 200 * time.Millisecond, 10
	var spread [slots]int
	for _, pause := range clock.pauses {
		if pause < bound/2 || pause > bound {
			t.Fatalf("a pause is %s, want %s to %s", pause, bound/2, bound)
		}
		spread[min(int((pause-bound/2)*slots/(bound/2)), slots-1)]++
	}
	for slot, n := range spread {
		if n < callers/slots/2 || n > callers/slots*2 {
			t.Errorf("%d of %d come back in slot %d of %d: %v", n, callers, slot, slots, spread)
		}
	}
}

func TestASecondCauseIsLoggedWhileThePartIsDown(t *testing.T) {
	t.Parallel()
	clock := &paced{Clock: newWorld().clock}
	log := &memory.Log{}
	tries := 0
	err := outage.New(clock, log).Retry(t.Context(), "component", func(context.Context) error {
		switch tries++; {
		case tries > 100: // some 490 seconds
			return nil
		case tries%2 == 0:
			return fmt.Errorf("no right: %w", port.ErrUnavailable)
		default:
			return fmt.Errorf("connection refused: %w", port.ErrUnavailable)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := log.Find("a component is still down")
	if len(lines) == 0 || !strings.HasPrefix(fmt.Sprint(lines[0].Field("error")), "no right") {
		t.Fatalf("the second cause is not logged: %v", lines)
	}
	failed, passed := 1, time.Duration(0)
	for _, pause := range clock.pauses {
		passed += pause
	}
	if most := int(passed/time.Minute) + 1; len(lines) > most {
		t.Errorf("%d lines in %s, want at most %d", len(lines), passed, most)
	}
	for _, line := range lines {
		n, _ := line.Field("failures").(int)
		failed += n
	}
	if failed < 80 || failed > 100 {
		t.Errorf("the lines count %d failures of 100", failed)
	}
}

func TestAnOutageThatLastsIsLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	clock, log := &paced{Clock: newWorld().clock}, &memory.Log{}
	began := clock.Now()
	err := outage.New(clock, log).Retry(t.Context(), "database", func(context.Context) error {
		if clock.Now().Sub(began) < 10*time.Minute+30*time.Second {
			return fmt.Errorf("connection refused: %w", port.ErrUnavailable)
		}
		return nil
	})
	lines := log.Find("a component is still down")
	if err != nil || len(lines) < 9 || len(lines) > 10 {
		t.Fatalf("%d lines in ten and a half minutes: %v", len(lines), err)
	}
	if lasted, _ := lines[4].Field("for").(time.Duration); lasted < 5*time.Minute || lasted > 6*time.Minute {
		t.Errorf("the fifth line says that it lasts %s", lasted)
	}
}

func TestAnEndedContextIsNoOutage(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ctx, cancel := context.WithCancel(t.Context())
	err := w.watch.Retry(ctx, "component", func(context.Context) error {
		cancel()
		return port.ErrUnavailable
	})
	if !errors.Is(err, port.ErrUnavailable) || len(w.log.Lines()) != 0 {
		t.Fatalf("%v, told %v", err, w.log.Lines())
	}
}
