package porttest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Copies runs the suite of port.Copies.
func Copies(t *testing.T, open OpenStorage) { Run(t, CopiesChecks(), open) }

// CopiesChecks are the promises of port.Copies.
func CopiesChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("stores a copy as a candidate of its own, and leaves the bill alone", copiesAdd),
		onStage("hands the bill and its copies to the decision, which may refuse", copiesDecide),
		onStage("makes one copy of two that are asked for at once", copiesTogether),
		onStage("refuses a copy of no bill, and of a month that is not open", copiesRefused),
		onStage("counts no copy as a bill", copiesCount),
		onStage("keeps back from a copy what is kept back from its customer", copiesSuppressed),
		onStage("lists copies with their customers and their ledger rows", copiesList),
		onStage("removes copies with their month", copiesDropped),
		onStage("stores no copy without its audit entry", copiesAudited),
	}
}

// anyCopy lets every copy be made.
func anyCopy(billing.Target, []billing.Target) error { return nil }

// newCopy is the n-th copy of a bill, by SMS.
func newCopy(bill billing.State, n int) port.NewCopy {
	target, _ := billing.Restore(bill)
	others := make([]billing.Target, n-1)
	state := target.Copy(others, channel.SMS, noon.Add(time.Minute)).State()
	return port.NewCopy{
		State: state, Data: []byte("data of " + state.Key.String()), Statement: statementOf(state.Key),
		Destination: port.Destination{Channel: channel.SMS, Sealed: []byte("number of " + state.Key.String())},
	}
}

// copied makes the n-th copy of a bill.
func (s *stage) copied(bill key.Target, n int) key.Target {
	s.Helper()
	c := newCopy(s.state(bill), n)
	s.must(s.Copies.Add(s.ctx, c, anyCopy, act))
	return c.State.Key
}

func copiesAdd(s *stage) {
	keys := s.rendered(november, 2)
	s.change(func(state *billing.State) { state.Dispatch = billing.Succeeded }, keys...)
	before := s.state(keys[0])
	first := s.copied(keys[0], 1)
	s.stateIs("the bill", s.state(keys[0]), before)
	got := s.state(first)
	s.stateIs("the copy", got, newCopy(before, 1).State)
	if first != keys[0].Copy(1) || got.Batch != billing.Rendered || got.Dispatch != billing.Ready {
		s.Errorf("the copy is %+v", got)
	}
	candidate := s.candidates(port.Page{Month: november, PassNow: noon.Add(time.Minute), Limit: 10})
	if len(candidate) != 1 || candidate[0].Target.Key() != first || string(candidate[0].Statement) != string(statementOf(first)) ||
		len(candidate[0].Destinations) != 1 || candidate[0].Destinations[0].Channel != channel.SMS || string(candidate[0].Destinations[0].Sealed) != "number of "+first.String() {
		s.Errorf("the candidates are %+v", candidate)
	}
	sealed := given(s.SealedBills.Sealed(s.ctx, first))(s)
	if string(sealed.Data) != "data of "+first.String() || string(sealed.Statement) != string(statementOf(first)) {
		s.Errorf("what is sealed is %q", sealed)
	}
	if origin, original := given(s.Report.Origin(s.ctx, first))(s), given(s.Report.Origin(s.ctx, keys[0]))(s); origin.File != "" || origin.Import.ID != 0 || !origin.RenderedAt.Equal(original.RenderedAt) {
		s.Errorf("the copy's origin is %+v", origin)
	}
	if target, _, err := s.Report.Find(s.ctx, november, customer(0)); err != nil || target.Key().CopyNumber() != 0 {
		s.Errorf("the customer's bill is %s: %v", target.Key(), err)
	}
	entries := given(s.Audit.About(s.ctx, []string{keys[0].String()}))(s)
	if len(entries) != 1 || entries[0].Action != port.ActionCopy.With("1, by SMS") || entries[0].By.Reason != act.Reason {
		s.Errorf("the audit has %+v", entries)
	}
}

// candidates returns a page of candidates.
func (s *stage) candidates(page port.Page) (candidates []port.Candidate) {
	s.Helper()
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) (err error) {
		candidates, err = tx.LockPage(ctx, page)
		return err
	}))
	return candidates
}

