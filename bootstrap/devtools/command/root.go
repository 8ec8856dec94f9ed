// Package command is the command line of balsong, one file for each
// subcommand.
package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/core"
)

// ExitError ends the program with a code of its own, without a message.
type ExitError struct{ Code int }

func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }

// usageError says that a command was called in a wrong way, and that nothing was done.
type usageError struct{ error }

// Unwrap gives what is wrong.
func (u usageError) Unwrap() error { return u.error }

// Run runs the command line and returns the exit code.
func Run(ctx context.Context, arguments []string) int {
	root := newRoot()
	root.SetArgs(arguments)
	begun := false // what goes wrong before a command begins is how it was called
	root.InitDefaultCompletionCmd(arguments...)
	refuseUnknown(root)
	noting(root, &begun)
	cmd, err := root.ExecuteContextC(ctx)
	var exit ExitError
	var usage usageError
	switch {
	case err == nil:
		return core.ExitOK
	case errors.As(err, &exit):
		return exit.Code
	case !begun || errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "balsong: %v\n`%s --help` says how it is called\n", err, cmd.CommandPath())
		return core.ExitUsage
	default:
		fmt.Fprintln(os.Stderr, "balsong:", err)
		return core.ExitCodeOf(ctx, err)
	}
}

// refuseUnknown makes it an error to name a subcommand that does not exist: cobra by itself shows the help and succeeds.
func refuseUnknown(cmd *cobra.Command) {
	if cmd.HasSubCommands() && !cmd.Runnable() && cmd.HasParent() {
		cmd.DisableFlagsInUseLine = true
		cmd.SuggestionsMinimumDistance = 2
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				text += ": did you mean " + strings.Join(near, " or ") + "?"
			}
			return usageError{errors.New(text)}
		}
	}
	for _, sub := range cmd.Commands() {
		refuseUnknown(sub)
	}
}

// noting lets every command note that it has begun. By then its flags and arguments have been checked.
func noting(cmd *cobra.Command, begun *bool) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*begun = true
			return run(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		noting(sub, begun)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "balsong",
		Short:         "Send each customer the month's billing statement, once",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       core.Version(),
	}
	root.AddGroup(
		&cobra.Group{ID: groupLocal, Title: "On this machine:"},
		&cobra.Group{ID: groupServices, Title: "Services:"},
		&cobra.Group{ID: groupPeople, Title: "For people:"},
	)
	for _, local := range []*cobra.Command{newDemo(), newInbox(), newGenerate(), Gateway(), newParts(), newBench(), newLoadtest()} {
		local.GroupID = groupLocal
		root.AddCommand(local)
	}
	root.AddCommand(newApps()...)
	people := append(newHalt(), newWhy(), newStatus(), newUnreached(), newTarget(), newPolicy(), newMonth(), newSuppress())
	for _, cmd := range people {
		output := core.Text
		cmd.PersistentFlags().Var(&output, "output", core.OutputHelp)
		root.AddCommand(cmd)
	}
	root.AddCommand(newRender(), newSendTest(), newKeyset(), newDoctor())
	return root
}
