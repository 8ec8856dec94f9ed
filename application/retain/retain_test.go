package retain_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/retain"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

var (
	today    = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	november = key.Month(2026*12 + 10)
	old      = november - 13 // 2025-10: the first that twelve whole months beside the running one do not hold
	by       = port.Act{Actor: "kim", Reason: "yearly clean-up"}
)

// world is a store with months in it.
type world struct {
	*testing.T
	clock *memory.Clock
	store *memory.Store
	packs *memory.Packs
}

func setup(t *testing.T) *world {
	t.Helper()
	clock := memory.NewClock(today)
	return &world{T: t, clock: clock, store: memory.NewStore(clock), packs: memory.NewPacks()}
}

func (w *world) keeper(rule retain.Rule) *retain.Keeper {
	w.Helper()
	s := w.store
	k, err := retain.New(retain.Ports{
		Months: s.Months(), Report: s.Report(), Sweeps: s.Sweeps(), Retention: s.Retention(), Packs: w.packs, Audit: s.Audit(), Clock: w.clock, Log: &memory.Log{},
	}, rule)
	if err != nil {
		w.Fatal(err)
	}
	return k
}

var year = retain.Rule{Months: 12, AuditMonths: 24}

// month makes a closed month with two bills of the given statuses, their packs and a run.
func (w *world) month(month key.Month, statuses ...billing.Status) {
	w.Helper()
	ctx := w.Context()
	bills := make([]port.ImportedBill, len(statuses))
	for i := range statuses {
		bills[i] = port.ImportedBill{Customer: fmt.Sprintf("C-%d", i), State: billing.New(key.Target{Month: month}, today).State(), Data: []byte("bill"), File: "bills.csv", Line: i + 2}
	}
	plain := func(text []byte, _ port.Purpose) ([]byte, error) { return text, nil }
	must(w, w.store.Months().Open(ctx, month))
	_, err := w.store.Imports().Store(ctx, month, bills, plain)
	must(w, err)
	must(w, w.store.Targets().Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		var saved []billing.Target
		for i, status := range statuses {
			target, _, err := w.store.Report().Find(ctx, month, fmt.Sprintf("C-%d", i))
			must(w, err)
			state := target.State()
			state.Dispatch = status
			restored, err := billing.Restore(state)
			must(w, err)
			saved = append(saved, restored)
		}
		keys := make([]key.Target, len(saved))
		for i := range saved {
			keys[i] = saved[i].Key()
		}
		if _, err := tx.Lock(ctx, keys); err != nil {
			return err
		}
		return tx.Save(ctx, saved)
	}))
	_, err = w.store.Runs().Start(ctx, port.Run{Month: month, By: by, Status: port.RunFinished})
	must(w, err)
	_, err = w.packs.Put(ctx, month.String()+"/000000-ab", [][]byte{[]byte("statement")})
	must(w, err)
	must(w, w.store.Months().Close(ctx, month, "", port.Act{Actor: "kim", Reason: "a test"}))
}

// audited are the entries of what the keeper did.
func (w *world) audited() []port.AuditEntry {
	return slices.DeleteFunc(w.store.Notes(), func(e port.AuditEntry) bool { return e.Action == port.ActionCloseMonth })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// left tells what there is of a month: bills, packs.
func (w *world) left(month key.Month) (bills, packs int) {
	w.Helper()
	size, err := w.store.Retention().Size(w.Context(), month)
	must(w, err)
	stored, err := w.packs.Size(w.Context(), month.String()+"/")
	must(w, err)
	return size.Bills, stored.Packs
}

func (w *world) isThere(month key.Month, want bool) {
	w.Helper()
	if bills, packs := w.left(month); (bills > 0) != want || (packs > 0) != want {
		w.Errorf("of %s there are %d bills and %d packs; is it to be there? %v", month, bills, packs, want)
	}
}

func TestMonthsThatWereKeptLongEnoughGoAndOthersStay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, month := range []key.Month{old - 1, old, old + 1} {
		w.month(month, billing.Succeeded, billing.Unknown)
	}
	k := w.keeper(year)
	plan, err := k.Plan(t.Context(), 0)
	if err != nil || len(plan.Months) != 2 || plan.Months[1].Month != old || plan.Months[1].Data.Bills != 2 || plan.Months[1].Packs.Packs != 1 || plan.Months[1].Open != "" {
		t.Fatalf("%+v, %v", plan, err)
	}
	w.isThere(old, true) // a plan removes nothing
	if _, err := k.Apply(t.Context(), 0, false, port.Act{Actor: "kim"}, nil); !errors.Is(err, operate.ErrNoReason) {
		t.Errorf("without a reason: %v", err)
	}
	var told []key.Month
	if _, err := k.Apply(t.Context(), 0, false, by, func(month key.Month, _ port.PackSize) { told = append(told, month) }); err != nil {
		t.Fatal(err)
	}
	w.isThere(old-1, false)
	w.isThere(old, false)
	w.isThere(old+1, true)
	if fmt.Sprint(told) != fmt.Sprint([]key.Month{old - 1, old}) {
		t.Errorf("told of %v", told)
	}
	notes := w.audited()
	if len(notes) != 4 || notes[2].By.Reason != by.Reason || notes[2].Subject != old.String() || !strings.Contains(string(notes[2].Action), "2 bills, 1 UNKNOWN, 1 SUCCEEDED") {
		t.Errorf("audited before the packs went: %+v", notes)
	}
	if last := notes[len(notes)-1]; last.Action != port.ActionDropMonth || last.Subject != old.String() || last.By.Actor != by.Actor {
		t.Errorf("audited with the rows that went: %+v", last)
	}
	if runs, err := w.store.Runs().Latest(t.Context(), old, 10); err != nil || len(runs) != 1 {
		t.Errorf("the run must outlive its month's statements: %v, %v", runs, err)
	}
	if plan, err := k.Plan(t.Context(), 0); err != nil || len(plan.Months) != 0 {
		t.Errorf("afterwards: %+v, %v", plan, err)
	}
}

