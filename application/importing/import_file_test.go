package importing_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// moving is a file that is another one when it is read for the second time.
type moving struct {
	io.ReadSeeker
	then []byte
}

func (m *moving) Seek(offset int64, whence int) (int64, error) {
	m.ReadSeeker = bytes.NewReader(m.then)
	return m.ReadSeeker.Seek(offset, whence)
}

func TestAFileThatChangesDuringItsImportIsRefused(t *testing.T) {
	t.Parallel()
	whole := file(good(), with("customer_number", "C-2"), with("customer_number", "C-3"))
	for name, then := range map[string]string{
		"grown": whole + whole[:50], "shrunk": whole[:len(whole)-40], "replaced": strings.Replace(whole, "C-3", "C-4", 1), "emptied": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			got, err := b.importFile(t.Context(), &moving{strings.NewReader(whole), []byte(then)}, options())
			if !errors.Is(err, billfile.ErrChanged) && !errors.Is(err, importing.ErrHeader) || got.Inserted != 0 {
				t.Errorf("%+v, %v", got, err)
			}
			if records, err := b.store.Report().Imports(t.Context(), november); err != nil || len(records) > 0 && records[0].Error == "" {
				t.Errorf("the record is %+v, %v", records, err)
			}
		})
	}
}

// Nobody can tell the last row of such a file from one that was cut off: a due amount of 123 may have been 12300.
func TestAFileWithoutALastLineBreakGoesInOnlyWhenItIsSaidToBeWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	unended := strings.TrimSuffix(file(good(), with("customer_number", "C-2")), "\n")
	if got, err := b.importFile(t.Context(), strings.NewReader(unended), options()); !errors.Is(err, billfile.ErrRefused) || !strings.Contains(err.Error(), "--allow-unterminated") || got.Rows != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if records, err := b.store.Report().Imports(t.Context(), november); err != nil || len(records) > 0 {
		t.Errorf("refused, and recorded: %+v, %v", records, err)
	}
	o := options()
	o.File.AllowUnterminated = true
	if got, err := b.importFile(t.Context(), strings.NewReader(unended), o); err != nil || got.Inserted != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAFileIsAskedWhetherItChangedBeforeItsFirstRowAndAtTheEnd(t *testing.T) {
	t.Parallel()
	for calls, inserted := range map[int]int{1: 0, 2: 1} {
		b := setup(t)
		o, asked := options(), 0
		o.File.Unchanged = func() error {
			if asked++; asked == calls {
				return billfile.ErrChanged
			}
			return nil
		}
		got, err := b.importFile(t.Context(), strings.NewReader(file(good())), o)
		if !errors.Is(err, billfile.ErrChanged) || got.Inserted != inserted {
			t.Errorf("at call %d: %+v, %v", calls, got, err)
		}
	}
}

func TestProgressOfAFileKnowsItsSize(t *testing.T) {
	t.Parallel()
	b := setup(t)
	whole := file(good())
	var last importing.Progress
	o := options()
	o.Reporter = listener{progress: func(p importing.Progress) { last = p }}
	if _, err := b.importFile(t.Context(), bytes.NewReader(zipped(whole)), o); err != nil || last != (importing.Progress{Rows: 1, Bytes: int64(len(whole)), All: int64(len(whole))}) {
		t.Errorf("%+v, %v", last, err)
	}
}

func correcting() call {
	o := named("corrected.csv")
	o.Rules.Correct, o.By = true, port.Act{Actor: "kim", Reason: "wrong amounts"}
	return o
}

