package porttest

import (
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
)

// Budgets runs the suite of port.Budgets.
func Budgets(t *testing.T, open OpenStorage) { Run(t, BudgetsChecks(), open) }

// BudgetsChecks are the promises of port.Budgets.
func BudgetsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("reserves each instant once, one after another", budgetsInOrder),
		onStage("reserves each instant once for callers at the same time", budgetsAtOnce),
		onStage("reserves nothing that has passed", budgetsPassed),
		onStage("reserves nothing earlier than is asked for", budgetsAfter),
		onStage("keeps providers apart", budgetsApart),
		onStage("takes the limit of who reserves", budgetsLimit),
		onStage("lowers a rate once in its reaction time, and lets it grow back", budgetsSlow),
		onStage("lowers a rate once for callers at the same time", budgetsSlowAtOnce),
		onStage("refuses what is no reservation", budgetsRefuse),
	}
}

// slack is how late a reservation may be counted by the process's clock, in checks whose instants are seconds apart.
const slack = 500 * time.Millisecond

// reserve reserves calls of provider sms.
func (s *stage) reserve(limit float64, calls int) port.Reservation {
	s.Helper()
	r := given(s.Budgets.Reserve(s.ctx, "sms", limit, calls, 0))(s)
	if apart := time.Duration(float64(time.Second) / (limit * port.BudgetUsed(limit))); r.Calls != calls || r.Apart < apart-apart/1000 {
		s.Errorf("%d calls at %v a second: %d, %s apart", calls, limit, r.Calls, r.Apart)
	}
	return r
}

// follows checks that a reservation begins where another ends.
func (s *stage) follows(before, after port.Reservation) {
	s.Helper()
	if late := after.First.Sub(before.First) - time.Duration(before.Calls)*before.Apart; late.Abs() > slack {
		s.Errorf("%d calls %s apart from %s on, then from %s on: %s apart from the end", before.Calls, before.Apart, before.First, after.First, late)
	}
}

func budgetsInOrder(s *stage) {
	first, second, third := s.reserve(1, 2), s.reserve(1, 1), s.reserve(1, 3)
	s.follows(first, second)
	s.follows(second, third)
	all := given(s.Budgets.All(s.ctx))(s)
	if len(all) != 1 || all[0] != (port.Budget{Provider: "sms", Limit: 1, Rate: 1}) {
		s.Errorf("the budgets are %+v", all)
	}
}

func budgetsAtOnce(s *stage) {
	const callers = 6
	all := make([]port.Reservation, callers)
	var together sync.WaitGroup
	for i := range callers {
		together.Go(func() {
			var err error
			if all[i], err = s.Budgets.Reserve(s.ctx, "sms", 1, 2, 0); err != nil {
				s.Error(err)
			}
		})
	}
	together.Wait()
	slices.SortFunc(all, func(a, b port.Reservation) int { return a.First.Compare(b.First) })
	for i := range all[1:] {
		s.follows(all[i], all[i+1])
	}
}

func budgetsPassed(s *stage) {
	const idle = 100 * time.Millisecond
	first := s.reserve(1000, 10)
	s.Elapse(s, idle)
	if second := s.reserve(1000, 10); second.First.Sub(first.First) < idle {
		s.Errorf("after %s without a call it reserves from %s after the first one on", idle, second.First.Sub(first.First))
	}
}

func budgetsAfter(s *stage) {
	const after = 5 * time.Second
	first := given(s.Budgets.Reserve(s.ctx, "smtp", 1000, 1, 0))(s)
	second := given(s.Budgets.Reserve(s.ctx, "smtp", 1000, 1, after))(s)
	if late := second.First.Sub(first.First) - after; late.Abs() > slack {
		s.Errorf("not before %s from now: %s later than the first one", after, second.First.Sub(first.First))
	}
	s.follows(second, given(s.Budgets.Reserve(s.ctx, "smtp", 1000, 1, after/2))(s))
	first = given(s.Budgets.Reserve(s.ctx, "sms", 1000, 1, after))(s)
	if ahead := first.First.Sub(second.First); ahead.Abs() > slack {
		s.Errorf("a provider's first call is %s from another's", ahead)
	}
}

