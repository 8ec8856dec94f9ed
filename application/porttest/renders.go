package porttest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Renders runs the suite of port.Renders.
func Renders(t *testing.T, open OpenStorage) { Run(t, RendersChecks(), open) }

// RendersChecks are the promises of port.Renders.
func RendersChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("hands bills out in the order of their dispatch, each once", rendersOrder),
		onStage("hands out what rendering needs", rendersContent),
		onStage("finds one customer's bill, whatever its status", rendersFind),
		onStage("marks bills rendered, or failed with a reason", rendersMark),
		onStage("lets bills that could not be rendered wait for it again, in the order of their user ids", rendersAgain),
		onStage("does not mark a bill whose data were corrected meanwhile", rendersMarkOld),
		onStage("changes nothing that dispatch has written", rendersDispatchColumns),
		onStage("marks safely again", rendersMarkAgain),
	}
}

// chunk hands out the next chunk's targets and the cursor behind them.
func (s *stage) chunk(after port.Cursor, limit int) ([]key.Target, port.Cursor) {
	s.Helper()
	bills, cursor, err := s.Renders.Next(s.ctx, november, after, limit)
	s.must(err)
	keys := make([]key.Target, len(bills))
	for i, b := range bills {
		keys[i] = b.Target
	}
	return keys, cursor
}

// versionOf is the data version of a bill that waits to be rendered.
func (s *stage) versionOf(k key.Target) int32 {
	s.Helper()
	bills, _, err := s.Renders.Next(s.ctx, k.Month, port.Cursor{}, 1000)
	s.must(err)
	at := slices.IndexFunc(bills, func(b port.Bill) bool { return b.Target == k })
	if at < 0 {
		s.Fatalf("%s does not wait to be rendered", k)
	}
	return bills[at].Version
}

func rendersOrder(s *stage) {
	s.rendered(december, 1)
	var bills []port.ImportedBill
	for i := range 7 {
		at := noon
		if i%2 == 1 {
			at = noon.Add(-time.Microsecond)
		}
		bills = append(bills, bill(november, i, at))
	}
	keys := s.store(november, bills...)
	var early, late []key.Target
	for i, k := range keys {
		if i%2 == 1 {
			early = append(early, k)
		} else {
			late = append(late, k)
		}
	}
	slices.SortFunc(early, key.Target.Compare)
	slices.SortFunc(late, key.Target.Compare)
	var got []key.Target
	cursor := port.Cursor{}
	for _, size := range []int{3, 3, 1, 0} {
		var part []key.Target
		if part, cursor = s.chunk(cursor, 3); len(part) != size {
			s.Fatalf("a chunk of %d, want %d", len(part), size)
		}
		got = append(got, part...)
	}
	keysAre(s, "all chunks", got, slices.Concat(early, late)...)
}

func rendersContent(s *stage) {
	k := s.imported(november, 1)[0]
	bills, cursor, err := s.Renders.Next(s.ctx, november, port.Cursor{}, 10)
	s.must(err)
	want, _ := seal(bill(november, 0, noon).Data, port.Purpose{Kind: port.KindBillingData, Target: k})
	if len(bills) != 1 || bills[0].Target != k || string(bills[0].Data) != string(want) || bills[0].Reachable != bill(november, 0, noon).State.Reachable {
		s.Errorf("handed out %+v, want %s with %q", bills, k, want)
	}
	if !normal(cursor.AvailableAt).Equal(noon) || cursor.UserID != k.UserID {
		s.Errorf("the cursor is %+v", cursor)
	}
}

func rendersFind(s *stage) {
	keys := s.imported(november, 2)
	s.rendered(december, 1)
	given := bill(november, 1, noon)
	for range 2 { // waiting to be rendered, then rendered
		found, err := s.Renders.Find(s.ctx, november, given.Customer)
		s.must(err)
		want, _ := seal(given.Data, port.Purpose{Kind: port.KindBillingData, Target: keys[1]})
		if found.Target != keys[1] || string(found.Data) != string(want) || found.Reachable != given.State.Reachable || found.Version < 1 {
			s.Errorf("found %+v, want %s with %q", found, keys[1], want)
		}
		s.render(november)
	}
	for _, nobody := range []struct {
		month    key.Month
		customer string
	}{{november, "nobody"}, {december, given.Customer}, {december.Next(), given.Customer}} {
		if found, err := s.Renders.Find(s.ctx, nobody.month, nobody.customer); !errors.Is(err, port.ErrNotFound) {
			s.Errorf("found %+v of %s in %s (%v)", found, nobody.customer, nobody.month, err)
		}
	}
}

