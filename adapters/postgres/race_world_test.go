package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

var (
	month  = key.Month(2026*12 + 10)
	now    = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	target = key.Target{Month: month, UserID: 1}
	ours   = attempt.Token{1}
	theirs = attempt.Token{2}
)

// start is how a race's target and ledger are before it.
type start string

const (
	free     start = "no row"              // REQUESTED, nobody has claimed
	claimed  start = "claimed"             // REQUESTED, claimed by ours, the lease is alive
	overdue  start = "claimed, lease over" // the same, the lease has ended
	accepted start = "accepted"            // REQUESTED, and its row is SUCCEEDED
	late     start = "late success"        // REQUESTED on attempt 1, which nobody has claimed; attempt 0 was accepted
)

// actor is one side of a race: it does what the protocol lets it do, in one transaction, and says what came of it.
type actor struct {
	name string
	// statement names the statement of the transaction that is held before its COMMIT.
	statement string
	act       func(ctx context.Context, w world) (string, error)
}

// world is one connection's view of the race's database.
type world struct {
	db      *sqlx.DB
	version policy.Version
}

func (w world) policies(ref policy.Ref) (policy.Version, bool) {
	return w.version, ref == w.version.Ref()
}

func current(s start) key.Delivery {
	d := key.Delivery{Month: month, UserID: target.UserID}
	if s == late {
		d.Attempt = 1
	}
	return d
}

// seed brings a fresh database into a start.
func seed(t *testing.T, db *sqlx.DB, s start) {
	t.Helper()
	if err := postgres.NewMonths(db).Open(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, `INSERT INTO customers (customer) VALUES ('C-1')`)
	mustExec(t, db, `INSERT INTO billing_targets (billing_month, user_id, batch_status, dispatch_status, attempt, step, policy_id, policy_version,
		available_at, requested_at, run_id, reachable) VALUES ('2026-11-01', 1, 'RENDERED', 'REQUESTED', $1, $1, 1, 1, $2, $2, 1, 3)`,
		current(s).Attempt, now)
	lease := map[start]string{claimed: "1 hour", overdue: "-1 second", late: "-1 second", accepted: "-1 second"}[s]
	if lease == "" {
		return
	}
	state := attempt.Claimed
	if s == late || s == accepted {
		state = attempt.Succeeded
	}
	mustExec(t, db, `INSERT INTO delivery_attempts (billing_month, user_id, attempt, round, state, owner, claimed_at, lease_until, channel, step,
		policy_id, policy_version, run_id, unknown_policy, provider) VALUES ('2026-11-01', 1, 0, 0, $1, $2::uuid, clock_timestamp(),
		clock_timestamp() + $3::interval, 'EMAIL', 0, 1, 1, 1, 'hold', 'smtp')`, string(state), fmt.Sprintf("%x", ours[:]), lease)
}

