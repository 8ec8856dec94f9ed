package deliveryapp

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/observe"
)

const help = `Consume requests, claim each delivery key, call the gateway once and record the outcome (role delivery); or bring targets
in line with the ledger, turn claims whose lease has ended into UNKNOWN, and make targets READY again whose request was
lost (role settlement); or both.

Or take what providers say about messages after the call: their webhooks, bounces and complaints by LMTP, and answers to questions
about messages whose outcome is unknown (role feedback).

It runs until SIGTERM, then takes no new requests and waits for the calls in flight. Killed at any moment it loses nothing:
an outcome that cannot be known becomes UNKNOWN and is shown.

It ends with 0 after SIGINT or SIGTERM, and logs how much memory it needed at most.`

// NewCommand returns the command delivery. It runs until its context ends, as by a signal.
func NewCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:     "delivery",
		Short:   "Deliver what is requested and settle it (the Consumer)",
		Long:    help,
		Example: "  delivery\n  delivery --role settlement\n  delivery --role feedback",
		Args:    cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			role, err := ParseRole(name)
			if err != nil {
				return cli.Usagef("--role: %w", err)
			}
			c, err := Load(cmd.Context(), role)
			if err != nil {
				return err
			}
			code := core.Serve(cmd.Context(), cmd.ErrOrStderr(), Options(role, c))
			if code == core.ExitOK && !config.LogsJSON() {
				observe.WriteMemory(cmd.OutOrStdout())
			}
			return cli.Exit(code)
		},
	}
	cli.Service(cmd)
	cmd.AddCommand(newHealth())
	cmd.Flags().StringVar(&name, "role", string(Both), "delivery, settlement, both, or feedback")
	cli.Describe(cmd, cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitUnavailable), cli.Configuration[config.Deliverer]())
	return cmd
}

// Load reads what a role uses, and leaves the rest empty.
func Load(ctx context.Context, role Role) (config.Deliverer, error) {
	switch role {
	case Delivery:
		c, err := config.Load[config.Sender](ctx)
		return config.Deliverer{
			Database: c.Database, Kafka: c.Kafka, S3: c.S3, Keys: c.Keys, Delivery: c.Delivery, Gateways: c.Gateways, Health: c.Health, Metrics: c.Metrics, Traces: c.Traces, Log: c.Log,
		}, err
	case Settlement:
		c, err := config.Load[config.Settler](ctx)
		return config.Deliverer{Database: c.Database, Kafka: c.Kafka, Settlement: c.Settlement, Monitor: c.Monitor, Health: c.Health, Metrics: c.Metrics, Traces: c.Traces, Log: c.Log}, err
	case Feedback:
		c, err := config.Load[config.Receiver](ctx)
		return config.Deliverer{Database: c.Database, Feedback: c.Feedback, Gateways: c.Gateways, Health: c.Health, Metrics: c.Metrics, Log: c.Log}, err
	default:
		c, err := config.Load[config.Consumer](ctx)
		return config.Deliverer{
			Database: c.Database, Kafka: c.Kafka, S3: c.S3, Keys: c.Keys, Delivery: c.Delivery, Settlement: c.Settlement, Monitor: c.Monitor,
			Gateways: c.Gateways, Health: c.Health, Metrics: c.Metrics, Traces: c.Traces, Log: c.Log,
		}, err
	}
}
