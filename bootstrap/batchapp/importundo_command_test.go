package batchapp_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/bootstrap/core"
)

func TestAnImportIsTakenBackByCommandOnlyWhileNothingOfItWentOutAndTheActIsAudited(t *testing.T) {
	url := postgrestest.URL(t)
	environment(t, map[string]string{"DATABASE_URL": url})
	db := postgrestest.OpenURL(t, url)
	bills := filepath.Join(t.TempDir(), "wrong.csv")
	if err := os.WriteFile(bills, []byte("customer_number,currency,amount,due_date\nC-1,KRW,12300,2026-11-25\nC-2,KRW,100,2026-11-25\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	batch(t, "", core.ExitOK, "import", "--month", "2026-11", "--file", bills)
	set := func(status string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), "UPDATE billing_targets SET dispatch_status = $1", status); err != nil {
			t.Fatal(err)
		}
	}
	undo := []string{"import", "undo", "--month", "2026-11", "--import", "1", "--actor", "kim", "--reason", "the October file"}
	set("REQUESTED")
	_, stderr := batch(t, "", core.ExitRefused, undo...)
	says(t, "the refusal", stderr, "take import 1 of 2026-11 back, after 0 bills", "of 2 bills of the import 2 are REQUESTED or went further")
	audited := func() (acts []string) {
		t.Helper()
		entries, err := postgres.NewAudit(db).About(t.Context(), []string{"2026-11"})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			acts = append(acts, string(e.Action)+" by "+e.By.Actor+": "+e.By.Reason)
		}
		return acts
	}
	if acts := audited(); len(acts) != 0 {
		t.Errorf("a refused undo is audited: %q", acts)
	}
	set("READY")
	stdout, _ := batch(t, "", core.ExitOK, append(undo, "--output", "json")...)
	var done struct {
		Import        int64
		File          string
		Removed, Stay int
		Before        int `json:"removed_before"`
	}
	if err := json.Unmarshal([]byte(stdout), &done); err != nil || done.Import != 1 || done.File != "wrong.csv" || done.Removed != 2 || done.Before+done.Stay != 0 {
		t.Errorf("%+v, %v: %s", done, err, stdout)
	}
	stdout, _ = batch(t, "", core.ExitOK, undo...)
	says(t, "a second time", stdout, "0 bills were removed, and 2 before")
	if acts := audited(); len(acts) != 1 || !strings.Contains(acts[0], "wrong.csv") || !strings.HasSuffix(acts[0], " by kim: the October file") {
		t.Errorf("audited is %q", acts)
	}
}
