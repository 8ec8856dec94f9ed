package operatorcmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/retain"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/key"
)

// retaining are the flags of the subcommand "month retention".
type retaining struct {
	actFlags
	dryRun, force bool
}

// newRetention is the subcommand "month retention".
func newRetention() *cobra.Command {
	a := &retaining{}
	cmd := &cobra.Command{
		Use: "retention", Args: cli.NoArguments, Short: "Remove months that were kept long enough",
		Long: "Remove the bills, the ledger, the refused rows and the statements of months that are older than BALSONG_KEEP_MONTHS (12), and what was recorded\n" +
			" (imports, runs, acts) once it is older than BALSONG_KEEP_AUDIT_MONTHS (60). There is no way back.\n\n" +
			"A month goes when it is closed and its bills came to an end; while one is not finished, nothing is removed. It is recorded who removed what\n" +
			"and why, before it is gone. Safe to run twice, and again after it was killed.",
		Example: "  balsong month retention --dry-run\n  balsong month retention --reason \"yearly clean-up, ticket 4711\"\n" +
			"  balsong month retention --month 2025-10 --force --reason \"42 bills were never corrected\"",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.run(cmd) },
	}
	a.ActorFlags(cmd, "", "why (required unless --dry-run; recorded)")
	a.ApproverFlag(cmd)
	cli.MonthFlag(cmd, &a.month, ": this month alone; without: every month that is old enough")
	completeMonth(cmd)
	describe[config.Retention](cmd)
	flags := cmd.Flags()
	flags.BoolVar(&a.dryRun, "dry-run", false, "say what would go, and remove nothing")
	flags.BoolVar(&a.force, "force", false, "also READY, FAILED and REQUESTED bills of closed months: they are never sent then")
	return cmd
}

func (a *retaining) run(cmd *cobra.Command) error {
	if !a.dryRun && !a.Named() {
		return cli.Usage(operate.ErrNoReason)
	}
	return cli.Once(cmd, operatorapp.Retention, func(ctx context.Context, _ config.Retention, k *retain.Keeper) error {
		if _, err := k.Sweeps.Now(ctx); err != nil {
			return fmt.Errorf("ask the database (DATABASE_URL): %w", err)
		}
		if a.dryRun {
			plan, err := k.Plan(ctx, a.month)
			if err != nil {
				return err
			}
			return cli.Answer(cmd, retentionDocument{false, plan}, func(w io.Writer) { printRetention(w, plan, "would go") })
		}
		return a.apply(ctx, cmd, k)
	})
}

func (a *retaining) apply(ctx context.Context, cmd *cobra.Command, k *retain.Keeper) error {
	var work *progress.Work
	var at key.Month
	plan, err := k.Apply(ctx, a.month, a.force, a.Act(), func(month key.Month, gone port.PackSize) {
		if month != at {
			if work != nil {
				work.End()
			}
			at, work = month, progress.On(cmd.ErrOrStderr()).Begin("remove "+month.String(), "packs", 0)
		}
		work.Set(int64(gone.Packs))
	})
	if work != nil {
		work.End()
	}
	if err != nil {
		return err
	}
	return cli.Answer(cmd, retentionDocument{true, plan}, func(w io.Writer) { printRetention(w, plan, "is gone") })
}

// retentionDocument is what goes, for programs.
type retentionDocument struct {
	Removed bool `json:"removed"` // false: it would be
	retain.Plan
}

func printRetention(w io.Writer, plan retain.Plan, happens string) {
	if len(plan.Months) == 0 {
		fmt.Fprintln(w, "no month is old enough")
	}
	for _, m := range plan.Months {
		fmt.Fprintf(w, "%s %s: %s; %d MiB of the database, %d MiB of packs\n", m.Month, happens, m, m.Data.Bytes>>20, m.Packs.Bytes>>20)
		if m.Open != "" {
			fmt.Fprintf(w, "  it is not finished: %s\n", m.Open)
		}
	}
	if plan.Audit != (port.AuditSize{}) {
		fmt.Fprintf(w, "audit data before %s %s: %s\n", plan.AuditBefore, happens, plan.Audit)
	}
}