func copiesDecide(s *stage) {
	keys := s.rendered(november, 2)
	s.copied(keys[1], 1)
	var told []string
	decide := func(bill billing.Target, copies []billing.Target) error {
		told = append(told, bill.Key().String())
		for _, c := range copies {
			told = append(told, fmt.Sprint(c.Key(), " ", c.Status()))
		}
		return nil
	}
	for n := 1; n <= 2; n++ {
		s.must(s.Copies.Add(s.ctx, newCopy(s.state(keys[0]), n), decide, act))
	}
	if want := []string{keys[0].String(), keys[0].String(), keys[0].Copy(1).String() + " READY"}; fmt.Sprint(told) != fmt.Sprint(want) {
		s.Errorf("told %v, want %v", told, want)
	}
	no := errors.New("no")
	err := s.Copies.Add(s.ctx, newCopy(s.state(keys[0]), 3), func(billing.Target, []billing.Target) error { return no }, act)
	if !errors.Is(err, no) {
		s.Errorf("a refusal came back as %v", err)
	}
	if list := given(s.Copies.List(s.ctx, port.CopyFilter{Month: november, Limit: 10}))(s); len(list) != 3 {
		s.Errorf("%d copies are there", len(list))
	}
}

func copiesTogether(s *stage) {
	keys := s.rendered(november, 1)
	bill := s.state(keys[0])
	entered := make(chan struct{})
	second := make(chan error, 1)
	err := s.Copies.Add(s.ctx, newCopy(bill, 1), func(billing.Target, []billing.Target) error {
		go func() {
			close(entered)
			second <- s.Copies.Add(s.ctx, newCopy(bill, 1), func(_ billing.Target, copies []billing.Target) error {
				if len(copies) == 1 {
					return port.ErrConflict
				}
				return nil
			}, act)
		}()
		<-entered
		return nil
	}, act)
	s.must(err)
	if err := <-second; !errors.Is(err, port.ErrConflict) {
		s.Errorf("the second one: %v", err)
	}
	if err := s.Copies.Add(s.ctx, newCopy(bill, 1), anyCopy, act); !errors.Is(err, port.ErrConflict) {
		s.Errorf("with a number that is taken: %v", err)
	}
}

func copiesRefused(s *stage) {
	keys := s.rendered(november, 1)
	none := s.state(keys[0])
	none.Key.UserID += 100
	if err := s.Copies.Add(s.ctx, newCopy(none, 1), anyCopy, act); !errors.Is(err, port.ErrNotFound) {
		s.Errorf("of no bill: %v", err)
	}
	s.must(s.Months.Close(s.ctx, november, "", act))
	if err := s.Copies.Add(s.ctx, newCopy(s.state(keys[0]), 1), anyCopy, act); !errors.Is(err, port.ErrInvalid) {
		s.Errorf("in a closed month: %v", err)
	}
}

func copiesCount(s *stage) {
	keys := s.rendered(november, 3)
	s.change(func(state *billing.State) { state.Dispatch = billing.Succeeded }, keys...)
	before := given(s.Report.Funnel(s.ctx, november))(s)
	first := s.copied(keys[0], 1)
	s.change(func(state *billing.State) { state.Dispatch, state.Pause = billing.Paused, billing.PauseOperator }, first)
	s.copied(keys[0], 2)
	second := s.copied(keys[1], 1)
	s.change(func(state *billing.State) { state.Dispatch = billing.Exhausted }, second)
	after := given(s.Report.Funnel(s.ctx, november))(s)
	if want := (map[billing.Status]int{billing.Paused: 1, billing.Ready: 1, billing.Exhausted: 1}); fmt.Sprint(after.Copies) != fmt.Sprint(want) {
		s.Errorf("the copies are %v, want %v", after.Copies, want)
	}
	after.Copies = before.Copies
	if fmt.Sprint(after) != fmt.Sprint(before) || len(before.Copies) > 0 {
		s.Errorf("the bills were %+v and are %+v", before, after)
	}
	for _, onTheWay := range []bool{false, true} {
		if list := given(s.SealedBills.Unreached(s.ctx, november, 0, 10, onTheWay))(s); len(list) > 0 {
			s.Errorf("%d copies are listed as bills that reached nobody", len(list))
		}
	}
}

