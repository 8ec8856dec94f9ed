package importing_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

func TestAClosedMonthTakesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(good()), options())
	if err := b.store.Months().Close(t.Context(), november, "", port.Act{Actor: "kim", Reason: "a test"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.importRows(t.Context(), strings.NewReader(file(with("customer_number", "C-2"))), options()); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

// Dispatch of the month has begun: what is there may be corrected where it still may, and nobody new comes in unasked.
func TestNewBillsStayOutOnceDispatchHasBegunUnlessTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(good(), with("customer_number", "C-2")), options())
	begun := key.Delivery{Month: november, UserID: 1}
	if _, err := b.store.Ledger().Close(t.Context(), []attempt.Closing{{Key: begun, State: attempt.NotSent, Reason: attempt.ReasonWindow, FinishedAt: opening}}); err != nil {
		t.Fatal(err)
	}
	more := file(good(), with("customer_number", "C-2", "amount", "99"), with("customer_number", "C-3"))
	var rejects strings.Builder
	var remarks []string
	o := options()
	o.Rejects, o.Reporter = &rejects, listener{note: func(text string) { remarks = append(remarks, text) }}
	if got := b.load(t, more, o); got != (importing.Summary{Rows: 3, Unchanged: 1, Conflicts: 2}) {
		t.Errorf("unasked: %+v", got)
	}
	if !strings.Contains(rejects.String(), "C-3") || !strings.Contains(rejects.String(), "--allow-new") || !strings.Contains(strings.Join(remarks, "\n"), "has begun") {
		t.Errorf("said: %q, %q", remarks, rejects.String())
	}
	o.Rules.AllowNew = true
	if _, err := b.importRows(t.Context(), strings.NewReader(more), o); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("late without a reason: %v", err)
	}
	o.Rules.Correct, o.By = true, port.Act{Actor: "kim", Reason: "the second file came after the first run"}
	if got := b.load(t, more, o); got != (importing.Summary{Rows: 3, Inserted: 1, Unchanged: 1, Corrected: 1}) {
		t.Errorf("asked for: %+v", got)
	}
	notes, err := b.store.Audit().About(t.Context(), []string{november.String()})
	if err != nil || len(notes) != 1 || notes[0].Action != "import new bills after dispatch has begun: november.csv" || notes[0].By.Reason != o.By.Reason {
		t.Errorf("written down: %+v, %v", notes, err)
	}
}

func TestAMonthOutOfRangeIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, text := range []string{"1999-12", "2200-01", "9999-12"} {
		o := options()
		o.Rules.Month, _ = key.ParseMonth(text)
		if _, err := b.importRows(t.Context(), strings.NewReader(file(good())), o); !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), "2000-01") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestASecondImportOfAMonthIsRefusedWhileOneIsUnderWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := options()
	first.By.Actor = "kim"
	var refused error
	var beside importing.Summary
	first.Reporter = listener{progress: func(importing.Progress) {
		_, refused = b.importRows(t.Context(), strings.NewReader(file(with("customer_number", "C-2"))), options())
		second := options()
		second.Rules.AllowConcurrent = true
		beside = b.load(t, file(with("customer_number", "C-2")), second)
	}}
	b.load(t, file(good()), first)
	if !errors.Is(refused, billing.ErrRefused) || !strings.Contains(refused.Error(), `november.csv, by "kim"`) || !strings.Contains(refused.Error(), "--allow-concurrent") {
		t.Errorf("%v", refused)
	}
	if beside.Inserted != 1 {
		t.Errorf("asked for: %+v", beside)
	}
	if got := b.load(t, file(with("customer_number", "C-3")), options()); got.Inserted != 1 {
		t.Errorf("afterwards: %+v", got)
	}
}

func TestManyRowsAreStoredInChunksAndProgressIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows := make([]map[string]string, 2500)
	for i := range rows {
		rows[i] = with("customer_number", fmt.Sprintf("C-%d", i))
	}
	var told []importing.Progress
	o := options()
	o.Reporter = listener{progress: func(p importing.Progress) { told = append(told, p) }}
	whole := file(rows...)
	if got := b.load(t, whole, o); got.Inserted != 2500 {
		t.Errorf("%+v", got)
	}
	if len(told) != 3 || told[0].Rows != 1000 || told[2] != (importing.Progress{Rows: 2500, Bytes: int64(len(whole))}) {
		t.Errorf("%+v", told)
	}
}

// Chunks are stored side by side, and what comes of them is as if it had been one after the other.
func TestHoweverManyChunksAreStoredAtOnceTheSameComesOfThem(t *testing.T) {
	t.Parallel()
	var rows []map[string]string
	for i := range 12_000 {
		switch row := with("customer_number", fmt.Sprintf("C-%d", i)); {
		case i%1700 == 5: // refused, and resolved two chunks further on
			row["amount"] = "much"
			rows = append(rows, row)
		case i%1700 == 6 && i > 3000: // the row that is refused above, resolved
			rows = append(rows, with("customer_number", fmt.Sprintf("C-%d", i-1-1700)))
		case i%2300 == 7 && i > 3000: // a second row of a customer far above
			rows = append(rows, with("customer_number", fmt.Sprintf("C-%d", i-2000)))
		default:
			rows = append(rows, row)
		}
	}
	whole := file(rows...)
	type result struct {
		summary importing.Summary
		rejects string
		open    int
	}
	results := map[int]result{}
	for _, workers := range []int{1, 8} {
		b := setup(t)
		var rejects strings.Builder
		o := options()
		o.Workers, o.Rejects = workers, &rejects
		summary := b.load(t, whole, o)
		funnel, err := b.store.Report().Funnel(t.Context(), november)
		if err != nil {
			t.Fatal(err)
		}
		results[workers] = result{summary, rejects.String(), funnel.Rejected}
	}
	if results[1] != results[8] || results[1].summary.Rejected == 0 || results[1].open == 0 || results[1].summary.Inserted == 0 {
		t.Errorf("one at a time: %+v, %d open\neight at once: %+v, %d open", results[1].summary, results[1].open, results[8].summary, results[8].open)
	}
}

func TestAnImportWaitsForTheDatabaseAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	failures := 0
	b.store.Fail(func(op string) error {
		if op == "imports.store" && failures < 5 {
			failures++
			return []error{port.ErrUnavailable, port.ErrConflict}[failures%2]
		}
		return nil
	})
	done := make(chan importing.Summary, 1)
	go func() { done <- b.load(t, file(good()), options()) }()
	for range 5 {
		if err := b.clock.AwaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(10 * time.Second) // in all less than the minute after which it is said again
	}
	if got := <-done; got != (importing.Summary{Rows: 1, Inserted: 1}) {
		t.Errorf("%+v", got)
	}
	warned := 0
	for _, line := range b.log.Lines() {
		if line.Level == memory.LevelWarn {
			warned++
		}
	}
	if warned != 1 {
		t.Errorf("said %d times that the database is away", warned)
	}
}

func TestAnImportEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.importRows(ctx, strings.NewReader(file(good())), options()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
