package postgres_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
)

const plansFile = "../../docs/operations/query-plans.md"

// unplanned are the statements whose plans the page does not show, and why.
var unplanned = []struct{ names, why string }{
	{"funnel rejects month_size audit_size count_suppressions count_reports count_reported count_inquiries costs", "they count a whole table or month, and are asked for that"},
	{"drop_acts drop_all_strays drop_strays drop_imports drop_inquiries drop_mappings drop_months drop_rejects drop_runs drop_template_sets", "they remove what is older than the retention allows, once a month"},
	{"key_usage", "it reads every ciphertext of a month, 20,000 bills a page, by the primary key"},
	{"alike", "the exception above"},
	{"unknown_ever", "it reads a month's ledger from the beginning until it has found 10,000, and only where more than 10,000 rows are or were UNKNOWN"},
	{"dispatch_started", "it ends with the first row that it finds"},
	{"insert_data insert_targets add_customers", "they insert a chunk's rows, where COPY met rows of another import"},
	{"activate add_family insert_version policy_list retire versions set_halt halted channel_halts set_channel_halt installation", "a table of some dozens of rows"},
	{"reserve_calls slow_calls budgets", "a row for each provider, by its key ([ADR 0064](../adr/0064-one-budget-of-calls-for-all-processes.md) has the plan; what old versions of the row cost is not measured yet)"},
	{"store_strays count_strays", "a table of at most 10,000 rows"},
	{"highest_user_id", "it reads the last entry of the primary key"},
	{"all_months close_month months open_month other_months reopen_month dropped", "the table of months"},
	{"imports begin_import end_import find_run latest_runs start_run update_run add_mapping mappings add_template_set", "some dozens of rows a month"},
	{"template_sets", "so too; where every import was taken back it looks for the first bill that is rendered"},
	{"attached briefly disk_usage hold_lock horizon lock_check lock_holders lock_month now opened raise_user_ids sample serialize sessions settings standbys summarize wide", "they read no rows: settings, locks, clocks and the catalogue"},
}

// A statement that is new has its plan on the page, or a reason why not.
func TestEveryStatementHasItsPlanOnThePageOrAReason(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(plansFile)
	if err != nil {
		t.Fatal(err)
	}
	without := map[string]bool{}
	for _, u := range unplanned {
		for _, name := range strings.Fields(u.names) {
			without[name] = true
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile("`/\\* (\\w+) \\*/ ").FindAllSubmatch(source, -1) {
			there[string(match[1])] = true
		}
	}
	for name := range there {
		if planned := strings.Contains(string(page), "\n## "+name+"\n"); planned == without[name] {
			t.Errorf("%s: on the page %v, without a plan for a reason %v", name, planned, without[name])
		}
	}
	for name := range without {
		if !there[name] {
			t.Errorf("there is no statement %s", name)
		}
	}
}

// writePlans writes the page of plans: each statement once, and where they differ both plans.
func writePlans(t *testing.T, db *sqlx.DB, size scale, without, with []plan) {
	t.Helper()
	var version string
	if err := db.GetContext(t.Context(), &version, `SELECT split_part(version(), ' on ', 1)`); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Query plans

The plan of every statement that reads or writes rows of a month, of customers or of acts, on 1,000,000 targets, 1,000,000 ledger rows,
1,000,000 refused rows and 500,000 acts, pages of 1,000, as the adapter really runs them (%s).
Generated: `+"`BALSONG_TEST_MILLION=1 go test ./adapters/postgres -run MillionRows -update`"+`. The same test fails when a
plan reads a table or partition from end to end, touches more than %.0f rows of one, or sorts on disk, with or without statistics, and
proves that it would by dropping the indexes. `+"`unreached`, `render_again`, `undo_rejects` and `reopen_rejects`"+` may touch all rows of a
month: they find few among many, without an index of their own, and read each row once in all of their pages. `+"`refusing` and `claimed`"+`
may touch what was changed of late, and what lies beside it.

The services' connections are opened with hash joins, merge joins, sequential scans, bitmap scans and materialization off (a
month's partition is used long before it has statistics); the ledger sweeps turn bitmap scans on for themselves, because a BRIN
index is read through one, and so does `+"`refusing`"+`. Sorts are off for `+"`refusing` and `waiting_rows`"+`.
Statements are sent unnamed: the server plans each with its parameters, none ever gets a generic plan.

One statement of the operator's commands has no index: a customer number that no customer has exactly (`+"`alike`"+`, which finds it in
another case or with other blanks) costs one scan of all customers. On 5,000,000 customers (249 MB) it took 4 s, on 2 cores that had
other work. An index of that form would take 150 MB, and time from every import, for a question that few ask: there is none.
`, version, size.bulk())
	b.WriteString("\nNo plan is shown of these:\n\n")
	for _, u := range unplanned {
		fmt.Fprintf(&b, "- %s: %s.\n", "`"+strings.Join(strings.Fields(u.names), "`, `")+"`", u.why)
	}
	seen := map[string]bool{}
	for _, p := range without {
		if seen[p.name] {
			continue
		}
		seen[p.name] = true
		fmt.Fprintf(&b, "\n## %s\n\n```sql\n%s\n```\n\nWithout statistics:\n\n```\n%s\n```\n", p.name, p.statement, p.root.text(0))
		i := slices.IndexFunc(with, func(o plan) bool { return o.name == p.name })
		if i >= 0 && with[i].root.text(0) == p.root.text(0) {
			b.WriteString("\nWith statistics: the same.\n")
		} else if i >= 0 {
			fmt.Fprintf(&b, "\nWith statistics:\n\n```\n%s\n```\n", with[i].root.text(0))
		}
	}
	if err := os.WriteFile(plansFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