func budgetsApart(s *stage) {
	s.reserve(0.01, 1)
	before := given(s.Budgets.Reserve(s.ctx, "smtp", 2, 1, 0))(s)
	s.follows(before, given(s.Budgets.Reserve(s.ctx, "smtp", 2, 1, 0))(s))
	if all := given(s.Budgets.All(s.ctx))(s); len(all) != 2 || all[0].Provider != "sms" || all[1].Provider != "smtp" || all[1].Limit != 2 {
		s.Errorf("the budgets are %+v", all)
	}
}

func budgetsLimit(s *stage) {
	first := s.reserve(1, 1)
	second := s.reserve(0.1, 1)
	s.follows(first, second)
	s.follows(second, s.reserve(4, 1))
	if all := given(s.Budgets.All(s.ctx))(s); len(all) != 1 || all[0].Limit != 4 {
		s.Errorf("the budgets are %+v", all)
	}
}

func budgetsSlow(s *stage) {
	if rate, slowed, err := s.Budgets.Slow(s.ctx, "sms"); err != nil || slowed {
		s.Errorf("without a reservation: %v, %t, %v", rate, slowed, err)
	}
	s.reserve(100, 1)
	lower := func(want float64) {
		s.Helper()
		rate, slowed, err := s.Budgets.Slow(s.ctx, "sms")
		if err != nil || !slowed || math.Abs(rate-want) > 2 {
			s.Errorf("lowered: %v, %t, %v; want %v", rate, slowed, err, want)
		}
		if again, slowed, err := s.Budgets.Slow(s.ctx, "sms"); err != nil || slowed {
			s.Errorf("at once again: %v, %t, %v", again, slowed, err)
		}
		all := given(s.Budgets.All(s.ctx))(s)
		if len(all) != 1 || math.Abs(all[0].Rate-want) > 2 || all[0].Limit != 100 || all[0].SlowedAt.IsZero() {
			s.Errorf("the budgets are %+v, want a rate of %v", all, want)
		}
	}
	lower(100 * port.BudgetSlowed)
	if r := s.reserve(100, 1); r.Apart < 13*time.Millisecond {
		s.Errorf("calls are %s apart", r.Apart)
	}
	over := port.BudgetReaction + 50*time.Millisecond
	s.Elapse(s, over)
	grown := 100 * (port.BudgetSlowed + over.Seconds()*port.BudgetRegained)
	if all := given(s.Budgets.All(s.ctx))(s); len(all) != 1 || all[0].Rate < grown-0.5 {
		s.Errorf("the budgets are %+v, want a rate of %v", all, grown)
	}
	lower(grown * port.BudgetSlowed)
}

func budgetsSlowAtOnce(s *stage) {
	s.reserve(100, 1)
	var together sync.WaitGroup
	var mu sync.Mutex
	n := 0
	for range 6 {
		together.Go(func() {
			_, slowed, err := s.Budgets.Slow(s.ctx, "sms")
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				s.Error(err)
			}
			if slowed {
				n++
			}
		})
	}
	together.Wait()
	if n != 1 {
		s.Errorf("%d callers lowered the rate", n)
	}
}

func budgetsRefuse(s *stage) {
	for _, wrong := range []struct {
		provider string
		limit    float64
		calls    int
	}{{"", 1, 1}, {"sms", 0, 1}, {"sms", -1, 1}, {"sms", math.NaN(), 1}, {"sms", 1, 0}} {
		if _, err := s.Budgets.Reserve(s.ctx, wrong.provider, wrong.limit, wrong.calls, 0); !errors.Is(err, port.ErrInvalid) {
			s.Errorf("%+v: %v", wrong, err)
		}
	}
}
