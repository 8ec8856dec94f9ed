package porttest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// PastImports runs the suite of port.PastImports.
func PastImports(t *testing.T, open OpenStorage) { Run(t, PastImportsChecks(), open) }

// PastImportsChecks are the promises of port.PastImports.
func PastImportsChecks() []Check[Storage] {
	return append(undoChecks(), []Check[Storage]{
		onStage("finds the very bills in other months", pastElsewhere),
		onStage("lists the month's customers, page by page", pastCustomers),
		onStage("takes an import back, page by page, and audits it once", pastUndo),
		onStage("takes nothing back of what went further, and says what it is", pastUndoRefused),
		onStage("takes nothing back that a run may have published", pastUndoPublished),
		onStage("leaves a bill to the import that corrected it", pastUndoCorrected),
		onStage("never lets a statement that was rendered before reach the bill that comes after", pastUndoRendered),
		onStage("takes nothing back of a month whose bills were removed", pastUndoDropped),
		onStage("removes the import's refused rows, and opens those that its bills resolved", pastUndoRejects),
	}...)
}

// brought imports bills of customers under a record of its own.
func (s *stage) brought(file string, customers ...int) (id int64, keys []key.Target) {
	s.Helper()
	id = given(s.Imports.Begin(s.ctx, importing(file)))(s)
	bills := make([]port.ImportedBill, len(customers))
	for i, n := range customers {
		bills[i] = bill(november, n, noon)
		bills[i].Import, bills[i].File = id, file
	}
	return id, s.store(november, bills...)
}

// undo takes an import back to its end, some bills a page.
func (s *stage) undo(id int64) (removed int, err error) {
	if _, err = s.PastImports.BeginUndo(s.ctx, november, id, act); err != nil {
		return 0, err
	}
	for after := int64(0); ; {
		page, err := s.PastImports.UndoPage(s.ctx, november, id, after, 2)
		removed += page.Removed
		if err != nil {
			return removed, err
		}
		if after = page.Last; after == 0 {
			return removed, s.PastImports.EndUndo(s.ctx, november, id)
		}
	}
}

func (s *stage) gone(n int) bool {
	s.Helper()
	_, _, err := s.Report.Find(s.ctx, november, customer(n))
	if err != nil && !errors.Is(err, port.ErrNotFound) {
		s.Fatal(err)
	}
	return err != nil
}

func pastElsewhere(s *stage) {
	s.imported(november, 3)
	bills := []port.ImportedBill{bill(december, 0, noon), bill(december, 1, noon), bill(december, 2, noon), bill(december, 8, noon)}
	for i := range bills[:2] {
		bills[i].Fingerprint = bill(november, i, noon).Fingerprint
	}
	s.store(december, bills[0])
	if got := given(s.PastImports.Elsewhere(s.ctx, december, bills))(s); !maps.Equal(got, map[key.Month]int{november: 2}) {
		s.Errorf("elsewhere are %v, want two in %s", got, november)
	}
	if got := given(s.PastImports.Elsewhere(s.ctx, december, nil))(s); len(got) != 0 {
		s.Errorf("elsewhere are %v of no bills", got)
	}
}

func pastCustomers(s *stage) {
	keys := s.imported(november, 3)
	s.store(december, bill(december, 7, noon))
	var got []port.MonthCustomer
	for after := int64(0); ; after = got[len(got)-1].UserID {
		page := given(s.PastImports.Customers(s.ctx, november, after, 2))(s)
		if got = append(got, page...); len(page) < 2 {
			break
		}
	}
	var want []port.MonthCustomer
	for n, k := range keys {
		want = append(want, port.MonthCustomer{UserID: k.UserID, Customer: customer(n)})
	}
	slices.SortFunc(want, func(a, b port.MonthCustomer) int { return cmp.Compare(a.UserID, b.UserID) })
	if !slices.Equal(got, want) {
		s.Errorf("the customers are %+v, want %+v", got, want)
	}
}

