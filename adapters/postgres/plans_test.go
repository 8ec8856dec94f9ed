package postgres_test

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	said "github.com/balsong/balsong/domain/report"
)

var update = flag.Bool("update", false, "write docs/operations/query-plans.md")

// hot is a call of the adapter whose statements must go by an index.
type hot struct {
	name string
	// drop takes away what its statements go by; empty where another one's does.
	drop string
	// share of the month's rows that it may read; 0: as few as a page needs (scale.bulk).
	share float64
	call  func(ctx context.Context, db *sqlx.DB) error
}

// The shares of statements that read more: whole reads a month's rows once, in all of its pages; recently reads what was
// changed of late, and what is stored in pages beside it, of which a few thousand rows have few.
const (
	whole    = 1.1
	recently = .7
)

func (h hot) bulk(size scale) float64 {
	return max(float64(size.rows)*h.share, size.bulk())
}

// spread are user ids all over the month whose number ends in the given digits modulo 20.
func (s scale) spread(from, remainder int) []int64 {
	users := make([]int64, s.page)
	step := s.rows/20/s.page - 1
	for i := range users {
		users[i] = int64((from+i*step)*20 + remainder)
	}
	return users
}

func targetKeys(users []int64) []key.Target {
	keys := make([]key.Target, len(users))
	for i, user := range users {
		keys[i] = key.Target{Month: month, UserID: user}
	}
	return keys
}

func deliveryKeys(users []int64, n int16) []key.Delivery {
	keys := make([]key.Delivery, len(users))
	for i, user := range users {
		keys[i] = key.Delivery{Month: month, UserID: user, Attempt: n}
	}
	return keys
}

func claims(users []int64, n int16, lease time.Duration) []attempt.Claim {
	var claims []attempt.Claim
	for _, k := range deliveryKeys(users, n) {
		claims = append(claims, attempt.Claim{
			Key: k, Token: ours, Provider: "smtp", Lease: lease,
			Facts: attempt.Facts{Channel: channel.Email, PolicyID: 1, PolicyVersion: 1, RunID: 1, Unknown: attempt.Hold},
		})
	}
	return claims
}

func within(fn func(ctx context.Context, tx port.TargetTx) error) func(ctx context.Context, db *sqlx.DB) error {
	return func(ctx context.Context, db *sqlx.DB) error { return postgres.NewTargets(db).Within(ctx, fn) }
}

