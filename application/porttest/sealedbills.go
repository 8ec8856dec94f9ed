package porttest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// SealedBills runs the suite of port.SealedBills.
func SealedBills(t *testing.T, open OpenStorage) { Run(t, SealedBillsChecks(), open) }

// SealedBillsChecks are the promises of port.SealedBills.
func SealedBillsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("reads what is kept sealed about a bill", sealedBillsSealed),
		onStage("lists exactly those for whom nothing more happens by itself", sealedBillsUnreached),
		onStage("lists whom an accepted message for certain did not reach, as many as are counted", sealedBillsNotDelivered),
		onStage("pages through the month, each bill once", sealedBillsPages),
		onStage("tells the last try that had a channel", sealedBillsLast),
		onStage("tells which rows of a customer were refused and did not come in since", sealedBillsRefused),
	}
}

func sealedText(b port.SealedBill) string {
	text := fmt.Sprintf("data %s statement %s", b.Data, b.Statement)
	for _, d := range b.Destinations {
		text += fmt.Sprintf(" %s %s", d.Channel, d.Sealed)
	}
	return text
}

// sealedAs is the text of a bill as its sealing left it.
func sealedAs(b port.ImportedBill, k key.Target, statement string) string {
	sealed := func(kind string, on channel.Kind, plain string) string {
		out, _ := seal([]byte(plain), port.Purpose{Kind: kind, Target: k, Channel: on}) // it never fails
		return string(out)
	}
	text := fmt.Sprintf("data %s statement %s", sealed(port.KindBillingData, "", string(b.Data)), statement)
	for _, kind := range channel.All {
		if plain, ok := b.Destinations[kind]; ok {
			text += fmt.Sprintf(" %s %s", kind, sealed(port.KindDestination, kind, plain))
		}
	}
	return text
}

func sealedBillsSealed(s *stage) {
	one := bill(november, 0, noon)
	k := s.store(november, one)[0]
	if got, want := sealedText(given(s.SealedBills.Sealed(s.ctx, k))(s)), sealedAs(one, k, ""); got != want {
		s.Errorf("sealed are\n%s, want\n%s", got, want)
	}
	s.render(november)
	if got, want := sealedText(given(s.SealedBills.Sealed(s.ctx, k))(s)), sealedAs(one, k, string(statementOf(k))); got != want {
		s.Errorf("rendered, sealed are\n%s, want\n%s", got, want)
	}
	for _, other := range []key.Target{{Month: december, UserID: k.UserID}, {Month: november, UserID: k.UserID + 99}, {Month: december + 9, UserID: k.UserID}} {
		if _, err := s.SealedBills.Sealed(s.ctx, other); !errors.Is(err, port.ErrNotFound) {
			s.Errorf("%s: %v, want ErrNotFound", other, err)
		}
	}
}

// unreached reads the month page by page.
func (s *stage) unreached(limit int, onTheWay bool) (found []port.UnreachedBill) {
	s.Helper()
	after := int64(0)
	for {
		page := given(s.SealedBills.Unreached(s.ctx, november, after, limit, onTheWay))(s)
		if len(page) > limit {
			s.Fatalf("a page of %d has %d", limit, len(page))
		}
		if len(page) > 0 && page[0].Target.Key().UserID <= after {
			s.Fatalf("the page behind %d begins with %d", after, page[0].Target.Key().UserID)
		}
		found = append(found, page...)
		if len(page) < limit {
			return found
		}
		after = page[len(page)-1].Target.Key().UserID
	}
}

func unreachedKeys(bills []port.UnreachedBill) (keys []key.Target) {
	for _, b := range bills {
		keys = append(keys, b.Target.Key())
	}
	return keys
}

// sealedBillsUnreached compares every status, rendered and not to be rendered, with port.Ended.
func sealedBillsUnreached(s *stage) {
	keys := s.rendered(november, 2*len(billing.Statuses))
	var ended, open []key.Target
	for i, k := range keys {
		failed := i >= len(billing.Statuses)
		status := billing.Statuses[i%len(billing.Statuses)]
		if failed {
			k = s.store(november, bill(november, 100+i, noon))[0]
			if _, err := s.Renders.Mark(s.ctx, []port.RenderedBill{{Target: k, Version: s.versionOf(k), Failed: "no name"}}, 1, noon); err != nil {
				s.Fatal(err)
			}
		}
		s.change(func(state *billing.State) { state.Dispatch = status }, k)
		if !failed {
			s.change(func(state *billing.State) { state.Dispatch = billing.Succeeded }, keys[i+len(billing.Statuses)])
		}
		if status != billing.Succeeded {
			open = append(open, k)
			if port.Ended(s.state(k)) {
				ended = append(ended, k)
			}
		}
	}
	s.rendered(december, 3)
	slices.SortFunc(ended, key.Target.Compare)
	slices.SortFunc(open, key.Target.Compare)
	keysAre(s, "unreached", unreachedKeys(s.unreached(100, false)), ended...)
	all := s.unreached(100, true)
	keysAre(s, "unreached, with those on the way", unreachedKeys(all), open...)
	for _, u := range all {
		s.stateIs("the target", u.Target.State(), s.state(u.Target.Key()))
		if want := u.Target.State().Batch == billing.RenderFailed; want != (u.RenderError == "no name") {
			s.Errorf("%s: the render error is %q", u.Target.Key(), u.RenderError)
		}
	}
	if none := given(s.SealedBills.Unreached(s.ctx, december+9, 0, 10, true))(s); len(none) != 0 {
		s.Errorf("a month that was never opened has %v", none)
	}
}

