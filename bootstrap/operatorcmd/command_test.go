package operatorcmd_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
)

// file writes a file of the test's own.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheExitCodesOfTheOperatorsCommand(t *testing.T) {
	const nowhere = "postgres://nobody@127.0.0.1:1/none?sslmode=disable"
	works := file(t, `{"name": "monthly", "zone": "Asia/Seoul", "route": [{"channel": "EMAIL", "tries": 1}]}`)
	broken := file(t, `{"name": "monthly", "zone": "Mars/Base", "route": []}`)
	for name, c := range map[string]struct {
		args     string
		database string
		code     int
	}{
		"help":                         {"--help", "", core.ExitOK},
		"version":                      {"--version", "", core.ExitOK},
		"completion":                   {"completion bash", "", core.ExitOK},
		"unknown command":              {"statu", nowhere, core.ExitUsage},
		"unknown command of a group":   {"target cancle", nowhere, core.ExitUsage},
		"unknown flag":                 {"status --mont 2026-11", nowhere, core.ExitUsage},
		"unknown output":               {"status --output yaml", nowhere, core.ExitUsage},
		"an argument is missing":       {"why 2026-11", nowhere, core.ExitUsage},
		"a flag is missing":            {"policy activate 1v1", nowhere, core.ExitUsage},
		"a month that is none":         {"why 2026-13 C-1", nowhere, core.ExitUsage},
		"a version that is none":       {"policy activate 1v --reason x", nowhere, core.ExitUsage},
		"nothing to compare":           {"policy diff", nowhere, core.ExitUsage},
		"destinations without reason":  {"unreached --month 2026-11 --with-destinations", nowhere, core.ExitUsage},
		"one answer too many":          {"unreached --month 2026-11 --output json", nowhere, core.ExitUsage},
		"retention without a reason":   {"month retention", nowhere, core.ExitUsage},
		"retention without a bucket":   {"month retention --dry-run", nowhere, core.ExitUsage},
		"no command":                   {"", nowhere, core.ExitUsage},
		"no command of a group":        {"target", nowhere, core.ExitUsage},
		"no database configured":       {"status", "", core.ExitUsage},
		"the database is away":         {"status", nowhere, core.ExitUnavailable},
		"the database is away, an act": {"halt --reason x", nowhere, core.ExitUnavailable},
		"a policy that works":          {"policy check --file " + works, "", core.ExitOK},
		"a policy that does not":       {"policy check --output json --file " + broken, "", core.ExitRefused},
		"to draft one that does not":   {"policy draft --reason x --file " + broken, nowhere, core.ExitRefused},
		"a policy that is not there":   {"policy check --file " + works + ".missing", "", core.ExitNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DATABASE_URL", c.database)
			if c.database == "" {
				if err := os.Unsetenv("DATABASE_URL"); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("BALSONG_LOG_LEVEL", "error")
			if code := cli.Run(t.Context(), operatorcmd.NewCommand(), strings.Fields(c.args), io.Discard, t.Output()); code != c.code {
				t.Fatalf("`balsong %s` ends with %d, want %d", c.args, code, c.code)
			}
		})
	}
}
