package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// wholeMonth is the size of month that the table speaks of beside those that were measured.
const wholeMonth = 60_000_000

// migrationLabel says how to read the table.
const migrationLabel = `
A lock counts from the beginning of the statement that asks for it to the end of its transaction; tables that a migration itself makes and locks as weak as a statement's that writes rows are left out.
ACCESS EXCLUSIVE keeps everybody out, SHARE those who write, SHARE UPDATE EXCLUSIVE only vacuum and other changes of the schema. The longest step is the longest of a page's way (1,000 rows from dispatch by claims and outcomes to settlement) that
was taken while the migration ran; behind it the longest in the second before. The import, which step 1 above lets nobody run, had chunks of 200 bills; its ANALYZE waits for SHARE UPDATE EXCLUSIVE, for 10 s at most. Before 10
it had none, whose columns it needs. Beside a month's rows there are as many customers, a tenth of them suppressed, and one refused row in a hundred.
`

// migrationRows are the table of the migrations. A migration's line has its largest month; what it took in the smallest tells whether it grows.
func (r *Report) migrationRows() [][]any {
	smallest, largest := r.Migrations[0].Rows, r.Migrations[len(r.Migrations)-1].Rows
	rows := [][]any{{"migration", "took at " + millions(smallest), "at " + millions(largest), "locks at " + millions(largest), "longest step (before)", "import", "at " + millions(wholeMonth)}}
	for _, m := range r.Migrations {
		if m.Rows != largest {
			continue
		}
		small := m.Seconds
		for _, other := range r.Migrations {
			if other.Rows == smallest && other.Version == m.Version {
				small = other.Seconds
			}
		}
		rows = append(rows, []any{
			m.Name, seconds(small), seconds(m.Seconds), m.locks(),
			fmt.Sprintf("%s (%s)", m.Step, m.Before), m.Import, m.atWholeMonth(smallest, small),
		})
	}
	return rows
}

// atWholeMonth is what a migration would take in a whole month, by proportion of what it took more in the larger of two months.
func (m Migrated) atWholeMonth(rows int, took float64) string {
	const noise = 0.5 // seconds: less than that more says nothing
	if m.Rows == rows || m.Seconds-took < noise {
		return "the same"
	}
	return "≈ " + seconds(m.Seconds+(m.Seconds-took)*float64(wholeMonth-m.Rows)/float64(m.Rows-rows))
}

// String is for people.
func (s LoadStep) String() string {
	if s.Name == "" {
		return "none"
	}
	return s.Name + " " + seconds(s.Seconds)
}

func (m Migrated) locks() string {
	if len(m.Locks) == 0 {
		return "none"
	}
	texts := make([]string, len(m.Locks))
	for i, l := range m.Locks {
		texts[i] = fmt.Sprintf("%s on `%s` for %s", lockNames[l.Mode], l.Table, seconds(l.Seconds))
	}
	return strings.Join(texts, "; ")
}

// lockNames are what PostgreSQL's documentation calls the modes of pg_locks.
var lockNames = map[string]string{
	"ShareUpdateExclusiveLock": "SHARE UPDATE EXCLUSIVE", "ShareLock": "SHARE", "ShareRowExclusiveLock": "SHARE ROW EXCLUSIVE",
	"ExclusiveLock": "EXCLUSIVE", "AccessExclusiveLock": "ACCESS EXCLUSIVE",
}

// writeMigrations writes how to read the table.
func (r *Report) writeMigrations(out io.Writer) {
	if len(r.Migrations) > 0 {
		fmt.Fprint(out, migrationLabel)
	}
}

func millions(rows int) string {
	if rows < 1_000_000 {
		return fmt.Sprintf("%d rows", rows)
	}
	return fmt.Sprintf("%g M rows", float64(rows)/1e6)
}

func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.0f ms", 1000*s)
	}
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond).String()
}
