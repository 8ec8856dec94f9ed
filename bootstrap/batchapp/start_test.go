package batchapp_test

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
)

func TestACommandWhoseStoreOrDatabaseRefusesDoesNotBeginAndSaysWhatToDo(t *testing.T) {
	database := postgrestest.URL(t)
	refusing, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	refusing.User = url.UserPassword("nobody-of-that-name", "x")
	store := map[string]string{
		"BALSONG_S3_BUCKET": "nobody-made-this", "BALSONG_S3_REGION": os.Getenv("BALSONG_TEST_S3_REGION"), "BALSONG_S3_ENDPOINT": os.Getenv("BALSONG_TEST_S3_ENDPOINT"),
		"BALSONG_S3_ACCESS_KEY": os.Getenv("BALSONG_TEST_S3_ACCESS_KEY"), "BALSONG_S3_SECRET_KEY": os.Getenv("BALSONG_TEST_S3_SECRET_KEY"),
	}
	if store["BALSONG_S3_ENDPOINT"] == "" {
		t.Fatal("this test needs the parts: run through `make test`")
	}
	bills := filepath.Join(t.TempDir(), "bills.csv")
	if err := os.WriteFile(bills, []byte("customer_no\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		database string
		args     []string
		says     string
	}{
		"a bucket that is not there":  {database, []string{"render", "--month", "2026-11"}, "BALSONG_S3_BUCKET"},
		"a user whom nobody knows":    {refusing.String(), []string{"import", "--month", "2026-11", "--file", bills}, "BALSONG_DB_PASSWORD"},
		"the same, for the migration": {refusing.String(), []string{"migrate"}, "BALSONG_DB_PASSWORD"},
	} {
		t.Run(name, func(t *testing.T) {
			store["DATABASE_URL"] = c.database
			environment(t, store)
			var stdout, stderr bytes.Buffer
			if code := cli.Run(t.Context(), batchapp.NewCommand(), c.args, &stdout, &stderr); code != core.ExitUsage || !strings.Contains(stderr.String(), c.says) || stdout.Len() > 0 {
				t.Errorf("exit code %d: %s%s", code, &stdout, &stderr)
			}
		})
	}
}
