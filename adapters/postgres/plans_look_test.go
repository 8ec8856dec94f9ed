package postgres_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
)

func unobserved(ctx context.Context) context.Context { return postgres.Observed(ctx, nil) }

// The plan of every hot statement on a million rows goes by an index, before and after the tables have statistics; and
// this test would see it if one did not, which it proves by dropping the indexes one after another.
func TestEveryHotStatementGoesByAnIndexOnAMillionRows(t *testing.T) {
	if os.Getenv("BALSONG_TEST_MILLION") != "1" {
		t.Skip("takes two minutes: set BALSONG_TEST_MILLION=1 (`make test-real` does)")
	}
	t.Parallel()
	size := scale{rows: 1_000_000, page: 1000}
	url := filled(t, size)
	db := connect(t, url, "plans")
	without := explain(t, db, size, 0, "without statistics")
	mustExec(t, db, `SET statement_timeout = 0; ANALYZE`)
	with := explain(t, db, size, 1, "with statistics")
	if *update {
		writePlans(t, db, size, without, with)
	}
	proveRed(t, url, size)
}

// A month that has some thousand rows is where the planner is tempted most: without statistics it believes that a month
// of its own choosing selects a handful of them.
func TestEveryHotStatementGoesByAnIndexOnSomeThousandRows(t *testing.T) {
	t.Parallel()
	size := scale{rows: 30_000, page: 100}
	url := filled(t, size)
	db := connect(t, url, "plans")
	explain(t, db, size, 0, "without statistics")
	mustExec(t, db, `ANALYZE`)
	explain(t, db, size, 1, "with statistics")
	proveRed(t, url, size)
}

// A month is analysed when it is loaded: then nothing is REQUESTED, and the index of what is looks empty.
func TestSuccessesGoByTheirKeysThoughStatisticsAreOlderThanTheDispatch(t *testing.T) {
	t.Parallel()
	size := scale{rows: 20_000, page: 100}
	db := connect(t, filled(t, size), "plans")
	mustExec(t, db, `UPDATE billing_targets SET dispatch_status = 'READY' WHERE dispatch_status = 'REQUESTED'`)
	mustExec(t, db, `REINDEX TABLE billing_targets`)
	mustExec(t, db, `VACUUM (ANALYZE) billing_targets`)
	mustExec(t, db, `UPDATE billing_targets SET dispatch_status = 'REQUESTED'`)
	for _, h := range hots(size, 0) {
		if h.name == "Succeed" {
			look(t, db, size, h, "with statistics from before the dispatch")
		}
	}
}

// unneeded are the indexes that no hot statement goes by.
var unneeded []string

// indexesOf lists the indexes of the tables that hot statements touch.
func indexesOf(t *testing.T, db *sqlx.DB) (names []string) {
	t.Helper()
	err := db.SelectContext(t.Context(), &names, `SELECT i.indexrelid::regclass::text FROM pg_index i
	  WHERE i.indrelid::regclass::text IN ('billing_targets', 'billing_data', 'delivery_attempts', 'delivery_reports', 'customers', 'suppressions',
	    'import_rejects', 'operator_actions', 'inquiries') ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// proveRed drops the indexes one after another, sees that the plans' offences are noticed, and that it dropped them all: an
// index that nothing needs, or whose loss nobody would see, is found too.
func proveRed(t *testing.T, url string, size scale) {
	t.Helper()
	hasty, err := postgres.Open(postgres.Config{URL: url, StatementTimeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hasty.Close() }()
	patient := postgrestest.OpenURL(t, url) // to drop an index may have to wait for autovacuum
	for _, h := range hots(size, 2) {
		if h.drop == "" {
			continue
		}
		mustExec(t, patient, h.drop)
		var plans []plan
		err := h.call(postgres.Observed(t.Context(), planner(&plans)), hasty)
		bad := slices.ContainsFunc(plans, func(p plan) bool { return len(p.root.offences(h.bulk(size))) > 0 })
		if !bad && err == nil {
			t.Errorf("%s: after %q no offence was seen:\n%s", h.name, h.drop, drawn(plans))
		}
	}
	if left := indexesOf(t, patient); !slices.Equal(left, unneeded) {
		t.Errorf("no hot statement was tried without %v", left)
	}
}

func explain(t *testing.T, db *sqlx.DB, size scale, round int, when string) []plan {
	t.Helper()
	var all []plan
	for _, h := range hots(size, round) {
		all = append(all, look(t, db, size, h, when)...)
	}
	return all
}

// parents are the partitioned tables, and ofParents the hot statements that name one: those that insert rows, those whose
// month is a constant that the planner prunes by, those of one customer, and the import's look at what is stored.
var (
	parents   = regexp.MustCompile(`\b(billing_targets|billing_data|delivery_attempts)\b`)
	ofParents = []string{"claim", "close", "revoke", "recover", "due", "next_due", "in_flight", "lock_page", "fingerprints", "unrendered", "find_target", "find_bill", "origin", "correct_target"}
)

// look runs one call and looks at the plans of its statements.
func look(t *testing.T, db *sqlx.DB, size scale, h hot, when string) (plans []plan) {
	t.Helper()
	if err := h.call(postgres.Observed(t.Context(), planner(&plans)), db); err != nil {
		t.Errorf("%s, %s: %v", h.name, when, err)
	}
	if len(plans) == 0 {
		t.Errorf("%s, %s: no plan was seen", h.name, when)
	}
	for _, p := range plans {
		if parent := parents.FindString(p.statement); parent != "" && !slices.Contains(ofParents, p.name) {
			t.Errorf("%s, %s: %s names %s, want the month's partition:\n%s", h.name, when, p.name, parent, p.statement)
		}
		if bad := p.root.offences(h.bulk(size)); len(bad) > 0 {
			t.Errorf("%s, %s: %s: %s\n%s", h.name, when, p.name, strings.Join(bad, "; "), p.root.text(1))
		}
	}
	return plans
}

func drawn(plans []plan) string {
	var b strings.Builder
	for _, p := range plans {
		fmt.Fprintf(&b, "%s\n%s\n", p.name, p.root.text(1))
	}
	return b.String()
}
