package porttest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/window"
)

// Storage is one store seen through all storage ports. A suite needs several of them to bring about what one promises.
type Storage struct {
	Targets      port.Targets
	Backlog      port.Backlog
	Requests     port.Requests
	Ledger       port.Ledger
	Sweeps       port.Sweeps
	Suppressions port.Suppressions
	Months       port.Months
	Control      port.Control
	ChannelHalts port.ChannelHalts
	Installation port.Installation
	Policies     port.Policies
	Audit        port.Audit
	Runs         port.Runs
	Report       port.Report
	SealedBills  port.SealedBills
	Imports      port.Imports
	Mappings     port.Mappings
	TemplateSets port.TemplateSets
	Renders      port.Renders
	Corrections  port.Corrections
	Retention    port.Retention
	PastImports  port.PastImports
	RefusedRows  port.RefusedRows
	Copies       port.Copies
	Replication  port.Replication
	Recovery     port.Recovery
	RestoreGuard port.RestoreGuard
	Budgets      port.Budgets
	Inquiries    port.Inquiries
	Reports      port.Reports

	// Elapse moves the database's clock on by at least a duration of some milliseconds.
	Elapse func(t testing.TB, d time.Duration)
	// RefuseAudit lets every audit entry fail until allow is called.
	RefuseAudit func(t testing.TB) (allow func())
}

// OpenStorage opens a fresh store that no other check uses, and closes it by t.Cleanup.
type OpenStorage = func(t testing.TB) Storage

// AllStorage runs the suites of all storage ports, each in a group of subtests.
func AllStorage(t *testing.T, open OpenStorage) {
	t.Helper()
	for _, suite := range StorageSuites() {
		t.Run(suite.Name, func(t *testing.T) {
			t.Parallel()
			Run(t, suite.Checks, open)
		})
	}
}

// StorageSuite is the suite of one storage port.
type StorageSuite struct {
	Name   string
	Checks []Check[Storage]
}

// StorageSuites lists the suites of all storage ports.
func StorageSuites() []StorageSuite {
	return []StorageSuite{
		{"Targets", TargetsChecks()},
		{"Backlog", BacklogChecks()},
		{"Requests", RequestsChecks()},
		{"Ledger", LedgerChecks()},
		{"Sweeps", SweepsChecks()},
		{"Suppressions", SuppressionsChecks()},
		{"Months", MonthsChecks()},
		{"Control", ControlChecks()},
		{"ChannelHalts", ChannelHaltsChecks()},
		{"Installation", InstallationChecks()},
		{"Policies", PoliciesChecks()},
		{"Audit", AuditChecks()},
		{"Runs", RunsChecks()},
		{"Report", ReportChecks()},
		{"SealedBills", SealedBillsChecks()},
		{"Imports", ImportsChecks()},
		{"Mappings", MappingsChecks()},
		{"RefusedRows", RefusedRowsChecks()},
		{"TemplateSets", TemplateSetsChecks()},
		{"Renders", RendersChecks()},
		{"Corrections", CorrectionsChecks()},
		{"Retention", RetentionChecks()},
		{"PastImports", PastImportsChecks()},
		{"Copies", CopiesChecks()},
		{"Replication", ReplicationChecks()},
		{"Recovery", RecoveryChecks()},
		{"RestoreGuard", RestoreGuardChecks()},
		{"Budgets", BudgetsChecks()},
		{"Inquiries", InquiriesChecks()},
		{"Reports", ReportsChecks()},
	}
}

// The instants and months of the suites.
var (
	november = key.Month(2026*12 + 10)
	december = november + 1
	noon     = time.Date(2026, time.November, 20, 12, 0, 0, 123456000, time.UTC)
)

// onStage returns a check that calls fn with an open store in which both months are open.
func onStage(name string, fn func(s *stage)) Check[Storage] {
	return Check[Storage]{Name: name, Run: func(t testing.TB, open func(t testing.TB) Storage) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a store that hangs fails; it does not stall the tests
		t.Cleanup(cancel)
		s := &stage{TB: t, Storage: open(t), ctx: ctx}
		for _, month := range []key.Month{november, december} {
			s.must(s.Months.Open(ctx, month))
		}
		fn(s)
	}}
}

