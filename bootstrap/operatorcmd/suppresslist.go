package operatorcmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// newSuppressList is the subcommand "suppress list".
func newSuppressList() *cobra.Command {
	var kind, scope, path string
	cmd := &cobra.Command{
		Use: "list", Args: cli.NoArguments, Short: "List who is on the suppression list: channel, scope, since when, why, and by whom",
		Long: "List the suppression list by customer: channel, scope, since when, why, and who put it there. It has no addresses and no telephone numbers.\n" +
			"Times are in the ACTIVE policy's zone, in UTC without one; --output json has them in UTC. --file writes CSV that a spreadsheet reads, into a new\n" +
			"file (or object, s3://bucket/key) that only you can read, or to stdout (-).",
		Example: "  balsong suppress list\n  balsong suppress list --scope all --channel EMAIL\n  balsong suppress list --file suppressed.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkSuppressList(kind, scope, path, cli.Output(cmd)); err != nil {
				return err
			}
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				zone, err := u.Answers.Zone(ctx)
				if err != nil {
					return err
				}
				list, err := u.Answers.Suppressed(ctx, channel.Kind(kind), policy.Scope(scope))
				if err != nil {
					return err
				}
				if path == "" {
					return cli.Answer(cmd, list, func(w io.Writer) { printSuppressed(w, list, zone) })
				}
				return exportSuppressed(cmd, path, list, zone)
			})
		},
	}
	cmd.Flags().StringVar(&kind, "channel", "", "only entries of one of "+channel.Names())
	cmd.Flags().StringVar(&scope, "scope", "", "only entries of this scope: all or advertising")
	cmd.Flags().StringVar(&path, "file", "", "new `file` or s3://bucket/key for the list as CSV, or stdout (-)")
	describe[config.Operator](cmd)
	return cmd
}

func checkSuppressList(kind, scope, path string, output core.Output) error {
	if kind != "" {
		if _, err := channel.Parse(kind); err != nil {
			return cli.Usagef("--channel: %w", err)
		}
	}
	if scope != "" {
		if _, err := policy.ParseScope(scope); err != nil {
			return cli.Usagef("--scope: %w", err)
		}
	}
	if path == stdout && output == core.JSON {
		return cli.Usagef("stdout can hold one answer")
	}
	return nil
}

// exportSuppressed writes the list as CSV.
func exportSuppressed(cmd *cobra.Command, path string, list []answer.SuppressedEntry, zone *time.Location) error {
	err := writeNamed(cmd, "--file", path, func(w io.Writer) error { return answer.WriteSuppressed(w, list, zone) })
	if err != nil || path == stdout {
		return err
	}
	return cli.Answer(cmd, map[string]any{"written": path, "entries": len(list)}, func(w io.Writer) { fmt.Fprintf(w, "written: %s (entries: %d)\n", path, len(list)) })
}

func printSuppressed(w io.Writer, list []answer.SuppressedEntry, zone *time.Location) {
	fmt.Fprintf(w, "Times are in %s.\n", zone)
	if len(list) == 0 {
		fmt.Fprintln(w, "nobody is on the suppression list")
	}
	for _, e := range list {
		by := ""
		if e.Actor != "" {
			by = ", by " + e.Actor
		}
		fmt.Fprintf(w, "%s  %-5s %-11s since %s%s: %s\n", e.Customer, e.Channel, e.Scope, answer.Clock(e.Since, zone), by, e.Reason)
	}
}
