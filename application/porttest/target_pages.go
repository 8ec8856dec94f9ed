package porttest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

// Targets runs the suite of port.Targets and port.TargetTx.
func Targets(t *testing.T, open OpenStorage) { Run(t, TargetsChecks(), open) }

// TargetsChecks are the promises of port.Targets and port.TargetTx.
func TargetsChecks() []Check[Storage] {
	return append([]Check[Storage]{
		onStage("saves every field and gives it back", targetsRoundTrip),
		onStage("keeps the zone of who has no quiet hours", targetsZone),
		onStage("saves every status", targetsStatuses),
		onStage("leaves the batch's column to the batch", targetsBatchColumn),
		onStage("pages in the order of availability and user id, each once", targetsPages),
		onStage("loses no bill of a user with two months at a page boundary", targetsTwoMonths),
		onStage("pages through candidates alone", targetsCandidates),
		onStage("leaves out what was deferred or paused", targetsLeavePage),
		onStage("hands over what the event needs", targetsCandidateContent),
		onStage("tells at each page what is suppressed", targetsSuppressed),
	}, targetLockChecks()...)
}

func targetsRoundTrip(s *stage) {
	zone, err := window.Zone("Asia/Seoul")
	s.must(err)
	source := bill(november, 1, noon)
	source.State.Quiet, err = window.NewForbidden(21*60, 8*60+30, zone)
	s.must(err)
	source.State.Deadline = noon.Add(77 * time.Hour)
	source.State.Wished = channel.SMS
	source.State.Reachable = channel.NewSet(channel.SMS, channel.Push)
	k := s.store(november, source)[0]
	s.render(november)

	want := source.State
	want.Key, want.Batch = k, billing.Rendered
	s.stateIs("as imported and rendered", s.state(k), want)

	want.Dispatch, want.Attempt, want.Round, want.Step = billing.Paused, 3, 29, 2
	want.Policy = policy.Ref{ID: 7, Version: 12}
	want.AvailableAt, want.RequestedAt = noon.Add(time.Hour), noon.Add(-time.Hour)
	want.RunID, want.Requeues = 1<<40, 2
	want.Pause, want.PendingEnd = billing.PauseRounds, billing.Expired
	want.LastRule, want.LastDecision, want.LastError = billing.RuleDue, "SMS step 2", "broker: \"no\" ack — 확인 없음\n"
	s.change(func(state *billing.State) { *state = want }, k)
	s.stateIs("every field set", s.state(k), want)

	want = billing.State{
		Key: k, Batch: billing.Rendered, Dispatch: billing.Ready, AvailableAt: noon,
		Quiet: want.Quiet, Deadline: want.Deadline, Wished: want.Wished, Reachable: want.Reachable,
	}
	s.change(func(state *billing.State) { *state = want }, k)
	s.stateIs("every field of dispatch taken back", s.state(k), want)
}

func targetsZone(s *stage) {
	york, err := window.Zone("America/New_York")
	s.must(err)
	first, second := bill(november, 1, noon), bill(november, 2, noon)
	first.State.Zone = york
	keys := s.store(november, first, second)
	for i, want := range []billing.State{first.State, second.State} {
		want.Key = keys[i]
		s.stateIs("without quiet hours", s.state(keys[i]), want)
	}
}

func targetsStatuses(s *stage) {
	keys := s.rendered(november, len(billing.Statuses))
	for i, k := range keys {
		s.change(func(state *billing.State) { state.Dispatch = billing.Statuses[i] }, k)
	}
	for i, k := range keys {
		if got := s.state(k).Dispatch; got != billing.Statuses[i] {
			s.Errorf("saved as %s, found as %s", billing.Statuses[i], got)
		}
	}
}

func targetsBatchColumn(s *stage) {
	k := s.rendered(november, 1)[0]
	s.change(func(state *billing.State) { state.Batch, state.Attempt = billing.RenderFailed, 1 }, k)
	if got := s.state(k); got.Batch != billing.Rendered || got.Attempt != 1 {
		s.Errorf("dispatch saved attempt 1: the batch's status is %s, the attempt %d", got.Batch, got.Attempt)
	}
}

// page locks one page in a transaction of its own and returns its keys and the cursor behind it.
func (s *stage) page(p port.Page) ([]key.Target, port.Cursor) {
	s.Helper()
	var keys []key.Target
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		candidates, err := tx.LockPage(ctx, p)
		for _, c := range candidates {
			keys = append(keys, c.Target.Key())
			p.After = port.Cursor{AvailableAt: c.Target.State().AvailableAt, UserID: c.Target.Key().UserID}
		}
		return err
	}))
	return keys, p.After
}

func targetsPages(s *stage) {
	keys := s.rendered(november, 10)
	// The second half comes first, by a microsecond; within each half all are available at once.
	s.change(func(state *billing.State) { state.AvailableAt = noon.Add(-time.Microsecond) }, keys[5:]...)
	want := slices.Concat(keys[5:], keys[:5])
	p := port.Page{Month: november, PassNow: noon, Limit: 3}
	var got []key.Target
	for _, size := range []int{3, 3, 3, 1} {
		page, after := s.page(p)
		if len(page) != size {
			s.Fatalf("a page of %d, want %d, behind %v", len(page), size, p.After)
		}
		got, p.After = append(got, page...), after
	}
	keysAre(s, "all pages", got, want...)
	if page, _ := s.page(p); len(page) != 0 {
		s.Errorf("behind the last one: %v", page)
	}
}

