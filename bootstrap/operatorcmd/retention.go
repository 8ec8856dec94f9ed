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
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/billing"
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
	a.flags(cmd)
	flags := cmd.Flags()
	flags.Lookup("reason").Usage = "why (required unless --dry-run; recorded)"
	delete(flags.Lookup("reason").Annotations, cobra.BashCompOneRequiredFlag)
	flags.StringVar(&a.month, "month", "", "this month alone; without: every month that is old enough")
	completeMonth(cmd)
	flags.BoolVar(&a.dryRun, "dry-run", false, "say what would go, and remove nothing")
	flags.BoolVar(&a.force, "force", false, "also READY, FAILED and REQUESTED bills of closed months: they are never sent then")
	return cmd
}

func (a *retaining) run(cmd *cobra.Command) error {
	var only key.Month
	if a.month != "" {
		var err error
		if only, err = a.parseMonth(); err != nil {
			return err
		}
	}
	if !a.dryRun && (a.actor == "" || a.reason == "") {
		return cli.Usage(operate.ErrNoReason)
	}
	ctx := cmd.Context()
	c, err := config.Load[config.Retention](ctx)
	if err != nil {
		return err
	}
	code := core.Once(ctx, cmd.ErrOrStderr(), operatorapp.Retention(c), func(ctx context.Context, k *retain.Keeper) error {
		if _, err := k.Sweeps.Now(ctx); err != nil {
			return fmt.Errorf("ask the database (DATABASE_URL): %w", err)
		}
		if a.dryRun {
			plan, err := k.Plan(ctx, only)
			if err != nil {
				return err
			}
			return cli.Answer(cmd, retentionDocumentOf(plan, false), func(w io.Writer) { printRetention(w, plan, "would go") })
		}
		return a.apply(ctx, cmd, k, only)
	})
	return cli.Exit(code)
}

func (a *retaining) apply(ctx context.Context, cmd *cobra.Command, k *retain.Keeper, only key.Month) error {
	var work *progress.Work
	var at key.Month
	plan, err := k.Apply(ctx, only, a.force, a.by(), func(month key.Month, gone port.PackSize) {
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
	return cli.Answer(cmd, retentionDocumentOf(plan, true), func(w io.Writer) { printRetention(w, plan, "is gone") })
}

// retentionDocument is what goes, for programs.
type retentionDocument struct {
	Removed     bool            `json:"removed"` // false: it would be
	Months      []monthDocument `json:"months"`
	AuditBefore key.Month       `json:"audit_before"`
	Acts        int             `json:"acts"`
	Runs        int             `json:"runs"`
	Imports     int             `json:"imports"`
	AuditMonths int             `json:"audit_months"`
}

type monthDocument struct {
	Month     key.Month              `json:"month"`
	Bills     int                    `json:"bills"`
	Statuses  map[billing.Status]int `json:"statuses"`
	Ledger    int                    `json:"ledger_rows"`
	Rejects   int                    `json:"refused_rows"`
	Bytes     int64                  `json:"database_bytes"`
	Packs     int                    `json:"packs"`
	PackBytes int64                  `json:"pack_bytes"`
	Open      string                 `json:"refused_because,omitempty"`
}

func retentionDocumentOf(plan retain.Plan, removed bool) retentionDocument {
	d := retentionDocument{
		Removed: removed, Months: []monthDocument{}, AuditBefore: plan.AuditBefore,
		Acts: plan.Audit.Acts, Runs: plan.Audit.Runs, Imports: plan.Audit.Imports, AuditMonths: plan.Audit.Months,
	}
	for _, m := range plan.Months {
		d.Months = append(d.Months, monthDocument{
			Month: m.Month, Bills: m.Data.Bills, Statuses: m.Statuses, Ledger: m.Data.Ledger, Rejects: m.Data.Rejects, Bytes: m.Data.Bytes,
			Packs: m.Packs.Packs, PackBytes: m.Packs.Bytes, Open: m.Open,
		})
	}
	return d
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
		fmt.Fprintf(w, "audit data before %s %s: %d acts, %d runs, %d imports, %d months\n", plan.AuditBefore, happens,
			plan.Audit.Acts, plan.Audit.Runs, plan.Audit.Imports, plan.Audit.Months)
	}
}
