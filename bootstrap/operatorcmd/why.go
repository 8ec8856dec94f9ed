package operatorcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/key"
)

const whyHelp = `Show the full history of one bill in sentences: which file and line it came from, when it was rendered, what was
decided by which rule, each try with the gateway's words, what people did, and what happens next and when.

Times are in the customer's zone. Destinations are masked, and shown only where the keyset is configured
(BALSONG_KEYSET or BALSONG_KEYSET_FILE).`

// newWhy is the subcommand "why".
func newWhy() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "why <month> <customer number>",
		Args:    monthAndCustomer,
		Short:   "Show why a customer's bill is where it is, and what happens next",
		Long:    whyHelp,
		Example: "  balsong why 2026-11 7590-VHVEG\n  balsong why 2026-11 7590-VHVEG --output json",
		RunE: func(cmd *cobra.Command, args []string) error {
			month, err := key.ParseMonth(args[0])
			if err != nil {
				return cli.Usage(err)
			}
			return why(cmd, &billFlags{month: month, customer: args[1]})
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 { // there are too many customers, and their numbers are personal data
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return months(cmd)
		},
	}
	describe[config.CustomerBills](cmd)
	return cmd
}

func monthAndCustomer(_ *cobra.Command, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%d arguments instead of two: a billing month and a customer number", len(args))
	}
	return nil
}

func why(cmd *cobra.Command, a *billFlags) error {
	return withUseCases(cmd, operatorapp.CustomerBills, func(ctx context.Context, u operatorapp.UseCases) error {
		s, err := u.Answers.Why(ctx, a.month, a.customer)
		var none *answer.NoBill
		if errors.As(err, &none) {
			var more strings.Builder // an error, so all of it goes to stderr
			printLines(&more, none.Lines, none.Next)
			absent := cli.Answer(cmd, none.Absence, func(io.Writer) {})
			return errors.Join(fmt.Errorf("%w\n%s", err, strings.TrimRight(more.String(), "\n")), absent)
		}
		if err != nil {
			return err
		}
		return cli.Answer(cmd, s, func(w io.Writer) {
			fmt.Fprintf(w, "%s\nTimes are in %s.\n\n", s.Headline, s.Zone)
			printLines(w, s.Lines, s.Next)
		})
	})
}

// lineWidth is where sentences are broken.
const lineWidth = 110

func printLines(w io.Writer, lines []story.Line, next story.Next) {
	for _, line := range lines {
		fmt.Fprintln(w, wrapped(line.Text, "  - ", "    "))
	}
	fmt.Fprintf(w, "\n%s\n", wrapped("Next: "+next.Text, "", "      "))
}

// wrapped breaks a text at blanks.
func wrapped(text, first, rest string) string {
	var b strings.Builder
	b.WriteString(first)
	at := len(first)
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len([]rune(word)) > lineWidth:
			b.WriteString("\n" + rest)
			at = len(rest)
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len([]rune(word))
	}
	return b.String()
}
