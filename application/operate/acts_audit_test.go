package operate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// expectAudit checks that what was done is written down with actor, reason and time, and what was refused is not.
func (w *world) expectAudit(t *testing.T, done bool) {
	t.Helper()
	notes := w.audited()
	if !done {
		if len(notes) != 0 {
			t.Fatalf("a refused act is written down: %+v", notes)
		}
		return
	}
	if len(notes) == 0 {
		t.Fatal("nothing is written down")
	}
	for _, n := range notes {
		if n.Action == "" || !strings.Contains(n.Subject, "2026-11") || n.By.Actor != "on-call" || n.By.Reason != "a test" || !n.By.At.Equal(w.clock.Now()) {
			t.Fatalf("the note is %+v", n)
		}
	}
}

func TestEveryActNeedsAnActorAndAReason(t *testing.T) {
	t.Parallel()
	house := map[string]act{
		"halt": func(ctx context.Context, w *world, by port.Act) error {
			_, err := w.operator.Halt(ctx, by)
			return err
		},
		"lift halt": func(ctx context.Context, w *world, by port.Act) error {
			_, err := w.operator.LiftHalt(ctx, by)
			return err
		},
		"close month": func(ctx context.Context, w *world, by port.Act) error {
			return w.operator.CloseMonth(ctx, w.key.Month, true, by)
		},
		"reopen month": func(ctx context.Context, w *world, by port.Act) error {
			return w.operator.ReopenMonth(ctx, w.key.Month, by)
		},
		"suppress": func(ctx context.Context, w *world, by port.Act) error {
			return w.operator.Suppress(ctx, port.Contact{UserID: 1, Channel: channel.SMS}, policy.ScopeAll, by)
		},
		"draft policy": func(ctx context.Context, w *world, by port.Act) error {
			_, err := w.operator.DraftPolicy(ctx, spec(), by)
			return err
		},
		"activate policy": func(ctx context.Context, w *world, by port.Act) error {
			return w.operator.ActivatePolicy(ctx, policy.Ref{ID: 1, Version: 1}, false, by)
		},
	}
	for name, do := range acts {
		if name != "correct" { // importing checks that one
			house[name] = do
		}
	}
	for name, do := range house {
		for missing, who := range map[string]port.Act{"actor": {Reason: "why"}, "reason": {Actor: "who"}, "anything but blanks": {Actor: " ", Reason: "\t"}} {
			w := newWorld(t)
			w.seedNatural(billing.Unknown)
			before := w.state(t)
			if err := do(t.Context(), w, who); !errors.Is(err, operate.ErrNoReason) || w.state(t) != before || len(w.audited()) != 0 {
				t.Errorf("%s without %s: %v", name, missing, err)
			}
		}
	}
}

// However an act is cut short, act and audit entry are there together or not at all.
func TestAnActAndItsAuditEntryAreCommittedTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	statuses := map[string]billing.Status{
		"cancel": billing.Ready, "un-cancel": billing.Cancelled, "pause": billing.Ready, "resume": billing.Paused, "correct": billing.Ready,
		"send anyway": billing.Unknown, "write off": billing.Unknown, "delivered": billing.Unknown, "not delivered": billing.Unknown,
	}
	for name, do := range acts {
		counting := newWorld(t)
		counting.seedNatural(statuses[name])
		steps := 0
		counting.store.Fail(func(string) error { steps++; return nil })
		if err := do(t.Context(), counting, by()); err != nil {
			t.Fatal(err)
		}
		for step := 1; step <= steps; step++ {
			w := newWorld(t)
			w.seedNatural(statuses[name])
			before, at := w.state(t), 0
			ctx, interrupt := context.WithCancel(t.Context())
			w.store.Fail(func(op string) error {
				if at++; at == step {
					interrupt() // Ctrl-C
					return fmt.Errorf("%s: %w", op, context.Canceled)
				}
				return nil
			})
			err := do(ctx, w, by())
			w.store.Fail(nil)
			interrupt()
			changed := w.state(t) != before
			if notes := w.audited(); len(notes) > 1 || changed != (len(notes) == 1) {
				t.Errorf("%s, cut short at step %d of %d (%v): changed is %v, audited %+v", name, step, steps, err, changed, notes)
			}
		}
	}
}

func TestAVerdictThatTheLedgerDoesNotTakeIsNotAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seedNatural(billing.Unknown)
	late := attempt.Outcome{Key: w.store.Rows(w.key)[0].Key, State: attempt.Succeeded, FinishedAt: w.clock.Now()}
	w.store.Fail(func(op string) error {
		if op != "targets.record" {
			return nil
		}
		w.store.Fail(nil)
		_, err := w.store.Ledger().Record(t.Context(), []attempt.Outcome{late}) // the provider's answer comes first
		return err
	})
	if _, err := w.operator.Verdict(t.Context(), w.key, false, by()); !errors.Is(err, billing.ErrRefused) {
		t.Fatalf("it came to %v", err)
	}
	if notes := w.audited(); len(notes) != 0 {
		t.Fatalf("audited: %+v", notes)
	}
	if row := w.store.Rows(w.key)[0]; row.State != attempt.Succeeded {
		t.Fatalf("the row is %s", row.State)
	}
}
