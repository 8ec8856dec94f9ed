package porttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Suppressions runs the suite of port.Suppressions.
func Suppressions(t *testing.T, open OpenStorage) { Run(t, SuppressionsChecks(), open) }

// SuppressionsChecks are the promises of port.Suppressions.
func SuppressionsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("tells which contacts must not be made, by customer and channel", suppressionsListed),
		onStage("tells an opt-out of advertising from a bill's", suppressionsScope),
		onStage("suppresses and lifts safely again", suppressionsAgain),
		onStage("answers for many contacts at once", suppressionsMany),
		onStage("lists the entries that a filter chooses, page by page", suppressionsList),
		onStage("tells a customer's entries with their reasons, and counts the list", suppressionsOf),
	}
}

// asked is a customer's own wish.
var asked = port.Act{Actor: "kim", Reason: "asked for it", At: noon}

func (s *stage) suppressed(contacts ...port.Contact) map[port.Contact]bool {
	s.Helper()
	listed := map[port.Contact]bool{}
	for _, use := range given(s.Suppressions.Suppressed(s.ctx, usesOf(policy.Transactional, contacts)))(s) {
		listed[use.Contact] = true
	}
	return listed
}

func usesOf(class policy.MessageClass, contacts []port.Contact) []port.Use {
	var uses []port.Use
	for _, c := range contacts {
		uses = append(uses, port.Use{Contact: c, Class: class})
	}
	return uses
}

// An opt-out of advertising costs a bill nothing, and does not narrow what is on the list already.
func suppressionsScope(s *stage) {
	ads, all, widened, kept := port.Contact{UserID: 1, Channel: channel.SMS}, port.Contact{UserID: 2, Channel: channel.SMS}, port.Contact{UserID: 3, Channel: channel.Email}, port.Contact{UserID: 4, Channel: channel.Email}
	list := []port.Contact{ads, all, widened, kept}
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAdvertising, []port.Contact{ads, widened}, asked))
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAll, []port.Contact{all, kept, widened}, act))
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAdvertising, []port.Contact{kept}, asked))
	if listed := s.suppressed(list...); len(listed) != 3 || listed[ads] {
		s.Errorf("suppressed for a bill: %v", listed)
	}
	both := append(usesOf(policy.Advertising, list), usesOf(policy.Transactional, list)...)
	if listed := given(s.Suppressions.Suppressed(s.ctx, both))(s); len(listed) != 7 {
		s.Errorf("suppressed for advertising or bills: %v, want all but the bill of %v", listed, ads)
	}
	for c, want := range map[port.Contact]port.Suppression{
		ads:     {Scope: policy.ScopeAdvertising, Reason: asked.Reason},
		widened: {Scope: policy.ScopeAll, Reason: act.Reason},
		kept:    {Scope: policy.ScopeAll, Reason: act.Reason},
	} {
		if of := given(s.Suppressions.List(s.ctx, port.OfCustomer(c.UserID)))(s); len(of) != 1 || of[0].Scope != want.Scope || of[0].Reason != want.Reason {
			s.Errorf("%v has %+v, want %+v", c, of, want)
		}
	}
	for subject, want := range map[string][]port.Action{ads.Subject(): {port.ActionSuppressAds}, widened.Subject(): {port.ActionSuppressAds, port.ActionSuppress}, kept.Subject(): {port.ActionSuppress}} {
		var got []port.Action
		for _, entry := range given(s.Audit.About(s.ctx, []string{subject}))(s) {
			got = append(got, entry.Action)
		}
		if !slices.Equal(got, want) {
			s.Errorf("audited about %s: %q, want %q", subject, got, want)
		}
	}
	s.must(s.Suppressions.Lift(s.ctx, list, act))
	if listed := given(s.Suppressions.Suppressed(s.ctx, both))(s); len(listed) != 0 {
		s.Errorf("suppressed after lifting: %v", listed)
	}
}

