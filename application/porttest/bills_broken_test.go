package porttest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

type sealing = func(plain []byte, purpose port.Purpose) ([]byte, error)

// brokenReport answers with something else than was asked for.
type brokenReport struct {
	port.Report
	funnel func(f *port.Funnel)
	find   func(rows []attempt.Row, err error) ([]attempt.Row, error)
}

func (b brokenReport) Funnel(ctx context.Context, month key.Month) (port.Funnel, error) {
	f, err := b.Report.Funnel(ctx, month)
	if b.funnel != nil {
		b.funnel(&f)
	}
	return f, err
}

func (b brokenReport) Find(ctx context.Context, month key.Month, customer string) (billing.Target, []attempt.Row, error) {
	target, rows, err := b.Report.Find(ctx, month, customer)
	if b.find != nil {
		rows, err = b.find(rows, err)
	}
	return target, rows, err
}

func TestTheReportSuiteRejectsBrokenReports(t *testing.T) {
	t.Parallel()
	reports := func(b brokenReport) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			b.Report = s.Report
			s.Report = b
		}
	}
	const funnel = "counts a month's targets by status, and the counts add up"
	rejects(t, "Report", []broken{
		{"which forget who is held in doubt", reports(brokenReport{funnel: func(f *port.Funnel) { delete(f.Dispatch, billing.Unknown) }}), []string{funnel}},
		{"which forget rejects", reports(brokenReport{funnel: func(f *port.Funnel) { f.Rejected = 0 }}), []string{funnel}},
		{"which count one too many", reports(brokenReport{funnel: func(f *port.Funnel) { f.Imported++ }}), []string{funnel, "counts nothing in a month without bills"}},
		{"which show rows in no order", reports(brokenReport{find: func(rows []attempt.Row, err error) ([]attempt.Row, error) {
			slices.Reverse(rows)
			return rows, err
		}}), []string{"finds a customer's target and its ledger rows, sorted"}},
		{
			"which show nobody where there is nobody", reports(brokenReport{find: func([]attempt.Row, error) ([]attempt.Row, error) { return nil, nil }}),
			[]string{"does not find who has no bill in the month"},
		},
	})
}

// brokenImports stores something else than was handed over.
type brokenImports struct {
	port.Imports
	store  func(ctx context.Context, i port.Imports, month key.Month, bills []port.ImportedBill, seal sealing) (port.ImportReport, error)
	reject func(r *port.Reject)
	end    func(r *port.ImportRecord)

	forgetsResolved bool
}

func (b brokenImports) End(ctx context.Context, record port.ImportRecord) error {
	if b.end != nil {
		b.end(&record)
	}
	return b.Imports.End(ctx, record)
}

func (b brokenImports) Store(ctx context.Context, month key.Month, bills []port.ImportedBill, seal func(plain []byte, purpose port.Purpose) ([]byte, error)) (port.ImportReport, error) {
	if b.store == nil {
		return b.Imports.Store(ctx, month, bills, seal)
	}
	return b.store(ctx, b.Imports, month, slices.Clone(bills), seal)
}

func (b brokenImports) Reject(ctx context.Context, month key.Month, rejects []port.Reject) ([]port.RejectedRow, error) {
	rejects = slices.Clone(rejects)
	for i := range rejects {
		if b.reject != nil {
			b.reject(&rejects[i])
		}
	}
	resolved, err := b.Imports.Reject(ctx, month, rejects)
	if b.forgetsResolved {
		resolved = nil
	}
	return resolved, err
}

// storing breaks Store alone, by what it makes of each bill.
func storing(change func(month key.Month, b *port.ImportedBill)) brokenImports {
	return brokenImports{store: func(ctx context.Context, i port.Imports, month key.Month, bills []port.ImportedBill, seal sealing) (port.ImportReport, error) {
		for n := range bills {
			change(month, &bills[n])
		}
		return i.Store(ctx, month, bills, seal)
	}}
}

