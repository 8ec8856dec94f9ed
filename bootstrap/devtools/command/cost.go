package command

import (
	"cmp"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
	"github.com/balsong/balsong/bootstrap/devtools/cost"
	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
	"github.com/balsong/balsong/bootstrap/devtools/prices"
)

// newCost is the subcommand "cost".
func newCost() *cobra.Command {
	var table, templates string
	var changed map[string]string
	output := core.Text
	cmd := &cobra.Command{
		Use:     "cost",
		Short:   "What do the stacks of deploy/aws cost, idle and in a month?",
		Long:    "What the stacks of deploy/aws cost while nothing is sent, and in months of 1, 5 and 50 million bills: from the sizes in the templates, the table\nof prices, and the load test's model of a month.",
		Args:    cli.NoArguments,
		Example: "  balsong-dev cost\n  balsong-dev cost --set NatGateways=each-zone,DeliveryTasksLeast=2 --prices prices.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := prices.Read(cmp.Or(table, filepath.Join(templates, "prices.csv")))
			if err != nil {
				return cli.Usage(err)
			}
			report, err := cost.New(templates, list, cloudformation.Values(changed))
			if errors.Is(err, capacity.ErrImpossible) {
				return cli.Usage(err)
			}
			if err != nil {
				return err
			}
			return output.Answer(cmd.OutOrStdout(), report, report.Print)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&table, "prices", "", "CSV file with prices (default: prices.csv beside the templates)")
	flags.StringVar(&templates, "templates", "deploy/aws", "directory of the templates")
	flags.StringToStringVar(&changed, "set", nil, "values of the templates' parameters, as in DatabaseStorage=500")
	flags.Var(&output, "output", core.OutputHelp)
	return cmd
}
