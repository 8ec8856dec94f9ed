package prepare_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/port/memory"
	"github.com/balsong/balsong/application/prepare"
)

func TestAClosedMonthTakesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(good()), options())
	if err := b.store.Months().Close(t.Context(), november); err != nil {
		t.Fatal(err)
	}
	if _, err := b.importer.Import(t.Context(), strings.NewReader(file(with("customer_number", "C-2"))), options()); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func TestManyRowsAreStoredInChunksAndProgressIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows := make([]map[string]string, 2500)
	for i := range rows {
		rows[i] = with("customer_number", fmt.Sprintf("C-%d", i))
	}
	var told []prepare.ImportProgress
	o := options()
	o.Progress = func(p prepare.ImportProgress) { told = append(told, p) }
	whole := file(rows...)
	if got := b.load(t, whole, o); got.Inserted != 2500 {
		t.Errorf("%+v", got)
	}
	if len(told) != 3 || told[0].Rows != 1000 || told[2] != (prepare.ImportProgress{Rows: 2500, Bytes: int64(len(whole))}) {
		t.Errorf("%+v", told)
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
	done := make(chan prepare.ImportSummary, 1)
	go func() { done <- b.load(t, file(good()), options()) }()
	for range 5 {
		if err := b.clock.AwaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(time.Minute)
	}
	if got := <-done; got != (prepare.ImportSummary{Rows: 1, Inserted: 1}) {
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
	if _, err := b.importer.Import(ctx, strings.NewReader(file(good())), options()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
