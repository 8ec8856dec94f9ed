package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
)

// vacuumed are settings of a month's partitions to compare, as BenchmarkAutovacuum sets them.
var vacuumed = []struct{ name, targets, data, ledger string }{
	{"off", "autovacuum_enabled = off", "autovacuum_enabled = off", "autovacuum_enabled = off"},
	{"defaults", "", "", ""},
	{"5%", scales(0.05, 0.05), "", scales(0.05, 0.05)},
	{"2%", scales(0.02, 0.02), "", scales(0.02, 0.02)},
	{"targets=5%/ledger=defaults", scales(0.05, 0.05), "", ""},
	{"targets=10%/ledger=50%", scales(0.1, 0.05), "", "autovacuum_vacuum_scale_factor = 0.5, autovacuum_vacuum_insert_scale_factor = 1, autovacuum_analyze_scale_factor = 0.1"},
}

func scales(vacuum, analyze float64) string {
	return fmt.Sprintf("autovacuum_vacuum_scale_factor = %g, autovacuum_analyze_scale_factor = %g", vacuum, analyze)
}

// BenchmarkAutovacuum lets bills live from import to SUCCEEDED while autovacuum comes by each second, as often in this
// small month as each minute in one of millions. For each table of the month it reports what autovacuum did, what is
// left of dead rows, and how large the partition is; and what pages cost that find nothing any more. docs/adr/0025 has
// its numbers.
//
//	make gobench PKG=./adapters/postgres BENCH=Autovacuum TESTFLAGS=-benchtime=1x
func BenchmarkAutovacuum(b *testing.B) {
	server, err := sqlx.Open("postgres", postgrestest.Server(b))
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		run(b, server, `ALTER SYSTEM RESET autovacuum_naptime`, `SELECT pg_reload_conf()`)
		_ = server.Close()
	}()
	run(b, server, `ALTER SYSTEM SET autovacuum_naptime = '1s'`, `SELECT pg_reload_conf()`)
	for _, with := range vacuumed {
		b.Run(with.name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				db := opened(b, with.targets, with.data, with.ledger)
				start, work := walOf(b, db), vacuumWork(b, db)
				b.StartTimer()
				imported(b, db)
				live(b, db)
				b.StopTimer()
				reportTables(b, db)
				b.ReportMetric(float64(walOf(b, db)-start)/lives, "wal-B/life")
				b.ReportMetric((vacuumWork(b, db)-work)/lives, "vacuum-pages/life")
				b.ReportMetric(float64(b.Elapsed().Milliseconds())/1000/float64(b.N), "s/month")
				reportEmptyPages(b, db)
				reportFreeze(b, db)
				_ = db.Close()
			}
		})
	}
}

func run(b *testing.B, db *sqlx.DB, statements ...string) {
	b.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(b.Context(), statement); err != nil {
			b.Fatal(statement, err)
		}
	}
}