func mustExec(t testing.TB, db *sqlx.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// ending is the state of a race's target and of its current key, as text: "REQUESTED wish CANCELLED, CLAIMED".
func ending(t *testing.T, db *sqlx.DB, s start) string {
	t.Helper()
	var status string
	var wish, state sql.NullString
	k := current(s)
	err := db.QueryRowContext(t.Context(), `SELECT t.dispatch_status, t.wish, l.state FROM billing_targets t
		LEFT JOIN delivery_attempts l ON l.billing_month = t.billing_month AND l.user_id = t.user_id AND l.attempt = $1 AND l.round = $2`,
		k.Attempt, k.Round).Scan(&status, &wish, &state)
	if err != nil {
		t.Fatal(err)
	}
	if wish.Valid {
		status += " wish " + wish.String
	}
	if !state.Valid {
		state.String = "no row"
	}
	return status + ", " + state.String
}

// aPolicy is EMAIL twice, then SMS, with the reference 1 v1 that seed uses.
func aPolicy(t testing.TB) policy.Version {
	t.Helper()
	version, err := policy.New(policy.Ref{ID: 1, Version: 1}, policy.Spec{
		Name: "bills", Zone: time.UTC, Route: policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// connect opens a pool whose sessions carry a name that pg_stat_activity shows.
func connect(t testing.TB, url, name string) *sqlx.DB {
	t.Helper()
	db, err := postgres.Open(postgres.Config{URL: url, Application: name, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// race runs first until its COMMIT is about to be sent, then second until it ends or waits for a lock, then lets first
// continue. It returns what both said and whether second waited.
func race(t *testing.T, s start, first, second actor) (saidFirst, saidSecond string, waited bool, end string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	url := postgrestest.URL(t)
	db := postgrestest.OpenURL(t, url)
	seed(t, db, s)
	version := aPolicy(t)
	type said struct {
		text string
		err  error
	}
	held, release := make(chan struct{}), make(chan struct{})
	doneFirst, doneSecond := make(chan said, 1), make(chan said, 1)
	go func() {
		text, err := first.act(postgres.Observed(ctx, holdCommit(first.statement, held, release)), world{connect(t, url, "first"), version})
		doneFirst <- said{text, err}
	}()
	select {
	case <-held:
	case early := <-doneFirst:
		t.Fatalf("%s ended before its commit: %q %v", first.name, early.text, early.err)
	}
	go func() {
		text, err := second.act(ctx, world{connect(t, url, "second"), version})
		doneSecond <- said{text, err}
	}()
	var other said
	for ended := false; !waited && !ended; {
		select {
		case other = <-doneSecond:
			ended = true
		default:
			err := db.GetContext(ctx, &waited, `SELECT EXISTS (SELECT FROM pg_stat_activity a
				WHERE a.application_name = 'second' AND a.datname = current_database() AND a.wait_event_type = 'Lock')`)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	close(release)
	one := <-doneFirst
	if waited {
		other = <-doneSecond
	}
	if err := errors.Join(one.err, other.err); err != nil {
		t.Fatal(err)
	}
	return one.text, other.text, waited, ending(t, db, s)
}

// holdCommit holds the first transaction that ran a statement before its COMMIT.
func holdCommit(name string, held, release chan struct{}) postgres.Observer {
	seen := false
	return func(ctx context.Context, _ *sqlx.Tx, statement string, _ []any) error {
		switch {
		case strings.HasPrefix(statement, "/* "+name+" */"):
			seen = true
		case statement == "COMMIT" && seen:
			seen = false
			close(held)
			select {
			case <-release:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}
}

func claimAs(name string, token attempt.Token, s start) actor {
	return actor{name, "claim", func(ctx context.Context, w world) (string, error) {
		mine, err := postgres.NewLedger(w.db).Claim(ctx, []attempt.Claim{{
			Key: current(s), Token: token, Provider: "smtp", Lease: time.Hour,
			Facts: attempt.Facts{Channel: channel.Email, PolicyID: 1, PolicyVersion: 1, RunID: 1, Unknown: attempt.Hold},
		}})
		return map[bool]string{true: "mine", false: "lost"}[len(mine) == 1], err
	}}
}

func outcomeAs(state attempt.State) actor {
	return actor{strings.ToLower(string(state)), "record", func(ctx context.Context, w world) (string, error) {
		class := map[attempt.State]attempt.FailureClass{attempt.Failed: attempt.Temporary, attempt.NotSent: attempt.Throttled}[state]
		hold, err := postgres.NewLedger(w.db).Record(ctx, []attempt.Outcome{{Key: current(claimed), Token: ours, State: state, Class: class, FinishedAt: now}})
		return map[bool]string{true: "written", false: "refused"}[len(hold) == 1], err
	}}
}

// locked runs fn on the locked target and stores it when fn says so.
func locked(ctx context.Context, w world, fn func(ctx context.Context, tx port.TargetTx, t *billing.Target) (bool, error)) error {
	return postgres.NewTargets(w.db).Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, []key.Target{target})
		if err != nil {
			return err
		}
		changed, err := fn(ctx, tx, &targets[0])
		if err != nil || !changed {
			return err
		}
		return tx.Save(ctx, targets)
	})
}

// endAs asks for an end as R6 says.
func endAs(end billing.Status) actor {
	return actor{"revoke for " + string(end), "revoke", func(ctx context.Context, w world) (said string, err error) {
		err = locked(ctx, w, func(ctx context.Context, tx port.TargetTx, t *billing.Target) (bool, error) {
			if t.Status().Final() {
				said = "too late"
				return false, nil
			}
			revoked, err := tx.Revoke(ctx, []attempt.Revocation{{Key: t.Delivery(), Reason: billing.EndReason(end), FinishedAt: now}})
			if err != nil {
				return false, err
			}
			if len(revoked) == 1 {
				said = "revoked"
				return true, t.End(end)
			}
			said = "wish kept"
			t.KeepEnd(end)
			return true, nil
		})
		return said, err
	}}
}

// settler looks as R7 says: lock, then read, and revoke the current key before a late success is shown.
var settler = actor{"settle", "ledger", func(ctx context.Context, w world) (said string, err error) {
	err = locked(ctx, w, func(ctx context.Context, tx port.TargetTx, t *billing.Target) (bool, error) {
		rows, err := tx.Ledger(ctx, []key.Target{target})
		if err != nil {
			return false, err
		}
		result, err := t.Settle(rows[target], w.policies)
		if err != nil || result != billing.RevokeFirst {
			said = string(result)
			return result == billing.Changed, err
		}
		revoked, err := tx.Revoke(ctx, []attempt.Revocation{{Key: t.Delivery(), Reason: attempt.ReasonLate, FinishedAt: now}})
		if err != nil {
			return false, err
		}
		if rows, err = tx.Ledger(ctx, []key.Target{target}); err != nil {
			return false, err
		}
		i := slices.IndexFunc(rows[target], func(r attempt.Row) bool { return r.Key == t.Delivery() })
		result, err = t.Accepted(len(revoked) == 1, rows[target][i].State)
		said = string(result)
		return result == billing.Changed, err
	})
	return said, err
}}

// succeeder settles what was accepted in one statement.
var succeeder = actor{"succeed", "succeed", func(ctx context.Context, w world) (said string, err error) {
	err = postgres.NewTargets(w.db).Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		done, err := tx.Succeed(ctx, []key.Target{target})
		said = fmt.Sprintf("succeeded %d", len(done))
		return err
	})
	return said, err
}}

var sweeper = actor{"sweep", "expire_leases", func(ctx context.Context, w world) (string, error) {
	expired, err := postgres.NewSweeps(w.db).ExpireLeases(ctx, month, 10)
	return fmt.Sprintf("expired %d", len(expired)), err
}}

// reaper requeues as R8 says: REQUESTED, and no row seen.
var reaper = actor{"reap", "ledger", func(ctx context.Context, w world) (said string, err error) {
	err = locked(ctx, w, func(ctx context.Context, tx port.TargetTx, t *billing.Target) (bool, error) {
		rows, err := tx.Ledger(ctx, []key.Target{target})
		there := slices.ContainsFunc(rows[target], func(r attempt.Row) bool { return r.Key == t.Delivery() })
		if err != nil || t.Status() != billing.Requested || there {
			said = "nothing to do"
			return false, err
		}
		said = "requeued"
		return true, t.Requeue(3, now)
	})
	return said, err
}}