func suppressionsListed(s *stage) {
	mail, text, other := port.Contact{UserID: 1, Channel: channel.Email}, port.Contact{UserID: 1, Channel: channel.SMS}, port.Contact{UserID: 2, Channel: channel.Email}
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAll, []port.Contact{mail, {UserID: 3, Channel: channel.Push}}, act))
	if listed := s.suppressed(other, mail, text); len(listed) != 1 || !listed[mail] {
		s.Errorf("suppressed: %v, want %v alone", listed, mail)
	}
	if listed := s.suppressed(); len(listed) != 0 {
		s.Errorf("suppressed of none: %v", listed)
	}
	s.must(s.Suppressions.Lift(s.ctx, []port.Contact{mail, text}, act))
	if listed := s.suppressed(mail, text, other); len(listed) != 0 {
		s.Errorf("suppressed after lifting: %v", listed)
	}
}

func suppressionsAgain(s *stage) {
	contact := port.Contact{UserID: 1, Channel: channel.SMS}
	for range 2 {
		s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAll, []port.Contact{contact}, asked))
		if !s.suppressed(contact)[contact] {
			s.Error("not suppressed")
		}
	}
	for range 2 {
		s.must(s.Suppressions.Lift(s.ctx, []port.Contact{contact}, act))
		if s.suppressed(contact)[contact] {
			s.Error("still suppressed after one lift")
		}
	}
}

func suppressionsMany(s *stage) {
	var all, odd []port.Contact
	for i := range 1000 {
		c := port.Contact{UserID: int64(i) + 1, Channel: channel.All[i%3]}
		all = append(all, c)
		if i%2 == 1 {
			odd = append(odd, c)
		}
	}
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAll, odd, act))
	listed := s.suppressed(all...)
	for i, c := range all {
		if listed[c] != (i%2 == 1) {
			s.Fatalf("%v is suppressed: %v", c, listed[c])
		}
	}
}

func suppressionsList(s *stage) {
	var all []port.Suppression
	for _, c := range []struct {
		scope policy.Scope
		port.Contact
	}{
		{policy.ScopeAdvertising, port.Contact{UserID: 7, Channel: channel.SMS}},
		{policy.ScopeAll, port.Contact{UserID: 7, Channel: channel.Email}},
		{policy.ScopeAll, port.Contact{UserID: 2, Channel: channel.Push}},
		{policy.ScopeAll, port.Contact{UserID: 11, Channel: channel.SMS}},
	} {
		s.must(s.Suppressions.Suppress(s.ctx, c.scope, []port.Contact{c.Contact}, asked))
		all = append(all, port.Suppression{Contact: c.Contact, Scope: c.scope})
	}
	slices.SortFunc(all, func(a, b port.Suppression) int { return a.Compare(b.Contact) })
	for name, filter := range map[string]port.SuppressionFilter{
		"all": {Limit: 9}, "a page": {Limit: 2}, "the next page": {Limit: 2, After: port.Contact{UserID: 7, Channel: channel.Email}}, "a customer's": {UserID: 7, Limit: 9},
		"a channel's": {Channel: channel.SMS, Limit: 9}, "a scope's": {Scope: policy.ScopeAdvertising, Limit: 9}, "behind the last": {After: all[3].Contact, Limit: 9},
		"several fields": {Channel: channel.SMS, Scope: policy.ScopeAll, Limit: 9},
	} {
		var want, got []string
		for _, entry := range all {
			if filter.Chooses(entry) && len(want) < filter.Limit {
				want = append(want, fmt.Sprint(entry.Contact, entry.Scope))
			}
		}
		for _, entry := range given(s.Suppressions.List(s.ctx, filter))(s) {
			got = append(got, fmt.Sprint(entry.Contact, entry.Scope))
		}
		if !slices.Equal(got, want) {
			s.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func suppressionsOf(s *stage) {
	before := normal(s.now())
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAll, []port.Contact{{UserID: 7, Channel: channel.SMS}, {UserID: 8, Channel: channel.Email}}, port.Act{Actor: "kim", Reason: "반송", At: noon}))
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAll, []port.Contact{{UserID: 7, Channel: channel.Email}, {UserID: 7, Channel: channel.SMS}}, asked))
	var got []string
	for _, e := range given(s.Suppressions.List(s.ctx, port.OfCustomer(7)))(s) {
		got = append(got, string(e.Channel)+" "+e.Reason)
		if e.UserID != 7 || normal(e.Since).Before(before) {
			s.Errorf("the entry is %+v", e)
		}
	}
	if want := []string{"EMAIL asked for it", "SMS 반송"}; !slices.Equal(got, want) {
		s.Errorf("customer 7 has %q, want %q", got, want)
	}
	if none := given(s.Suppressions.List(s.ctx, port.OfCustomer(9)))(s); len(none) != 0 {
		s.Errorf("customer 9 has %v", none)
	}
	if n := given(s.Suppressions.Count(s.ctx))(s); n != 3 {
		s.Errorf("the list has %d entries, want 3", n)
	}
}

