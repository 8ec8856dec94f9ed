package core

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// NewFlags returns the flags of a command. Help that was asked for is an answer: help writes it to stdout, with the flags'
// own part by PrintDefaults. A mistake goes to stderr in one line, with where the help is.
func NewFlags(command string, args []string, stdout, stderr io.Writer, help func(out io.Writer, flags *flag.FlagSet)) *flag.FlagSet {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprintf(stderr, "`%s --help` says how it is called\n", command) }
	if asksForHelp(args) {
		flags.SetOutput(stdout)
		flags.Usage = func() { help(stdout, flags) }
	}
	return flags
}

func asksForHelp(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "--":
			return false
		case "-h", "-help", "--help":
			return true
		}
	}
	return false
}

// ParseFlags parses the flags of a command that takes no arguments beside them. ok is false where the command is over, with
// the exit code: help was asked for, or something is wrong and has been told.
func ParseFlags(flags *flag.FlagSet, args []string) (code int, ok bool) {
	if err := flags.Parse(args); err != nil {
		return ExitCodeOfFlags(err), false
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(flags.Output(), "%s: unexpected argument %q\n", flags.Name(), flags.Arg(0))
		flags.Usage()
		return ExitUsage, false
	}
	return ExitOK, true
}

// ExitCodeOfFlags is the exit code of a flag error; asking for help is none.
func ExitCodeOfFlags(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return ExitOK
	}
	return ExitUsage
}