func copiesSuppressed(s *stage) {
	keys := s.rendered(november, 1)
	first := s.copied(keys[0], 1)
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAll, []port.Contact{{UserID: keys[0].UserID, Channel: channel.SMS}}, act))
	if state := s.state(first); !state.Suppressed.Has(channel.SMS) {
		s.Errorf("the copy of a suppressed customer is %+v", state)
	}
	for _, c := range s.candidates(port.Page{Month: november, PassNow: noon.Add(time.Hour), Limit: 10}) {
		if !c.Target.State().Suppressed.Has(channel.SMS) {
			s.Errorf("on a page it is %+v", c.Target.State())
		}
	}
}

func copiesList(s *stage) {
	keys := s.rendered(november, 2)
	s.copied(keys[0], 1)
	s.copied(keys[1], 1)
	s.copied(keys[0], 2)
	given(s.Ledger.Close(s.ctx, []attempt.Closing{{Key: delivery(keys[0].Copy(1), 0, 0), State: attempt.NotSent, Reason: attempt.ReasonWindow, FinishedAt: noon}}))(s)
	list := func(filter port.CopyFilter) (keys []key.Target) {
		filter.Month = november
		for _, c := range given(s.Copies.List(s.ctx, filter))(s) {
			k := c.Target.Key()
			keys = append(keys, k)
			rows := 0
			if k.CopyNumber() == 1 && k.Bill() == s.find(customer(0)) {
				rows = 1
			}
			if s.find(c.Customer) != k.Bill() || len(c.Rows) != rows || c.Channel() != channel.SMS {
				s.Errorf("%s is listed as %+v", k, c)
			}
		}
		return keys
	}
	all := []key.Target{keys[0].Copy(1), keys[1].Copy(1), keys[0].Copy(2)}
	keysAre(s, "all", list(port.CopyFilter{Limit: 10}), all...)
	keysAre(s, "the first two", list(port.CopyFilter{Limit: 2}), all[:2]...)
	keysAre(s, "those behind", list(port.CopyFilter{Limit: 2, After: all[1].UserID}), all[2])
	keysAre(s, "one customer's", list(port.CopyFilter{Limit: 10, UserID: keys[0].UserID}), all[0], all[2])
	if list, err := s.Copies.List(s.ctx, port.CopyFilter{Month: december + 1, Limit: 10}); err != nil || len(list) > 0 {
		s.Errorf("of a month that was never opened: %v, %v", list, err)
	}
}

// find returns the key of a customer's bill.
func (s *stage) find(customer string) key.Target {
	s.Helper()
	target, _, err := s.Report.Find(s.ctx, november, customer)
	s.must(err)
	return target.Key()
}

func copiesDropped(s *stage) {
	keys := s.rendered(november, 1)
	s.copied(keys[0], 1)
	s.must(s.Months.Close(s.ctx, november, "", act))
	s.must(s.Retention.Drop(s.ctx, november, act))
	list, err := s.Copies.List(s.ctx, port.CopyFilter{Month: november, Limit: 10})
	if errors.Is(err, port.ErrConflict) { // it has only now found the month gone
		list, err = s.Copies.List(s.ctx, port.CopyFilter{Month: november, Limit: 10})
	}
	if err != nil || len(list) > 0 {
		s.Errorf("left are %v: %v", list, err)
	}
}

func copiesAudited(s *stage) {
	keys := s.rendered(november, 1)
	c := newCopy(s.state(keys[0]), 1)
	allow := s.RefuseAudit(s.TB)
	err := s.Copies.Add(s.ctx, c, anyCopy, act)
	allow()
	if err == nil {
		s.Error("a copy was made that nobody can account for")
	}
	if list := given(s.Copies.List(s.ctx, port.CopyFilter{Month: november, Limit: 10}))(s); len(list) > 0 {
		s.Errorf("it is there: %+v", list)
	}
}
