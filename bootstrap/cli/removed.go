package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// removedFlags names, for each flag that earlier versions had, the flag that does the same now, where a command has that.
var removedFlags = map[string]string{
	"beside": "allow-concurrent",
	"anyway": "force",
	"late":   "allow-new",
	"whole":  "allow-unterminated",
}

// removedCommands names, for each command that earlier versions had, the one that does the same now.
var removedCommands = map[string]string{
	"balsong go-on":      "balsong resume",
	"balsong demo":       "balsong-dev demo",
	"balsong inbox":      "balsong-dev inbox",
	"balsong generate":   "balsong-dev generate",
	"balsong gateway":    "balsong-dev gateway",
	"balsong parts":      "balsong-dev localenv",
	"balsong bench":      "balsong-dev bench",
	"balsong loadtest":   "balsong-dev loadtest",
	"balsong dispatcher": "dispatcher",
	"balsong delivery":   "delivery",
}

func unknownCommand(cmd *cobra.Command, name string) error {
	text := fmt.Sprintf("unknown command %q for %q", name, cmd.CommandPath())
	near := cmd.SuggestionsFor(name)
	switch now, removed := removedCommands[cmd.CommandPath()+" "+name]; {
	case removed:
		text += ": it is now `" + now + "`"
	case len(near) > 0:
		text += ": did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError{errors.New(text)}
}

// flagError says of a flag that does not exist what to write instead.
func flagError(cmd *cobra.Command, err error) error {
	if args := cmd.Flags().Args(); cmd.HasSubCommands() && len(args) > 0 {
		return unknownCommand(cmd, args[0]) // the flag is meant for that command
	}
	if twice := repeated(err); twice != nil {
		return twice
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	name, short := unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames()
	if now := removedFlags[name]; now != "" && cmd.Flag(now) != nil {
		return fmt.Errorf("the flag --%s is now --%s", name, now)
	}
	if name, _, _ := strings.Cut(short, "="); len(name) > 1 && cmd.Flag(name) != nil {
		return fmt.Errorf("unknown flag -%s: write --%s, with two hyphens", name, name)
	}
	return err
}
