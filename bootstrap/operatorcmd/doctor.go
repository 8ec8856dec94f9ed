package operatorcmd

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/bootstrap/preflight"
)

const doctorHelp = `Check everything the configuration names, as the services would use it: database, event log,
statements, keyset, gateways, clocks and time limits. Each line says what was checked and what was
found, and what to do about it. It changes nothing, sends nothing, and shows no secret.

It reads the variables of every program. What is wrong with some of them keeps it from checking
their component alone. It ends with 1 where there are problems (advice is none), and with 2 where variables
are missing or cannot be read (whatever else was found).`

// newDoctor is the subcommand "doctor".
func newDoctor() *cobra.Command {
	cmd := &cobra.Command{
		Use: "doctor", Args: cli.NoArguments,
		Short: "Find what is wrong with the configuration, and say what to do",
		Long:  doctorHelp,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			uses, findings := doctor.Read(ctx)
			code := core.ExitOK
			if len(findings) > 0 {
				code = core.ExitUsage
			}
			findings = append(append(findings, doctor.Examine(ctx, uses, observe.Clock{})...), batchapp.TemplatesFinding())
			if uses.Gateways != nil {
				findings = append(findings, preflight.Quotas(ctx, *uses.Gateways, observe.Clock{})...)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if code == core.ExitOK && doctor.Problems(findings) > 0 {
				code = core.ExitFailed
			}
			if err := cli.Answer(cmd, findings, func(w io.Writer) { doctor.Write(w, findings) }); err != nil {
				return err
			}
			return cli.Exit(code)
		},
	}
	describe[config.Everything](cmd)
	return cmd
}
