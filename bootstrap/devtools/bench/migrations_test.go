package bench

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// What reads the rows of a month locks out nobody who works on it, however many they are.
func TestEachMigrationRunsOnAMonthUnderLoadAndReadsNoRowsWhileItLocksOthersOut(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp(child.TempDir(), "balsong-migrations-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	report, err := Run(t.Context(), Options{What: Migrations, DataDir: dir, Kafka: localenv.Kfake, Sizes: []int{100_000}, Quick: true, Out: &said})
	if err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	names, err := migrationNames()
	if err != nil {
		t.Fatal(err)
	}
	for version, name := range names {
		if version > migrationBase && !slices.ContainsFunc(report.Migrations, func(m Migrated) bool { return m.Version == version && m.Name == name }) {
			t.Errorf("%s was not measured", name)
		}
	}
	locks := func(version int) (modes []string) {
		for _, m := range report.Migrations {
			for _, l := range m.Locks {
				if m.Version == version {
					modes = append(modes, l.Mode+" "+l.Table)
				}
			}
		}
		return modes
	}
	for version, table := range map[int]string{12: "billing_targets", 13: "suppressions"} {
		if got, want := locks(version), []string{"AccessExclusiveLock " + table, "ShareUpdateExclusiveLock " + table}; !slices.Equal(got, want) {
			t.Errorf("migration %d has the locks %v, want %v: it reads the rows under the second one", version, got, want)
		}
	}
	if text := said.String(); !strings.Contains(text, "ACCESS EXCLUSIVE on `billing_targets`") || !strings.Contains(text, "000016_installation") {
		t.Errorf("it says\n%s", text)
	}
}

func TestATimeThatGrowsWithTheRowsIsGivenForAWholeMonth(t *testing.T) {
	t.Parallel()
	of := func(rows, version int, seconds float64) Migrated {
		return Migrated{Rows: rows, Version: version, Seconds: seconds}
	}
	report := &Report{Migrations: []Migrated{of(1_000_000, 1, 1), of(1_000_000, 2, 0.02), of(10_000_000, 1, 10), of(10_000_000, 2, 0.05)}}
	rows := report.migrationRows()
	if len(rows) != 3 || rows[1][1] != "1s" || rows[1][2] != "10s" || rows[1][6] != "≈ 1m0s" || rows[2][6] != "the same" {
		t.Errorf("%v", rows)
	}
}
