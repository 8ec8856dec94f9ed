package operatorcmd

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/policy"
)

// completionPatience is how long a completion (the tab key) waits for the database.
const completionPatience = 2 * time.Second

func completeMonth(cmd *cobra.Command) {
	err := cmd.RegisterFlagCompletionFunc("month", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return months(cmd)
	})
	if err != nil {
		panic(err) // the flag is defined beside this call
	}
}

// completeMonthArgument completes a month and a customer number: the first one alone, because there are too many customers, and
// their numbers are personal data.
func completeMonthArgument(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return months(cmd)
}

// months are the months there are, for completion; none where the database does not answer at once.
func months(cmd *cobra.Command) (names []string, directive cobra.ShellCompDirective) {
	complete(cmd, func(ctx context.Context, u operatorapp.UseCases) error {
		all, err := u.Acts.Months.All(ctx)
		for _, m := range all {
			names = append(names, m.Month.String())
		}
		return err
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}

// versions are the policy versions of some statuses, for completion.
func versions(cmd *cobra.Command, wanted ...policy.Status) (names []string, directive cobra.ShellCompDirective) {
	complete(cmd, func(ctx context.Context, u operatorapp.UseCases) error {
		all, err := u.Acts.Policies.List(ctx)
		for _, r := range all {
			for _, status := range wanted {
				if r.Version.Status() == status {
					names = append(names, shortRef(r.Version.Ref())+"\t"+r.Version.Name()+", "+string(status))
				}
			}
		}
		return err
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}

// shortRef writes "1v3": a reference as one word.
func shortRef(ref policy.Ref) string { return strings.ReplaceAll(ref.String(), " ", "") }

// complete reads what a completion offers. Failures are not reported: completion has no place for messages.
func complete(cmd *cobra.Command, do func(context.Context, operatorapp.UseCases) error) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
	defer cancel()
	c, err := config.Load[config.Operator](ctx)
	if err != nil {
		return
	}
	c.Log.Level = "error"
	core.Once(ctx, io.Discard, operatorapp.Options(c), do)
}
