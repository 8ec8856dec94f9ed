package porttest

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// StarterRig is a port.RunStarter whose runs last until they are ended.
type StarterRig struct {
	Starter port.RunStarter
	// End lets a run end with an exit code, and returns once that can be seen.
	End func(handle string, code int)
	// Orders returns what was started.
	Orders func() []port.RunOrder
	// ForgetsCodes is for a stand-in of a service that does not tell exit codes; RepeatsTokens for one that starts a run again.
	ForgetsCodes, RepeatsTokens bool
}

// RunStarter runs the suite of port.RunStarter.
func RunStarter(t *testing.T, open func(t testing.TB) StarterRig) { Run(t, RunStarterChecks(), open) }

// RunStarterChecks are the promises of port.RunStarter.
func RunStarterChecks() []Check[StarterRig] {
	return []Check[StarterRig]{
		{"starts what was ordered, and tells how it stands until it has ended", startsAndTells},
		{"starts nothing twice for one token, also at the same time", startsOnce},
		{"knows nothing of what it did not start", startsUnknown},
		{"starts nothing once the context has ended", startsCancelled},
	}
}

var ordered = port.RunOrder{Month: key.Month(2026*12 + 10), Linger: true, By: port.Act{Actor: "김 on-call", Reason: "the relay's; \"second\" $run"}}

func startsAndTells(t testing.TB, open func(t testing.TB) StarterRig) {
	rig := open(t)
	for code, order := range map[int]port.RunOrder{0: ordered, 7: {By: ordered.By}} {
		run, err := rig.Starter.Start(t.Context(), rand.Text(), order)
		if err != nil || run.Handle == "" || run.Status == port.StartEnded || run.ExitCode != -1 {
			t.Fatalf("started: %+v: %v", run, err)
		}
		if run, err = rig.Starter.Look(t.Context(), run.Handle); err != nil || run.Status == port.StartEnded || run.ExitCode != -1 {
			t.Errorf("before its end: %+v: %v", run, err)
		}
		rig.End(run.Handle, code)
		want := code
		if rig.ForgetsCodes {
			want = -1
		}
		if run, err = rig.Starter.Look(t.Context(), run.Handle); err != nil || run.Status != port.StartEnded || run.ExitCode != want {
			t.Errorf("after its end with %d: %+v: %v", code, run, err)
		}
	}
	got := rig.Orders()
	if len(got) != 2 || !slices.ContainsFunc(got, func(o port.RunOrder) bool { return sameOrder(o, ordered) }) || !slices.ContainsFunc(got, func(o port.RunOrder) bool { return sameOrder(o, port.RunOrder{By: ordered.By}) }) {
		t.Errorf("it started %+v", got)
	}
}

func sameOrder(a, b port.RunOrder) bool {
	return a.Month == b.Month && a.Linger == b.Linger && a.By.Actor == b.By.Actor && a.By.Reason == b.By.Reason && a.By.ApprovedBy == b.By.ApprovedBy
}

func startsOnce(t testing.TB, open func(t testing.TB) StarterRig) {
	rig := open(t)
	if rig.RepeatsTokens {
		t.Skip("the stand-in does not look at tokens")
	}
	token := rand.Text()
	handles := make([]string, 5)
	var all sync.WaitGroup
	for i := range handles {
		all.Go(func() {
			run, err := rig.Starter.Start(t.Context(), token, ordered)
			if err != nil {
				t.Error(err)
			}
			if run.Status == port.StartEnded {
				t.Errorf("while it runs: %+v", run)
			}
			handles[i] = run.Handle
		})
	}
	all.Wait()
	if different := slices.Compact(slices.Sorted(slices.Values(handles))); len(different) != 1 || len(rig.Orders()) != 1 {
		t.Errorf("one token started %q, %d runs", different, len(rig.Orders()))
	}
	rig.End(handles[0], 0)
	if run, err := rig.Starter.Start(t.Context(), token, ordered); err != nil || run.Handle != handles[0] || run.Status != port.StartEnded || len(rig.Orders()) != 1 {
		t.Errorf("after its end: %+v: %v", run, err)
	}
}

