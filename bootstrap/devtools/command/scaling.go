package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/devtools/docpage"
	"github.com/balsong/balsong/bootstrap/devtools/loadtest"
	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
	"github.com/balsong/balsong/bootstrap/devtools/scaling"
)

const scalingHelp = `Replay months of 1, 5 and 50 million bills, gateways that slow down or take nothing, and a month that
comes slowly, against a model of AWS's target tracking on the backlog per task: when each ends, how
many tasks it takes over time, what they cost, and how often their number changes.

docs/operations/scaling.md shows the replays of the default policy, and what to set.`

// newScaling is the subcommand "scaling".
func newScaling() *cobra.Command {
	policy := scaling.Defaults()
	var prices, page string
	cmd := &cobra.Command{
		Use:     "scaling",
		Short:   "How many delivery tasks a month takes under a scaling policy, and for how long",
		Long:    scalingHelp,
		Args:    cli.NoArguments,
		Example: "  balsong-dev scaling --most 4 --target 60000",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if policy.Least < 0 || policy.Most < max(1, policy.Least) || policy.Target <= 0 {
				return cli.Usagef("%w: --least %d, --most %d, --target %g (want at most as many least as most tasks, and a target above 0)",
					capacity.ErrImpossible, policy.Least, policy.Most, policy.Target)
			}
			table, err := loadtest.ReadPrices(prices)
			if err != nil {
				return fmt.Errorf("--prices: %w", err)
			}
			study := scaling.NewStudy(policy, table)
			study.Write(cmd.OutOrStdout())
			if page == "" {
				return nil
			}
			err = study.Document(page)
			if errors.Is(err, docpage.ErrNoPlace) {
				err = cli.Usagef("--doc: %w", err)
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&policy.Least, "least", policy.Least, "tasks that stay")
	flags.IntVar(&policy.Most, "most", policy.Most, "tasks at most")
	flags.Float64Var(&policy.Target, "target", policy.Target, "messages behind for each task")
	flags.DurationVar(&policy.OutCooldown, "out-cooldown", policy.OutCooldown, "time between two steps up")
	flags.DurationVar(&policy.InCooldown, "in-cooldown", policy.InCooldown, "time between two steps down")
	flags.StringVar(&prices, "prices", "", "CSV file with prices, as loadtest --show-prices writes it")
	flags.StringVar(&page, "doc", "", "write the tables and the picture into this page, docs/operations/scaling.md")
	return cmd
}
