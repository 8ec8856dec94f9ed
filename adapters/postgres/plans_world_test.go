package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
)

// scale is how many targets a month has and how many a page takes of them.
type scale struct{ rows, page int }

// bulk is how many rows of a table a page may touch. Most touch as many as they take; a BRIN index points at whole ranges
// of pages, and small rows that found room in older pages draw these in.
func (s scale) bulk() float64 { return max(float64(s.rows)/10, 12_000) }

// filled fills a month as it is in the middle of a burst: of all targets every tenth waits to be rendered, three tenths
// are candidates, one tenth is requested (half of that without a ledger row) and the rest is settled; as many ledger rows
// from before; nothing of it analyzed.
func filled(t *testing.T, size scale) string {
	t.Helper()
	url := postgrestest.URL(t)
	db, err := postgres.Open(postgres.Config{URL: url, MaxConns: 2, StatementTimeout: 10 * time.Minute, IdleInTransactionTimeout: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := postgres.NewMonths(db).Open(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`ALTER TABLE billing_targets_2026_11 SET (autovacuum_enabled = off)`,
		`ALTER TABLE billing_data_2026_11 SET (autovacuum_enabled = off)`,
		`ALTER TABLE delivery_attempts_2026_11 SET (autovacuum_enabled = off)`,
		`ALTER TABLE delivery_reports_2026_11 SET (autovacuum_enabled = off)`,
		`ALTER TABLE customers SET (autovacuum_enabled = off)`,
		`ALTER TABLE suppressions SET (autovacuum_enabled = off)`,
		`ALTER TABLE import_rejects SET (autovacuum_enabled = off)`,
		`ALTER TABLE operator_actions SET (autovacuum_enabled = off)`,
		`INSERT INTO customers (customer) SELECT 'C-' || n FROM generate_series(1, 1000000) n`,
		`INSERT INTO billing_targets (billing_month, user_id, batch_status, dispatch_status, attempt, policy_id, policy_version, available_at, requested_at, run_id, reachable, last_decision)
		 SELECT '2026-11-01', n, CASE WHEN n % 200 = 10 THEN 'RENDER_FAILED' WHEN n % 10 = 0 THEN 'IMPORTED' ELSE 'RENDERED' END,
		   CASE WHEN n % 10 IN (1, 2, 3) THEN CASE WHEN n % 20 = 1 THEN 'FAILED' ELSE 'READY' END WHEN n % 10 = 4 THEN 'REQUESTED' WHEN n % 10 = 0 THEN 'READY' ELSE 'SUCCEEDED' END,
		   0, 1, 1, timestamptz '2026-11-01' + (n % 1000) * interval '1 second',
		   CASE WHEN n % 10 > 3 THEN clock_timestamp() - interval '1 hour' END, 1, 3, 'DISPATCH due EMAIL step 0 by policy 1 v1'
		 FROM generate_series(1, 1000000) n`,
		`INSERT INTO billing_data (billing_month, user_id, line, email, sms, statement, fingerprint, file, import_id, data)
		 SELECT '2026-11-01', n, n, decode(repeat('ab', 60), 'hex'), decode(repeat('ab', 60), 'hex'), decode(repeat('ab', 200), 'hex'),
		   decode(repeat('ab', 32), 'hex'), 'bills.csv', CASE WHEN n % 20 = 0 THEN 2 + n / 20 % 3 ELSE 1 END, decode(repeat('ab', 300), 'hex')
		 FROM generate_series(1, 1000000) n`,
		// The settled ones have rows of two tries, and half of the requested ones a row of theirs.
		`INSERT INTO delivery_attempts (billing_month, user_id, attempt, round, state, owner, claimed_at, lease_until, channel, step, policy_id, policy_version,
		   run_id, unknown_policy, provider, finished_at, changed_at)
		 SELECT '2026-11-01', n, 0, r, CASE WHEN n % 10 = 4 THEN 'FAILED' WHEN r = 0 THEN 'NOT_SENT' ELSE 'SUCCEEDED' END, gen_random_uuid(), a, a + interval '90 seconds', 'EMAIL', 0, 1, 1,
		   1, 'hold', 'smtp', a, a
		 FROM generate_series(1, 1000000) n, generate_series(0, 1) r, LATERAL (SELECT clock_timestamp() - interval '1 day' + n * interval '10 milliseconds' AS a) t
		 WHERE (n % 10 > 4) OR (n % 20 = 4 AND r = 0)`,
		// Nearly all that was accepted was delivered, as their providers reported within a day.
		`INSERT INTO delivery_reports (billing_month, user_id, attempt, round, provider, report_id, kind, failure_class, definitive, stored_at)
		 SELECT '2026-11-01', n, 0, 1, 'smtp', 'm-' || n, CASE WHEN n % 100 = 99 THEN 'UNDELIVERED' ELSE 'DELIVERED' END, CASE WHEN n % 100 = 99 THEN 'permanent' END, true,
		   clock_timestamp() - interval '1 day' + n * interval '10 milliseconds' FROM generate_series(1, 1000000) n WHERE n % 10 > 4`,
		// Import 1 brought most of it, 2 to 4 those that wait to be rendered; as many rows were refused, every
		// second of which came in later, and half as many acts were noted.
		`INSERT INTO imports (billing_month, file, actor, reason, started_at, finished_at, row_count, inserted, unchanged, corrected, conflicts, rejected, error)
		 SELECT '2026-11-01', 'bills-' || n || '.csv', 'kim', '', '2026-11-01', '2026-11-01', 1, 1, 0, 0, 0, 0, '' FROM generate_series(1, 4) n`,
		`INSERT INTO import_rejects (billing_month, file, line, field, reason, customer, import_id, resolved_at)
		 SELECT '2026-11-01', 'bills-' || 1 + n % 4 || '.csv', n, 'amount', 'is empty', CASE WHEN n % 8 < 4 THEN 'C-' ELSE 'refused-' END || n, CASE WHEN n % 40 = 0 THEN 2 + n / 40 % 3 ELSE 1 END,
		   CASE WHEN n % 8 < 4 THEN clock_timestamp() END FROM generate_series(1, 1000000) n`,
		`INSERT INTO operator_actions (at, actor, what, subject, reason)
		 SELECT '2026-11-01', 'kim', 'resume', '2026-11/' || n, 'a test' FROM generate_series(1, 1000000 / 2) n`,
		`INSERT INTO suppressions (user_id, channel, reason) SELECT n, 'EMAIL', 'bounced' FROM generate_series(1, 1000000, 10) n`,
	} {
		mustExec(t, db, strings.ReplaceAll(statement, "1000000", strconv.Itoa(size.rows)))
	}
	return url
}

// node is one node of EXPLAIN (ANALYZE, FORMAT JSON).
type node struct {
	Type      string  `json:"Node Type"`
	Relation  string  `json:"Relation Name"`
	Index     string  `json:"Index Name"`
	Strategy  string  `json:"Strategy"`
	Join      string  `json:"Join Type"`
	Operation string  `json:"Operation"`
	Function  string  `json:"Function Name"`
	Arbiters  any     `json:"Conflict Arbiter Indexes"`
	IndexCond string  `json:"Index Cond"`
	Recheck   string  `json:"Recheck Cond"`
	Filter    string  `json:"Filter"`
	Rows      float64 `json:"Actual Rows"`
	Loops     float64 `json:"Actual Loops"`
	Removed   float64 `json:"Rows Removed by Filter"`
	Rechecked float64 `json:"Rows Removed by Index Recheck"`
	SortSpace string  `json:"Sort Space Type"`
	SortKey   any     `json:"Sort Key"`
	Plans     []node  `json:"Plans"`
}

var guarded = regexp.MustCompile(`^(billing_targets|billing_data|delivery_attempts|delivery_reports|customers|suppressions|import_rejects|operator_actions|inquiries)`)

// offences are what a plan must not do: read a guarded table from end to end, touch the bulk of it, or sort on disk.
func (n node) offences(bulk float64) []string {
	var found []string
	if guarded.MatchString(n.Relation) {
		if n.Type == "Seq Scan" {
			found = append(found, "Seq Scan on "+n.Relation)
		}
		if touched := (n.Rows + n.Removed + n.Rechecked) * n.Loops; touched > bulk && n.Type != "ModifyTable" {
			found = append(found, fmt.Sprintf("%s touches %.0f rows of %s (%.0f, and dropped %.0f by its filter, %.0f by its recheck, %.0f times)",
				n.Type, touched, n.Relation, n.Rows, n.Removed, n.Rechecked, n.Loops))
		}
	}
	if n.SortSpace == "Disk" {
		found = append(found, "a sort on disk")
	}
	for _, child := range n.Plans {
		found = append(found, child.offences(bulk)...)
	}
	return found
}

// longArray is a page of keys as a plan shows it.
var longArray = regexp.MustCompile(`'\{[^}]{100,}\}'`)

// text draws a plan without numbers, which change from run to run.
func (n node) text(depth int) string {
	line := strings.Repeat("  ", depth) + n.Type
	for _, part := range []struct{ before, value string }{
		{" ", n.Operation},
		{" ", n.Join},
		{" ", n.Strategy},
		{" using ", n.Index},
		{" on ", n.Relation},
		{" on ", n.Function},
		{": ", n.IndexCond},
		{"; recheck: ", n.Recheck},
		{"; filter: ", n.Filter},
	} {
		if part.value != "" && part.value != "Plain" {
			line += part.before + longArray.ReplaceAllString(part.value, "'{…}'")
		}
	}
	if n.Arbiters != nil {
		line += fmt.Sprintf("; arbiter: %v", n.Arbiters)
	}
	if n.SortKey != nil {
		line += fmt.Sprintf(" by %v", n.SortKey)
	}
	for _, child := range n.Plans {
		line += "\n" + child.text(depth+1)
	}
	return line
}

// plan is a statement with the plan that it ran by.
type plan struct {
	name, statement string
	root            node
}

var named = regexp.MustCompile(`^/\* (\w+) \*/ `)

// planner notes the plan of each statement as the adapter runs it: the same text and parameters, the same connection,
// in the same transaction, really executed and undone again.
func planner(plans *[]plan) postgres.Observer {
	return func(ctx context.Context, tx *sqlx.Tx, statement string, args []any) error {
		match := named.FindStringSubmatch(statement)
		if match == nil || slices.Contains([]string{"wide", "settings", "summarize", "serialize", "horizon", "opened"}, match[1]) {
			return nil
		}
		if _, err := tx.ExecContext(ctx, "SAVEPOINT before_explain"); err != nil {
			return err
		}
		var encoded []byte
		if err := tx.QueryRowContext(ctx, "EXPLAIN (ANALYZE, TIMING off, FORMAT JSON) "+statement, args...).Scan(&encoded); err != nil {
			return fmt.Errorf("explain %s: %w", match[1], err)
		}
		var explained []struct{ Plan node }
		if err := json.Unmarshal(encoded, &explained); err != nil {
			return err
		}
		*plans = append(*plans, plan{match[1], statement, explained[0].Plan})
		_, err := tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT before_explain")
		return err
	}
}
