package core

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/policy"
)

// Exit codes of every command. ExitCodes says what each means; docs/operations/exit-codes.md is made of it.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitRejected    = 3
	ExitNotFound    = 4
	ExitRefused     = 5
	ExitUnavailable = 6
	ExitHalted      = 7
	ExitInterrupted = 130
)

// ExitCode is an exit code and what it means.
type ExitCode struct {
	Code          int
	Name, Meaning string
}

// ExitCodes is the table of exit codes.
var ExitCodes = []ExitCode{
	{ExitOK, "done", "Everything that was asked for is done."},
	{ExitFailed, "failed", "It did not finish. What was done stays done: run it again once the cause is fixed."},
	{ExitUsage, "usage", "Wrong arguments or configuration; nothing was done. The message names the flag or the variable."},
	{ExitRejected, "rejected", "Done, except for what was refused: rows of an import (they are in the rejects file with line, field and reason), bills that could not be rendered, or customers of an act on several (the message names them with the reason)."},
	{ExitNotFound, "not found", "What was named does not exist: a customer's bill, a month, a policy version, a file."},
	{ExitRefused, "refused", "A rule forbids it as things are; nothing was changed. The message says which and what to do instead. What `policy check` or `templates check` finds wrong ends so too."},
	{ExitUnavailable, "unreachable", "A part (database, event log, statements, keys) does not answer; nothing was done, except that what a run of the dispatcher published before stays published."},
	{ExitHalted, "halted", "An operator has halted everything (`balsong halt`): what was not dispatched is still due. Run it again once `balsong resume` has lifted the halt; a retry before that ends the same way."},
	{ExitInterrupted, "interrupted", "Ended by SIGINT or SIGTERM before it was through; safe to run again."},
}

// ErrPartly stands beside the refusals of an act on several customers that was done for the others.
var ErrPartly = errors.New("it is done for the other customers")

// ExitCodeOf is the exit code for how a command ended. ctx is the command's own: it has ended where a signal came.
func ExitCodeOf(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return ExitOK
	case ctx.Err() != nil:
		return ExitInterrupted
	case errors.Is(err, port.ErrHalted):
		return ExitHalted
	case errors.Is(err, ErrPartly):
		return ExitRejected
	case errors.Is(err, config.ErrInvalid), errors.Is(err, operate.ErrNoReason):
		return ExitUsage
	case errors.Is(err, port.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return ExitNotFound
	case errors.Is(err, billing.ErrRefused), errors.Is(err, port.ErrInvalid), errors.Is(err, policy.ErrTransition), errors.Is(err, policy.ErrInvalid):
		return ExitRefused
	case errors.Is(err, port.ErrUnavailable):
		return ExitUnavailable
	default:
		return ExitFailed
	}
}

// DescribeExitCodes writes the table for --help.
func DescribeExitCodes(w io.Writer, codes ...int) {
	fmt.Fprintln(w, "Exit codes:")
	for _, e := range ExitCodes {
		for _, code := range codes {
			if e.Code == code {
				fmt.Fprintf(w, "  %3d  %-12s %s\n", e.Code, e.Name, e.Meaning)
			}
		}
	}
	fmt.Fprintln(w)
}
