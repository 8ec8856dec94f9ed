package permits

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsong/balsong/application/port"
)

// slowBudgets reserve calls at a rate, and need a while for that once their instants are decided.
type slowBudgets struct {
	port.Budgets

	takes func(reservation int) time.Duration
	asked int
	next  time.Time
}

// Reserve implements port.Budgets.
func (b *slowBudgets) Reserve(_ context.Context, _ string, limit float64, calls int, after time.Duration) (port.Reservation, error) {
	b.asked++
	first := later(b.next, time.Now().Add(after))
	r := port.Reservation{First: first, Apart: time.Duration(float64(time.Second) / limit), Calls: calls}
	b.next = first.Add(time.Duration(calls) * r.Apart)
	time.Sleep(b.takes(b.asked))
	return r, nil
}

// A database that needs long to commit loses the first calls that are reserved, and people are told how many; what is reserved from then on
// is far enough away.
func TestADatabaseHoweverSlowStarvesNobodyAndWhatItLosesIsReported(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{300 * time.Millisecond, 700 * time.Millisecond, 4 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var reports []Unused
			provider := settings(100)
			provider.Rate = 50
			p, err := New(Config{
				Provider: provider, Budgets: &slowBudgets{takes: func(int) time.Duration { return takes }},
				Unused: func(u Unused) { reports = append(reports, u) },
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			made := 0
			for {
				permit, err := p.Acquire(ctx)
				if err != nil {
					break
				}
				permit.Begin()
				permit.Release(port.Reply{Verdict: port.CallAccepted})
				made++
			}
			time.Sleep(takes) // the last statement ends
			if made < 10 {
				t.Errorf("a statement takes %s: %d calls in a minute", takes, made)
			}
			if len(reports) == 0 || reports[0].Calls == 0 || reports[0].Reservation != takes {
				t.Errorf("a statement takes %s: reported is %+v", takes, reports)
			}
		})
	}
}

// A single reservation that met a stall moves nothing away: everybody would lose what lies before it.
func TestASingleSlowReservationChangesNothing(t *testing.T) {
	t.Parallel()
	p := &pace{limit: 100}
	for range 5 {
		p.add(port.Reservation{}, 5*time.Millisecond)
	}
	p.add(port.Reservation{}, 4*time.Second)
	if after := p.after(); after != 5*time.Millisecond {
		t.Errorf("the next is reserved for %s from now", after)
	}
	if p.add(port.Reservation{}, 4*time.Second); p.after() != 4*time.Second {
		t.Errorf("after a second one the next is reserved for %s from now", p.after())
	}
}

// What is reserved at a time follows the present rate: by the limit a fleet would reserve minutes ahead while a provider throttles.
func TestAReservationIsAsLongAtALowRate(t *testing.T) {
	t.Parallel()
	p := &pace{limit: 1000}
	if n := p.need(noon, 1000); n != 1 {
		t.Errorf("before the rate is known %d calls are reserved", n)
	}
	for rate, want := range map[float64]int{1000: 60, 100: 6, 20: 1} {
		p := &pace{limit: 1000}
		p.add(port.Reservation{Apart: time.Duration(float64(time.Second) / rate)}, 10*time.Millisecond)
		if n := p.need(noon, 1000); n != want {
			t.Errorf("at %v a second %d calls are reserved, want %d", rate, n, want)
		}
	}
}

// A call that began too late leaves the next instant unused, once; an instant that is lost anyway will do, and after a second it makes no
// difference to any second.
func TestALateCallPaysWithOneInstantOfTheSecondAfterIt(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	lateCall := func() (*pace, time.Time) {
		p := &pace{limit: 100}
		p.add(port.Reservation{First: noon, Apart: 10 * ms, Calls: 1}, 0)
		permit, _ := p.give(noon)
		began := noon.Add(100 * ms)
		p.begin(permit, began)
		p.lead = 0
		return p, began
	}
	for name, shown := range map[string]struct {
		first        time.Duration // from the late call to the next two instants, 10 ms apart
		looked       time.Duration // from the late call
		left, unused int
	}{
		"it pays with the next":            {20 * ms, 0, 1, 0},
		"with what is lost anyway":         {20 * ms, 65 * ms, 1, 0},
		"not with what lies before it":     {-30 * ms, 0, 2, 0},
		"it does not pay a second later":   {1100 * ms, 1100 * ms, 2, 0},
		"what is lost later is reported":   {1100 * ms, 1145 * ms, 1, 1},
		"what is lost besides is reported": {20 * ms, 90 * ms, 0, 1},
	} {
		p, began := lateCall()
		p.add(port.Reservation{First: began.Add(shown.first), Apart: 10 * ms, Calls: 2}, 0)
		p.forget(began.Add(shown.looked))
		if len(p.ready) != shown.left || p.unused != shown.unused {
			t.Errorf("%s: %d are left, %d unused", name, len(p.ready), p.unused)
		}
	}
}