// sealedBillsNotDelivered lists of reported SUCCEEDED bills those that ReportedBills.NotDelivered counts.
func sealedBillsNotDelivered(s *stage) {
	keys := s.reportedBills()
	want := []key.Target{keys[1], keys[2], keys[5]}
	keysAre(s, "not delivered", unreachedKeys(s.unreached(100, false)), keys[1], keys[2])
	for _, limit := range []int{1, 100} {
		keysAre(s, "not delivered, and on the way", unreachedKeys(s.unreached(limit, true)), want...)
	}
	if counted := given(s.Reports.Count(s.ctx, november))(s).Bills.NotDelivered; counted != 2 {
		s.Errorf("counted are %d", counted)
	}
}

func sealedBillsPages(s *stage) {
	keys := s.imported(november, 7)
	s.change(func(state *billing.State) { state.Dispatch = billing.Exhausted }, keys...)
	slices.SortFunc(keys, key.Target.Compare)
	for _, limit := range []int{1, 2, 3, 7, 8} {
		found := s.unreached(limit, false)
		keysAre(s, fmt.Sprintf("pages of %d", limit), unreachedKeys(found), keys...)
		for _, u := range found {
			target, _, err := s.Report.Find(s.ctx, november, u.Customer)
			s.must(err)
			if target.Key() != u.Target.Key() {
				s.Errorf("%s is said to be customer %s's", u.Target.Key(), u.Customer)
			}
			sealed := given(s.SealedBills.Sealed(s.ctx, target.Key()))(s)
			if sealedText(u.SealedBill) != sealedText(sealed) || len(u.Data) == 0 {
				s.Errorf("%s: sealed are\n%s, want\n%s", target.Key(), sealedText(u.SealedBill), sealedText(sealed))
			}
		}
	}
}

func sealedBillsLast(s *stage) {
	k := s.rendered(november, 1)[0]
	s.change(func(state *billing.State) { state.Dispatch = billing.Exhausted }, k)
	if u := s.unreached(10, false)[0]; u.Last.State != "" {
		s.Errorf("without a try the last is %+v", u.Last)
	}
	for n := range int16(3) {
		s.claimed(delivery(k, n, 0), token(1))
		refused := outcome(delivery(k, n, 0), token(1), attempt.Failed)
		refused.Detail = fmt.Sprint("no ", n)
		s.record(refused)
	}
	s.revoke(delivery(k, 3, 0))
	if u := s.unreached(10, false)[0]; normalRow(u.Last) != s.row(delivery(k, 2, 0)) {
		s.Errorf("the last is\n%+v, want\n%+v", normalRow(u.Last), s.row(delivery(k, 2, 0)))
	}
}

func sealedBillsRefused(s *stage) {
	who := customer(0)
	first := port.Reject{File: "a.csv", Line: 9, Field: "email", Reason: "is empty", Customer: who}
	second := port.Reject{File: "b.csv", Line: 3, Field: "", Reason: "has 3 fields, the header has 9", Customer: who}
	other := port.Reject{File: "a.csv", Line: 10, Field: "email", Reason: "is empty", Customer: customer(1)}
	nobody := port.Reject{File: "a.csv", Line: 11, Field: "customer_number", Reason: "is empty"}
	s.rejecting(november, []port.Reject{second, other, first, nobody})
	s.rejecting(december, []port.Reject{second})
	expect := func(month key.Month, who string, want ...port.Reject) {
		s.Helper()
		if got := given(s.SealedBills.Refused(s.ctx, month, who))(s); !slices.Equal(got, want) {
			s.Errorf("refused of %q are\n%+v, want\n%+v", who, got, want)
		}
	}
	expect(november, who, first, second)
	expect(december, who, second)
	expect(november, "")
	expect(november, customer(2))
	s.store(november, bill(november, 0, noon))
	expect(november, who)
	expect(december, who, second)
}
