// Package operatorcmd is balsong, the operator's command: one file for each of its subcommands.
package operatorcmd

import (
	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
)

// The groups of the list of commands.
const (
	groupAsk     = "ask"
	groupAct     = "act"
	groupContent = "content"
	groupSetup   = "setup"
)

// NewCommand returns the command balsong.
func NewCommand() *cobra.Command {
	root := &cobra.Command{Use: "balsong", Short: "Operate Balsong, which sends each customer the month's billing statement, once"}
	root.AddGroup(
		&cobra.Group{ID: groupAsk, Title: "Questions:"},
		&cobra.Group{ID: groupAct, Title: "Operations (each is recorded with who and why):"},
		&cobra.Group{ID: groupContent, Title: "Content of bills:"},
		&cobra.Group{ID: groupSetup, Title: "Configuration:"},
	)
	add := func(group string, output bool, commands ...*cobra.Command) {
		for _, cmd := range commands {
			if cmd.GroupID = group; output {
				cli.AddOutput(cmd)
			}
			root.AddCommand(cmd)
		}
	}
	add(groupAsk, true, newStatus(), newWhy(), newStatement(), newUnreached(), newAudit(), newPreflight())
	add(groupAct, true, newHalt(), newResume(), newTarget(), newPolicy(), newMonth(), newRun(), newSuppress(), newRestoreCheck())
	add(groupContent, false, batchapp.NewCommand(), batchapp.NewTemplatesCommand(), newRender(), newSendTest())
	add(groupSetup, true, newDoctor(), newKeyset())
	return root
}

var exitCodes = cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitNotFound, core.ExitRefused, core.ExitUnavailable, core.ExitInterrupted)

// exitCodesOfActs are the exit codes of an act, which may be refused for some of several customers.
var exitCodesOfActs = cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitRejected, core.ExitNotFound, core.ExitRefused, core.ExitUnavailable, core.ExitInterrupted)

// describe ends a command's help with its exit codes and the variables that it reads.
func describe[C any](cmd *cobra.Command) {
	codes := exitCodes
	if cmd.Flags().Lookup("customer") != nil && cmd.Flags().Lookup("reason") != nil {
		codes = exitCodesOfActs
	}
	cli.Describe(cmd, codes, cli.Configuration[C]())
}