func pastUndo(s *stage) {
	first, _ := s.brought("first.csv", 0, 1)
	wrong, _ := s.brought("wrong.csv", 2, 3, 4, 5, 6)
	record := given(s.PastImports.BeginUndo(s.ctx, november, wrong, act))(s)
	if record.ID != wrong || record.File != "wrong.csv" || record.UndoneAt.IsZero() {
		s.Errorf("the record is %+v", record)
	}
	for _, want := range []int{5, 0} {
		if n, err := s.undo(wrong); err != nil || n != want {
			s.Errorf("%d bills were removed, want %d: %v", n, want, err)
		}
	}
	if s.gone(0) || s.gone(1) || !s.gone(2) || !s.gone(6) {
		s.Error("other bills were removed, or some are left")
	}
	records := given(s.Report.Imports(s.ctx, november))(s)
	if records[0].ID != first || !records[0].UndoneAt.IsZero() || records[1].UndoneAt.IsZero() || records[1].Undone != 5 {
		s.Errorf("the records are %+v", records)
	}
	entries := given(s.Audit.About(s.ctx, []string{november.String()}))(s)
	if len(entries) != 1 || entries[0].Action != port.Action(fmt.Sprintf("undo import: %d, wrong.csv", wrong)) || entries[0].By.Reason != act.Reason {
		s.Errorf("audited is %+v", entries)
	}
	s.must(s.Imports.End(s.ctx, port.ImportRecord{ID: wrong, Month: november, File: "wrong.csv", StartedAt: noon, FinishedAt: noon}))
	if records := given(s.Report.Imports(s.ctx, november))(s); records[1].Undone != 5 || records[1].UndoneAt.IsZero() {
		s.Errorf("the end of the import made it %+v", records[1])
	}
	for _, month := range []key.Month{november, december} {
		id := wrong
		if month == november {
			id += 100
		}
		if _, err := s.PastImports.BeginUndo(s.ctx, month, id, act); !errors.Is(err, port.ErrNotFound) {
			s.Errorf("undoing what is not there: %v, want ErrNotFound", err)
		}
	}
}

func pastUndoRefused(s *stage) {
	id, keys := s.brought("bills.csv", 0, 1, 2, 3)
	check := func(what, says string) {
		s.Helper()
		n, err := s.undo(id)
		if !errors.Is(err, billing.ErrRefused) || n != 0 || !strings.Contains(err.Error(), says) || s.gone(1) {
			s.Errorf("%s: %d were removed, %v", what, n, err)
		}
		page, err := s.PastImports.UndoPage(s.ctx, november, id, 0, 10)
		if !errors.Is(err, billing.ErrRefused) || page != (port.UndonePage{}) || s.gone(1) {
			s.Errorf("%s: the page came to %+v, %v", what, page, err)
		}
	}
	s.change(func(state *billing.State) { state.Dispatch, state.Pause = billing.Paused, billing.PauseOperator }, keys[3])
	check("one is paused", "1 was corrected, paused or cancelled")
	s.change(func(state *billing.State) {
		state.Dispatch, state.RequestedAt, state.RunID = billing.Requested, noon, 1
	}, keys[0])
	check("one is requested", "1 is REQUESTED or went further, 1 was")
	s.change(func(state *billing.State) { state.Dispatch = billing.Succeeded }, keys[0])
	check("one has succeeded", "of 4 bills of the import 1 is REQUESTED")
	if entries := given(s.Audit.About(s.ctx, []string{november.String()}))(s); len(entries) != 0 {
		s.Errorf("audited is what was refused: %+v", entries)
	}
}

