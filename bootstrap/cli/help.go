package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// sections is the annotation that holds what a command's help says after its flags.
const sections = "balsong_help_sections"

// helpTemplate is cobra's own, followed by the sections.
const helpTemplate = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}{{with index .Annotations "` + sections + `"}}
{{.}}{{end}}`

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