func rendersAgain(s *stage) {
	keys := s.imported(november, 4)
	version := s.versionOf(keys[0])
	s.must(second(s.Renders.Mark(s.ctx, []port.RenderedBill{
		{Target: keys[0], Version: version, Failed: "no name"},
		{Target: keys[1], Version: version, Statement: statementOf(keys[1])},
		{Target: keys[2], Version: version, Failed: "no name"},
		{Target: keys[3], Version: version, Failed: "no name"},
	}, 0, noon)))
	failed := []key.Target{keys[0], keys[2], keys[3]}
	slices.SortFunc(failed, key.Target.Compare)
	after := int64(0)
	for _, want := range []struct {
		last int64
		wait []key.Target
	}{{failed[1].UserID, failed[:2]}, {failed[2].UserID, failed}, {0, failed}} {
		after = given(s.Renders.Again(s.ctx, november, after, 2))(s)
		if after != want.last {
			s.Errorf("the last one has the user id %d, want %d", after, want.last)
		}
		waiting, _ := s.chunk(port.Cursor{}, 10)
		slices.SortFunc(waiting, key.Target.Compare)
		keysAre(s, "waiting again", waiting, want.wait...)
	}
	if got := s.state(keys[1]).Batch; got != billing.Rendered {
		s.Errorf("the rendered one is %s", got)
	}
	if last := given(s.Renders.Again(s.ctx, december.Next(), 0, 2))(s); last != 0 {
		s.Errorf("a month that is not there: %d", last)
	}
}

func rendersMark(s *stage) {
	keys := s.imported(november, 3)
	version := s.versionOf(keys[0])
	marked := given(s.Renders.Mark(s.ctx, []port.RenderedBill{
		{Target: keys[1], Version: version, Failed: "the name is missing"},
		{Target: keys[0], Version: version, Statement: statementOf(keys[0])},
		{Target: key.Target{Month: november, UserID: 1 << 40}, Version: version, Statement: []byte("nobody's")},
	}, 1, noon))(s)
	if marked != 2 {
		s.Errorf("marked %d, want 2", marked)
	}
	for i, want := range []billing.BatchStatus{billing.Rendered, billing.RenderFailed, billing.Imported} {
		if got := s.state(keys[i]).Batch; got != want {
			s.Errorf("bill %d is %s, want %s", i, got, want)
		}
	}
	left, _ := s.chunk(port.Cursor{}, 10)
	keysAre(s, "left to render", left, keys[2])
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		candidates, err := tx.LockPage(ctx, port.Page{Month: november, PassNow: noon, Limit: 10})
		if len(candidates) != 1 || string(candidates[0].Statement) != string(statementOf(keys[0])) {
			s.Errorf("candidates %+v, want the rendered one alone", candidates)
		}
		return err
	}))
	if none := given(s.Renders.Mark(s.ctx, nil, 1, noon))(s); none != 0 {
		s.Errorf("marked %d of none", none)
	}
}

func rendersMarkOld(s *stage) {
	keys := s.imported(november, 3)
	corrected := keys[1]
	old := s.versionOf(corrected)
	s.must(s.correct(bill(november, 1, noon), takeCorrection))
	var page []port.RenderedBill
	for _, k := range keys {
		page = append(page, port.RenderedBill{Target: k, Version: old, Statement: statementOf(k)})
	}
	marked := given(s.Renders.Mark(s.ctx, page, 1, noon))(s)
	if got := s.state(corrected).Batch; marked != 2 || got != billing.Imported {
		s.Errorf("marked %d, want 2; the old rendering left its bill %s", marked, got)
	}
	for _, k := range []key.Target{keys[0], keys[2]} {
		if got := s.state(k).Batch; got != billing.Rendered {
			s.Errorf("a bill beside it is %s", got)
		}
	}
	if s.versionOf(corrected) <= old {
		s.Errorf("the version is %d after %d", s.versionOf(corrected), old)
	}
	s.render(november)
}

func rendersDispatchColumns(s *stage) {
	keys := s.imported(november, 2)
	s.change(func(state *billing.State) {
		state.Dispatch, state.Pause, state.Attempt, state.Round = billing.Paused, billing.PauseOperator, 2, 3
	}, keys...)
	want := s.state(keys[0])
	want.Batch = billing.Rendered
	s.render(november)
	s.stateIs("after the rendering", s.state(keys[0]), want)
}

func rendersMarkAgain(s *stage) {
	k := s.imported(november, 1)[0]
	mark := []port.RenderedBill{{Target: k, Version: s.versionOf(k), Statement: statementOf(k)}}
	for range 2 {
		s.must(second(s.Renders.Mark(s.ctx, mark, 1, noon)))
		if got := s.state(k).Batch; got != billing.Rendered {
			s.Errorf("the bill is %s", got)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// correct corrects a bill.
func (s *stage) correct(b port.ImportedBill, decide port.CorrectionDecision) error {
	return s.Corrections.Correct(s.ctx, b, seal, decide, act)
}

// takeCorrection revokes the current key and takes the next round.
func takeCorrection(target *billing.Target, _ *attempt.Row, revoke func(attempt.Revocation) (bool, error)) error {
	revoked, err := revoke(attempt.Revocation{Key: target.Delivery(), Reason: attempt.ReasonCorrect, FinishedAt: noon})
	if err == nil && !revoked {
		err = errNotRevoked
	}
	if err == nil {
		err = target.Correct(target.State(), noon)
	}
	return err
}