// stage is an open store with what the checks do to it.
type stage struct {
	testing.TB
	Storage
	ctx context.Context
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// given returns the value of a call that must not fail; otherwise it ends the check.
func given[T any](value T, err error) func(s *stage) T {
	return func(s *stage) T {
		s.Helper()
		s.must(err)
		return value
	}
}

// customer is the customer number of the n-th bill.
func customer(n int) string { return fmt.Sprintf("C-%04d", n) }

// bill is the n-th bill of a month, as an import hands it over.
func bill(month key.Month, n int, at time.Time) port.ImportedBill {
	b := port.ImportedBill{
		Customer:     customer(n),
		State:        billing.New(key.Target{Month: month}, at).State(),
		Data:         []byte(fmt.Sprintf(`{"bill":"%s of %s"}`, month, customer(n))),
		Destinations: map[channel.Kind]string{channel.Email: customer(n) + "@example.com", channel.SMS: "010-0000-0000"},
		File:         "bills.csv",
		Line:         n + 1,
	}
	b.State.Reachable = channel.NewSet(channel.Email, channel.SMS)
	copy(b.Fingerprint[:], fmt.Sprintf("%s %d", month, n))
	return b
}

// seal is a Seal whose result shows what it was given.
func seal(plain []byte, purpose port.Purpose) ([]byte, error) {
	return []byte(fmt.Sprintf("sealed|%s|%s|%s|%s", purpose.Kind, purpose.Target, purpose.Channel, plain)), nil
}

// imported imports n bills of a month, all available at noon, and returns their targets in the order of customers.
func (s *stage) imported(month key.Month, n int) []key.Target {
	s.Helper()
	bills := make([]port.ImportedBill, n)
	for i := range bills {
		bills[i] = bill(month, i, noon)
	}
	return s.store(month, bills...)
}

func (s *stage) store(month key.Month, bills ...port.ImportedBill) []key.Target {
	s.Helper()
	_, err := s.Imports.Store(s.ctx, month, bills, seal)
	s.must(err)
	keys := make([]key.Target, len(bills))
	for i, b := range bills {
		target, _, err := s.Report.Find(s.ctx, month, b.Customer)
		s.must(err)
		keys[i] = target.Key()
	}
	return keys
}

// rendered imports n bills and marks them RENDERED: they are candidates, by user id.
func (s *stage) rendered(month key.Month, n int) []key.Target {
	s.Helper()
	keys := s.imported(month, n)
	s.render(month)
	slices.SortFunc(keys, key.Target.Compare)
	return keys
}

// render marks all IMPORTED bills of a month RENDERED.
func (s *stage) render(month key.Month) {
	s.Helper()
	bills, _, err := s.Renders.Next(s.ctx, month, port.Cursor{}, 1000)
	s.must(err)
	marks := make([]port.RenderedBill, len(bills))
	for i, b := range bills {
		marks[i] = port.RenderedBill{Target: b.Target, Version: b.Version, Statement: statementOf(b.Target)}
	}
	marked, err := s.Renders.Mark(s.ctx, marks, 1, noon)
	s.must(err)
	if marked != len(marks) {
		s.Fatalf("marked %d of %d bills", marked, len(marks))
	}
}

func statementOf(k key.Target) []byte { return []byte("statement of " + k.String()) }

// change stores targets with changed states, without regard to the domain's rules.
func (s *stage) change(change func(state *billing.State), keys ...key.Target) {
	s.Helper()
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, keys)
		if err != nil {
			return err
		}
		for i, target := range targets {
			state := target.State()
			change(&state)
			if targets[i], err = billing.Restore(state); err != nil {
				return err
			}
		}
		return tx.Save(ctx, targets)
	}))
}

// state reads a target.
func (s *stage) state(k key.Target) billing.State {
	s.Helper()
	var state billing.State
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, []key.Target{k})
		if err == nil && len(targets) != 1 {
			err = fmt.Errorf("locking %s gave %d targets", k, len(targets))
		}
		if err == nil {
			state = targets[0].State()
		}
		return err
	}))
	return state
}

// revoke revokes keys in a transaction of its own.
func (s *stage) revoke(keys ...key.Delivery) []key.Delivery {
	s.Helper()
	var revoked []key.Delivery
	s.must(s.Targets.Within(s.ctx, func(ctx context.Context, tx port.TargetTx) (err error) {
		revoked, err = tx.Revoke(ctx, revocations(keys...))
		return err
	}))
	return revoked
}

func revocations(keys ...key.Delivery) []attempt.Revocation {
	list := make([]attempt.Revocation, len(keys))
	for i, k := range keys {
		list[i] = attempt.Revocation{Key: k, Reason: attempt.ReasonCancel, FinishedAt: noon}
	}
	return list
}

// row reads one ledger row; a row without a key where there is none.
func (s *stage) row(k key.Delivery) attempt.Row {
	s.Helper()
	rows, err := s.Ledger.Find(s.ctx, []key.Delivery{k})
	s.must(err)
	if len(rows) == 0 {
		return attempt.Row{}
	}
	return normalRow(rows[0])
}

// now reads the database's clock.
func (s *stage) now() time.Time {
	s.Helper()
	return given(s.Sweeps.Now(s.ctx))(s)
}

// keysAre compares keys with those that were expected, in order.
func keysAre[K interface {
	comparable
	String() string
}](s *stage, what string, got []K, want ...K) {
	s.Helper()
	if !slices.Equal(got, want) {
		s.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// normal returns a time in the form in which times are compared: UTC, truncated to microseconds.
func normal(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return at.UTC().Truncate(time.Microsecond)
}

func normalRow(row attempt.Row) attempt.Row {
	for _, at := range []*time.Time{&row.ClaimedAt, &row.LeaseUntil, &row.NotBefore, &row.FinishedAt, &row.ChangedAt} {
		*at = normal(*at)
	}
	return row
}

// stateIs compares states; windows by what they say, because zones are loaded anew.
func (s *stage) stateIs(what string, got, want billing.State) {
	s.Helper()
	if g, w := stateText(got), stateText(want); g != w {
		s.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func stateText(state billing.State) string {
	quiet, zone := state.Quiet.String(), state.Zone.String()
	if state.Zone == nil {
		zone = "none"
	}
	for _, at := range []*time.Time{&state.AvailableAt, &state.RequestedAt, &state.Deadline} {
		*at = normal(*at)
	}
	state.Quiet, state.Zone = window.Forbidden{}, nil
	return fmt.Sprintf("%+v quiet %s zone %s", state, quiet, zone)
}

func delivery(k key.Target, attempt, round int16) key.Delivery {
	return key.Delivery{Month: k.Month, UserID: k.UserID, Attempt: attempt, Round: round}
}