func TestTheImportsSuiteRejectsBrokenImports(t *testing.T) {
	t.Parallel()
	imports := func(b brokenImports) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			b.Imports = s.Imports
			s.Imports = b
		}
	}
	rejected := 0
	rejects(t, "Imports", []broken{
		{
			"which forget the line", imports(storing(func(_ key.Month, b *port.ImportedBill) { b.Line = 1 })),
			[]string{"remembers where each bill came from", "tells of a row that differs, and keeps the first", "takes a customer named twice in a chunk once"},
		},
		{
			"which forget what a bill resolves", imports(storing(func(_ key.Month, b *port.ImportedBill) { b.Resolves = port.RejectedRow{} })),
			[]string{"counts a refused row until it comes in"},
		},
		{"which forget the import", imports(storing(func(_ key.Month, b *port.ImportedBill) { b.Import = 0 })), []string{"remembers where each bill came from"}},
		{"which forget how an import ended", imports(brokenImports{end: func(r *port.ImportRecord) { r.Error = "" }}), []string{"keeps the record of each import"}},
		{"which lose a field", imports(storing(func(_ key.Month, b *port.ImportedBill) { b.State.Reachable = 0 })), []string{"stores new bills as IMPORTED and READY"}},
		{
			"which overlook a difference", imports(storing(func(_ key.Month, b *port.ImportedBill) { b.Fingerprint = [32]byte{} })),
			[]string{"tells of a row that differs, and keeps the first", "takes a customer named twice in a chunk once"},
		},
		{"which number customers anew each month", func(s *porttest.Storage, _ *memory.Store) {
			imports(storing(func(month key.Month, b *port.ImportedBill) { b.Customer = month.String() + b.Customer }))(s, nil)
			s.Report = monthlyReport{s.Report}
		}, []string{"keeps a customer's user id across months", "gives one user id where imports run at once"}},
		{"which take what is there for new", imports(brokenImports{store: func(ctx context.Context, i port.Imports, month key.Month, bills []port.ImportedBill, seal sealing) (port.ImportReport, error) {
			r, err := i.Store(ctx, month, bills, seal)
			return port.ImportReport{Inserted: r.Inserted + r.Unchanged, Conflicts: r.Conflicts}, err
		}}), []string{"changes nothing when the same is imported again"}},
		{"which commit row by row", imports(brokenImports{store: func(ctx context.Context, i port.Imports, month key.Month, bills []port.ImportedBill, seal sealing) (sum port.ImportReport, err error) {
			for _, b := range bills {
				r, err := i.Store(ctx, month, []port.ImportedBill{b}, seal)
				if err != nil {
					return sum, err
				}
				sum.Inserted += r.Inserted
			}
			return sum, nil
		}}), []string{"stores nothing of a chunk that cannot be sealed"}},
		{"which seal everything for one purpose", imports(brokenImports{store: func(ctx context.Context, i port.Imports, month key.Month, bills []port.ImportedBill, seal sealing) (port.ImportReport, error) {
			return i.Store(ctx, month, bills, func(plain []byte, purpose port.Purpose) ([]byte, error) {
				purpose.Channel = ""
				return seal(plain, purpose)
			})
		}}), []string{"seals each part for its own purpose"}},
		{"which forget what was resolved", imports(brokenImports{forgetsResolved: true}), []string{"counts a refused row until it comes in"}},
		{"which note a refused row each time", imports(brokenImports{reject: func(r *port.Reject) {
			rejected++
			r.Line += 1000 * rejected
		}}), []string{"notes a refused row once"}},
	})
}

// monthlyReport finds the customers of an import that numbers them anew each month.
type monthlyReport struct{ port.Report }

func (m monthlyReport) Find(ctx context.Context, month key.Month, customer string) (billing.Target, []attempt.Row, error) {
	return m.Report.Find(ctx, month, month.String()+customer)
}

// brokenRenders replaces those methods that are set.
type brokenRenders struct {
	port.Renders
	next func(ctx context.Context, r port.Renders, month key.Month, after port.Cursor, limit int) ([]port.Bill, port.Cursor, error)
	mark func(ctx context.Context, r port.Renders, bills []port.RenderedBill) (int, error)
	find func(ctx context.Context, r port.Renders, month key.Month, customer string) (port.Bill, error)
}

func (b brokenRenders) Find(ctx context.Context, month key.Month, customer string) (port.Bill, error) {
	if b.find == nil {
		return b.Renders.Find(ctx, month, customer)
	}
	return b.find(ctx, b.Renders, month, customer)
}