func TestAMonthWithWorkLeftIsRefusedAndNothingGoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status billing.Status
		spoil  func(w *world)
		says   string
		anyway bool
	}{
		"ready":     {billing.Ready, nil, "1 READY", true},
		"failed":    {billing.Failed, nil, "1 FAILED", true},
		"requested": {billing.Requested, nil, "1 REQUESTED", true},
		"a call under way": {billing.Unknown, func(w *world) {
			must(w, w.claim(old))
		}, "1 call without an outcome", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.month(old-1, billing.Succeeded)
			w.month(old, billing.Succeeded, c.status)
			if c.spoil != nil {
				c.spoil(w)
			}
			k := w.keeper(year)
			if _, err := k.Apply(t.Context(), 0, false, by, nil); !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			w.isThere(old-1, true)
			w.isThere(old, true)
			if notes := w.audited(); len(notes) > 0 {
				t.Errorf("written down: %+v", notes)
			}
			if _, err := k.Apply(t.Context(), old-1, false, by, nil); err != nil {
				t.Errorf("the other month alone: %v", err)
			}
			w.isThere(old-1, false)
			_, err := k.Apply(t.Context(), old, true, by, nil)
			if (err == nil) != c.anyway {
				t.Errorf("anyway: %v", err)
			}
			w.isThere(old, !c.anyway)
		})
	}
}

func (w *world) claim(month key.Month) error {
	_, err := w.store.Ledger().Claim(w.Context(), []attempt.Claim{{
		Key: key.Delivery{Month: month, UserID: 2}, Token: attempt.Token{1}, Provider: "smtp", Lease: time.Hour,
		Facts: attempt.Facts{Channel: channel.Email, PolicyID: 1, PolicyVersion: 1, RunID: 1, Unknown: attempt.Hold},
	}})
	return err
}

func TestWhatIsNotOldOrNotClosedIsRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.month(old+1, billing.Succeeded)
	must(t, w.store.Months().Open(t.Context(), old))
	k := w.keeper(year)
	for month, want := range map[key.Month]error{old + 1: billing.ErrRefused, old - 5: port.ErrNotFound, old: billing.ErrRefused} {
		if _, err := k.Apply(t.Context(), month, true, by, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", month, err, want)
		}
	}
	w.isThere(old+1, true)
	for _, rule := range []retain.Rule{{Months: 0, AuditMonths: 12}, {Months: 12, AuditMonths: 11}} {
		if _, err := retain.New(retain.Ports{}, rule); !errors.Is(err, port.ErrInvalid) {
			t.Errorf("%+v: %v", rule, err)
		}
	}
}

var errKilled = errors.New("killed")

// However far a run came before it was killed, the next one ends in the same state.
func TestARunThatIsKilledInTheMiddleIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"audit.record", memory.Done("audit.record"), "retention.drop", memory.Done("retention.drop"), "retention.drop_audit", memory.Done("retention.drop_audit")} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.month(november-30, billing.Succeeded)
			w.month(old, billing.Succeeded)
			k := w.keeper(year)
			w.store.Fail(func(op string) error {
				if op == at {
					return errKilled
				}
				return nil
			})
			if _, err := k.Apply(t.Context(), 0, false, by, nil); !errors.Is(err, errKilled) && at != "retention.drop_audit" && at != memory.Done("retention.drop_audit") {
				t.Fatalf("it was not killed: %v", err)
			}
			w.store.Fail(nil)
			for range 2 { // the first finishes months, and sees then which audit data may go
				if _, err := k.Apply(t.Context(), 0, false, by, nil); err != nil {
					t.Fatal(err)
				}
			}
			w.isThere(november-30, false)
			w.isThere(old, false)
			all, err := w.store.Months().All(t.Context())
			if err != nil || len(all) != 1 || all[0].Month != old || all[0].DroppedAt.IsZero() {
				t.Errorf("%+v, %v", all, err)
			}
			if runs, err := w.store.Runs().Latest(t.Context(), 0, 10); err != nil || len(runs) != 1 || runs[0].Month != old {
				t.Errorf("%+v, %v", runs, err)
			}
		})
	}
}
