package operatorcmd

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	"go.uber.org/fx"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/bootstrap/preflight"
	"github.com/balsong/balsong/domain/key"
)

const preflightHelp = `Look, before a run, at what would keep the month's bills from going out: each provider as doctor does (credentials, registered
sender, SPF, DKIM and DMARC of the sender's domain), what its account may still send beside the bills that wait, the channels of the
ACTIVE policy's route, halts, codes of AlimTalk templates, and the age of the suppression list. It changes nothing and sends nothing.

It ends with 1 where there are problems (advice is none).`

// newPreflight is the subcommand "preflight".
func newPreflight() *cobra.Command {
	var month key.Month
	cmd := &cobra.Command{
		Use: "preflight", Args: cli.NoArguments,
		Short: "Say before a run what would keep the bills from going out", Long: preflightHelp,
		Example: "  balsong preflight --month 2026-11",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var asked []key.Month
			if month != 0 {
				asked = []key.Month{month}
			}
			c, err := config.Load[config.Preflight](cmd.Context())
			if err != nil {
				return err
			}
			var due answer.Due
			app := func(c config.Preflight) fx.Option { return operatorapp.Options(c.Operator) }
			if err := withUseCases(cmd, app, func(ctx context.Context, u operatorapp.UseCases) (err error) {
				due, err = u.Answers.Due(ctx, asked)
				return err
			}); err != nil {
				return err
			}
			findings := preflight.Examine(cmd.Context(), c.Gateways, due, observe.Clock{})
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			if err := cli.Answer(cmd, findings, func(w io.Writer) { doctor.Write(w, findings) }); err != nil {
				return err
			}
			if doctor.Problems(findings) > 0 {
				return cli.Exit(core.ExitFailed)
			}
			return nil
		},
	}
	cli.MonthFlag(cmd, &month, "; without: every open month")
	completeMonth(cmd)
	describe[config.Preflight](cmd)
	return cmd
}
