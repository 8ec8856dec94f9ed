package command_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/command"
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

func TestTheExitCodesOfTheDevelopersCommand(t *testing.T) {
	const nowhere = "postgres://nobody@127.0.0.1:1/none?sslmode=disable"
	works := file(t, "{}")
	for name, c := range map[string]struct {
		args     string
		database string
		code     int
	}{
		"help":                      {"--help", "", core.ExitOK},
		"version":                   {"--version", "", core.ExitOK},
		"completion":                {"completion bash", "", core.ExitOK},
		"a month without its flag":  {"dispatcher 2026-11", nowhere, core.ExitUsage},
		"a share beyond 1":          {"gateway --data none --temporary 2", "", core.ExitUsage},
		"a month that cannot be":    {"loadtest --model-only --targets 0", "", core.ExitUsage},
		"a latency that is none":    {"loadtest --model-only --latency soon", "", core.ExitUsage},
		"an hour that is none":      {"loadtest --model-only --by 25:00", "", core.ExitUsage},
		"quiet hours that are none": {"loadtest --model-only --quiet 20@21-8", "", core.ExitUsage},
		"tasks without partitions":  {"loadtest --model-only --partitions 2 --tasks 4", "", core.ExitUsage},
		"prices that are not there": {"loadtest --model-only --prices " + works + ".missing", "", core.ExitUsage},
		"a demo that stays maybe":   {"demo --fresh --stay maybe --data " + filepath.Dir(works), "", core.ExitUsage},
		"a guard that is none":      {"kill-test --without fear", "", core.ExitUsage},
		"an upgrade from nothing":   {"upgrade-test", "", core.ExitUsage},
		"a month that can be":       {"loadtest --model-only --targets 1000 --partitions 4 --tasks 1,2 --in-flight 100 --page 1000 --quiet 20%@21:00-08:00", "", core.ExitOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DATABASE_URL", c.database)
			if c.database == "" {
				if err := os.Unsetenv("DATABASE_URL"); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("BALSONG_LOG_LEVEL", "error")
			if code := cli.Run(t.Context(), command.New(), strings.Fields(c.args), io.Discard, t.Output()); code != c.code {
				t.Fatalf("`balsong-dev %s` ends with %d, want %d", c.args, code, c.code)
			}
		})
	}
}
