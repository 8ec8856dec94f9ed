package porttest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
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

// brokenTargets runs its transactions in another way, or gives them other statements.
type brokenTargets struct {
	port.Targets
	within func(ctx context.Context, fn func(ctx context.Context, tx port.TargetTx) error) error
	tx     brokenTx
}

func (b brokenTargets) Within(ctx context.Context, fn func(ctx context.Context, tx port.TargetTx) error) error {
	within := b.within
	if within == nil {
		within = b.Targets.Within
	}
	return within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		statements := b.tx
		statements.TargetTx = tx
		return fn(ctx, &statements)
	})
}

// brokenTx replaces those statements of a transaction that are set.
type brokenTx struct {
	port.TargetTx
	page    func(ctx context.Context, tx port.TargetTx, page port.Page) ([]port.Candidate, error)
	lock    func(ctx context.Context, tx port.TargetTx, keys []key.Target) ([]billing.Target, error)
	revoke  func(ctx context.Context, tx port.TargetTx, list []attempt.Revocation) ([]key.Delivery, error)
	save    func(ctx context.Context, tx port.TargetTx, targets []billing.Target) error
	succeed func(ctx context.Context, tx port.TargetTx, keys []key.Target) ([]key.Target, error)
	frozen  bool // Ledger reads once
	rows    map[key.Target][]attempt.Row
	mixed   bool // Ledger gives rows in another order
}

func (b *brokenTx) LockPage(ctx context.Context, page port.Page) ([]port.Candidate, error) {
	if b.page == nil {
		return b.TargetTx.LockPage(ctx, page)
	}
	return b.page(ctx, b.TargetTx, page)
}

func (b *brokenTx) Lock(ctx context.Context, keys []key.Target) ([]billing.Target, error) {
	if b.lock == nil {
		return b.TargetTx.Lock(ctx, keys)
	}
	return b.lock(ctx, b.TargetTx, keys)
}

func (b *brokenTx) Ledger(ctx context.Context, keys []key.Target) (map[key.Target][]attempt.Row, error) {
	if b.frozen && b.rows != nil {
		return b.rows, nil
	}
	rows, err := b.TargetTx.Ledger(ctx, keys)
	b.rows = rows
	for k := range rows {
		if b.mixed {
			slices.Reverse(rows[k])
		}
	}
	return rows, err
}

func (b *brokenTx) Revoke(ctx context.Context, list []attempt.Revocation) ([]key.Delivery, error) {
	if b.revoke == nil {
		return b.TargetTx.Revoke(ctx, list)
	}
	return b.revoke(ctx, b.TargetTx, list)
}

func (b *brokenTx) Succeed(ctx context.Context, keys []key.Target) ([]key.Target, error) {
	if b.succeed == nil {
		return b.TargetTx.Succeed(ctx, keys)
	}
	return b.succeed(ctx, b.TargetTx, keys)
}

func (b *brokenTx) Save(ctx context.Context, targets []billing.Target) error {
	if b.save == nil {
		return b.TargetTx.Save(ctx, targets)
	}
	return b.save(ctx, b.TargetTx, targets)
}

// restated are targets with their states changed.
func restated(targets []billing.Target, change func(s *billing.State)) []billing.Target {
	changed := slices.Clone(targets)
	for i, target := range targets {
		state := target.State()
		change(&state)
		changed[i], _ = billing.Restore(state)
	}
	return changed
}

