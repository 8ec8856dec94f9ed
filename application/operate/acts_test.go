package operate_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

// act is one thing that an operator can do to a bill.
type act func(ctx context.Context, w *world, by port.Act) error

var acts = map[string]act{
	"cancel": func(ctx context.Context, w *world, by port.Act) error {
		_, err := w.operator.Cancel(ctx, w.key, by)
		return err
	},
	"un-cancel": func(ctx context.Context, w *world, by port.Act) error {
		_, err := w.operator.Uncancel(ctx, w.key, by)
		return err
	},
	"pause": func(ctx context.Context, w *world, by port.Act) error {
		_, err := w.operator.Pause(ctx, w.key, by)
		return err
	},
	"resume": func(ctx context.Context, w *world, by port.Act) error {
		_, err := w.operator.Resume(ctx, w.key, by)
		return err
	},
	"send anyway": func(ctx context.Context, w *world, by port.Act) error {
		_, err := w.operator.SendAnyway(ctx, w.key, by)
		return err
	},
	"write off": func(ctx context.Context, w *world, by port.Act) error {
		_, err := w.operator.WriteOff(ctx, w.key, by)
		return err
	},
	"delivered": func(ctx context.Context, w *world, by port.Act) error {
		_, err := w.operator.Verdict(ctx, w.key, true, by)
		return err
	},
	"not delivered": func(ctx context.Context, w *world, by port.Act) error {
		_, err := w.operator.Verdict(ctx, w.key, false, by)
		return err
	},
	"correct": func(ctx context.Context, w *world, by port.Act) error {
		return w.correct(ctx, w.corrected(), by)
	},
}

func sealNothing(plain []byte, _ port.Purpose) ([]byte, error) { return plain, nil }

// correct does what an import does with a corrected row.
func (w *world) correct(ctx context.Context, bill port.ImportedBill, by port.Act) error {
	bill.State.Key.Month, by.At = w.key.Month, w.clock.Now()
	return w.store.Corrections().Correct(ctx, bill, sealNothing, settle.Correction(bill, w.clock), by)
}

func (w *world) corrected() port.ImportedBill {
	return port.ImportedBill{
		Customer: "customer-4711", State: billing.State{Reachable: channel.NewSet(channel.SMS)}, Data: []byte("corrected"),
		Destinations: map[channel.Kind]string{channel.SMS: "+821012345678"}, Fingerprint: [32]byte{2},
	}
}

// Every act on every status: what it leads to, "" where it is refused.
func TestEveryActIsAllowedOrRefusedByTheStatus(t *testing.T) {
	t.Parallel()
	none := billing.Status("")
	table := map[string]map[billing.Status]billing.Status{
		"cancel": {
			billing.Ready: billing.Cancelled, billing.Requested: billing.Cancelled, billing.Failed: billing.Cancelled, billing.Paused: billing.Cancelled,
		},
		"un-cancel": {billing.Cancelled: billing.Ready},
		"pause":     {billing.Ready: billing.Paused, billing.Requested: billing.Paused, billing.Failed: billing.Paused},
		"resume":    {billing.Paused: billing.Ready},
		"send anyway": {
			billing.Unknown: billing.Ready,
		},
		"write off":     {billing.Unknown: billing.WrittenOff},
		"delivered":     {billing.Unknown: billing.Succeeded},
		"not delivered": {billing.Unknown: billing.Failed},
		"correct": {
			billing.Ready: billing.Ready, billing.Requested: billing.Ready, billing.Failed: billing.Ready, billing.Paused: billing.Paused,
		},
	}
	already := map[string][]billing.Status{ // it is what is asked for
		"cancel": {billing.Cancelled}, "pause": {billing.Paused}, "resume": {billing.Ready, billing.Requested, billing.Failed},
		"write off": {billing.WrittenOff}, "delivered": {billing.Succeeded},
	}
	for name, do := range acts {
		for _, status := range billing.Statuses {
			t.Run(name+" while "+string(status), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.seedNatural(status)
				before := w.state(t)
				err := do(t.Context(), w, by())
				want := table[name][status]
				after := w.state(t)
				switch {
				case slices.Contains(already[name], status):
					if !errors.Is(err, operate.ErrAlready) || after != before {
						t.Fatalf("it came to %v, the target is %+v", err, after)
					}
				case want == none && !errors.Is(err, billing.ErrRefused):
					t.Fatalf("it came to %v, want a refusal", err)
				case want == none && (!strings.Contains(err.Error(), w.key.String()) || after != before):
					t.Fatalf("refused with %q, the target is %+v", err, after)
				case want != none && (err != nil || after.Dispatch != want):
					t.Fatalf("the target is %s: %v, want %s", after.Dispatch, err, want)
				}
				w.expectAudit(t, want != none)
			})
		}
	}
}

