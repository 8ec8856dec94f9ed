package operatorcmd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/copies"
	"github.com/balsong/balsong/application/destination"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

const copyHelp = `Send a customer a copy of a bill that a gateway has accepted. A bill that is SUCCEEDED is never sent again; a copy is a new
one with a number and a delivery key of its own. It has the words that went out, byte for byte, goes by one channel, and goes out
with the next dispatcher run, by the rules of every bill: quiet hours, the suppression list and a halt hold for it too. It
expires 7 days after it was asked for.

Without --channel it goes by the channel by which the bill was accepted, and without --to-file to the bill's own address. An
address is personal data, which a command line would leave in the shell's history and in the list of processes: it is read
from a file, or from stdin with --to-file -.

A bill that was not accepted is not copied: correct it (balsong batch import --correct), resume it or give a verdict instead; the
refusal says which. While a copy has not come to an end, another one is refused. balsong why shows a bill's copies,
balsong target copies those of a month, and --copy names one for pause, resume, cancel and the other acts.`

// copyFlags are the flags of "target copy".
type copyFlags struct {
	actFlags
	channel, toFile string
}

// newTargetCopy is the subcommand "target copy".
func newTargetCopy() *cobra.Command {
	f := &copyFlags{}
	cmd := &cobra.Command{
		Use: "copy", Short: "Send a customer a copy of a bill that was accepted", Long: copyHelp, Args: cli.NoArguments,
		Example: "  balsong target copy --month 2026-11 --customer 7590-VHVEG --reason \"did not find the e-mail\"\n" +
			"  balsong target copy --month 2026-11 --customer 7590-VHVEG --channel SMS --reason \"asked for it by phone\"\n" +
			"  balsong target copy --month 2026-11 --customer 7590-VHVEG --to-file address.txt --reason \"the address was wrong\"\n" +
			"  balsong target copy --month 2026-11 --customer 7590-VHVEG --to-file - --reason \"the address was wrong\"  # type the address, then Enter",
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.targetFlags(cmd)
	f.ActorFlags(cmd, "", "why (required; recorded)")
	f.ApproverFlag(cmd)
	cli.Require(cmd, "reason")
	cmd.Flags().StringVar(&f.channel, "channel", "", "one of "+channel.Names()+"; without: the one by which the bill was accepted")
	cmd.Flags().StringVar(&f.toFile, "to-file", "", "`file` or s3://bucket/key with another address, telephone number or device token, - for stdin; without: the bill's own")
	describe[config.Statement](cmd)
	return cmd
}

func (f *copyFlags) run(cmd *cobra.Command) (err error) {
	var kind channel.Kind
	if f.channel != "" {
		if kind, err = channel.Parse(f.channel); err != nil {
			return cli.Usagef("--channel: %w", err)
		}
	}
	if f.toFile != "" && len(f.customers) > 1 {
		return cli.Usagef("--to-file is one customer's address: name one --customer")
	}
	address, err := f.address(cmd)
	if err != nil {
		return err
	}
	return withUseCases(cmd, operatorapp.Copying, func(ctx context.Context, u operatorapp.UseCases) error {
		zone, err := u.Answers.Zone(ctx)
		if err != nil {
			return err
		}
		halt, err := u.Acts.Control.Halted(ctx)
		if err != nil {
			return err
		}
		return f.each(ctx, cmd, u, func(found answer.Found) (any, string, error) {
			r := copies.Request{Bill: found.Target, Rows: found.Rows, Channel: kind, By: f.Act()}
			if address != "" {
				if r.Channel == "" {
					r.Channel = copies.AcceptedBy(found.Rows)
				}
				if r.Channel != "" { // a bill that no channel accepted is refused below
					to, err := destination.Parse(r.Channel, address)
					if err != nil {
						return nil, "", cli.Usagef("--to-file: the address %w", err)
					}
					r.To = to
				}
			}
			made, err := u.Copies.Make(ctx, r)
			if err != nil {
				return nil, "", fmt.Errorf("copy the bill of customer %q: %w", found.Customer, err)
			}
			return madeDocument(found.Customer, made), madeText(found.Customer, made, halt.On, zone), nil
		})
	})
}

// maxAddress bounds what is read of an address; the longest is a push token.
const maxAddress = 8 << 10

// address reads the address of --to-file: its one line, and is refused where there are more. No error contains it.
func (f *copyFlags) address(cmd *cobra.Command) (string, error) {
	if f.toFile == "" {
		return "", nil
	}
	from, err := openNamed(cmd, f.toFile)
	if err != nil {
		return "", fmt.Errorf("--to-file: %w", err)
	}
	defer func() { _ = from.Close() }() // it was only read
	lines := bufio.NewReaderSize(io.LimitReader(from, maxAddress), maxAddress)
	line, err := lines.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("--to-file: %w", err)
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", cli.Usagef("--to-file: the first line is empty: it must be the address")
	}
	rest, _ := lines.Peek(lines.Buffered()) // of a terminal nothing more is waited for
	if len(bytes.TrimSpace(rest)) > 0 {
		return "", cli.Usagef("--to-file: there is more than one line: give one address alone, so that the bill does not go to the wrong one")
	}
	return line, nil
}

