package operatorcmd

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/fileio"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/wording"
)

const unreachedHelp = `Write everyone whom a month's bill did not reach as CSV, for the postal mailing: customer number, name, language, amount, due
date, why, the last channel and the gateway's words, or those of its report that the message was not delivered. A bill of which
that was reported, and whose policy only notes it, stays SUCCEEDED and is in the file all the same. Whoever may still be reached is counted, and in the
file only with --on-the-way. UNKNOWN and WRITTEN_OFF may have arrived; CANCELLED were ended by an operator: filter by the status column.

The file (or object, s3://bucket/key) is only for you to read and never replaces another; - is stdout. Every export is recorded. Names and amounts are
sealed: the keyset is needed. E-mail addresses and numbers stay out unless --with-destinations, which needs a --reason.`

// newUnreached is the subcommand "unreached".
func newUnreached() *cobra.Command {
	a := &actFlags{}
	var path string
	var options answer.UnreachedOptions
	cmd := &cobra.Command{
		Use: "unreached", Args: cli.NoArguments,
		Short: "Export everyone not reached, for the postal mailing", Long: unreachedHelp,
		Example: "  balsong unreached --month 2026-11 --file unreached.csv\n  balsong unreached --month 2026-11 > unreached.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if options.Destinations && !cmd.Flags().Changed("reason") {
				return cli.Usagef("--with-destinations needs a --reason: recorded")
			}
			toStdout := path == "" || path == stdout
			if toStdout && cli.Output(cmd) == core.JSON {
				return cli.Usagef("--output json needs --file: stdout can hold one answer")
			}
			return withUseCases(cmd, operatorapp.CustomerBills, func(ctx context.Context, u operatorapp.UseCases) error {
				if err := u.Answers.Kept(ctx, a.month); err != nil {
					return err
				}
				out, err := createNamed(cmd, "--file", path)
				if err != nil {
					return err
				}
				if err := operate.New(u.Acts, 0).AuditExport(ctx, a.month, options.Destinations, a.Act()); err != nil {
					return fileio.Finish(out, err)
				}
				work := progress.On(cmd.ErrOrStderr()).Begin("unreached", "bills", 0)
				options.Progress = func(n int) { work.Set(int64(n)) }
				s, err := u.Answers.Unreached(ctx, a.month, out, options)
				work.End()
				if err = fileio.Finish(out, err); err != nil {
					return err
				}
				if toStdout {
					printUnreached(cmd.ErrOrStderr(), s, options)
					return nil
				}
				return cli.Answer(cmd, s, func(w io.Writer) { printUnreached(w, s, options) })
			})
		},
	}
	a.monthFlag(cmd)
	a.ActorFlags(cmd, "postal mailing", "why; recorded")
	a.ApproverFlag(cmd)
	cmd.Flags().StringVar(&path, "file", "", "new `file` or s3://bucket/key for the CSV; without, or -: stdout")
	cmd.Flags().BoolVar(&options.OnTheWay, "on-the-way", false, "those who may still be reached too")
	cmd.Flags().BoolVar(&options.Destinations, "with-destinations", false, "addresses and numbers in clear too")
	describe[config.CustomerBills](cmd)
	return cmd
}

func printUnreached(w io.Writer, s answer.UnreachedSummary, options answer.UnreachedOptions) {
	fmt.Fprintf(w, "%s written\n", progress.Counted(s.Written, "bill", "bills"))
	for _, status := range slices.Sorted(maps.Keys(s.ByStatus)) {
		fmt.Fprintf(w, "  %11s  %s\n", progress.Thousands(s.ByStatus[status]), status)
		if status == string(billing.Succeeded) && s.Noted > 0 {
			fmt.Fprintf(w, "  %11s    of them: reported as not delivered, which the policy only notes\n", progress.Thousands(s.Noted))
		}
	}
	if !options.OnTheWay && s.OnTheWay > 0 {
		fmt.Fprintf(w, "%s may still be reached and %s not in the file (--on-the-way)\n", progress.Thousands(s.OnTheWay), wording.Form(s.OnTheWay, "is", "are"))
	}
	if s.Rejected > 0 {
		fmt.Fprintf(w, "%s refused at the import and %s no bill: the rejects files have %s, not this one\n", progress.Counted(s.Rejected, "row was", "rows were"), wording.Form(s.Rejected, "has", "have"), wording.Form(s.Rejected, "it", "them"))
	}
}
