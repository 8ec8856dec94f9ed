// Package command is the command line of balsong, one file for each
// subcommand.
package command

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// ExitError ends the program with a code of its own, without a message.
type ExitError struct{ Code int }

func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }

// Run runs the command line and returns the exit code.
func Run(ctx context.Context, arguments []string) int {
	root := newRoot()
	root.SetArgs(arguments)
	err := root.ExecuteContext(ctx)
	var exit ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Code
	default:
		fmt.Fprintln(os.Stderr, "balsong:", err)
		return 1
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "balsong",
		Short:         "Send each customer the month's billing statement, once",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddGroup(
		&cobra.Group{ID: groupLocal, Title: "On this machine:"},
		&cobra.Group{ID: groupServices, Title: "Services:"},
		&cobra.Group{ID: groupPeople, Title: "For people:"},
	)
	for _, local := range []*cobra.Command{newDemo(), newInbox(), newGenerate(), Gateway(), newParts(), newBench()} {
		local.GroupID = groupLocal
		root.AddCommand(local)
	}
	root.AddCommand(newApps()...)
	root.AddCommand(newHalt()...)
	root.AddCommand(newStatus(), newTarget(), newPolicy(), newMonth(), newSuppress(), newKeyset())
	return root
}
