package operate_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

const (
	callDeadline = 30 * time.Second
	lease        = 90 * time.Second
)

// world is one bill of customer 4711 on the route EMAIL ×2 → SMS ×1, and an operator.
type world struct {
	clock    *memory.Clock
	store    *memory.Store
	operator *operate.Operator
	key      key.Target
	policy   policy.Ref
	before   int // audit entries of the setup
}

func newWorld(t *testing.T) *world {
	t.Helper()
	month, err := key.ParseMonth("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	clock := memory.NewClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	w := &world{clock: clock, store: memory.NewStore(clock), key: key.Target{Month: month, UserID: 4711}}
	version, err := w.store.Policies().Draft(t.Context(), spec(), by())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Policies().Activate(t.Context(), version.Ref(), by()); err != nil {
		t.Fatal(err)
	}
	w.policy = version.Ref()
	w.operator = operate.New(w.ports(), callDeadline)
	w.before = len(w.store.Notes())
	return w
}

// audited are the audit entries since the setup.
func (w *world) audited() []port.AuditEntry { return w.store.Notes()[w.before:] }

func (w *world) ports() operate.Ports {
	return operate.Ports{
		Targets: w.store.Targets(), Ledger: w.store.Ledger(), Sweeps: w.store.Sweeps(), Policies: w.store.Policies(),
		Control: w.store.Control(), ChannelHalts: w.store.ChannelHalts(), Months: w.store.Months(), Suppressions: w.store.Suppressions(),
		Report: w.store.Report(), Audit: w.store.Audit(), Clock: w.clock, Log: &memory.Log{},
	}
}

func spec() policy.Spec {
	return policy.Spec{Name: "monthly", Zone: time.UTC, Route: policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}}}
}

func by() port.Act { return port.Act{Actor: "on-call", Reason: "a test"} }

// seed puts the bill into a status, with the ledger row of its current key as change leaves it; no row where its state
// stays empty.
func (w *world) seed(status billing.Status, change func(s *billing.State, row *attempt.Row)) {
	state := billing.State{
		Key: w.key, Batch: billing.Rendered, Dispatch: status, AvailableAt: w.clock.Now(), Policy: w.policy,
		Reachable: channel.NewSet(channel.Email, channel.SMS), RequestedAt: w.clock.Now(), RunID: 1,
	}
	if status == billing.Paused {
		state.Pause = billing.PauseOperator
	}
	var row attempt.Row
	if change != nil {
		change(&state, &row)
	}
	seeded := memory.Seeded{State: state, Statement: []byte("reference")}
	if row.State != "" {
		row.Key = key.Delivery{Month: w.key.Month, UserID: w.key.UserID, Attempt: state.Attempt, Round: state.Round}
		row.Facts = attempt.Facts{Channel: channel.Email, Step: state.Step, PolicyID: w.policy.ID, PolicyVersion: w.policy.Version, RunID: 1, Unknown: attempt.Hold}
		row.ChangedAt, row.FinishedAt = w.clock.Now(), w.clock.Now()
		seeded.Rows = []attempt.Row{row}
	}
	w.store.Seed(seeded)
}

// seedNatural puts the bill into a status as the protocol would have, with the row that led to it.
func (w *world) seedNatural(status billing.Status) {
	w.seed(status, func(_ *billing.State, row *attempt.Row) {
		switch status {
		case billing.Unknown, billing.WrittenOff:
			row.State, row.Reason, row.LeaseUntil = attempt.Unknown, attempt.ReasonLease, w.clock.Now().Add(-time.Hour)
		case billing.Succeeded:
			row.State = attempt.Succeeded
		case billing.Exhausted, billing.Expired, billing.Cancelled:
			row.State, row.Reason = attempt.Revoked, billing.EndReason(status)
		default:
		}
	})
}

func (w *world) state(t *testing.T) billing.State {
	t.Helper()
	target, ok := w.store.Target(w.key)
	if !ok {
		t.Fatal("the target is gone")
	}
	return target.State()
}

func (w *world) expect(t *testing.T, status billing.Status, tryNo, round int16) billing.State {
	t.Helper()
	s := w.state(t)
	if s.Dispatch != status || s.Attempt != tryNo || s.Round != round {
		t.Fatalf("the target is %s, attempt %d, round %d; want %s, %d, %d", s.Dispatch, s.Attempt, s.Round, status, tryNo, round)
	}
	return s
}

// rowState is the state of the row of a key; "" where there is none.
func (w *world) rowState(tryNo, round int16) attempt.State {
	for _, row := range w.store.Rows(w.key) {
		if row.Key.Attempt == tryNo && row.Key.Round == round {
			return row.State
		}
	}
	return ""
}