func targetsTwoMonths(s *stage) {
	want := map[key.Month][]key.Target{november: s.rendered(november, 5), december: s.rendered(december, 5)}
	got := map[key.Month][]key.Target{}
	after := map[key.Month]port.Cursor{}
	for range 3 {
		for _, month := range []key.Month{november, december} {
			page, cursor := s.page(port.Page{Month: month, PassNow: noon, After: after[month], Limit: 2})
			got[month], after[month] = append(got[month], page...), cursor
			for _, k := range page {
				s.change(func(state *billing.State) { state.Dispatch = billing.Requested }, k)
			}
		}
	}
	for month := range want {
		keysAre(s, "paged in "+month.String(), got[month], want[month]...)
	}
}

func targetsCandidates(s *stage) {
	keys := s.rendered(november, len(billing.Statuses)+1)
	var want []key.Target
	for i, status := range billing.Statuses {
		s.change(func(state *billing.State) { state.Dispatch = status }, keys[i])
		if status == billing.Ready || status == billing.Failed {
			want = append(want, keys[i])
		}
	}
	s.change(func(state *billing.State) { state.AvailableAt = noon.Add(time.Microsecond) }, keys[len(keys)-1])
	s.store(november, bill(november, 90, noon.Add(-time.Hour))) // imported, not rendered
	s.rendered(december, 1)
	page, _ := s.page(port.Page{Month: november, PassNow: noon, Limit: 100})
	keysAre(s, "candidates", page, want...)
}

func targetsLeavePage(s *stage) {
	keys := s.rendered(november, 4)
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		candidates, err := tx.LockPage(ctx, port.Page{Month: november, PassNow: noon, Limit: 3})
		if err != nil || len(candidates) != 3 {
			s.Errorf("a page of %d (%v), want 3", len(candidates), err)
			return err
		}
		deferred, paused := candidates[0].Target, candidates[1].Target
		deferred.Defer(billing.Decision{Rule: billing.RuleNotYet, Until: noon.Add(time.Hour)})
		if err := paused.PauseFor(billing.PauseOperator); err != nil {
			return err
		}
		return tx.Save(ctx, []billing.Target{paused, deferred})
	}))
	page, _ := s.page(port.Page{Month: november, PassNow: noon, Limit: 10})
	keysAre(s, "what is left", page, keys[2], keys[3])
	page, _ = s.page(port.Page{Month: november, PassNow: noon.Add(time.Hour), Limit: 10})
	keysAre(s, "once the deferral is over", page, keys[2], keys[3], keys[0])
}

func targetsCandidateContent(s *stage) {
	keys := s.rendered(november, 2)
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		candidates, err := tx.LockPage(ctx, port.Page{Month: november, PassNow: noon, Limit: 10})
		for i, c := range candidates {
			if got, want := string(c.Statement), string(statementOf(keys[i])); got != want {
				s.Errorf("the statement is %q, want %q", got, want)
			}
			if len(c.Destinations) != 2 {
				s.Errorf("%d destinations, want 2", len(c.Destinations))
			}
			for _, d := range c.Destinations {
				want := "sealed|destination|" + keys[i].String() + "|" + string(d.Channel) + "|"
				if !strings.HasPrefix(string(d.Sealed), want) {
					s.Errorf("the destination is %q, want %q…", d.Sealed, want)
				}
			}
		}
		return err
	}))
}

func targetsSuppressed(s *stage) {
	keys := s.rendered(november, 2)
	contact := []port.Contact{{UserID: keys[0].UserID, Channel: channel.SMS}}
	expect := func(what string, suppressed, optedOut channel.Set) {
		s.Helper()
		s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
			candidates, err := tx.LockPage(ctx, port.Page{Month: november, PassNow: noon, Limit: 10})
			for i, c := range candidates {
				got, want := c.Target.State(), billing.State{}
				if i == 0 {
					want.Suppressed, want.OptedOut = suppressed, optedOut
				}
				if got.Suppressed != want.Suppressed || got.OptedOut != want.OptedOut {
					s.Errorf("%s: %s has %v suppressed and has opted out of advertising on %v", what, keys[i], got.Suppressed.Kinds(), got.OptedOut.Kinds())
				}
			}
			return err
		}))
	}
	expect("nothing on the list", 0, 0)
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAll, contact, asked))
	expect("one on the list", channel.NewSet(channel.SMS), 0)
	s.must(s.Suppressions.Suppress(s.ctx, policy.ScopeAdvertising, []port.Contact{{UserID: keys[0].UserID, Channel: channel.Push}}, asked))
	expect("two on the list", channel.NewSet(channel.SMS), channel.NewSet(channel.Push))
	s.must(s.Suppressions.Lift(s.ctx, contact, asked))
	expect("lifted", 0, channel.NewSet(channel.Push))
}
