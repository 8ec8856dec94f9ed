package porttest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/porttest"
)

func TestRecorderNotesFailuresWithoutFailingTheTestAround(t *testing.T) {
	t.Parallel()
	fatal := func(t testing.TB) { t.Fatal("odd: 1") }
	for name, fn := range map[string]func(t testing.TB){
		"error": func(t testing.TB) { t.Errorf("odd: %d", 1) },
		"fatal": func(t testing.TB) {
			fatal(t)
			panic("Fatal returned") // would be recorded as a line of its own
		},
		"panic": func(testing.TB) { panic("odd: 1") },
		"cleanup": func(t testing.TB) {
			t.Cleanup(func() { t.Error("odd: 1") })
		},
	} {
		r := porttest.Record(t, fn)
		if !r.Failed() || !strings.Contains(r.Lines(), "odd: 1") || strings.Contains(r.Lines(), "returned") {
			t.Errorf("%s: failed %v, lines %q", name, r.Failed(), r.Lines())
		}
	}
	if r := porttest.Record(t, func(t testing.TB) { t.Log("fine") }); r.Failed() || r.Lines() != "fine" {
		t.Errorf("a run without failures: failed %v, lines %q", r.Failed(), r.Lines())
	}
}

func TestRecorderCleansUpInReverseWithItsContextEnded(t *testing.T) {
	t.Parallel()
	var order []int
	porttest.Record(t, func(t testing.TB) {
		for i := range 3 {
			t.Cleanup(func() {
				if t.Context().Err() != nil {
					order = append(order, i)
				}
			})
		}
		t.FailNow()
	})
	if !slices.Equal(order, []int{2, 1, 0}) {
		t.Errorf("cleanups ran in the order %v", order)
	}
}

func TestRejectFailsForAPortThatPasses(t *testing.T) {
	t.Parallel()
	checks := []porttest.Check[int]{{Name: "is one", Run: func(t testing.TB, open func(testing.TB) int) {
		if open(t) != 1 {
			t.Error("not one")
		}
	}}}
	give := func(n int) func(testing.TB) int { return func(testing.TB) int { return n } }
	porttest.Reject(t, checks, give(2), "is one")
	for _, names := range [][]string{{"is one"}, {"unheard of"}, nil} {
		r := porttest.Record(t, func(t testing.TB) { porttest.Reject(t, checks, give(1), names...) })
		if !r.Failed() {
			t.Errorf("Reject(%v) accepts a port that passes", names)
		}
	}
}