func TestTheTargetsSuiteRejectsBrokenPages(t *testing.T) {
	t.Parallel()
	// paging breaks LockPage alone.
	paging := func(page func(ctx context.Context, s *porttest.Storage, tx port.TargetTx, page port.Page) ([]port.Candidate, error)) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			s.Targets = brokenTargets{Targets: s.Targets, tx: brokenTx{page: func(ctx context.Context, tx port.TargetTx, p port.Page) ([]port.Candidate, error) {
				return page(ctx, s, tx, p)
			}}}
		}
	}
	var last port.Cursor // of a run that keeps one cursor for all months
	rejects(t, "Targets", []broken{
		{"which does not skip locked rows", paging(func(ctx context.Context, s *porttest.Storage, tx port.TargetTx, p port.Page) ([]port.Candidate, error) {
			candidates, err := tx.LockPage(ctx, p)
			if due, _ := s.Backlog.Due(ctx, p.Month, p.PassNow, p.Limit); p.After == (port.Cursor{}) && len(candidates) < due {
				return nil, fmt.Errorf("%w: a row is held", port.ErrConflict) // NOWAIT
			}
			return candidates, err
		}), []string{"skips what others hold, without waiting"}},
		{"which counts the held ones in its limit", paging(func(ctx context.Context, s *porttest.Storage, tx port.TargetTx, p port.Page) ([]port.Candidate, error) {
			limit := p.Limit
			p.Limit = 1000
			candidates, err := tx.LockPage(ctx, p)
			due, _ := s.Backlog.Due(ctx, p.Month, p.PassNow, p.Limit)
			return candidates[:max(0, min(limit-(due-len(candidates)), len(candidates)))], err
		}), []string{"fills a page from behind what others hold"}},
		{"whose cursor is the availability alone", paging(func(ctx context.Context, _ *porttest.Storage, tx port.TargetTx, p port.Page) ([]port.Candidate, error) {
			if p.After != (port.Cursor{}) {
				p.After.UserID = math.MaxInt64
			}
			return tx.LockPage(ctx, p)
		}), []string{"pages in the order of availability and user id, each once"}},
		{"whose cursor is the user id alone", paging(func(ctx context.Context, _ *porttest.Storage, tx port.TargetTx, p port.Page) ([]port.Candidate, error) {
			candidates, err := tx.LockPage(ctx, port.Page{Month: p.Month, PassNow: p.PassNow, Limit: 1000})
			slices.SortFunc(candidates, func(a, b port.Candidate) int { return a.Target.Key().Compare(b.Target.Key()) })
			candidates = slices.DeleteFunc(candidates, func(c port.Candidate) bool { return c.Target.Key().UserID <= p.After.UserID })
			return candidates[:min(p.Limit, len(candidates))], err
		}), []string{"pages in the order of availability and user id, each once"}},
		{"which keeps one cursor for all months", paging(func(ctx context.Context, _ *porttest.Storage, tx port.TargetTx, p port.Page) ([]port.Candidate, error) {
			p.After = last
			candidates, err := tx.LockPage(ctx, p)
			if n := len(candidates); n > 0 {
				last = port.Cursor{AvailableAt: candidates[n-1].Target.State().AvailableAt, UserID: candidates[n-1].Target.Key().UserID}
			}
			return candidates, err
		}), []string{"loses no bill of a user with two months at a page boundary"}},
		{"which looks ahead of the pass's now", paging(func(ctx context.Context, _ *porttest.Storage, tx port.TargetTx, p port.Page) ([]port.Candidate, error) {
			p.PassNow = p.PassNow.Add(time.Hour)
			return tx.LockPage(ctx, p)
		}), []string{"pages through candidates alone", "leaves out what was deferred or paused"}},
		{"which mixes up statements and destinations", paging(func(ctx context.Context, _ *porttest.Storage, tx port.TargetTx, p port.Page) ([]port.Candidate, error) {
			candidates, err := tx.LockPage(ctx, p)
			for i := range candidates {
				candidates[i].Statement, candidates[i].Destinations = candidates[0].Statement, candidates[0].Destinations
			}
			return candidates, err
		}), []string{"hands over what the event needs"}},
		{"which knows of no suppression", paging(func(ctx context.Context, _ *porttest.Storage, tx port.TargetTx, p port.Page) ([]port.Candidate, error) {
			candidates, err := tx.LockPage(ctx, p)
			for i, c := range candidates {
				candidates[i].Target = restated([]billing.Target{c.Target}, func(s *billing.State) { s.Suppressed = 0 })[0]
			}
			return candidates, err
		}), []string{"tells at each page what is suppressed"}},
	})
}

