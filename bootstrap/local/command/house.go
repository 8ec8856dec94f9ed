package command

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// The groups of the command list.
const (
	groupServices = "services"
	groupPeople   = "people"
	groupLocal    = "local"
)

// newStatus is the subcommand "status".
func newStatus() *cobra.Command {
	a := &acting{}
	cmd := &cobra.Command{
		Use: "status", GroupID: groupPeople, Args: cobra.NoArgs,
		Short: "Show the open months in numbers",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error { return status(ctx, o, a.month) })
		},
	}
	cmd.Flags().StringVar(&a.month, "month", "", "billing month, as in 2026-11; without: every open month")
	return cmd
}

func status(ctx context.Context, o *operate.Operator, name string) error {
	months, err := o.Months.List(ctx)
	if name != "" {
		month, parseErr := key.ParseMonth(name)
		months, err = []key.Month{month}, parseErr
	}
	if err != nil {
		return err
	}
	if halt, err := o.Control.Halted(ctx); err == nil && halt.On {
		fmt.Printf("HALTED by %s: %s. Nothing goes out until `balsong go-on`.\n", halt.Actor, halt.Reason)
	}
	if len(months) == 0 {
		fmt.Println("no month is open: import one first")
	}
	for _, month := range months {
		f, err := o.Report.Funnel(ctx, month)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d imported, %d rejected\n", month, f.Imported, f.Rejected)
		for _, s := range billing.Statuses {
			if n := f.Dispatch[s]; n > 0 {
				fmt.Printf("  %9d  %s\n", n, s)
			}
		}
		claimed, until, err := o.Sweeps.InDoubt(ctx, month)
		if err != nil {
			return err
		}
		if claimed > 0 {
			fmt.Printf("  %9d  being called now; what has no answer by %s becomes UNKNOWN\n", claimed, until.Local().Format("15:04:05"))
		}
	}
	return nil
}

// newHalt are the subcommands "halt" and "go-on".
func newHalt() []*cobra.Command {
	halt, goOn := &acting{}, &acting{}
	on := &cobra.Command{
		Use: "halt", GroupID: groupPeople, Args: cobra.NoArgs,
		Short: "Stop everything that goes out, at once",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return halt.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return told(o.Halt(ctx, halt.by()), "halted: dispatchers stop before their next page, delivery within seconds; `balsong go-on` lifts it")
			})
		},
	}
	off := &cobra.Command{
		Use: "go-on", GroupID: groupPeople, Args: cobra.NoArgs,
		Short: "Lift the halt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return goOn.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return told(o.LiftHalt(ctx, goOn.by()), "the halt is lifted")
			})
		},
	}
	halt.flags(on)
	goOn.flags(off)
	return []*cobra.Command{on, off}
}

// newMonth is the subcommand "month".
func newMonth() *cobra.Command {
	a := &acting{}
	cmd := &cobra.Command{Use: "month", GroupID: groupPeople, Short: "Close a billing month"}
	closing := &cobra.Command{
		Use: "close", Args: cobra.NoArgs, Short: "End a month for runs that name none",
		RunE: func(cmd *cobra.Command, _ []string) error {
			month, err := key.ParseMonth(a.month)
			if err != nil {
				return fmt.Errorf("--month: %w", err)
			}
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				return told(o.CloseMonth(ctx, month, a.by()), month.String()+" is closed: only runs that name it take it")
			})
		},
	}
	closing.Flags().StringVar(&a.month, "month", "", "billing month, as in 2026-11 (required)")
	a.flags(closing)
	require(closing, "month")
	cmd.AddCommand(closing)
	return cmd
}

// newSuppress is the subcommand "suppress".
func newSuppress() *cobra.Command {
	a := &acting{}
	var channelName string
	var lift bool
	cmd := &cobra.Command{
		Use: "suppress", GroupID: groupPeople, Args: cobra.NoArgs,
		Short: "Never reach a customer on a channel (or again, with --lift)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			kind, err := channel.Parse(channelName)
			if err != nil {
				return fmt.Errorf("--channel: %w", err)
			}
			return a.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				k, err := a.find(ctx, o)
				if err != nil {
					return err
				}
				done := "never reached on " + string(kind) + " from now on"
				if lift {
					done = "may be reached on " + string(kind) + " again"
				}
				return told(o.Suppress(ctx, port.Contact{UserID: k.UserID, Channel: kind}, !lift, a.by()), "customer "+a.customer+": "+done)
			})
		},
	}
	cmd.Flags().StringVar(&channelName, "channel", "", channel.Names()+" (required)")
	cmd.Flags().BoolVar(&lift, "lift", false, "take off the list")
	require(cmd, "channel")
	a.targetFlags(cmd)
	a.flags(cmd)
	return cmd
}

// newPolicy is the subcommand "policy".
func newPolicy() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", GroupID: groupPeople, Short: "Draft, activate and list dispatch policies"}
	draft, activate, list := &acting{}, &acting{}, &acting{}
	var file string
	var id int64
	var version int32
	drafting := &cobra.Command{
		Use: "draft", Args: cobra.NoArgs, Short: "Store a new version of a policy as JSON",
		RunE: func(cmd *cobra.Command, _ []string) error {
			content, err := os.Open(file)
			if err != nil {
				return err
			}
			defer func() { _ = content.Close() }() // it was only read
			spec, err := operatorapp.ReadPolicy(content)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			return draft.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				v, err := o.DraftPolicy(ctx, spec, draft.by())
				if err == nil {
					fmt.Printf("policy %s is a DRAFT; `balsong policy activate --id %d --version %d` takes it live\n", v.Ref(), v.Ref().ID, v.Ref().Version)
				}
				return err
			})
		},
	}
	drafting.Flags().StringVar(&file, "file", "", "the policy, as JSON (required)")
	require(drafting, "file")
	draft.flags(drafting)
	activating := &cobra.Command{
		Use: "activate", Args: cobra.NoArgs, Short: "Take a drafted version live and retire the one before",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return activate.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error {
				ref := policy.Ref{ID: id, Version: version}
				return told(o.ActivatePolicy(ctx, ref, activate.by()), "policy "+ref.String()+" is ACTIVE; what was dispatched before keeps its own version")
			})
		},
	}
	activating.Flags().Int64Var(&id, "id", 0, "the policy's number (required)")
	activating.Flags().Int32Var(&version, "version", 0, "its version (required)")
	require(activating, "id", "version")
	activate.flags(activating)
	listing := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "List the ACTIVE and RETIRED versions",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list.withOperator(cmd, func(ctx context.Context, o *operate.Operator) error { return listPolicies(ctx, o) })
		},
	}
	cmd.AddCommand(drafting, activating, listing)
	return cmd
}

func listPolicies(ctx context.Context, o *operate.Operator) error {
	versions, err := o.Policies.Versions(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(versions, func(a, b policy.Version) int { return strings.Compare(a.Ref().String(), b.Ref().String()) })
	for _, v := range versions {
		fmt.Printf("%s  %-7s  %s: %v, quiet hours %s\n", v.Ref(), v.Status(), v.Name(), v.Steps(""), v.QuietHours())
	}
	return nil
}
