package memory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/porttest"
)

// openStore opens an empty store on a clock of its own.
func openStore(testing.TB) porttest.Storage {
	clock := memory.NewClock(time.Date(2026, time.November, 20, 3, 0, 0, 987654321, time.UTC))
	s := memory.NewStore(clock)
	return porttest.Storage{
		Targets: s.Targets(), Backlog: s.Backlog(), Requests: s.Requests(), Ledger: s.Ledger(), Sweeps: s.Sweeps(),
		Suppressions: s.Suppressions(), Months: s.Months(), Control: s.Control(), ChannelHalts: s.ChannelHalts(), Installation: s.Installation(), Policies: s.Policies(),
		Audit: s.Audit(), Runs: s.Runs(), Report: s.Report(), SealedBills: s.SealedBills(), Imports: s.Imports(), Mappings: s.Mappings(), RefusedRows: s.RefusedRows(), TemplateSets: s.TemplateSets(), Renders: s.Renders(),
		Corrections: s.Corrections(), Retention: s.Retention(), PastImports: s.PastImports(), Copies: s.Copies(), Replication: s.Replication(), Recovery: s.Recovery(), RestoreGuard: s.RestoreGuard(), Budgets: s.Budgets(), Inquiries: s.Inquiries(), Reports: s.Reports(),
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
	}
}

func TestTheStoreKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.AllStorage(t, openStore)
}
