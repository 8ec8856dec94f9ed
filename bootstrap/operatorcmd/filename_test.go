package operatorcmd_test

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
)

// The file name - is the standard input or output of a flag that says so, and refused by every other one.
func TestNoFlagTakesTheNameOfAStandardStreamForThatOfAFile(t *testing.T) {
	t.Parallel()
	files := 0
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			name, usage := pflag.UnquoteUsage(flag)
			if name != "file" {
				return
			}
			files++
			says := strings.Contains(usage, "- is") || strings.Contains(usage, "(-)") || strings.Contains(usage, "or -:") || strings.Contains(usage, "- for stdin")
			if objects := strings.Contains(usage, "s3://bucket/key"); objects == strings.HasPrefix(cmd.CommandPath(), "balsong keyset ") {
				t.Errorf("`%s --%s` takes objects: %t (a task has no disk, and a keyset is a secret); its help: %s", cmd.CommandPath(), flag.Name, objects, usage)
			}
			if refused := flag.Value.Set("-") != nil; refused == says {
				t.Errorf("`%s --%s -` is refused: %v; its help: %s", cmd.CommandPath(), flag.Name, refused, usage)
			}
		})
		for _, sub := range cmd.Commands() {
			look(sub)
		}
	}
	look(operatorcmd.NewCommand())
	if files < 14 {
		t.Errorf("only %d flags name a file: is one described otherwise?", files)
	}
}

func TestAnExportToTheStandardOutputWritesNoFile(t *testing.T) {
	run := balsong(t)
	t.Chdir(t.TempDir())
	run(core.ExitOK, "keyset", "new", "--file", "keyset.json")
	t.Setenv("BALSONG_KEYSET_FILE", "keyset.json")
	if out := run(core.ExitOK, "unreached", "--month", "2026-11", "--file", "-"); !strings.Contains(out, "customer_number,name,language") {
		t.Errorf("stdout has %q", out)
	}
	if said := run(core.ExitNotFound, "unreached", "--month", "2026-12", "--file", "december.csv"); !strings.Contains(said, "2026-12 was never opened") {
		t.Errorf("of a month that was never opened it says %q", said)
	}
	if _, err := os.Lstat("december.csv"); err == nil {
		t.Error("there is a file of a month that was never opened")
	}
	run(core.ExitUsage, "unreached", "--month", "2026-11", "--file", "-", "--output", "json")
	var page strings.Builder
	if code := cli.Run(t.Context(), operatorcmd.NewCommand(), []string{"render", "--preview", "--sample", "ko", "--html", "-"}, &page, t.Output()); code != core.ExitOK || !strings.HasPrefix(strings.ToLower(page.String()), "<!doctype html>") {
		t.Errorf("the preview ends with %d and writes %.60q", code, page.String())
	}
	if _, err := os.Lstat("-"); err == nil {
		t.Error("there is a file named -")
	}
}