func startsUnknown(t testing.TB, open func(t testing.TB) StarterRig) {
	rig := open(t)
	for _, handle := range []string{rand.Text(), "../" + rand.Text(), ""} {
		if run, err := rig.Starter.Look(t.Context(), handle); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%q: %+v: %v", handle, run, err)
		}
	}
}

func startsCancelled(t testing.TB, open func(t testing.TB) StarterRig) {
	rig := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if run, err := rig.Starter.Start(ctx, rand.Text(), ordered); !errors.Is(err, context.Canceled) || len(rig.Orders()) != 0 {
		t.Errorf("%+v: %v", run, err)
	}
}

// RunSchedules runs the suite of port.RunSchedules.
func RunSchedules(t *testing.T, open func(t testing.TB) port.RunSchedules) {
	Run(t, RunSchedulesChecks(), open)
}

// RunSchedulesChecks are the promises of port.RunSchedules.
func RunSchedulesChecks() []Check[port.RunSchedules] {
	return []Check[port.RunSchedules]{
		{"keeps a schedule until it is removed, and lists them by name", schedulesKept},
		{"leaves the same schedule as it is, however long its note is, and refuses another of its name", schedulesAgain},
		{"makes a schedule again that was removed", schedulesMadeAgain},
	}
}

// schedule is one for a test, whose place others may share.
func schedule(prefix, name, expression string) port.RunSchedule {
	return port.RunSchedule{Name: prefix + name, Expression: expression, Zone: "Asia/Seoul", Note: "every open month: 김 on-call: the relay's second run"}
}

func mine(t testing.TB, s port.RunSchedules, prefix string) (list []port.RunSchedule) {
	t.Helper()
	all, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if strings.HasPrefix(one.Name, prefix) {
			list = append(list, one)
		}
	}
	return list
}

func schedulesKept(t testing.TB, open func(t testing.TB) port.RunSchedules) {
	s, prefix := open(t), rand.Text()[:8]+"-"
	later, sooner := schedule(prefix, "b", "at(2099-12-25T08:00:00)"), schedule(prefix, "a", "at(2099-12-24T08:00:00)")
	for _, one := range []port.RunSchedule{later, sooner} {
		if err := s.Create(t.Context(), one, ordered); err != nil {
			t.Fatal(err)
		}
	}
	if list := mine(t, s, prefix); !slices.Equal(list, []port.RunSchedule{sooner, later}) {
		t.Errorf("%+v", list)
	}
	if err := s.Remove(t.Context(), sooner.Name); err != nil {
		t.Fatal(err)
	}
	if list := mine(t, s, prefix); !slices.Equal(list, []port.RunSchedule{later}) {
		t.Errorf("after one was removed: %+v", list)
	}
	if err := s.Remove(t.Context(), sooner.Name); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
}

func schedulesAgain(t testing.TB, open func(t testing.TB) port.RunSchedules) {
	s, prefix := open(t), rand.Text()[:8]+"-"
	one, long := schedule(prefix, "a", "at(2099-12-25T08:00:00)"), schedule(prefix, "long", "at(2099-12-25T08:00:00)")
	long.Note = strings.Repeat("긴", 600)
	for _, same := range []port.RunSchedule{one, one, long, long} {
		if err := s.Create(t.Context(), same, ordered); err != nil {
			t.Fatal(err)
		}
	}
	other := schedule(prefix, "a", "at(2099-12-26T08:00:00)")
	if err := s.Create(t.Context(), other, ordered); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("another one of the name: %v", err)
	}
	if list := mine(t, s, prefix+"a"); !slices.Equal(list, []port.RunSchedule{one}) {
		t.Errorf("%+v", list)
	}
}

func schedulesMadeAgain(t testing.TB, open func(t testing.TB) port.RunSchedules) {
	s, prefix := open(t), rand.Text()[:8]+"-"
	one := schedule(prefix, "a", "at(2099-12-25T08:00:00)")
	if err := errors.Join(s.Create(t.Context(), one, ordered), s.Remove(t.Context(), one.Name), s.Create(t.Context(), one, ordered)); err != nil {
		t.Fatal(err)
	}
	if list := mine(t, s, prefix); !slices.Equal(list, []port.RunSchedule{one}) {
		t.Errorf("%+v", list)
	}
}
