package operatorcmd

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/destination"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/trialapp"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

const sendTestHelp = `Send one message to yourself by the provider that is configured (BALSONG_SMTP_…, BALSONG_SMS_…,
BALSONG_PUSH_…), to see what your own mail program and telephone make of it.

The message begins with [TEST] and has a key of its own (month/0/…): it is no customer's, and no
ledger has it. It goes to --to and nowhere else, once, and at once: quiet hours and halts do not
hold it.

Without a customer it is the made-up bill of --sample. A customer's bill can be sent too: the stored
statement where there is one, else, or with --templates, --sender or --class, the bill rendered now.
That asks for a reason, and is recorded: mind to whom you send it.`

// sendTest are the flags of "send-test".
type sendTest struct {
	billChoice
	to, channel, provider string
}

// newSendTest is the subcommand "send-test".
func newSendTest() *cobra.Command {
	a := &sendTest{}
	cmd := &cobra.Command{
		Use:   "send-test --to DESTINATION --channel CHANNEL",
		Short: "Send one message to yourself, marked as a test",
		Long:  sendTestHelp,

		Args: cli.NoArguments,
		Example: "  balsong send-test --to me@example.com --channel EMAIL --sample ko --templates words\n" +
			"  balsong send-test --to 010-0000-1234 --channel SMS --month 2026-11 --customer 7590-VHVEG --reason \"new sender identity\"",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.run(cmd) },
	}
	a.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&a.to, "to", "", "your own address, telephone number or device token (required)")
	flags.StringVar(&a.channel, "channel", "", "one of "+channel.Names()+" (required)")
	flags.StringVar(&a.provider, "provider", "", "which of the channel's providers; without it the first of its list")
	cli.MonthFlag(cmd, &a.month, ", of a customer's bill")
	flags.StringVar(&a.customer, "customer", "", "customer number, to send that customer's bill to yourself")
	a.ActorFlags(cmd, "", "why (required for a customer's bill; recorded)")
	cli.Require(cmd, "to", "channel")
	describe[config.SendTest](cmd)
	return cmd
}

func (a *sendTest) run(cmd *cobra.Command) error {
	kind, err := channel.Parse(a.channel)
	if err != nil {
		return cli.Usagef("--channel: %w", err)
	}
	to, err := destination.Parse(kind, a.to)
	if err != nil {
		return cli.Usagef("--to %w", err)
	}
	if a.customer == "" && a.month == 0 && a.sample == "" {
		a.sample = "en"
	}
	if a.customer != "" && !a.Named() {
		return cli.Usagef("a customer's bill asks for --actor and --reason: they are recorded")
	}
	if _, err := config.Load[config.SendTest](cmd.Context()); err != nil {
		return err // before a customer's bill is read
	}
	var test port.Delivery
	err = a.withBill(cmd, func(ctx context.Context, billed bill.Bill, month key.Month, bills *trialapp.Bills) (err error) {
		made := a.make(billed, month)
		if made.Wrong != nil {
			return made.Wrong
		}
		if made.Note != "" {
			fmt.Fprintln(cmd.OutOrStdout(), made.Note)
		}
		if _, there := made.Variants[kind]; !there {
			return fmt.Errorf("%w: the statement has no text for %s", port.ErrNotFound, kind)
		}
		if test, err = trialapp.TestDelivery(month, number(), kind, to, made.Variants[kind]); err != nil || bills == nil {
			return err
		}
		if err := bills.Audit.Record(ctx, port.AuditEntry{Action: port.ActionSendTest, Subject: port.TestSubject(month, billed.Customer, kind), By: a.Act()}); err != nil {
			return fmt.Errorf("write down who sends a customer's bill: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return cli.Once(cmd, trialapp.Sending, func(ctx context.Context, _ config.SendTest, lanes core.Lanes) error {
		return sendOnce(ctx, cmd, lanes, test, a.provider)
	})
}

// sendOnce makes the one call and reports its outcome.
func sendOnce(ctx context.Context, cmd *cobra.Command, lanes core.Lanes, test port.Delivery, by string) error {
	lane, configured := lanes[test.Channel]
	if !configured {
		variable := "BALSONG_" + string(test.Channel) + "_URL"
		if test.Channel == channel.Email {
			variable = "BALSONG_SMTP_ADDR"
		}
		return fmt.Errorf("%w: no provider for %s: set %s, or the variables of another provider", config.ErrInvalid, test.Channel, variable)
	}
	var gateway port.Gateway
	for _, p := range slices.Backward(lane) {
		if by == "" || p.Gateway.Provider().Name == by {
			gateway = p.Gateway
		}
	}
	if gateway == nil {
		return cli.Usagef("--provider: %s does not send on the channel %s", by, test.Channel)
	}
	provider := gateway.Provider().Name
	if preparer, is := gateway.(port.Preparer); is {
		if err := preparer.Prepare(ctx); err != nil {
			return fmt.Errorf("%s could not be called, nothing was sent: %w", provider, err)
		}
	}
	reply := gateway.Send(ctx, test)
	out := cmd.OutOrStdout()
	switch reply.Verdict {
	case port.CallAccepted:
		fmt.Fprintf(out, "%s took the test under the key %s", provider, test.Key)
		if reply.MessageID != "" {
			fmt.Fprintf(out, "; its own id is %s", reply.MessageID)
		}
		fmt.Fprintln(out)
		return nil
	case port.CallUnknown:
		if reply.Answered {
			return fmt.Errorf("%s answered, and does not say whether it took the test: it may arrive or not (%s)", provider, reply.Detail)
		}
		return fmt.Errorf("%s gave no answer: the test may arrive or not (%s)", provider, reply.Detail)
	case port.CallNotMade:
		return fmt.Errorf("%s could not be called, nothing was sent: %s", provider, reply.Detail)
	case port.CallThrottled:
		return fmt.Errorf("%s says not now: %s", provider, reply.Detail)
	default:
		return fmt.Errorf("%s refused the test (%s): %s", provider, reply.Class, reply.Detail)
	}
}

// number makes the keys of two tests differ: a provider may ignore a message whose key it knows.
func number() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint32(b[:])
}