func TestAnActOnABillThatDoesNotExistSaysSo(t *testing.T) {
	t.Parallel()
	for name, do := range acts {
		w := newWorld(t)
		w.seedNatural(billing.Ready)
		w.key.UserID = 99
		if name == "correct" {
			continue // names a customer, not a key
		}
		if err := do(t.Context(), w, by()); !errors.Is(err, port.ErrNotFound) || len(w.audited()) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := newWorld(t)
	w.seedNatural(billing.Ready)
	bill := w.corrected()
	bill.Customer = "nobody"
	if err := w.correct(t.Context(), bill, by()); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("correct: %v", err)
	}
}

func TestAnActSettlesFirstAndKeepsWhatItFoundThoughRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seed(billing.Requested, func(_ *billing.State, row *attempt.Row) { row.State = attempt.Succeeded })
	if _, err := w.operator.Cancel(t.Context(), w.key, by()); !errors.Is(err, billing.ErrRefused) {
		t.Fatalf("cancelling what has been delivered: %v", err)
	}
	w.expect(t, billing.Succeeded, 0, 0)
}

func TestACancellationDuringACallIsAWish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seed(billing.Requested, func(_ *billing.State, row *attempt.Row) {
		row.State, row.Owner, row.LeaseUntil = attempt.Claimed, attempt.Token{1}, w.clock.Now().Add(lease)
	})
	target, err := w.operator.Cancel(t.Context(), w.key, by())
	if err != nil || target.Status() != billing.Requested || target.State().PendingEnd != billing.Cancelled {
		t.Fatalf("the target is %s with the wish %q: %v", target.Status(), target.State().PendingEnd, err)
	}
	for name, want := range map[string]error{"cancel": operate.ErrAlready, "correct": billing.ErrRefused} {
		if err := acts[name](t.Context(), w, by()); !errors.Is(err, want) {
			t.Errorf("%s with a pending end: %v", name, err)
		}
	}
}

// What was done once is so already, and is written down once.
func TestAnActThatIsDoneAgainChangesNothing(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]billing.Status{
		"cancel": billing.Ready, "un-cancel": billing.Cancelled, "pause": billing.Ready, "resume": billing.Paused, "send anyway": billing.Unknown,
		"write off": billing.Unknown, "delivered": billing.Unknown, "not delivered": billing.Unknown,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.seedNatural(status)
			if err := acts[name](t.Context(), w, by()); err != nil {
				t.Fatal(err)
			}
			after, noted := w.state(t), len(w.audited())
			if err := acts[name](t.Context(), w, by()); !errors.Is(err, operate.ErrAlready) || w.state(t) != after || len(w.audited()) != noted {
				t.Fatalf("done again: %v, the notes are %+v", err, w.audited())
			}
		})
	}
}

func TestAPausedTryThatWasPutBackGoesOnWithANewRound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seed(billing.Paused, func(_ *billing.State, row *attempt.Row) {
		row.State, row.Reason = attempt.NotSent, attempt.ReasonThrottled
	})
	if _, err := w.operator.Resume(t.Context(), w.key, by()); err != nil {
		t.Fatal(err)
	}
	w.expect(t, billing.Ready, 0, 1)
}

func TestPausedContentIsResumedOnlyAfterACorrection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seed(billing.Paused, func(s *billing.State, row *attempt.Row) {
		s.Pause = billing.PauseContent
		row.State, row.Class, row.Reason = attempt.Failed, attempt.Content, attempt.ReasonContent
	})
	if _, err := w.operator.Resume(t.Context(), w.key, by()); !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "correct") {
		t.Fatalf("resuming content: %v", err)
	}
	if err := acts["correct"](t.Context(), w, by()); err != nil {
		t.Fatal(err)
	}
	w.expect(t, billing.Paused, 0, 1)
	if _, err := w.operator.Resume(t.Context(), w.key, by()); err != nil {
		t.Fatal(err)
	}
	if s := w.expect(t, billing.Ready, 0, 1); s.Batch != billing.Imported {
		t.Fatalf("it is %s: it must be rendered again first", s.Batch)
	}
}

