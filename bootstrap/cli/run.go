// Package cli holds what every command has in common: how it is run, how it fails, how it answers, and what its help says.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/observe"
)

// ExitError ends a command with an exit code; what is wrong has been written already.
type ExitError struct{ Code int }

func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }

// Exit is the error for an exit code: nil for success.
func Exit(code int) error {
	if code == core.ExitOK {
		return nil
	}
	return ExitError{Code: code}
}

// usageError says that a command was called in a wrong way, and that nothing was done.
type usageError struct{ error }

// Unwrap gives what is wrong.
func (u usageError) Unwrap() error { return u.error }

// Usage marks an error as one in how a command was called.
func Usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// Usagef is Usage of a new error.
func Usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// Main is a program: it runs root with the program's arguments and ends with its exit code. The context of the commands ends
// with SIGINT or SIGTERM.
func Main(root *cobra.Command) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := Run(ctx, root, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Run runs root with arguments and returns the exit code. Answers go to stdout, everything else to stderr.
func Run(ctx context.Context, root *cobra.Command, arguments []string, stdout, stderr io.Writer) int {
	if cmd, _, err := root.Find(arguments); err == nil && isService(cmd) && config.LogsJSON() {
		stderr = observe.ErrorLines(stderr)
	}
	root.SetArgs(arguments)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.Version = core.Version()
	root.SetHelpFunc(help)
	root.SetFlagErrorFunc(flagError)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(arguments...)
	begun := false // an error before a command begins is an error of its arguments
	prepare(root, &begun)
	cmd, err := root.ExecuteContextC(ctx)
	var exit ExitError
	var usage usageError
	switch {
	case err == nil:
		return core.ExitOK
	case errors.As(err, &exit):
		return exit.Code
	case !begun || errors.As(err, &usage):
		fmt.Fprintf(stderr, "%s: %v\nsee `%s --help` for usage\n", root.Name(), err, cmd.CommandPath())
		return core.ExitUsage
	default:
		fmt.Fprintf(stderr, "%s: %v\n", root.Name(), core.Interruption(ctx, err))
		return core.ExitCodeOf(ctx, err)
	}
}

// service is the annotation of a command that is a service.
const service = "balsong_service"

// Service marks a command that runs where nobody looks at a terminal: what it has to say of its errors is a line of its log.
func Service(cmd *cobra.Command) {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[service] = "true"
}

func isService(cmd *cobra.Command) bool {
	return cmd != nil && (cmd.Annotations[service] != "" || isService(cmd.Parent()))
}

// prepare makes it an error to name no subcommand, or one that does not exist, where cobra shows the help and succeeds; and
// lets every command note that it has begun: by then its flags and arguments have been checked. A flag that takes one
// value is given once.
func prepare(cmd *cobra.Command, begun *bool) {
	refuseRepeated(cmd)
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.DisableFlagsInUseLine = true
		cmd.SuggestionsMinimumDistance = 2
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			cmd.SetOut(cmd.ErrOrStderr()) // help was not asked for
			return errors.Join(cmd.Help(), Exit(core.ExitUsage))
		}
	} else if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*begun = true
			return run(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		prepare(sub, begun)
	}
}

// NoArguments refuses arguments beside flags.
func NoArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}

// Require marks flags without which a command cannot run.
func Require(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined beside this call
		}
	}
}

// AddOutput gives a command and its subcommands the flag --output.
func AddOutput(cmd *cobra.Command) {
	output := core.Text
	cmd.PersistentFlags().Var(&output, "output", core.OutputHelp)
}

// Output is how a command was asked to answer.
func Output(cmd *cobra.Command) core.Output {
	if flag := cmd.Flag("output"); flag != nil {
		return core.Output(flag.Value.String())
	}
	return core.Text
}

// Answer writes a command's answer to stdout in the form that was asked for: the document as JSON, or what text writes.
func Answer(cmd *cobra.Command, document any, text func(io.Writer)) error {
	return Output(cmd).Answer(cmd.OutOrStdout(), document, text)
}
