package operatorcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
)

const auditHelp = `List what people did, the newest first: when, who, what, to what, why, and what was noted about an approval. Acts are recorded
for good (see balsong month retention for how long), in the transaction of what they change.

Times, and the days of --since and --until, are in the ACTIVE policy's zone, in UTC without one; --output json has them in UTC.
A customer is looked for as balsong why does.`

// newAudit is the subcommand "audit".
func newAudit() *cobra.Command {
	f := &answer.ActsFilter{}
	var action string
	var limit int
	cmd := &cobra.Command{
		Use: "audit", Args: cli.NoArguments,
		Short: "List who did what, when and why", Long: auditHelp + "\n\nActions: " + strings.Join(actionNames(), ", ") + ".",
		Example: "  balsong audit --month 2026-11\n  balsong audit --customer 7590-VHVEG --since 2026-11-01 --until 2026-11-30\n  balsong audit --action halt --output json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.Action = port.Action(action); action != "" && !slices.Contains(port.Actions, f.Action) {
				return cli.Usagef("--action %q is none: want one of %s", action, strings.Join(actionNames(), ", "))
			}
			if limit < 1 {
				return cli.Usagef("--limit is %d (want at least 1)", limit)
			}
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				acts, err := u.Answers.Acts(ctx, *f, limit)
				if errors.Is(err, answer.ErrRange) {
					return cli.Usagef("--since and --until: %w", err)
				}
				if err != nil {
					return err
				}
				return cli.Answer(cmd, acts, func(w io.Writer) { printActs(w, acts) })
			})
		},
	}
	flags := cmd.Flags()
	cli.MonthFlag(cmd, &f.Month, ": acts on it or on one of its bills")
	flags.StringVar(&f.Customer, "customer", "", "customer `number`: acts on this customer's bills and channels")
	flags.StringVar(&f.Actor, "actor", "", "`who` did it, or is named in --approved-by")
	flags.StringVar(&action, "action", "", "`what` was done, as listed above")
	bound := func(name, help string, bound *answer.Bound) {
		flags.Func(name, help, func(text string) (err error) {
			*bound, err = answer.ParseBound(text)
			return err
		})
	}
	bound("since", "`day` in the shown zone, as in 2026-11-01, or instant, as in 2026-11-01T09:00:00+09:00: nothing older", &f.Since)
	bound("until", "`day` in the shown zone, which is listed too, or instant: nothing from it on", &f.Until)
	flags.IntVar(&limit, "limit", 50, "how many acts at most")
	flags.Int64Var(&f.Before, "before", 0, "`id` of an act: those before it, to page on")
	completeMonth(cmd)
	describe[config.Operator](cmd)
	return cmd
}

func actionNames() (names []string) {
	for _, action := range port.Actions {
		names = append(names, string(action))
	}
	return names
}

func printActs(w io.Writer, acts answer.Acts) {
	fmt.Fprintf(w, "Times are in %s.\n", acts.Zone)
	for _, a := range acts.Acts {
		note := ""
		if a.ApprovalNote != "" {
			note = fmt.Sprintf(" (noted as approved by %s)", a.ApprovalNote)
		}
		subject := a.Subject
		if a.Customer != "" {
			subject = fmt.Sprintf("customer %s (%s)", a.Customer, a.Subject)
		}
		fmt.Fprintf(w, "%6d  %s  %s: %s, %s: %s%s\n", a.ID, answer.Clock(a.At, acts.Location()), a.Actor, a.Action, subject, a.Reason, note)
	}
	switch {
	case len(acts.Acts) == 0:
		fmt.Fprintln(w, "no such act is recorded")
	case acts.Next != 0:
		fmt.Fprintf(w, "there are more: --before %d\n", acts.Next)
	}
}
