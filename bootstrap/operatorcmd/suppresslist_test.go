package operatorcmd_test

import (
	"os"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/core"
)

func TestTheSuppressionListIsListedAndWritten(t *testing.T) {
	run := balsong(t)
	t.Chdir(t.TempDir())
	if out := run(core.ExitOK, "suppress", "list"); out != "Times are in UTC.\nnobody is on the suppression list\n" {
		t.Errorf("an empty list is %q", out)
	}
	run(core.ExitOK, "keyset", "new", "--file", "keyset.json")
	t.Setenv("BALSONG_KEYSET_FILE", "keyset.json")
	if err := os.WriteFile("bills.csv", []byte("customer_number,name,email,currency,amount,due_date\nC-001,Kim,kim@example.com,KRW,12000,2026-11-25\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(core.ExitOK, "batch", "import", "--month", "2026-11", "--file", "bills.csv", "--allow-wrong-month", "--reason", "a test")
	run(core.ExitOK, "suppress", "--customer", "c-001", "--channel", "EMAIL", "--scope", "all", "--actor", "kim", "--reason", "the mailbox is closed")
	for _, args := range [][]string{{}, {"--scope", "all"}, {"--channel", "EMAIL"}} {
		out := run(core.ExitOK, append([]string{"suppress", "list"}, args...)...)
		if !strings.Contains(out, "C-001  EMAIL all         since 20") || !strings.Contains(out, " UTC, by kim: the mailbox is closed\n") || strings.Contains(out, "@") {
			t.Errorf("%q lists\n%s", args, out)
		}
	}
	for _, none := range [][]string{{"--scope", "advertising"}, {"--channel", "SMS"}} {
		if out := run(core.ExitOK, append([]string{"suppress", "list", "--output", "json"}, none...)...); out != "[]\n" {
			t.Errorf("there are none of %q: %q", none, out)
		}
	}
	if out := run(core.ExitOK, "suppress", "list", "--file", "-"); !strings.HasPrefix(out, "\ufeffcustomer_number,channel,scope,since,reason,actor\nC-001,EMAIL,all,20") {
		t.Errorf("stdout has %q", out)
	}
	run(core.ExitOK, "suppress", "list", "--file", "list.csv")
	run(core.ExitFailed, "suppress", "list", "--file", "list.csv") // it is there
	run(core.ExitUsage, "suppress", "list", "--channel", "FAX")
	run(core.ExitUsage, "suppress", "list", "--scope", "some")
	run(core.ExitUsage, "suppress", "list", "--file", "-", "--output", "json")
}
