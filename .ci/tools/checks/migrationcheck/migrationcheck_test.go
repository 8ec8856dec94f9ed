package migrationcheck

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const folder = "../../../../migrations"

// migration is a file of the folder, without its endings.
type migration struct{ name, up, down string }

func migrations(t *testing.T) (all []migration) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.up.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d migrations: %v", len(files), err)
	}
	for _, file := range files {
		m := migration{name: strings.TrimSuffix(filepath.Base(file), ".up.sql")}
		up, failed := os.ReadFile(file)
		down, missing := os.ReadFile(filepath.Join(folder, m.name+".down.sql"))
		if err := errors.Join(failed, missing); err != nil {
			t.Fatal(err)
		}
		m.up, m.down = string(up), string(down)
		all = append(all, m)
	}
	return all
}

var comments = regexp.MustCompile(`--.*`)

// transactions are the contents of a file's transactions. Whatever stands outside of one is an error.
func transactions(text string) (inside []string, err error) {
	for rest := strings.TrimSpace(comments.ReplaceAllString(text, "")); rest != ""; rest = strings.TrimSpace(rest) {
		if !strings.HasPrefix(rest, "BEGIN;\n") {
			return nil, fmt.Errorf("%.40q stands outside of a transaction", rest)
		}
		one, after, committed := strings.Cut(strings.TrimPrefix(rest, "BEGIN;"), "\nCOMMIT;")
		if !committed {
			return nil, errors.New("a transaction has no COMMIT")
		}
		inside, rest = append(inside, one), after
	}
	return inside, nil
}

// notesItself finds what keeps a migration from being repaired after a crash: its last transaction notes it, and no other does.
func (m migration) notesItself() error {
	number := strings.TrimLeft(m.name[:6], "0")
	want := "INSERT INTO applied_migrations (version) VALUES (" + number + ");"
	inside, err := transactions(m.up)
	if err != nil {
		return err
	}
	noting := slices.IndexFunc(inside, func(one string) bool { return strings.Contains(one, "INSERT INTO applied_migrations") })
	if last := len(inside) - 1; noting != last || strings.Count(inside[last], "INSERT INTO applied_migrations") != 1 || !strings.Contains(inside[last], want) {
		return fmt.Errorf("its last transaction, and no other, has to say: %s", want)
	}
	if taken := "DELETE FROM applied_migrations WHERE version = " + number + ";"; number != "1" && !strings.Contains(m.down, taken) {
		return fmt.Errorf("%s.down.sql does not say: %s", m.name, taken)
	}
	return nil
}

// checked is a CHECK on a new column, for which PostgreSQL reads the whole table, also where the column has a constant default. squawk does not know that.
var checked = regexp.MustCompile(`(?is)\bADD\s+COLUMN\b[^;]*?\bCHECK\b`)

// readsNoTable finds a CHECK on a new column.
func (m migration) readsNoTable() error {
	if found := checked.FindString(comments.ReplaceAllString(m.up, "")); found != "" {
		return fmt.Errorf("%.60q… reads the table and locks everybody out meanwhile: add the constraint NOT VALID, and validate it in a transaction of its own", found)
	}
	return nil
}

