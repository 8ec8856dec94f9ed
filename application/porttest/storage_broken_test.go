package porttest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/porttest"
)

// broken is a storage port that breaks one promise, and the checks that must notice.
type broken struct {
	name   string
	spoil  func(s *porttest.Storage, store *memory.Store)
	checks []string
}

// rejects asserts that a suite rejects each of the broken ports.
func rejects(t *testing.T, suite string, ports []broken) {
	t.Helper()
	suites := porttest.StorageSuites()
	at := slices.IndexFunc(suites, func(s porttest.StorageSuite) bool { return s.Name == suite })
	if at < 0 {
		t.Fatalf("there is no suite %q", suite)
	}
	for _, b := range ports {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			porttest.Reject(t, suites[at].Checks, func(testing.TB) porttest.Storage {
				s, store := openMemory()
				b.spoil(&s, store)
				return s
			}, b.checks...)
		})
	}
}

// openMemory opens the in-memory store, which keeps every promise.
func openMemory() (porttest.Storage, *memory.Store) {
	clock := memory.NewClock(time.Date(2026, time.November, 20, 3, 0, 0, 0, time.UTC))
	s := memory.NewStore(clock)
	return porttest.Storage{
		Targets: s.Targets(), Backlog: s.Backlog(), Requests: s.Requests(), Ledger: s.Ledger(), Sweeps: s.Sweeps(),
		Suppressions: s.Suppressions(), Months: s.Months(), Control: s.Control(), Policies: s.Policies(),
		Audit: s.Audit(), Runs: s.Runs(), Report: s.Report(), SealedBills: s.SealedBills(), Imports: s.Imports(), Renders: s.Renders(),
		Corrections: s.Corrections(), Retention: s.Retention(),
		Elapse: func(_ testing.TB, d time.Duration) { clock.Advance(d) },
		RefuseAudit: func(testing.TB) (allow func()) {
			s.Fail(func(op string) error {
				if op == "audit.record" {
					return errors.New("no right to audit")
				}
				return nil
			})
			return func() { s.Fail(nil) }
		},
	}, s
}
