package command

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/killtest"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/upgradetest"
)

const (
	killTestHelp = `Kill dispatchers, deliveries, settlement and feedback at eight points of the protocol, while vendors report
late, twice, out of order and against what they said before, and die: check that no customer is served twice, unless
the vendor's definitive word was that the message before was not delivered, nobody is forgotten, no report is lost,
and every doubt names its cause. With --around or --without it is a
short run with one guard of the protocol, or without it: the checker must find something then.`
	upgradeTestHelp = `Let the services of two versions work beside each other, under load and on one database, as a rolling
upgrade does. The checker of the kill test judges. make upgrade-test builds the old version's commands.`
)

// newKillTest is the subcommand "kill-test".
func newKillTest() *cobra.Command {
	var o killtest.Options
	var around, without string
	cmd := &cobra.Command{
		Use:   "kill-test",
		Short: "Kill services at eight points of the protocol, and check what became of every bill",
		Long:  killTestHelp,
		Args:  cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			o.Out, o.Without = cmd.OutOrStdout(), without != ""
			if o.Around, err = killtest.ParseGuard(cmp.Or(without, around)); err != nil {
				return cli.Usage(err)
			}
			return endToEnd(cmd, &o.DataDir, o.Without, killtest.ErrViolated, func() error { return killtest.Run(cmd.Context(), o) })
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&o.Customers, "customers", 10000, "rows of the input of the full run")
	flags.IntVar(&o.Kills, "kills", 6, "kills at each point of the full run")
	flags.StringVar(&o.Kafka, "kafka", "apache", "apache (needs Java, and Maven once) or kfake")
	flags.DurationVar(&o.Limit, "limit", 8*time.Minute, "longest time that the work may take")
	flags.StringVar(&o.DataDir, "data", "", "keep input, logs and records here (default: temporary, kept where something was found)")
	flags.Uint64Var(&o.Seed, "seed", 1, "seed of the gateway's draws and of the kills")
	flags.StringVar(&around, "around", "", "a short run that puts one guard to the test: claim, token, revoke, send-by or definitive")
	flags.StringVar(&without, "without", "", "the same short run with that guard left out: the checker must find something")
	cmd.MarkFlagsMutuallyExclusive("around", "without")
	cli.Describe(cmd, endToEndCodes)
	return cmd
}

// newUpgradeTest is the subcommand "upgrade-test".
func newUpgradeTest() *cobra.Command {
	var o upgradetest.Options
	cmd := &cobra.Command{
		Use:   "upgrade-test",
		Short: "Let two versions' services work beside each other, and check what became of every bill",
		Long:  upgradeTestHelp,
		Args:  cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			for _, directory := range []*string{&o.Old, &o.New} {
				if *directory, err = filepath.Abs(*directory); err != nil {
					return err
				}
			}
			o.Out = cmd.OutOrStdout()
			return endToEnd(cmd, &o.DataDir, false, upgradetest.ErrViolated, func() error { return upgradetest.Run(cmd.Context(), o) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Old, "old", "", "directory with batch, dispatcher, delivery and balsong of the old version")
	flags.StringVar(&o.New, "new", "bin", "the same of the new version")
	flags.IntVar(&o.Customers, "customers", 5000, "bills of the month")
	flags.StringVar(&o.Kafka, "kafka", "apache", "apache (needs Java, and Maven once) or kfake")
	flags.DurationVar(&o.Limit, "limit", 4*time.Minute, "longest time that a stage may take")
	flags.StringVar(&o.DataDir, "data", "", "keep input and logs here (default: temporary, kept where something was found)")
	cli.Require(cmd, "old")
	cli.Describe(cmd, endToEndCodes)
	return cmd
}

var endToEndCodes = cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitRefused, core.ExitInterrupted)

// endToEnd runs a test in a temporary directory where none is given, and removes that if all is as expected. What the test
// finds (violated) ends with another code than a test that could not run.
func endToEnd(cmd *cobra.Command, data *string, mustFind bool, violated error, run func() error) (err error) {
	temporary := *data == ""
	if temporary {
		if *data, err = os.MkdirTemp("", "balsong-"+cmd.Name()+"-"); err != nil {
			return err
		}
	}
	err = run()
	found := errors.Is(err, violated)
	if temporary {
		if err == nil || found && mustFind {
			err = errors.Join(err, os.RemoveAll(*data))
		} else {
			fmt.Fprintln(cmd.ErrOrStderr(), "input, logs and records are kept in", *data)
		}
	}
	if found {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", cmd.CommandPath(), err)
		return cli.Exit(core.ExitRefused)
	}
	if core.ExitCodeOf(cmd.Context(), err) == core.ExitRefused { // by something else: the test could not run
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", cmd.CommandPath(), err)
		return cli.Exit(core.ExitFailed)
	}
	return err
}