func TestACorrectedFileChangesOnlyWhatMayStillChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var rows, corrected []map[string]string
	for i := range 4 {
		rows = append(rows, with("customer_number", fmt.Sprintf("C-%d", i)))
		corrected = append(corrected, with("customer_number", fmt.Sprintf("C-%d", i), "amount", "5"))
	}
	corrected[3] = rows[3]
	b.load(t, file(rows...), options())
	gone := key.Target{Month: november, UserID: 2}
	target, _ := b.store.Target(gone)
	state := target.State()
	state.Dispatch = billing.Succeeded
	b.store.Seed(memory.Seeded{State: state, Customer: "C-1"})

	var told []importing.Refusal
	var rejects bytes.Buffer
	o := correcting()
	o.Rules.AllowNew = true
	o.Rejects, o.Reporter = &rejects, listener{refused: func(r importing.Refusal) { told = append(told, r) }}
	got := b.load(t, file(append(corrected, with("customer_number", "C-9"))...), o)
	if got != (importing.Summary{Rows: 5, Inserted: 1, Unchanged: 1, Corrected: 2, Conflicts: 1}) {
		t.Fatalf("%+v", got)
	}
	if len(told) != 1 || told[0].Customer != "C-1" || told[0].Line != 3 || !strings.Contains(told[0].Reason, "SUCCEEDED") || !strings.Contains(rejects.String(), "SUCCEEDED") {
		t.Errorf("told was %+v, rejects.csv is\n%s", told, rejects.String())
	}
	for user, round := range map[int64]int16{1: 1, 2: 0, 3: 1, 4: 0} {
		k := key.Target{Month: november, UserID: user}
		target, _ := b.store.Target(k)
		if s := target.State(); s.Round != round || len(b.store.Rows(k)) != int(round) {
			t.Errorf("%s has round %d and the rows %+v, want round %d", k, s.Round, b.store.Rows(k), round)
		}
	}
	origin, err := b.store.Report().Origin(t.Context(), key.Target{Month: november, UserID: 1})
	if err != nil || origin.File != "corrected.csv" || origin.Version != 2 || origin.Import.By.Reason != "wrong amounts" {
		t.Errorf("%+v, %v", origin, err)
	}
	if notes := b.store.Notes(); len(notes) != 2 || notes[0].Action != "correct" || notes[0].Subject != "2026-11 customer C-0" || notes[0].By.Actor != "kim" {
		t.Errorf("written down is %+v", notes)
	}
	if again := b.load(t, file(corrected...), correcting()); again.Corrected != 0 || again.Unchanged != 3 {
		t.Errorf("the same correction again: %+v", again)
	}
}

func TestACorrectionNeedsSomebodyAndAReason(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, by := range []port.Act{{}, {Actor: "kim"}, {Reason: "why"}, {Actor: " ", Reason: " "}} {
		o := correcting()
		o.By = by
		if _, err := b.importRows(t.Context(), strings.NewReader(file(good())), o); !errors.Is(err, port.ErrInvalid) {
			t.Errorf("%+v: %v", by, err)
		}
	}
}

// A row in conflict lies in rejects.csv; that file is imported as it is to insist.
func TestRowsInConflictAreTakenAsTheyAreByACorrection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(good()), options())
	first, rejects := b.refuse(t, file(with("amount", "5")), options())
	if first.Conflicts != 1 {
		t.Fatalf("%+v", first)
	}
	if got := b.load(t, rejects, correcting()); got.Corrected != 1 {
		t.Errorf("%+v", got)
	}
}

// Several imports of one month at once, of the same customers with other amounts: each customer is in once, whoever
// was first stays, and each import tells the truth about its rows.
func TestImportsAtOnceDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const imports, customers = 4, 1500
	summaries := make([]importing.Summary, imports)
	var all sync.WaitGroup
	for i := range imports {
		var rows []map[string]string
		for n := range customers {
			rows = append(rows, with("customer_number", fmt.Sprintf("C-%d", (n+i*400)%customers), "amount", fmt.Sprint(i%2)))
		}
		o := named(fmt.Sprintf("%d.csv", i))
		o.Rules.AllowConcurrent = true
		if i == 3 {
			o.Rules.Correct, o.By = true, port.Act{Actor: "kim", Reason: "at once"}
		}
		whole := file(rows...)
		all.Go(func() { summaries[i] = b.load(t, whole, o) })
	}
	all.Wait()
	inserted := 0
	for i, s := range summaries {
		if s.Rows != customers || s.Rejected != 0 {
			t.Errorf("import %d: %+v", i, s)
		}
		inserted += s.Inserted
	}
	funnel, err := b.store.Report().Funnel(t.Context(), november)
	if err != nil || inserted != customers || funnel.Imported != customers {
		t.Errorf("inserted %d, %+v, %v", inserted, funnel, err)
	}
	records, err := b.store.Report().Imports(t.Context(), november)
	if err != nil || len(records) != imports {
		t.Errorf("%+v, %v", records, err)
	}
	for n := range customers {
		target, _, err := b.store.Report().Find(t.Context(), november, fmt.Sprintf("C-%d", n))
		if err != nil {
			t.Fatal(err)
		}
		if s := target.State(); len(b.store.Rows(s.Key)) != int(s.Round) {
			t.Fatalf("%s has round %d and %d revoked keys", s.Key, s.Round, len(b.store.Rows(s.Key)))
		}
	}
}