func TestTheTargetsSuiteRejectsBrokenLocksAndWrites(t *testing.T) {
	t.Parallel()
	statements := func(tx brokenTx) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) { s.Targets = brokenTargets{Targets: s.Targets, tx: tx} }
	}
	rejects(t, "Targets", []broken{
		{"which saves without a field", statements(brokenTx{save: func(ctx context.Context, tx port.TargetTx, targets []billing.Target) error {
			return tx.Save(ctx, restated(targets, func(s *billing.State) { s.LastError = "" }))
		}}), []string{"saves every field and gives it back"}},
		{"which saves one status as another", statements(brokenTx{save: func(ctx context.Context, tx port.TargetTx, targets []billing.Target) error {
			return tx.Save(ctx, restated(targets, func(s *billing.State) {
				if s.Dispatch == billing.WrittenOff {
					s.Dispatch = billing.Cancelled
				}
			}))
		}}), []string{"saves every status"}},
		{"which writes the batch's column", statements(brokenTx{lock: func(ctx context.Context, tx port.TargetTx, keys []key.Target) ([]billing.Target, error) {
			targets, err := tx.Lock(ctx, keys)
			return restated(targets, func(s *billing.State) {
				if s.Attempt == 1 {
					s.Batch = billing.RenderFailed
				}
			}), err
		}}), []string{"leaves the batch's column to the batch"}},
		{"which locks in the order asked for", statements(brokenTx{lock: func(ctx context.Context, tx port.TargetTx, keys []key.Target) ([]billing.Target, error) {
			targets, err := tx.Lock(ctx, keys)
			slices.SortFunc(targets, func(a, b billing.Target) int { return slices.Index(keys, a.Key()) - slices.Index(keys, b.Key()) })
			return targets, err
		}}), []string{"locks those that exist, sorted"}},
		{"which reads without locking", func(s *porttest.Storage, store *memory.Store) {
			s.Targets = brokenTargets{Targets: s.Targets, tx: brokenTx{lock: func(ctx context.Context, tx port.TargetTx, keys []key.Target) (targets []billing.Target, err error) {
				for _, k := range keys {
					if target, ok := store.Target(k); ok {
						targets = append(targets, target)
					}
				}
				return targets, nil
			}}}
		}, []string{"waits for a lock and then reads what was committed"}},
		{"which makes every REQUESTED target with a success SUCCEEDED", statements(brokenTx{succeed: func(ctx context.Context, tx port.TargetTx, keys []key.Target) (done []key.Target, err error) {
			targets, err := tx.Lock(ctx, keys)
			if err != nil {
				return nil, err
			}
			rows, err := tx.Ledger(ctx, keys)
			for i, target := range targets {
				accepted := slices.ContainsFunc(rows[target.Key()], func(r attempt.Row) bool { return r.State == attempt.Succeeded })
				if target.Status() == billing.Requested && accepted {
					done = append(done, target.Key())
					targets[i] = restated(targets[i:i+1], func(s *billing.State) { s.Dispatch = billing.Succeeded })[0]
				}
			}
			return done, errors.Join(err, tx.Save(ctx, targets))
		}}), []string{"makes SUCCEEDED what was accepted and waits for nothing else", "looks again at who was held before it makes it SUCCEEDED"}},
		{"which reads the ledger once a transaction", statements(brokenTx{frozen: true}), []string{"reads the ledger as it is after the lock"}},
		{"which reads the ledger in no order", statements(brokenTx{mixed: true}), []string{"reads all rows of a target, sorted"}},
		{"which claims to have revoked what it has not", statements(brokenTx{revoke: func(ctx context.Context, tx port.TargetTx, list []attempt.Revocation) (all []key.Delivery, err error) {
			_, err = tx.Revoke(ctx, list)
			for _, r := range list {
				all = append(all, r.Key)
			}
			return all, err
		}}), []string{"revokes a key without a row, once", "makes a revocation wait for another one"}},
		{"which revokes outside of its transaction", func(s *porttest.Storage, store *memory.Store) {
			s.Targets = brokenTargets{Targets: s.Targets, tx: brokenTx{revoke: func(ctx context.Context, _ port.TargetTx, list []attempt.Revocation) (revoked []key.Delivery, err error) {
				err = store.Targets().Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
					revoked, err = tx.Revoke(ctx, list)
					return err
				})
				return revoked, err
			}}}
		}, []string{
			"shows a revocation to others after the commit only", "rolls back all of it when the function fails, and returns its error",
			"makes a claim wait for a revocation that is under way", "makes a closing wait for a revocation that is under way",
		}},
	})
}

func TestTheTargetsSuiteRejectsBrokenTransactions(t *testing.T) {
	t.Parallel()
	transactions := func(within func(ctx context.Context, whole port.Targets, fn func(ctx context.Context, tx port.TargetTx) error) error) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			whole := s.Targets
			s.Targets = brokenTargets{Targets: whole, within: func(ctx context.Context, fn func(ctx context.Context, tx port.TargetTx) error) error {
				return within(ctx, whole, fn)
			}}
		}
	}
	const rollback = "rolls back all of it when the function fails, and returns its error"
	rejects(t, "Targets", []broken{
		{"which commits though the function failed", transactions(func(ctx context.Context, whole port.Targets, fn func(ctx context.Context, tx port.TargetTx) error) (failed error) {
			err := whole.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
				failed = fn(ctx, tx)
				return nil
			})
			return errors.Join(failed, err)
		}), []string{rollback}},
		{"which wraps the function's error", transactions(func(ctx context.Context, whole port.Targets, fn func(ctx context.Context, tx port.TargetTx) error) error {
			if err := whole.Within(ctx, fn); err != nil {
				return fmt.Errorf("transaction: %w", err)
			}
			return nil
		}), []string{rollback}},
		{"which hides that it lost a deadlock", transactions(func(ctx context.Context, whole port.Targets, fn func(ctx context.Context, tx port.TargetTx) error) error {
			err := whole.Within(ctx, fn)
			if errors.Is(err, port.ErrConflict) {
				return errors.New("deadlock detected")
			}
			return err
		}), []string{"ends one side of a deadlock with ErrConflict"}},
		{"which goes on after its context's end", transactions(func(ctx context.Context, whole port.Targets, fn func(ctx context.Context, tx port.TargetTx) error) error {
			return whole.Within(context.WithoutCancel(ctx), fn)
		}), []string{"commits nothing once the context has ended"}},
	})
}
