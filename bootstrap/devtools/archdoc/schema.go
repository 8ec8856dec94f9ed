package archdoc

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/migrations"
)

// table is one table as the database's catalog and the migrations' comments tell it.
type table struct {
	Name        string
	Partitioned bool
	says        string
	columns     []column
	key         []string
	indexes     []string
	checks      []string
	refers      []string // names of tables
	file        string
}

type column struct {
	Name    string
	Type    string
	NotNull bool `db:"not_null"`
	Default string
	says    string
}

const tablesSQL = `SELECT c.relname AS name, c.relkind = 'p' AS partitioned FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'schema_migrations'
ORDER BY c.oid`

const columnsSQL = `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
  CASE WHEN a.attidentity <> '' THEN 'counted' ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), '') END AS "default"
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`

const keySQL = `SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)`

const indexesSQL = `SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = $1::regclass AND NOT i.indisprimary ORDER BY c.relname`

const checksSQL = `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c' ORDER BY conname`

const refersSQL = `SELECT f.relname FROM pg_constraint n JOIN pg_class f ON f.oid = n.confrelid
WHERE n.conrelid = $1::regclass AND n.contype = 'f' ORDER BY n.conname`

func schemaPage(p *printer, s Sources) error {
	tables, err := readTables(s.Database)
	if err != nil {
		return err
	}
	p.line("Asked of a PostgreSQL that has run the %s. A line joins tables of which the one's key, written at the line, is part of the other's; foreign keys are few on", p.link("migrations", "migrations"))
	p.line("purpose, because their checks wait for row locks (%s).\n", p.link("safety", "docs/design/safety.md#postgresql-as-the-state-store"))
	p.mermaid(drawTables(tables)...)
	for _, t := range tables {
		p.line("## %s\n", t.Name)
		if t.says != "" {
			p.line("%s\n", t.says)
		}
		kind := "Key"
		if t.Partitioned {
			kind = "A partition for each month; key"
		}
		p.line("%s: `%s`. Made by %s.\n", kind, strings.Join(t.key, ", "), p.link("`"+t.file+"`", "migrations/"+t.file))
		rows := make([][]string, 0, len(t.columns))
		for _, c := range t.columns {
			kind := c.Type
			if !c.NotNull {
				kind += ", may be null"
			}
			value := ""
			if c.Default != "" {
				value = "`" + c.Default + "`"
			}
			rows = append(rows, []string{"`" + c.Name + "`", kind, value, c.says})
		}
		p.table([]string{"Column", "Type", "Default", "Says"}, rows)
		for _, index := range t.indexes {
			p.line("- `%s`", strings.ReplaceAll(index, " ONLY public.", " "))
		}
		for _, check := range t.checks {
			p.line("- `%s`", check)
		}
		p.line("")
	}
	return nil
}

func readTables(db *sqlx.DB) ([]table, error) {
	var tables []table
	if err := db.Select(&tables, tablesSQL); err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	comments, err := readMigrations()
	if err != nil {
		return nil, err
	}
	for i := range tables {
		t := &tables[i]
		for query, into := range map[string]any{columnsSQL: &t.columns, keySQL: &t.key, indexesSQL: &t.indexes, checksSQL: &t.checks, refersSQL: &t.refers} {
			if err := db.Select(into, query, t.Name); err != nil {
				return nil, fmt.Errorf("read the table %s: %w", t.Name, err)
			}
		}
		t.says, t.file = comments.tables[t.Name], comments.files[t.Name]
		for j := range t.columns {
			t.columns[j].says = comments.columns[t.Name+"."+t.columns[j].Name]
		}
	}
	return tables, nil
}

// migrationComments are what the migrations say beside their statements.
type migrationComments struct{ tables, columns, files map[string]string }

var (
	createTable = regexp.MustCompile(`^CREATE TABLE (?:IF NOT EXISTS )?(\w+)`)
	alterTable  = regexp.MustCompile(`^ALTER TABLE (\w+)`)
	addColumn   = regexp.MustCompile(`ADD COLUMN (?:IF NOT EXISTS )?(\w+)`)
	lineComment = regexp.MustCompile(`^--\s*(.*)`)
	columnLine  = regexp.MustCompile(`^\s+(\w+)\s.*--\s*(.*)$`)
)

func readMigrations() (migrationComments, error) {
	found := migrationComments{map[string]string{}, map[string]string{}, map[string]string{}}
	files, err := fs.Glob(migrations.Files, "*.up.sql")
	if err != nil {
		return found, err
	}
	slices.Sort(files)
	for _, file := range files {
		text, err := fs.ReadFile(migrations.Files, file)
		if err != nil {
			return found, err
		}
		found.read(file, string(text))
	}
	return found, nil
}

func (f migrationComments) read(file, text string) {
	var before []string
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		_, behind, _ := strings.Cut(line, "--")
		switch {
		case lineComment.MatchString(line):
			before = append(before, lineComment.FindStringSubmatch(line)[1])
			continue
		case createTable.MatchString(line):
			name = createTable.FindStringSubmatch(line)[1]
			f.tables[name], f.files[name] = strings.Join(before, " "), file
		case alterTable.MatchString(line):
			name = alterTable.FindStringSubmatch(line)[1]
		}
		if m := addColumn.FindStringSubmatch(line); m != nil {
			f.columns[name+"."+m[1]] = strings.TrimSpace(behind)
		} else if m := columnLine.FindStringSubmatch(line); m != nil {
			f.columns[name+"."+m[1]] = m[2]
		}
		before = nil
	}
}

// drawTables joins tables by their keys, and leaves out lines that follow from others.
func drawTables(tables []table) []string {
	lines := []string{"erDiagram", "  direction LR"}
	parents := map[string][]table{}
	for i, t := range tables {
		for j, of := range tables {
			if i != j && named(of.key) && isSubset(of.key, t.key) && (len(of.key) < len(t.key) || j < i) {
				parents[t.Name] = append(parents[t.Name], of)
			}
		}
	}
	for name, of := range parents { // what has another's whole key stands beside it, not above what both are above
		parents[name] = slices.DeleteFunc(of, func(p table) bool {
			return slices.ContainsFunc(parents[p.Name], func(twin table) bool { return len(twin.key) == len(p.key) })
		})
	}
	for _, t := range tables {
		drawn := slices.Clone(t.refers)
		for _, of := range parents[t.Name] {
			covered := slices.ContainsFunc(parents[t.Name], func(other table) bool {
				return slices.ContainsFunc(parents[other.Name], func(p table) bool { return p.Name == of.Name })
			})
			if !covered && !slices.Contains(drawn, of.Name) {
				drawn = append(drawn, of.Name)
			}
		}
		for _, of := range drawn {
			at := slices.IndexFunc(tables, func(o table) bool { return o.Name == of })
			many := "o{"
			if len(tables[at].key) == len(t.key) {
				many = "||"
			}
			lines = append(lines, fmt.Sprintf("  %s ||--%s %s : %q", of, many, t.Name, strings.Join(tables[at].key, ", ")))
		}
	}
	return lines
}

// named reports whether a key means something beyond its own table. One of more than three columns would make the drawing too wide: what
// has it stands beside its table.
func named(key []string) bool {
	return len(key) > 0 && len(key) <= 3 && !slices.Contains([]string{"id", "version", "only_row", "provider"}, key[0])
}

func isSubset(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(name string) bool { return !slices.Contains(whole, name) })
}