// What a cancellation is taken back to, by the row of its key.
func TestACancellationTakenBackNeverReusesAClosedKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		row            attempt.Row
		step           int16
		status         billing.Status
		attempt, round int16
		pause          billing.PauseReason
	}{
		"revoked":                   {row: attempt.Row{State: attempt.Revoked}, status: billing.Ready, round: 1},
		"not sent":                  {row: attempt.Row{State: attempt.NotSent}, status: billing.Ready, round: 1},
		"refused for now":           {row: attempt.Row{State: attempt.Failed, Class: attempt.Temporary}, status: billing.Failed, attempt: 1},
		"refused for good":          {row: attempt.Row{State: attempt.Failed, Class: attempt.Permanent}, status: billing.Failed, attempt: 1},
		"content":                   {row: attempt.Row{State: attempt.Failed, Class: attempt.Content}, status: billing.Paused, pause: billing.PauseContent},
		"refused on the last step":  {row: attempt.Row{State: attempt.Failed, Class: attempt.Temporary}, step: 2},
		"unknown, settled too late": {row: attempt.Row{State: attempt.Unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.seed(billing.Cancelled, func(s *billing.State, row *attempt.Row) { *row, s.Step = c.row, c.step })
			_, err := w.operator.Uncancel(t.Context(), w.key, by())
			if c.status == "" {
				if !errors.Is(err, billing.ErrRefused) {
					t.Fatalf("it came to %v, want a refusal", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s := w.expect(t, c.status, c.attempt, c.round); s.Pause != c.pause {
				t.Fatalf("it is paused for %q", s.Pause)
			}
			if w.rowState(0, 0) != c.row.State {
				t.Fatal("the closed key changed")
			}
		})
	}
}

func TestAWrittenOffBillThatWasDeliveredAfterAllShowsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seedNatural(billing.Unknown)
	if _, err := w.operator.WriteOff(t.Context(), w.key, by()); err != nil {
		t.Fatal(err)
	}
	if row := w.store.Rows(w.key)[0]; row.State != attempt.Unknown {
		t.Fatalf("the row became %s: its outcome stays unknown", row.State)
	}
	late := attempt.Outcome{Key: w.store.Rows(w.key)[0].Key, State: attempt.Succeeded, FinishedAt: w.clock.Now()}
	if _, err := w.store.Ledger().Record(t.Context(), []attempt.Outcome{late}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.operator.Pause(t.Context(), w.key, by()); !errors.Is(err, billing.ErrRefused) { // any act settles first
		t.Fatal(err)
	}
	w.expect(t, billing.Succeeded, 0, 0)
}

func TestACorrectionRevokesTheKeyOrIsRefused(t *testing.T) {
	t.Parallel()
	for _, status := range []billing.Status{billing.Ready, billing.Failed, billing.Requested, billing.Paused} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.seedNatural(status)
			if err := acts["correct"](t.Context(), w, by()); err != nil {
				t.Fatal(err)
			}
			if w.rowState(0, 0) != attempt.Revoked {
				t.Fatalf("the old key is %q: its older copy could go out", w.rowState(0, 0))
			}
			if s := w.state(t); s.Round != 1 || s.Batch != billing.Imported || s.Reachable != channel.NewSet(channel.SMS) {
				t.Fatalf("the target is %+v", s)
			}
		})
	}
	w := newWorld(t)
	w.seed(billing.Requested, func(_ *billing.State, row *attempt.Row) {
		row.State, row.Owner, row.LeaseUntil = attempt.Claimed, attempt.Token{1}, w.clock.Now().Add(lease)
	})
	if err := acts["correct"](t.Context(), w, by()); !errors.Is(err, billing.ErrRefused) {
		t.Fatalf("correcting during a call: %v", err)
	}
	if s := w.expect(t, billing.Requested, 0, 0); s.Batch != billing.Rendered {
		t.Fatal("a refused correction changed the data")
	}
}
