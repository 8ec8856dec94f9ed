package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// program is a command with a group and a subcommand, which ends with err.
func program(err error) *cobra.Command {
	root := &cobra.Command{Use: "balsong"}
	month := &cobra.Command{Use: "month"}
	closing := &cobra.Command{
		Use: "close", Short: "Close a month", Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintln(cmd.OutOrStdout(), "closed")
			return err
		},
	}
	closing.Flags().String("month", "", "billing month")
	closing.Flags().StringArray("customer", nil, "customer number")
	closing.Flags().Bool("force", false, "close it although bills are left")
	cli.AddOutput(closing)
	cli.Describe(closing, cli.ExitCodes(core.ExitOK, core.ExitNotFound), cli.Configuration[config.Log]())
	month.AddCommand(closing)
	root.AddCommand(month)
	return root
}

func TestACommandEndsWithItsExitCodeAndSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	gone, done := context.WithCancel(t.Context())
	done()
	for name, c := range map[string]struct {
		args   string
		err    error
		ctx    context.Context
		code   int
		stdout string   // "" where nothing may be there
		stderr []string // nil where nothing may be there
	}{
		"done":                       {"month close --month 2026-11", nil, nil, core.ExitOK, "closed", nil},
		"help":                       {"month close --month x --help", nil, nil, core.ExitOK, "Close a month", nil},
		"short help":                 {"month close -h", nil, nil, core.ExitOK, "BALSONG_LOG_LEVEL", nil},
		"exit codes in the help":     {"help month close", nil, nil, core.ExitOK, "4  not found", nil},
		"version":                    {"--version", nil, nil, core.ExitOK, "balsong ", nil},
		"no command":                 {"", nil, nil, core.ExitUsage, "", []string{"Usage:", "balsong [command]"}},
		"no command of a group":      {"month", nil, nil, core.ExitUsage, "", []string{"Usage:", "close "}},
		"unknown command":            {"mont close", nil, nil, core.ExitUsage, "", []string{`unknown command "mont" for "balsong": did you mean month?`, "see `balsong --help` for usage"}},
		"unknown command of a group": {"month clos", nil, nil, core.ExitUsage, "", []string{`unknown command "clos" for "balsong month": did you mean close?`, "`balsong month --help`"}},
		"unknown command with flags": {"month clos --month 2026-11", nil, nil, core.ExitUsage, "", []string{"did you mean close?"}},
		"unknown flag":               {"month close --mont x", nil, nil, core.ExitUsage, "", []string{"--mont", "see `balsong month close --help` for usage"}},
		"a flag with one hyphen":     {"month close -month=2026-11", nil, nil, core.ExitUsage, "", []string{"unknown flag -month: write --month, with two hyphens"}},
		"unknown output":             {"month close --output yaml", nil, nil, core.ExitUsage, "", []string{`"yaml" is neither text nor json`}},
		"an argument":                {"month close 2026-11", nil, nil, core.ExitUsage, "", []string{`unexpected argument "2026-11"`}},
		"an argument like a flag":    {"month close -- -h", nil, nil, core.ExitUsage, "", []string{`unexpected argument "-h"`}},
		"removed command":            {"go-on --reason x", nil, nil, core.ExitUsage, "", []string{`unknown command "go-on" for "balsong": it is now ` + "`balsong resume`"}},
		"command of the other":       {"demo --fresh", nil, nil, core.ExitUsage, "", []string{"it is now `balsong-dev demo`"}},
		"removed flag":               {"month close --anyway", nil, nil, core.ExitUsage, "", []string{"the flag --anyway is now --force"}},
		"removed flag, not here":     {"month close --late", nil, nil, core.ExitUsage, "", []string{"unknown flag: --late"}},
		"a flag given twice":         {"month close --month 2026-10 --month 2026-11", nil, nil, core.ExitUsage, "", []string{"the flag --month is given more than once: it takes one value"}},
		"a bool flag given twice":    {"month close --force --output json --output json", nil, nil, core.ExitUsage, "", []string{"the flag --output is given more than once"}},
		"a list given twice":         {"month close --customer C-1 --customer C-2", nil, nil, core.ExitOK, "closed", nil},
		"the default in the help":    {"month close --help", nil, nil, core.ExitOK, "(default text)", nil},
		"wrong use, seen late":       {"month close", cli.Usagef("no month"), nil, core.ExitUsage, "closed", []string{"balsong: no month\nsee `balsong month close --help` for usage"}},
		"wrong configuration":        {"month close", fmt.Errorf("%w: X is not set", config.ErrInvalid), nil, core.ExitUsage, "closed", []string{"balsong: configuration: X is not set"}},
		"not found":                  {"month close", port.ErrNotFound, nil, core.ExitNotFound, "closed", []string{"balsong: "}},
		"told already":               {"month close", errors.Join(cli.Exit(core.ExitRejected)), nil, core.ExitRejected, "closed", nil},
		"interrupted":                {"month close", errors.New("stopped"), gone, core.ExitInterrupted, "closed", []string{"stopped"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.ctx == nil {
				c.ctx = t.Context()
			}
			var stdout, stderr bytes.Buffer
			code := cli.Run(c.ctx, program(c.err), strings.Fields(c.args), &stdout, &stderr)
			if code != c.code || !strings.Contains(stdout.String(), c.stdout) || c.stdout == "" && stdout.Len() > 0 || c.stderr == nil && stderr.Len() > 0 {
				t.Errorf("exit code %d, want %d; stdout:\n%s\nstderr:\n%s", code, c.code, &stdout, &stderr)
			}
			for _, words := range c.stderr {
				if !strings.Contains(stderr.String(), words) {
					t.Errorf("stderr does not say %q:\n%s", words, &stderr)
				}
			}
		})
	}
}