// opened is an empty month with these settings of its partitions, in place of those that it is opened with.
func opened(b *testing.B, targets, data, ledger string) *sqlx.DB {
	b.Helper()
	db, err := postgres.Open(postgres.Config{URL: postgrestest.URL(b), MaxConns: 2, StatementTimeout: 10 * time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	if err := postgres.NewMonths(db).Open(b.Context(), month); err != nil {
		b.Fatal(err)
	}
	for table, options := range map[string]string{"billing_targets": targets, "billing_data": data, "delivery_attempts": ledger} {
		run(b, db, `ALTER TABLE `+table+`_2026_11 RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor)`)
		if options != "" {
			run(b, db, `ALTER TABLE `+table+`_2026_11 SET (`+options+`)`)
		}
	}
	run(b, db, `CHECKPOINT`)
	return db
}

// imported imports the bills by tens of thousands and marks them rendered by pages, as the batch does.
func imported(b *testing.B, db *sqlx.DB) {
	b.Helper()
	for from := 0; from < lives; from += 10 * lifePage {
		run(b, db, fmt.Sprintf(`INSERT INTO billing_data (billing_month, user_id, line, file, import_id, fingerprint, data, email, sms)
		 SELECT '2026-11-01', n, n, 'bills.csv', 1, decode(repeat('00', 32), 'hex'), decode(repeat('5a', 700), 'hex'), decode(repeat('5a', 60), 'hex'), decode(repeat('5a', 60), 'hex')
		 FROM generate_series(%d, %d) n`, from+1, from+10*lifePage),
			fmt.Sprintf(`INSERT INTO billing_targets (billing_month, user_id, available_at, reachable)
		 SELECT '2026-11-01', n, timestamptz '2026-11-01' + (n %% 1000) * interval '1 second', 3 FROM generate_series(%d, %d) n`, from+1, from+10*lifePage))
	}
	run(b, db, `ANALYZE billing_data_2026_11`, `ANALYZE billing_targets_2026_11`)
	for range lives / lifePage {
		run(b, db, fmt.Sprintf(`WITH page AS MATERIALIZED (SELECT t.user_id FROM billing_targets_2026_11 t WHERE t.billing_month = '2026-11-01' AND t.batch_status = 'IMPORTED'
		  ORDER BY t.billing_month, t.available_at, t.user_id LIMIT %d),
		 data AS (UPDATE billing_data_2026_11 d SET statement = decode(repeat('5a', 90), 'hex'), rendered_at = clock_timestamp() FROM page
		  WHERE d.billing_month = '2026-11-01' AND d.user_id = page.user_id)
		 UPDATE billing_targets_2026_11 t SET batch_status = 'RENDERED' FROM page WHERE t.billing_month = '2026-11-01' AND t.user_id = page.user_id`, lifePage))
	}
}

// vacuumWork is how many pages the autovacuum workers of the server have looked at, in the cache or not.
func vacuumWork(b *testing.B, db *sqlx.DB) (pages float64) {
	b.Helper()
	if err := db.GetContext(b.Context(), &pages, `SELECT sum(coalesce(hits, 0) + coalesce(reads, 0))::float8 FROM pg_stat_io WHERE backend_type = 'autovacuum worker'`); err != nil {
		b.Fatal(err)
	}
	return pages
}

func reportTables(b *testing.B, db *sqlx.DB) {
	b.Helper()
	for name, table := range map[string]string{"targets": "billing_targets", "data": "billing_data", "ledger": "delivery_attempts"} {
		var seen struct{ Hot, Updates, Dead, Heap, Indexes, Vacuums, Analyzes, Stale, Visible float64 }
		err := db.GetContext(b.Context(), &seen, `SELECT s.n_tup_hot_upd AS hot, s.n_tup_upd AS updates, s.n_dead_tup AS dead, pg_relation_size(s.relid) AS heap,
		  pg_indexes_size(s.relid) AS indexes, s.autovacuum_count AS vacuums, s.autoanalyze_count AS analyzes, s.n_mod_since_analyze AS stale,
		  (SELECT c.relallvisible * 100.0 / greatest(c.relpages, 1) FROM pg_class c WHERE c.oid = s.relid) AS visible
		  FROM pg_stat_user_tables s, pg_stat_force_next_flush() WHERE s.relname = $1`, table+"_2026_11")
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(100*seen.Hot/max(seen.Updates, 1), name+"-hot%")
		b.ReportMetric(seen.Dead/lives, name+"-dead/life")
		b.ReportMetric(seen.Heap/lives, name+"-heap-B")
		b.ReportMetric(seen.Indexes/lives, name+"-index-B")
		b.ReportMetric(seen.Vacuums, name+"-vacuums")
		b.ReportMetric(seen.Analyzes, name+"-analyzes")
		b.ReportMetric(seen.Stale/lives, name+"-stale/life")
		b.ReportMetric(seen.Visible, name+"-visible%")
	}
}

// reportEmptyPages reports how many buffers the dispatcher's first page and the reaper's touch when nothing waits any more.
func reportEmptyPages(b *testing.B, db *sqlx.DB) {
	b.Helper()
	for name, statement := range map[string]string{
		"dispatch-buffers": `SELECT t.user_id FROM billing_targets_2026_11 t WHERE t.billing_month = '2026-11-01' AND t.batch_status = 'RENDERED'
		  AND t.dispatch_status IN ('READY', 'FAILED') ORDER BY t.available_at, t.user_id LIMIT 1000`,
		"reaper-buffers": `SELECT t.user_id FROM billing_targets_2026_11 t WHERE t.billing_month = '2026-11-01' AND t.dispatch_status = 'REQUESTED'
		  ORDER BY t.user_id LIMIT 1000`,
	} {
		var lines []string
		if err := db.SelectContext(b.Context(), &lines, `EXPLAIN (ANALYZE, BUFFERS, TIMING off, SUMMARY off) `+statement); err != nil {
			b.Fatal(err)
		}
		touched := 0
		for _, line := range lines {
			hit, read := 0, 0
			if at := strings.Index(line, "Buffers: shared hit="); at >= 0 && touched == 0 {
				_, _ = fmt.Sscanf(line[at:], "Buffers: shared hit=%d read=%d", &hit, &read)
				touched = hit + read
			}
		}
		b.ReportMetric(float64(touched), name)
	}
}

// reportFreeze reports the write-ahead log of freezing a month that is over, and how many transactions its life took.
func reportFreeze(b *testing.B, db *sqlx.DB) {
	b.Helper()
	var age float64
	if err := db.GetContext(b.Context(), &age, `SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()`); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(age, "xid-age")
	for _, how := range []string{"", "FREEZE "} {
		start := walOf(b, db)
		for _, table := range []string{"billing_targets", "billing_data", "delivery_attempts"} {
			run(b, db, `VACUUM `+how+table+`_2026_11`)
		}
		b.ReportMetric(float64(walOf(b, db)-start)/lives, map[string]string{"": "vacuum", "FREEZE ": "freeze"}[how]+"-wal-B")
	}
}
