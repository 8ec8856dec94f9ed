package importing_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

var why = port.Act{Actor: "kim", Reason: "the October file"}

// bills are rows of so many customers, due on a day.
func bills(n int, due string) string {
	rows := make([]map[string]string, n)
	for i := range rows {
		rows[i] = with("customer_number", fmt.Sprintf("C-%05d", i), "due_date", due)
	}
	return file(rows...)
}

func TestAFileOfAnotherMonthIsToldBeforeItsFirstRowAndNeedsAWord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	october := options()
	october.Rules.Month, _ = key.ParseMonth("2026-10")
	b.load(t, bills(1500, "2026-11-10"), october)
	for what, c := range map[string]struct{ file, says string }{
		"bills due before the month":          {bills(1500, "2026-10-25"), "1000 of its first 1000 bills are due before 2026-11 begins"},
		"the very bills of another month":     {bills(1500, "2026-11-10"), "1000 of its first 1000 bills are in 2026-10 exactly as they are"},
		"most of a short file, not all of it": {bills(3, "2026-11-10") + strings.SplitAfter(file(with("customer_number", "C-new")), "\n")[1], "3 of its first 4 bills are in 2026-10"},
	} {
		got, err := b.importRows(t.Context(), strings.NewReader(c.file), options())
		if !errors.Is(err, billfile.ErrRefused) || !strings.Contains(err.Error(), c.says) || got != (importing.Summary{}) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	if months, err := b.store.Months().List(t.Context()); err != nil || len(months) != 1 {
		t.Errorf("open months are %v, %v", months, err)
	}
	o := options()
	o.Rules.AllowWrongMonth = true
	if _, err := b.importRows(t.Context(), strings.NewReader(bills(1, "2026-10-25")), o); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("without who and why: %v", err)
	}
	o.By = why
	var noted []string
	o.Reporter = listener{note: func(text string) { noted = append(noted, text) }}
	if got := b.load(t, bills(1500, "2026-10-25"), o); got.Inserted != 1500 {
		t.Errorf("with a word: %+v", got)
	}
	if len(noted) != 1 || !strings.HasSuffix(noted[0], "due before 2026-11 begins (imported all the same, as requested)") {
		t.Errorf("noted is %q", noted)
	}
	entries, err := b.store.Audit().About(t.Context(), []string{november.String()})
	if err != nil || len(entries) != 1 || !strings.Contains(string(entries[0].Action), "are due before 2026-11 begins: november.csv") || entries[0].By.Reason != why.Reason {
		t.Errorf("audited is %+v, %v", entries, err)
	}
	if got := b.load(t, bills(3, "2026-12-10"), options()); got.Conflicts != 3 {
		t.Errorf("bills that are due later are no sign: %+v", got)
	}
}

// Half of the bills may be due early, or be in another month as they are.
func TestAFewSignsOfAnotherMonthAreNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	october := options()
	october.Rules.Month, _ = key.ParseMonth("2026-10")
	b.load(t, bills(3, "2026-11-10"), october)
	rows := bills(3, "2026-11-10")
	for i := range 3 {
		rows += strings.SplitAfter(file(with("customer_number", fmt.Sprintf("early-%d", i), "due_date", "2026-10-25")), "\n")[1]
	}
	if got := b.load(t, rows, options()); got.Inserted != 6 {
		t.Errorf("%+v", got)
	}
}

func TestAWrongImportIsTakenBackAsAWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(with("customer_number", "kept")), options())
	b.load(t, bills(2500, "2026-11-25")+strings.TrimPrefix(file(with("customer_number", "refused", "amount", "x")), file()), options())
	records, err := b.store.Report().Imports(t.Context(), november)
	if err != nil || len(records) != 2 {
		t.Fatal(records, err)
	}
	wrong := records[1].ID
	if _, err := b.importer.Undo(t.Context(), november, wrong, port.Act{Actor: "kim"}); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("without why: %v", err)
	}
	for _, want := range []int{2500, 0} {
		done, err := b.importer.Undo(t.Context(), november, wrong, why)
		if err != nil || done.Removed != want || done.Record.File != "november.csv" {
			t.Errorf("%+v, %v", done, err)
		}
	}
	acts, err := b.store.Audit().About(t.Context(), []string{november.String()})
	if at := b.clock.Now(); err != nil || len(acts) != 1 || acts[0].By.Actor != why.Actor || acts[0].By.Reason != why.Reason || !acts[0].By.At.Equal(at) || !strings.Contains(string(acts[0].Action), fmt.Sprintf("%d, november.csv", wrong)) {
		t.Errorf("audited is %+v, %v", acts, err)
	}
	if rejects := b.store.Rejects(november); len(rejects) != 0 {
		t.Errorf("its refused rows are still there: %+v", rejects)
	}
	if funnel, err := b.store.Report().Funnel(t.Context(), november); err != nil || funnel.Imported != 1 {
		t.Errorf("%+v, %v", funnel, err)
	}
	if got := b.load(t, bills(2500, "2026-11-25"), options()); got.Inserted != 2500 {
		t.Errorf("imported again: %+v", got)
	}
	if _, err := b.importer.Undo(t.Context(), november, 99, why); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("an import that is none: %v", err)
	}
}

// Killed in the middle, it leaves the month to others, says how far it came, and is taken up where it ended.
func TestAnUndoThatWasEndedInTheMiddleIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, bills(2500, "2026-11-25"), options())
	ctx, kill := context.WithCancel(t.Context())
	pages := 0
	b.store.Fail(func(op string) error {
		if op == memory.Done("past_imports.page") {
			if pages++; pages == 2 {
				kill()
			}
		}
		return nil
	})
	done, err := b.importer.Undo(ctx, november, 1, why)
	if !errors.Is(err, context.Canceled) || done.Removed == 0 || done.Removed == 2500 || !strings.Contains(err.Error(), fmt.Sprintf("after %d bills", done.Removed)) {
		t.Fatalf("%+v, %v", done, err)
	}
	b.store.Fail(nil)
	again, err := b.importer.Undo(t.Context(), november, 1, why)
	if err != nil || again.Record.Undone+again.Removed != 2500 || again.Record.Undone < done.Removed {
		t.Errorf("%d before, now %+v, %v", done.Removed, again, err)
	}
	if acts, err := b.store.Audit().About(t.Context(), []string{november.String()}); err != nil || len(acts) != 1 {
		t.Errorf("audited is %+v, %v", acts, err)
	}
}

func TestAnImportOfWhichSomethingWentOutIsNotTakenBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, bills(3, "2026-11-25"), options())
	k := key.Target{Month: november, UserID: 2}
	err := b.store.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		state := targets[0].State()
		state.Dispatch, state.RequestedAt, state.RunID = billing.Requested, opening, 1
		requested, err := billing.Restore(state)
		if err != nil {
			return err
		}
		return tx.Save(ctx, []billing.Target{requested})
	})
	if err != nil {
		t.Fatal(err)
	}
	done, err := b.importer.Undo(t.Context(), november, 1, why)
	if !errors.Is(err, billing.ErrRefused) || done.Removed != 0 || !strings.Contains(err.Error(), "1 is REQUESTED or went further") {
		t.Errorf("%+v, %v", done, err)
	}
	release, _, err := b.store.Imports().TryLockMonth(t.Context(), november)
	if err != nil || release == nil {
		t.Fatalf("the month is still claimed: %v", err)
	}
	if _, err := b.importer.Undo(t.Context(), november, 1, why); !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "is running") {
		t.Errorf("during another import: %v", err)
	}
}