func TestEachMigrationNotesItselfAndReadsNoTableForANewColumn(t *testing.T) {
	t.Parallel()
	for _, m := range migrations(t) {
		if err := errors.Join(m.notesItself(), m.readsNoTable()); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

func TestACheckOnANewColumnIsRefused(t *testing.T) {
	t.Parallel()
	for statement, right := range map[string]bool{
		"ALTER TABLE suppressions ADD COLUMN c text NOT NULL DEFAULT 'all' CHECK (c IN ('all', 'advertising'));":                  false,
		"ALTER TABLE suppressions\n  ADD COLUMN c int,\n  add column d int check (d > 0);":                                        false,
		"ALTER TABLE suppressions ADD COLUMN c int; -- CHECK\nALTER TABLE suppressions ADD CONSTRAINT x CHECK (c > 0) NOT VALID;": true,
		"CREATE TABLE c (name text CHECK (name <> ''));":                                                                          true,
	} {
		if err := (migration{up: statement}).readsNoTable(); (err == nil) != right {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func TestAMigrationThatCouldNotBeRepairedIsRefused(t *testing.T) {
	t.Parallel()
	const note, taken = "INSERT INTO applied_migrations (version) VALUES (17);", "BEGIN;\nDELETE FROM applied_migrations WHERE version = 17;\nCOMMIT;"
	for name, c := range map[string]struct {
		up, down string
		right    bool
	}{
		"right":                {"BEGIN;\nSELECT 1; -- BEGIN\nCOMMIT;\n\nBEGIN;\n" + note + "\nCOMMIT;\n", taken, true},
		"noted too early":      {"BEGIN;\n" + note + "\nCOMMIT;\nBEGIN;\nSELECT 1;\nCOMMIT;", taken, false},
		"noted twice":          {"BEGIN;\n" + note + "\nCOMMIT;\nBEGIN;\n" + note + "\nCOMMIT;", taken, false},
		"another number":       {"BEGIN;\n" + strings.Replace(note, "17", "16", 1) + "\nCOMMIT;", taken, false},
		"never noted":          {"BEGIN;\nSELECT 1;\nCOMMIT;", taken, false},
		"outside":              {"BEGIN;\n" + note + "\nCOMMIT;\nSELECT 1;", taken, false},
		"not committed":        {"BEGIN;\n" + note, taken, false},
		"begun within a line":  {"BEGIN; " + note + "\nCOMMIT;", taken, false}, // batch migrate would not find it
		"not taken back":       {"BEGIN;\n" + note + "\nCOMMIT;", "BEGIN;\nCOMMIT;", false},
		"noted in the comment": {"BEGIN;\nSELECT 1; -- " + note + "\nCOMMIT;", taken, false},
	} {
		if err := (migration{"000017_wrong", c.up, c.down}).notesItself(); (err == nil) != c.right {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// squawk runs the linter with our configuration.
func squawk(t *testing.T, files ...string) (said string, err error) {
	t.Helper()
	program := os.Getenv("BALSONG_TEST_SQUAWK")
	if program == "" {
		t.Skip("`make migrations-check` brings squawk")
	}
	out, err := exec.CommandContext(t.Context(), program, append([]string{"--config", filepath.Join(folder, ".squawk.toml"), "--reporter", "gcc"}, files...)...).CombinedOutput()
	return string(out), err
}

func TestMigrationsKeepTheRules(t *testing.T) {
	t.Parallel()
	var files []string
	for _, m := range migrations(t) {
		files = append(files, filepath.Join(folder, m.name+".up.sql"))
	}
	if said, err := squawk(t, files...); err != nil {
		t.Errorf("%v:\n%s", err, said)
	}
}

func TestAMigrationThatLocksOthersOutForLongIsRefused(t *testing.T) {
	t.Parallel()
	for statement, rule := range map[string]string{
		"ALTER TABLE billing_targets ADD CONSTRAINT c CHECK (user_id > 0);":                                                              "constraint-missing-not-valid",
		"ALTER TABLE billing_targets ADD CONSTRAINT c CHECK (user_id > 0) NOT VALID; ALTER TABLE billing_targets VALIDATE CONSTRAINT c;": "constraint-missing-not-valid",
		"ALTER TABLE suppressions ADD CONSTRAINT c UNIQUE (reason);":                                                                     "disallowed-unique-constraint",
		"ALTER TABLE imports ADD CONSTRAINT c FOREIGN KEY (billing_month) REFERENCES months;":                                            "adding-foreign-key-constraint",
		"ALTER TABLE customers ADD COLUMN c bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;":                                            "adding-serial-primary-key-field",
		"ALTER TABLE billing_data ADD COLUMN c uuid DEFAULT gen_random_uuid();":                                                          "adding-field-with-default",
		"ALTER TABLE billing_data ADD COLUMN c text NOT NULL;":                                                                           "adding-required-field",
		"ALTER TABLE billing_data ALTER COLUMN statement SET NOT NULL;":                                                                  "adding-not-nullable-field",
		"ALTER TABLE billing_targets ALTER COLUMN attempt TYPE bigint;":                                                                  "changing-column-type",
		"ALTER TABLE billing_targets RENAME COLUMN wish TO wished;":                                                                      "renaming-column",
		"ALTER TABLE suppressions RENAME TO blocked;":                                                                                    "renaming-table",
		"ALTER TABLE billing_targets DROP COLUMN last_error;":                                                                            "ban-drop-column",
		"ALTER TABLE billing_targets ALTER COLUMN available_at DROP NOT NULL;":                                                           "ban-drop-not-null",
		"ALTER TABLE billing_targets DROP CONSTRAINT billing_targets_quiet_check;":                                                       "ban-drop-constraint",
		"DROP TABLE imports;":                                                   "ban-drop-table",
		"TRUNCATE imports CASCADE;":                                             "ban-truncate-cascade",
		"CREATE INDEX c ON billing_targets (wish);":                             "require-concurrent-index-creation",
		"CREATE INDEX CONCURRENTLY IF NOT EXISTS c ON billing_targets (wish);":  "ban-concurrent-index-creation-in-transaction",
		"DROP INDEX imports_month;":                                             "require-concurrent-index-deletion",
		"REINDEX TABLE imports;":                                                "require-concurrent-reindex",
		"ALTER TABLE billing_targets DETACH PARTITION billing_targets_2026_11;": "require-concurrent-partition-detach",
		"CREATE TABLE c (at timestamp);":                                        "prefer-timestamp-tz",
		"CREATE TABLE c (name varchar(20));":                                    "prefer-text-field",
		"CREATE TABLE c (id serial PRIMARY KEY);":                               "prefer-identity",
		"SELECT 1": "syntax-error",
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "000017_wrong.up.sql")
			if err := os.WriteFile(file, []byte("BEGIN;\n"+statement+"\nINSERT INTO applied_migrations (version) VALUES (17);\nCOMMIT;\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if said, err := squawk(t, file); err == nil || !strings.Contains(said, ": "+rule+" ") {
				t.Errorf("%s: no %s (%v) in\n%s", statement, rule, err, said)
			}
		})
	}
}
