package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// Consumers and sweeps run for months, and retention drops a month in another process: what comes late finds no month,
// and holds up nothing else.
func TestWhatComesLateForADroppedMonthBlocksNothing(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), postgrestest.Open(t)
	month := key.Month(2026*12 + 10)
	by := port.Act{Actor: "kim", Reason: "a test"}
	for _, m := range []key.Month{month, month + 1} {
		if err := postgres.NewMonths(db).Open(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	target, living := key.Target{Month: month, UserID: 1}, key.Target{Month: month + 1, UserID: 1}
	late, alive := key.Delivery{Month: month, UserID: 1}, key.Delivery{Month: month + 1, UserID: 1}
	claim := func(k key.Delivery) attempt.Claim {
		return attempt.Claim{Key: k, Token: attempt.Token{1}, Lease: time.Minute, Provider: "x", Facts: attempt.Facts{Channel: "EMAIL", Unknown: attempt.Hold}}
	}
	ledger, sweeps, targets := postgres.NewLedger(db), postgres.NewSweeps(db), postgres.NewTargets(db)
	bills, requests, opened := postgres.NewRenders(db), postgres.NewRequests(db), postgres.NewMonths(db)
	outcome := func(k key.Delivery) attempt.Outcome {
		return attempt.Outcome{Key: k, Token: attempt.Token{1}, State: attempt.Succeeded, FinishedAt: time.Now()}
	}
	within := func(fn func(ctx context.Context, tx port.TargetTx) error) func() error {
		return func() error { return targets.Within(ctx, fn) }
	}
	calls := map[string]func() error{
		"find rows": func() error { _, err := ledger.Find(ctx, []key.Delivery{late, alive}); return err },
		"record outcomes, the living month's too": func() error {
			held, err := ledger.Record(ctx, []attempt.Outcome{outcome(late), outcome(alive)})
			if err == nil && (len(held) == 0 || held[len(held)-1] != alive) {
				t.Errorf("held %v, want %v among them", held, alive)
			}
			return err
		},
		"settle": within(func(ctx context.Context, tx port.TargetTx) error {
			_, err := tx.Succeed(ctx, []key.Target{target, living})
			return err
		}),
		"lock": within(func(ctx context.Context, tx port.TargetTx) error {
			_, err := tx.Lock(ctx, []key.Target{target, living})
			return err
		}),
		"read the ledger": within(func(ctx context.Context, tx port.TargetTx) error {
			_, err := tx.Ledger(ctx, []key.Target{target, living})
			return err
		}),
		"give a verdict": within(func(ctx context.Context, tx port.TargetTx) error {
			_, err := tx.Record(ctx, []attempt.Outcome{outcome(late)})
			return err
		}),
		"expire leases":          func() error { _, err := sweeps.ExpireLeases(ctx, month, 10); return err },
		"count what is in doubt": func() error { _, _, err := sweeps.InDoubt(ctx, month); return err },
		"find changes":           func() error { _, _, err := sweeps.Changed(ctx, month, port.Span{}, 0, 10); return err },
		"find unclaimed requests": func() error {
			_, err := requests.Unclaimed(ctx, month, time.Now(), 0, 10)
			return err
		},
		"render":                            func() error { _, _, err := bills.Next(ctx, month, port.Cursor{}, 10); return err },
		"tell whether dispatch has started": func() error { _, err := opened.DispatchStarted(ctx, month); return err },
	}
	if _, err := ledger.Claim(ctx, []attempt.Claim{claim(late), claim(alive)}); err != nil {
		t.Fatal(err)
	}
	for name, call := range calls { // the month is there, and every port knows that now
		if err := call(); err != nil {
			t.Fatalf("%s before: %v", name, err)
		}
	}
	other := postgres.NewRetention(db)
	if err := postgres.NewMonths(db).Close(ctx, month, "", by); err != nil {
		t.Fatal(err)
	}
	if err := other.Drop(ctx, month, by); err != nil {
		t.Fatal(err)
	}
	for name, call := range calls {
		err := call()
		if errors.Is(err, port.ErrConflict) { // "run it again": every caller does
			err = call()
		}
		if err != nil {
			t.Errorf("%s, late: %v", name, err)
		}
	}
	// A late request is refused for good, alone: Delivery puts it into the dead letter topic.
	if _, err := ledger.Claim(ctx, []attempt.Claim{claim(late)}); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("claim, late: %v, want ErrInvalid", err)
	}
	closing := attempt.Closing{Key: late, State: attempt.NotSent, Reason: attempt.ReasonWindow, FinishedAt: time.Now()}
	if _, err := ledger.Close(ctx, []attempt.Closing{closing}); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("close, late: %v, want ErrInvalid", err)
	}
}