// copyDocument is a copy that was made, for programs.
type copyDocument struct {
	Customer string       `json:"customer"`
	Number   int          `json:"copy"`
	Key      string       `json:"key"`
	Channel  channel.Kind `json:"channel"`
	To       string       `json:"to"` // masked
	Rule     billing.Rule `json:"rule"`
	Until    time.Time    `json:"deferred_until,omitzero"`
}

func madeDocument(customer string, m copies.Made) copyDocument {
	return copyDocument{Customer: customer, Number: m.Number, Key: m.Key.String(), Channel: m.Channel, To: m.To, Rule: m.Decision.Rule, Until: m.Decision.Until}
}

func madeText(customer string, m copies.Made, halted bool, zone *time.Location) string {
	when := "it goes out with the next dispatcher run"
	if m.Decision.Kind() == billing.Deferral {
		when = "it goes out after " + answer.Clock(m.Decision.Until, zone) + ", when quiet hours end"
	}
	if halted {
		when += ", once the halt is lifted (`balsong resume`)"
	}
	return fmt.Sprintf("copy %d of customer %s's bill of %s, by %s to %s: %s (`balsong why %s %s` shows it)\n",
		m.Number, customer, m.Key.Month, m.Channel, m.To, when, m.Key.Month, customer)
}

// newTargetCopies is the subcommand "target copies".
func newTargetCopies() *cobra.Command {
	var month key.Month
	cmd := &cobra.Command{
		Use: "copies", Short: "List a month's copies: whose, by which channel, how it stands, who asked and why", Args: cli.NoArguments,
		Long:    "List the copies of a month's bills, by number and then by bill. Copies are counted as bills nowhere. Times are in the ACTIVE policy's zone, in UTC without one.",
		Example: "  balsong target copies --month 2026-11",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withUseCases(cmd, operatorapp.Options, func(ctx context.Context, u operatorapp.UseCases) error {
				if err := u.Answers.Kept(ctx, month); err != nil {
					return err
				}
				zone, err := u.Answers.Zone(ctx)
				if err != nil {
					return err
				}
				list, err := u.Answers.ListCopies(ctx, month)
				if err != nil {
					return err
				}
				return cli.Answer(cmd, list, func(w io.Writer) { printCopies(w, list, zone) })
			})
		},
	}
	cli.MonthFlag(cmd, &month, " (required)")
	cli.Require(cmd, "month")
	completeMonth(cmd)
	describe[config.Operator](cmd)
	return cmd
}

func printCopies(w io.Writer, list []answer.CopyEntry, zone *time.Location) {
	if len(list) == 0 {
		fmt.Fprintln(w, "no copy was made")
	}
	for _, c := range list {
		status := string(c.Dispatch)
		if c.Pause != "" {
			status += " (" + string(c.Pause) + ")"
		}
		fmt.Fprintf(w, "%s  copy %d by %s: %s; asked for on %s by %s: %s\n", c.Customer, c.Number, c.Channel, status, answer.Clock(c.AskedAt, zone), c.Actor, c.Reason)
	}
}