func (b brokenRenders) Next(ctx context.Context, month key.Month, after port.Cursor, limit int) ([]port.Bill, port.Cursor, error) {
	if b.next == nil {
		return b.Renders.Next(ctx, month, after, limit)
	}
	return b.next(ctx, b.Renders, month, after, limit)
}

func (b brokenRenders) Mark(ctx context.Context, bills []port.RenderedBill, at time.Time) (int, error) {
	if b.mark == nil {
		return b.Renders.Mark(ctx, bills, at)
	}
	return b.mark(ctx, b.Renders, slices.Clone(bills))
}

func TestTheRendersSuiteRejectsBrokenRenders(t *testing.T) {
	t.Parallel()
	renders := func(b brokenRenders) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			b.Renders = s.Renders
			s.Renders = b
		}
	}
	rejects(t, "Renders", []broken{
		{"which find only what waits to be rendered", renders(brokenRenders{find: func(ctx context.Context, r port.Renders, month key.Month, customer string) (port.Bill, error) {
			found, err := r.Find(ctx, month, customer)
			waiting, _, _ := r.Next(ctx, month, port.Cursor{}, 1000)
			if err == nil && !slices.ContainsFunc(waiting, func(b port.Bill) bool { return b.Target == found.Target }) {
				err = port.ErrNotFound
			}
			return found, err
		}}), []string{"finds one customer's bill, whatever its status"}},
		{"which find a customer of another month", renders(brokenRenders{find: func(ctx context.Context, r port.Renders, month key.Month, customer string) (port.Bill, error) {
			found, err := r.Find(ctx, month, customer)
			if err != nil {
				return r.Find(ctx, month-1, customer)
			}
			return found, err
		}}), []string{"finds one customer's bill, whatever its status"}},
		{"which mark by whatever version", renders(brokenRenders{mark: func(ctx context.Context, r port.Renders, bills []port.RenderedBill) (int, error) {
			for i, b := range bills {
				waiting, _, _ := r.Next(ctx, b.Target.Month, port.Cursor{}, 1000)
				for _, w := range waiting {
					if w.Target == b.Target {
						bills[i].Version = w.Version
					}
				}
			}
			return r.Mark(ctx, bills, time.Time{})
		}}), []string{"does not mark a bill whose data were corrected meanwhile"}},
		{"which hand out by user id", renders(brokenRenders{next: func(ctx context.Context, r port.Renders, month key.Month, after port.Cursor, limit int) ([]port.Bill, port.Cursor, error) {
			bills, _, err := r.Next(ctx, month, port.Cursor{}, 1000)
			slices.SortFunc(bills, func(a, b port.Bill) int { return a.Target.Compare(b.Target) })
			bills = slices.DeleteFunc(bills, func(b port.Bill) bool { return b.Target.UserID <= after.UserID })
			bills = bills[:min(limit, len(bills))]
			if len(bills) > 0 {
				after.UserID = bills[len(bills)-1].Target.UserID
			}
			return bills, after, err
		}}), []string{"hands bills out in the order of their dispatch, each once"}},
		{"which hand out in clear", renders(brokenRenders{next: func(ctx context.Context, r port.Renders, month key.Month, after port.Cursor, limit int) ([]port.Bill, port.Cursor, error) {
			bills, cursor, err := r.Next(ctx, month, after, limit)
			for i := range bills {
				bills[i].Data = []byte(`{"bill":"2026-11 of C-0000"}`)
			}
			return bills, cursor, err
		}}), []string{"hands out what rendering needs"}},
		{"which mark a failure as a success", renders(brokenRenders{mark: func(ctx context.Context, r port.Renders, bills []port.RenderedBill) (int, error) {
			for i := range bills {
				bills[i].Failed = ""
			}
			return r.Mark(ctx, bills, time.Time{})
		}}), []string{"marks bills rendered, or failed with a reason"}},
		{"which mark nothing", renders(brokenRenders{mark: func(_ context.Context, _ port.Renders, bills []port.RenderedBill) (int, error) {
			return len(bills), nil
		}}), []string{"marks safely again"}},
		{"which make a bill READY as they mark it", func(s *porttest.Storage, store *memory.Store) {
			renders(brokenRenders{mark: func(ctx context.Context, r port.Renders, bills []port.RenderedBill) (int, error) {
				err := store.Targets().Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
					targets, err := tx.Lock(ctx, []key.Target{bills[0].Target})
					if err != nil {
						return err
					}
					return tx.Save(ctx, restated(targets, func(s *billing.State) { s.Dispatch, s.Pause = billing.Ready, "" }))
				})
				if err != nil {
					return 0, err
				}
				return r.Mark(ctx, bills, time.Time{})
			}})(s, store)
		}, []string{"changes nothing that dispatch has written"}},
	})
}