func pastUndoPublished(s *stage) {
	id, _ := s.brought("bills.csv", 0, 1, 2)
	run := running()
	run.StartedAt = noon.Add(time.Hour)
	run.ID = given(s.Runs.Start(s.ctx, run))(s)
	if n, err := s.undo(id); err != nil || n != 3 {
		s.Errorf("bills that were never rendered: %d removed, %v", n, err)
	}
	id, _ = s.brought("again.csv", 0, 1, 2)
	s.render(november)
	says := fmt.Sprintf("3 are rendered and may have been published by run %d", run.ID)
	if n, err := s.undo(id); !errors.Is(err, billing.ErrRefused) || n != 0 || !strings.Contains(err.Error(), says) {
		s.Errorf("while a run is under way: %d removed, %v", n, err)
	}
	run.FinishedAt, run.Status, run.Published = noon.Add(2*time.Hour), port.RunFinished, 1
	s.must(s.Runs.Update(s.ctx, run))
	if n, err := s.undo(id); !errors.Is(err, billing.ErrRefused) || n != 0 {
		s.Errorf("after a run that published: %d removed, %v", n, err)
	}
	run.Published = 0
	s.must(s.Runs.Update(s.ctx, run))
	if n, err := s.undo(id); err != nil || n != 3 {
		s.Errorf("after a run that published nothing: %d removed, %v", n, err)
	}
}

func pastUndoCorrected(s *stage) {
	id, _ := s.brought("bills.csv", 0, 1)
	correction := corrected(1)
	correction.Import = given(s.Imports.Begin(s.ctx, importing("corrected.csv")))(s)
	s.must(s.correct(correction, takeCorrection))
	if n, err := s.undo(id); err != nil || n != 1 || !s.gone(0) || s.gone(1) {
		s.Errorf("%d removed, %v", n, err)
	}
	if n, err := s.undo(correction.Import); !errors.Is(err, billing.ErrRefused) || n != 0 || s.gone(1) {
		s.Errorf("a correction was taken back: %d, %v", n, err)
	}
}

func pastUndoRendered(s *stage) {
	id, keys := s.brought("wrong.csv", 0)
	stale, _, err := s.Renders.Next(s.ctx, november, port.Cursor{}, 10)
	s.must(err)
	if n, err := s.undo(id); err != nil || n != 1 {
		s.Fatalf("%d removed, %v", n, err)
	}
	right := bill(november, 0, noon)
	right.Fingerprint[0]++
	if again := s.store(november, right); again[0] != keys[0] {
		s.Errorf("the customer became %s, was %s", again[0], keys[0])
	}
	marked := given(s.Renders.Mark(s.ctx, []port.RenderedBill{{Target: stale[0].Target, Version: stale[0].Version, Statement: []byte("of the wrong bill")}}, 1, noon))(s)
	if marked != 0 || s.state(keys[0]).Batch != billing.Imported {
		s.Errorf("the statement of the bill that was taken back was given to the one after it: %d, %s", marked, s.state(keys[0]).Batch)
	}
	s.render(november)
	if got := s.state(keys[0]).Batch; got != billing.Rendered {
		s.Errorf("the bill that came after is %s", got)
	}
}

func pastUndoRejects(s *stage) {
	s.rejecting(november, []port.Reject{{File: "early.csv", Line: 3, Field: "amount", Reason: "is empty", Customer: customer(0)}})
	id, _ := s.brought("wrong.csv", 0)
	s.rejecting(november, []port.Reject{{File: "wrong.csv", Line: 9, Field: "amount", Reason: "is empty", Customer: customer(7), Import: id}})
	s.refusedAre("before", 1, 1)
	if n, err := s.undo(id); err != nil || n != 1 {
		s.Fatalf("%d removed, %v", n, err)
	}
	s.refusedAre("after", 1, 0)
}

func pastUndoDropped(s *stage) {
	id, _ := s.brought("bills.csv", 0)
	s.must(s.Months.Close(s.ctx, november, "", act))
	s.must(s.Retention.Drop(s.ctx, november, act))
	if n, err := s.undo(id); !errors.Is(err, billing.ErrRefused) || n != 0 || !strings.Contains(err.Error(), "were removed") {
		s.Errorf("%d removed, %v", n, err)
	}
}
