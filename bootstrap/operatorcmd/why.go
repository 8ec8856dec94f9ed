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
decided by which rule, each try with the gateway's words, what people did, and what happens next and when; then each of its copies. Without a month it is the latest month in which the customer has a bill; the second
line says which one that is, how the customer's bills of other months stand, and how to ask for one of them.
The number is found in any case and with or without blanks, where only one customer has such a number.

Times are in the ACTIVE policy's zone, in UTC without one; where the customer lives by another clock their time stands behind.
Those of --output json are in UTC, except within sentences. Destinations are masked, and shown only where the keyset is configured
(BALSONG_KEYSET or BALSONG_KEYSET_FILE). The last line is the id of the bill's trace, where traces are recorded.`

// newWhy is the subcommand "why".
func newWhy() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "why [month] <customer number>",
		Args:    monthAndCustomer,
		Short:   "Show why a customer's bill is where it is, and what happens next",
		Long:    whyHelp,
		Example: "  balsong why 7590-VHVEG\n  balsong why 2026-11 7590-VHVEG\n  balsong why 2026-11 7590-VHVEG --output json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return why(cmd, 0, args[0])
			}
			month, err := key.ParseMonth(args[0])
			if err != nil {
				return cli.Usage(err)
			}
			return why(cmd, month, args[1])
		},
		ValidArgsFunction: completeMonthArgument,
	}
	describe[config.CustomerBills](cmd)
	return cmd
}

func monthAndCustomer(_ *cobra.Command, args []string) error {
	if len(args) != 1 && len(args) != 2 {
		return fmt.Errorf("%d arguments: name a customer number, or a billing month and a customer number; a number with blanks stands in quotes", len(args))
	}
	if _, err := key.ParseMonth(args[0]); len(args) == 1 && err == nil {
		return fmt.Errorf("%s is a month: name a customer number too", args[0])
	} else if len(args) == 2 && err != nil {
		return fmt.Errorf("%w; a customer number with blanks stands in quotes: %q", err, strings.Join(args, " "))
	}
	return nil
}

// why explains the customers' bills of a month, each one's latest where the month is 0.
func why(cmd *cobra.Command, month key.Month, customers ...string) error {
	return withUseCases(cmd, operatorapp.CustomerBills, func(ctx context.Context, u operatorapp.UseCases) error {
		var all answered
		for _, customer := range customers {
			all.add(whyOne(ctx, u.Answers, month, customer))
		}
		return all.answer(cmd, len(customers) == 1)
	})
}

func whyOne(ctx context.Context, answers *answer.Answers, month key.Month, customer string) (document any, text string, err error) {
	s, err := answers.Why(ctx, month, customer)
	var none *answer.NoBill
	if errors.As(err, &none) {
		var more strings.Builder // an error, so all of it goes to stderr
		printLines(&more, none.Lines, none.Next)
		return none.Absence, "", fmt.Errorf("%w\n%s", err, strings.TrimRight(more.String(), "\n"))
	}
	if err != nil {
		return nil, "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n", s.Headline)
	if month == 0 {
		fmt.Fprintln(&out, wrapped(monthTaken("why", s.Month, s.Customer, s.OtherMonths), "", ""))
	}
	fmt.Fprintf(&out, "Times are in %s%s.\n\n", s.Zone, ownZone(s))
	printLines(&out, s.Lines, s.Next)
	for _, c := range s.Copies {
		fmt.Fprintf(&out, "\n%s\n", c.Headline)
		printLines(&out, c.Lines, c.Next)
	}
	fmt.Fprintf(&out, "\nTrace: %s\n", s.Trace)
	return s, out.String(), nil
}

// ownZone names the customer's zone where it is another one.
func ownZone(s story.Story) string {
	if s.Own == "" {
		return ""
	}
	return ", and behind it in " + s.Own + ", the customer's zone, where the clocks differ"
}

// monthTaken says which month was taken where none was asked for, and how to ask a command for another one.
func monthTaken(command string, taken key.Month, customer string, others []story.OtherMonth) string {
	if len(others) == 0 {
		return fmt.Sprintf("%s is the only month in which the customer has a bill.", taken)
	}
	named := make([]string, len(others))
	for i, other := range others {
		named[i] = fmt.Sprintf("%s %s", other.Month, other.Dispatch)
	}
	return fmt.Sprintf("%s is the latest month in which the customer has a bill; the others: %s (`balsong %s %s %s`).", taken, strings.Join(named, ", "), command, others[0].Month, cli.Quote(customer))
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