// hots are the hot statements. round tells runs over the same tables apart, so that each finds keys that are free.
func hots(size scale, round int) []hot {
	sweeps := map[*sqlx.DB]*postgres.Sweeps{}
	sweepsOf := func(ctx context.Context, db *sqlx.DB) (*postgres.Sweeps, error) {
		if sweeps[db] != nil {
			return sweeps[db], nil
		}
		sweeps[db] = postgres.NewSweeps(db) // its first look reads everything, once per process
		_, err := sweeps[db].ExpireLeases(context.WithoutCancel(unobserved(ctx)), month, size.page)
		return sweeps[db], err
	}
	users := size.spread(round, 1)
	return append([]hot{
		{"LockPage, Save", `DROP INDEX billing_targets_candidates`, 0, within(func(ctx context.Context, tx port.TargetTx) error {
			page, err := tx.LockPage(ctx, port.Page{Month: month, PassNow: now, Limit: size.page})
			if err != nil || len(page) != size.page {
				return fmt.Errorf("a page of %d: %w", len(page), err)
			}
			last := page[size.page-1].Target.State()
			page, err = tx.LockPage(ctx, port.Page{Month: month, PassNow: now, After: port.Cursor{AvailableAt: last.AvailableAt, UserID: last.Key.UserID}, Limit: size.page})
			var saved []billing.Target
			for _, c := range page {
				state := c.Target.State()
				state.Dispatch, state.RequestedAt = billing.Requested, now
				target, err := billing.Restore(state)
				if err != nil {
					return err
				}
				saved = append(saved, target)
			}
			if err != nil {
				return err
			}
			return tx.Save(ctx, saved)
		})},
		{"Due", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			_, err := postgres.NewBacklog(db).Due(ctx, month, now, size.page)
			return err
		}},
		{"NextDue", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			_, err := postgres.NewBacklog(db).NextDue(ctx, month)
			return err
		}},
		{"InFlight", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			n, err := postgres.NewBacklog(db).InFlight(ctx, month, 1)
			if err == nil && n != 1 {
				err = fmt.Errorf("found %d", n)
			}
			return err
		}},
		{"Renders.Next", `DROP INDEX billing_targets_imported`, 0, func(ctx context.Context, db *sqlx.DB) error {
			_, after, err := postgres.NewRenders(db).Next(ctx, month, port.Cursor{}, size.page)
			if err == nil {
				_, _, err = postgres.NewRenders(db).Next(ctx, month, after, size.page)
			}
			return err
		}},
		{"Unclaimed", `DROP INDEX billing_targets_requested`, 0, func(ctx context.Context, db *sqlx.DB) error {
			keys, err := postgres.NewRequests(db).Unclaimed(ctx, month, time.Now(), int64(size.rows/2), size.page)
			if err == nil && len(keys) != size.page {
				err = fmt.Errorf("found %d", len(keys))
			}
			if err == nil { // nothing is that old
				_, err = postgres.NewRequests(db).Unclaimed(ctx, month, now.AddDate(-1, 0, 0), 0, size.page)
			}
			return err
		}},
		{"Changed since", `DROP INDEX delivery_attempts_changed`, 0, func(ctx context.Context, db *sqlx.DB) error {
			s, err := sweepsOf(ctx, db)
			if err != nil {
				return err
			}
			_, _, err = s.Changed(ctx, month, port.Span{Since: time.Now().Add(-time.Minute), Until: time.Now()}, 0, size.page)
			return err
		}},
		{"ExpireLeases", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			s, err := sweepsOf(ctx, db)
			if err != nil {
				return err
			}
			if _, err = postgres.NewLedger(db).Claim(unobserved(ctx), claims(size.spread(round, 3), 7, 0)); err != nil {
				return err
			}
			expired, err := s.ExpireLeases(ctx, month, size.page)
			if err == nil && len(expired) == 0 {
				err = fmt.Errorf("none expired")
			}
			return err
		}},
		{"Unknown", "", 0, func(ctx context.Context, db *sqlx.DB) error { // of the rows that ExpireLeases made so
			s, err := sweepsOf(ctx, db)
			if err == nil {
				_, err = s.Unknown(ctx, month, size.page)
			}
			return err
		}},
		{"Copies.Add, Copies.List", `ALTER TABLE customers DROP CONSTRAINT customers_pkey`, 0, func(ctx context.Context, db *sqlx.DB) error {
			for _, bill := range targetKeys(users[:3]) {
				target := billing.New(bill, now).Copy(nil, channel.SMS, now)
				copied := port.NewCopy{State: target.State(), Data: []byte("{}"), Destination: port.Destination{Channel: channel.SMS, Sealed: []byte("010")}, Statement: []byte("reference")}
				if err := postgres.NewCopies(db).Add(ctx, copied, func(billing.Target, []billing.Target) error { return nil }, port.Act{Actor: "kim", Reason: "a test"}); err != nil {
					return err
				}
			}
			list, err := postgres.NewCopies(db).List(ctx, port.CopyFilter{Month: month, UserID: users[0], Limit: size.page})
			if err == nil && len(list) != 1 {
				err = fmt.Errorf("found %d", len(list))
			}
			return err
		}},
		{"Suppressed", `ALTER TABLE suppressions DROP CONSTRAINT suppressions_pkey`, 0, func(ctx context.Context, db *sqlx.DB) error {
			var uses []port.Use
			for _, user := range users {
				uses = append(uses, port.Use{Contact: port.Contact{UserID: user, Channel: channel.Email}, Class: policy.Transactional})
			}
			_, err := postgres.NewSuppressions(db).Suppressed(ctx, uses)
			return err
		}},
		{"Imports.Store", `ALTER TABLE customers DROP CONSTRAINT customers_customer_key`, 0, func(ctx context.Context, db *sqlx.DB) error {
			var bills []port.ImportedBill
			for i := range size.page {
				n := size.rows/2 + i + round*size.page + (i%2)*size.rows // half of the customers are new
				bills = append(bills, port.ImportedBill{
					Customer: fmt.Sprintf("C-%d", n), State: billing.New(key.Target{Month: month}, now).State(), Data: []byte("{}"), File: "more.csv", Line: n,
					Resolves: port.RejectedRow{File: fmt.Sprintf("bills-%d.csv", 1+n%4), Line: n % (size.rows / 2)},
				})
			}
			_, err := postgres.NewImports(db).Store(ctx, month, bills, func(plain []byte, _ port.Purpose) ([]byte, error) { return plain, nil })
			return err
		}},
		{"Renders.Mark", `ALTER TABLE billing_data DROP CONSTRAINT billing_data_pkey`, 0, func(ctx context.Context, db *sqlx.DB) error {
			var bills []port.RenderedBill
			for _, k := range targetKeys(size.spread(round, 10)) {
				bills = append(bills, port.RenderedBill{Target: k, Version: 1, Statement: []byte("reference")})
			}
			n, err := postgres.NewRenders(db).Mark(ctx, bills, 1, now)
			if err == nil && n != size.page {
				err = fmt.Errorf("marked %d", n)
			}
			return err
		}},
		{"Reports.Store, Reports.About", `ALTER TABLE delivery_reports DROP CONSTRAINT delivery_reports_pkey`, 0, func(ctx context.Context, db *sqlx.DB) error {
			about := make([]said.Report, 0, size.page)
			for _, k := range deliveryKeys(size.spread(round, 5), 0) {
				k.Round = 1
				about = append(about, said.Report{Key: k, Provider: "smtp", ID: fmt.Sprintf("again-%d", round), Kind: said.Undelivered, Class: attempt.Permanent, Definitive: true})
			}
			stored, err := postgres.NewReports(db).Store(ctx, about)
			if err != nil || len(stored.Known) != size.page || !stored.Known[0].New {
				return fmt.Errorf("stored %d: %w", len(stored.Known), err)
			}
			read, err := postgres.NewReports(db).About(ctx, targetKeys(size.spread(round, 5)))
			if err == nil && len(read) < 2*size.page {
				err = fmt.Errorf("read %d", len(read))
			}
			return err
		}},
		{"Reported since", `DROP INDEX delivery_reports_stored`, recently / 2, func(ctx context.Context, db *sqlx.DB) error { // half of the rows have a report
			_, _, err := postgres.NewSweeps(db).Reported(ctx, month, port.Span{Since: time.Now().Add(-time.Minute)}, 0, size.page)
			return err
		}},
		{"Find", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			_, err := postgres.NewLedger(db).Find(ctx, deliveryKeys(size.spread(round, 5), 0))
			return err
		}},
		{"Claim, Record", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			ledger := postgres.NewLedger(db)
			mine, err := ledger.Claim(ctx, claims(users, 0, time.Hour))
			if err != nil || len(mine) != size.page {
				return fmt.Errorf("claimed %d: %w", len(mine), err)
			}
			var outcomes []attempt.Outcome
			for _, k := range mine {
				outcomes = append(outcomes, attempt.Outcome{Key: k, Token: ours, State: attempt.Succeeded, FinishedAt: now})
			}
			outcomes[0].State = attempt.Revoked // refused: so that the second statement runs too
			_, err = ledger.Record(ctx, outcomes)
			return err
		}},
		{"Close", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			var closings []attempt.Closing
			for _, k := range deliveryKeys(users, 1) {
				closings = append(closings, attempt.Closing{Key: k, State: attempt.NotSent, Reason: attempt.ReasonWindow, FinishedAt: now})
			}
			_, err := postgres.NewLedger(db).Close(ctx, closings)
			return err
		}},
		{"Revoke", "", 0, within(func(ctx context.Context, tx port.TargetTx) error {
			var revocations []attempt.Revocation
			for _, k := range deliveryKeys(users, 2) {
				revocations = append(revocations, attempt.Revocation{Key: k, Reason: attempt.ReasonCancel, FinishedAt: now})
			}
			revoked, err := tx.Revoke(ctx, revocations)
			if err == nil && len(revoked) != size.page {
				err = fmt.Errorf("revoked %d", len(revoked))
			}
			return err
		})},
		{"Changed, ever", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			_, next, err := postgres.NewSweeps(db).Changed(ctx, month, port.Span{}, int64(size.rows/2), size.page)
			return some(int(next), err)
		}},
		{"Reported, ever", "", 0, func(ctx context.Context, db *sqlx.DB) error {
			_, next, err := postgres.NewSweeps(db).Reported(ctx, month, port.Span{}, int64(size.rows/2), size.page)
			return some(int(next), err)
		}},
		{"Ledger", `ALTER TABLE delivery_attempts DROP CONSTRAINT delivery_attempts_pkey`, 0, within(func(ctx context.Context, tx port.TargetTx) error {
			_, err := tx.Ledger(ctx, targetKeys(size.spread(round, 5)))
			return err
		})},
		{"Succeed", "", 0, within(func(ctx context.Context, tx port.TargetTx) error {
			_, err := tx.Succeed(ctx, targetKeys(size.spread(round, 5)))
			return err
		})},
		{"Lock, Save", `ALTER TABLE billing_targets DROP CONSTRAINT billing_targets_pkey`, 0, within(func(ctx context.Context, tx port.TargetTx) error {
			locked, err := tx.Lock(ctx, targetKeys(users))
			if err != nil || len(locked) != size.page {
				return fmt.Errorf("locked %d: %w", len(locked), err)
			}
			for i, target := range locked {
				state := target.State()
				state.Dispatch = billing.Succeeded
				if locked[i], err = billing.Restore(state); err != nil {
					return err
				}
			}
			return tx.Save(ctx, locked)
		})},
	}, append(commands(size, round), inquiries(size, round)...)...)
}