// Months runs the suite of port.Months.
func Months(t *testing.T, open OpenStorage) { Run(t, MonthsChecks(), open) }

// MonthsChecks are the promises of port.Months. Each begins with two open months.
func MonthsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("lists the open months, oldest first", monthsList),
		onStage("opens a month twice without harm", monthsOpenAgain),
		onStage("closes a month, and importing does not open it", monthsClose),
		onStage("does not close what was never opened", monthsCloseUnknown),
		onStage("reopens a closed month", monthsReopen),
		onStage("makes room for the month's bills", monthsRoom),
		onStage("knows when dispatch of a month has started", monthsDispatchStarted),
		onStage("tells of every month whether it is open, and since when", monthsAll),
	}
}

func (s *stage) monthsAre(what string, want ...key.Month) {
	s.Helper()
	if got := given(s.Months.List(s.ctx))(s); !slices.Equal(got, want) {
		s.Errorf("open %s: %v, want %v", what, got, want)
	}
}

func monthsList(s *stage) {
	s.must(s.Months.Open(s.ctx, december+12))
	s.must(s.Months.Open(s.ctx, november-24))
	s.monthsAre("at first", november-24, november, december, december+12)
}

func monthsOpenAgain(s *stage) {
	s.rendered(november, 2)
	s.must(s.Months.Open(s.ctx, november))
	s.monthsAre("after opening again", november, december)
	if got := s.due(noon, 10); got != 2 {
		s.Errorf("%d bills are left after opening again, want 2", got)
	}
}

func monthsClose(s *stage) {
	for range 2 {
		s.must(s.Months.Close(s.ctx, november, "", act))
		s.monthsAre("after closing", december)
	}
	if err := s.Months.Open(s.ctx, november); !errors.Is(err, port.ErrInvalid) {
		s.Errorf("opening a closed month: %v, want ErrInvalid", err)
	}
	s.monthsAre("after the refusal", december)
}

func monthsCloseUnknown(s *stage) {
	if err := s.Months.Close(s.ctx, december+1, "", act); !errors.Is(err, port.ErrNotFound) {
		s.Errorf("closing a month that was never opened: %v, want ErrNotFound", err)
	}
	s.monthsAre("afterwards", november, december)
}

func monthsReopen(s *stage) {
	s.must(s.Months.Close(s.ctx, november, "", act))
	for range 2 {
		s.must(s.Months.Reopen(s.ctx, november, act))
		s.monthsAre("after reopening", november, december)
	}
	if all := given(s.Months.All(s.ctx))(s); !all[0].Open || !all[0].ClosedAt.IsZero() {
		s.Errorf("the reopened month is %+v", all[0])
	}
	s.must(s.Months.Open(s.ctx, november))
	if err := s.Months.Reopen(s.ctx, december+1, act); !errors.Is(err, port.ErrNotFound) {
		s.Errorf("reopening a month that was never opened: %v, want ErrNotFound", err)
	}
	s.must(s.Months.Close(s.ctx, november, "", act))
	s.must(s.Retention.Drop(s.ctx, november, act))
	if err := s.Months.Reopen(s.ctx, november, act); !errors.Is(err, port.ErrInvalid) {
		s.Errorf("reopening a month that was removed: %v, want ErrInvalid", err)
	}
	s.monthsAre("after the removal", december)
}

