package operatorcmd_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
	"github.com/balsong/balsong/domain/key"
)

// balsong runs commands against a database of their own.
func balsong(t *testing.T) func(want int, args ...string) string {
	t.Helper()
	url := postgrestest.URL(t)
	t.Setenv("DATABASE_URL", url)
	t.Setenv("BALSONG_LOG_LEVEL", "error")
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := postgres.NewMonths(db).Open(t.Context(), key.Month(2026*12+10)); err != nil {
		t.Fatal(err)
	}
	return func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := cli.Run(t.Context(), operatorcmd.NewCommand(), args, &out, &out); code != want {
			t.Fatalf("%v ends with %d, want %d:\n%s", args, code, want, &out)
		}
		return out.String()
	}
}

func TestAMonthIsClosedAndReopenedAndTheActsAreListed(t *testing.T) {
	run := balsong(t)
	says := func(text string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("it does not say %q:\n%s", part, text)
			}
		}
	}
	says(run(core.ExitOK, "audit"), "Times are in UTC.", "no such act is recorded")
	run(core.ExitNotFound, "month", "reopen", "--month", "2026-12", "--reason", "a test")
	run(core.ExitOK, "month", "close", "--month", "2026-11", "--actor", "kim", "--reason", "it seemed done")
	says(run(core.ExitOK, "month", "close", "--month", "2026-11", "--reason", "once more"), "2026-11 is closed", "it was so already, and nothing was changed")
	says(run(core.ExitOK, "status", "--output", "json"), `"months": []`)
	says(run(core.ExitOK, "month", "reopen", "--month", "2026-11", "--actor", "lee", "--approved-by", "park", "--reason", "closed too early"), "2026-11 is open")
	says(run(core.ExitOK, "status", "--output", "json"), `"month": "2026-11"`)
	says(run(core.ExitOK, "month", "reopen", "--month", "2026-11", "--reason", "once more"), "it was so already, and nothing was changed")
	list := run(core.ExitOK, "audit", "--month", "2026-11")
	says(list, "kim: close month, 2026-11: it seemed done\n", "lee: reopen month, 2026-11: closed too early (noted as approved by park)\n")
	if strings.Index(list, "reopen month") > strings.Index(list, "close month") {
		t.Errorf("the newest act is not the first:\n%s", list)
	}
	says(run(core.ExitOK, "audit", "--limit", "1"), "reopen month", "there are more: --before 2")
	if page := run(core.ExitOK, "audit", "--before", "2"); strings.Contains(page, "reopen") || !strings.Contains(page, "close month") {
		t.Errorf("the page before the second act is\n%s", page)
	}
	for _, args := range [][]string{{"--action", "reopen month"}, {"--actor", "park"}, {"--actor", "lee"}} {
		if one := run(core.ExitOK, append([]string{"audit", "--output", "json"}, args...)...); strings.Count(one, `"action"`) != 1 || !strings.Contains(one, `"approval_note": "park"`) {
			t.Errorf("%v lists\n%s", args, one)
		}
	}
	tomorrow := time.Now().Add(24 * time.Hour)
	for _, since := range []string{tomorrow.UTC().Format(time.DateOnly), tomorrow.Format(time.RFC3339)} {
		says(run(core.ExitOK, "audit", "--since", since), "no such act is recorded")
	}
	says(run(core.ExitOK, "audit", "--since", "2020-01-01"), "reopen month", "close month")
	run(core.ExitUsage, "audit", "--since", "yesterday")
	run(core.ExitUsage, "audit", "--action", "reopen")
	run(core.ExitUsage, "audit", "--limit", "0")
	run(core.ExitUsage, "audit", "--since", "2026-12-01", "--until", "2026-11-01")
	says(run(core.ExitNotFound, "target", "copies", "--month", "2026-12"), "2026-12 was never opened")
}

func TestABillThatIsResumedInAClosedMonthIsSaidToWaitForARunThatNamesIt(t *testing.T) {
	run := balsong(t)
	t.Chdir(t.TempDir())
	run(core.ExitOK, "keyset", "new", "--file", "keyset.json")
	t.Setenv("BALSONG_KEYSET_FILE", "keyset.json")
	if err := os.WriteFile("bills.csv", []byte("customer_number,name,email,currency,amount,due_date\nC-001,Kim,kim@example.com,KRW,12000,2026-11-25\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(core.ExitOK, "batch", "import", "--month", "2026-11", "--file", "bills.csv", "--allow-wrong-month", "--reason", "a test")
	for _, closed := range []bool{false, true} {
		run(core.ExitOK, "target", "pause", "--month", "2026-11", "--customer", "C-001", "--reason", "a test")
		if closed {
			run(core.ExitOK, "month", "close", "--month", "2026-11", "--force", "--reason", "a test")
		}
		if out := run(core.ExitOK, "target", "resume", "--month", "2026-11", "--customer", "C-001", "--reason", "a test"); closed != strings.Contains(out, "the month is closed, so only a run that names it takes it (`dispatcher --month 2026-11`)") {
			t.Errorf("closed %t: it says %q", closed, out)
		}
	}
}
