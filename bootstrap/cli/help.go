package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// sections is the annotation that holds what a command's help says after its flags.
const sections = "balsong_help_sections"

// help writes a command's description, its usage and the sections. It is no template of cobra's: with one, the linker keeps
// every exported method of the program, which makes each command 10 MB larger.
func help(cmd *cobra.Command, _ []string) {
	showDefaults(cmd)
	out := cmd.OutOrStdout()
	if text := strings.TrimRight(cmp.Or(cmd.Long, cmd.Short), " \n"); text != "" {
		fmt.Fprintf(out, "%s\n\n", text)
	}
	if cmd.Runnable() || cmd.HasSubCommands() {
		fmt.Fprint(out, cmd.UsageString())
	}
	if text := cmd.Annotations[sections]; text != "" {
		fmt.Fprintf(out, "\n%s", text)
	}
}

// Section writes a part of a command's help.
type Section func(io.Writer)

// ExitCodes lists exit codes.
func ExitCodes(codes ...int) Section {
	return func(w io.Writer) { core.DescribeExitCodes(w, codes...) }
}

// Configuration lists the environment variables of a configuration.
func Configuration[C any]() Section { return config.Describe[C] }

// Describe adds sections to a command's help.
func Describe(cmd *cobra.Command, list ...Section) {
	var text strings.Builder
	for _, section := range list {
		section(&text)
	}
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[sections] += text.String()
}