func monthsDispatchStarted(s *stage) {
	startedIs := func(when string, month key.Month, want bool) {
		s.Helper()
		if got := given(s.Months.DispatchStarted(s.ctx, month))(s); got != want {
			s.Errorf("%s, dispatch of %s has started: %v, want %v", when, month, got, want)
		}
	}
	startedIs("never opened", december+1, false)
	keys := s.rendered(november, 3)
	startedIs("rendered", november, false)
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		_, err := tx.Revoke(ctx, []attempt.Revocation{{Key: key.Delivery{Month: november, UserID: keys[0].UserID}, Reason: attempt.ReasonCancel, FinishedAt: noon}})
		return err
	}))
	startedIs("cancelled before", november, false)
	s.change(func(state *billing.State) { state.Dispatch, state.RequestedAt = billing.Requested, noon }, keys[1])
	startedIs("requested", november, true)
	startedIs("requested", december, false)
	s.change(func(state *billing.State) { state.Dispatch = billing.Ready }, keys[1])
	startedIs("put back", november, false)
	given(s.Ledger.Close(s.ctx, []attempt.Closing{{Key: key.Delivery{Month: november, UserID: keys[2].UserID}, State: attempt.NotSent, Reason: attempt.ReasonWindow, FinishedAt: noon}}))(s)
	startedIs("tried", november, true)
}

func monthsRoom(s *stage) {
	next := december + 1
	_, err := s.Imports.Store(s.ctx, next, []port.ImportedBill{bill(next, 0, noon)}, seal)
	if !errors.Is(err, port.ErrInvalid) {
		s.Errorf("importing into a month that was never opened: %v, want ErrInvalid", err)
	}
	s.must(s.Months.Open(s.ctx, next))
	s.rendered(next, 1)
}

func monthsAll(s *stage) {
	s.must(s.Months.Close(s.ctx, november, "", act))
	all := given(s.Months.All(s.ctx))(s)
	if len(all) != 2 || all[0].Month != november || all[1].Month != december {
		s.Fatalf("the months are %+v", all)
	}
	if n := all[0]; n.Open || n.OpenedAt.IsZero() || n.ClosedAt.Before(n.OpenedAt) {
		s.Errorf("the closed one is %+v", n)
	}
	if d := all[1]; !d.Open || d.OpenedAt.IsZero() || !d.ClosedAt.IsZero() {
		s.Errorf("the open one is %+v", d)
	}
	closed := all[0].ClosedAt
	s.must(s.Months.Close(s.ctx, november, "", act))
	if again := given(s.Months.All(s.ctx))(s)[0].ClosedAt; !again.Equal(closed) {
		s.Errorf("closing again moved the closing from %s to %s", closed, again)
	}
}

// Control runs the suite of port.Control.
func Control(t *testing.T, open OpenStorage) { Run(t, ControlChecks(), open) }

// ControlChecks are the promises of port.Control.
func ControlChecks() []Check[Storage] {
	return []Check[Storage]{onStage("halts and lifts, and tells who did it, why and since when, and no later one", controlHalt)}
}

func controlHalt(s *stage) {
	expect := func(want port.Halt) {
		s.Helper()
		got := given(s.Control.Halted(s.ctx))(s)
		got.Since = normal(got.Since)
		if got != want {
			s.Errorf("halted: %+v, want %+v", got, want)
		}
	}
	if got := given(s.Control.Halted(s.ctx))(s); got.On {
		s.Errorf("halted at first: %+v", got)
	}
	for _, halt := range []port.Halt{
		{On: true, Actor: "kim", Reason: "wrong amounts — 금액 오류", Since: noon},
		{Actor: "kim", Reason: "corrected", Since: noon.Add(1e9)},
	} {
		halt.Since = normal(halt.Since)
		s.must(s.Control.SetHalt(s.ctx, halt.On, port.Act{Actor: halt.Actor, Reason: halt.Reason, At: halt.Since}))
		expect(halt)
		s.must(s.Control.SetHalt(s.ctx, halt.On, port.Act{Actor: "lee", Reason: "the same again", At: halt.Since.Add(1e9)}))
		expect(halt)
	}
}