// brokenCorrections corrects in another way.
type brokenCorrections func(ctx context.Context, bill port.ImportedBill, seal sealing, decide port.CorrectionDecision) error

func (b brokenCorrections) Correct(ctx context.Context, bill port.ImportedBill, seal func(plain []byte, purpose port.Purpose) ([]byte, error), decide port.CorrectionDecision) error {
	return b(ctx, bill, seal, decide)
}

func TestTheCorrectionsSuiteRejectsBrokenCorrections(t *testing.T) {
	t.Parallel()
	corrections := func(fn func(ctx context.Context, whole port.Corrections, bill port.ImportedBill, seal sealing, decide port.CorrectionDecision) error) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			whole := s.Corrections
			s.Corrections = brokenCorrections(func(ctx context.Context, bill port.ImportedBill, seal sealing, decide port.CorrectionDecision) error {
				return fn(ctx, whole, bill, seal, decide)
			})
		}
	}
	type revoking = func(attempt.Revocation) (bool, error)
	rejects(t, "Corrections", []broken{
		{"which always claim to have revoked", corrections(func(ctx context.Context, whole port.Corrections, bill port.ImportedBill, seal sealing, decide port.CorrectionDecision) error {
			return whole.Correct(ctx, bill, seal, func(target *billing.Target, current *attempt.Row, revoke func(attempt.Revocation) (bool, error)) error {
				return decide(target, current, func(r attempt.Revocation) (bool, error) {
					_, err := revoke(r)
					return true, err
				})
			})
		}), []string{"tells whether the current key was revoked"}},
		{"which commit though the decision failed", corrections(func(ctx context.Context, whole port.Corrections, bill port.ImportedBill, seal sealing, decide port.CorrectionDecision) (failed error) {
			err := whole.Correct(ctx, bill, seal, func(target *billing.Target, current *attempt.Row, revoke revoking) error {
				failed = decide(target, current, revoke)
				return nil
			})
			return errors.Join(failed, err)
		}), []string{"rolls back when the decision fails, and returns its error"}},
		{"which lose the decision's error", corrections(func(ctx context.Context, whole port.Corrections, bill port.ImportedBill, seal sealing, decide port.CorrectionDecision) error {
			if err := whole.Correct(ctx, bill, seal, decide); err != nil {
				return errors.New(err.Error())
			}
			return nil
		}), []string{"rolls back when the decision fails, and returns its error", "rolls back when the new data cannot be sealed", "does not find who has no bill in the month"}},
		{"which keep the old data", corrections(func(ctx context.Context, whole port.Corrections, bill port.ImportedBill, seal sealing, decide port.CorrectionDecision) error {
			bill.Data, bill.Fingerprint = []byte("old"), [32]byte{}
			return whole.Correct(ctx, bill, seal, decide)
		}), []string{"takes new data, to be rendered again", "is what the next import is compared with"}},
		{"which hide the current row", corrections(func(ctx context.Context, whole port.Corrections, bill port.ImportedBill, seal sealing, decide port.CorrectionDecision) error {
			return whole.Correct(ctx, bill, seal, func(target *billing.Target, _ *attempt.Row, revoke revoking) error {
				return decide(target, nil, revoke)
			})
		}), []string{"shows the current key's row, and none of an older one"}},
		{"which decide without the lock", func(s *porttest.Storage, store *memory.Store) {
			s.Corrections = brokenCorrections(func(ctx context.Context, bill port.ImportedBill, _ sealing, decide port.CorrectionDecision) error {
				target, _, err := store.Report().Find(ctx, bill.State.Key.Month, bill.Customer)
				if err != nil {
					return err
				}
				return decide(&target, nil, func(attempt.Revocation) (bool, error) { return true, nil })
			})
		}, []string{"waits for whoever holds the target", "holds the target while it decides"}},
	})
}
