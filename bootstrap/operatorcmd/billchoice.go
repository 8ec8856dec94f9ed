package operatorcmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/preview"
	"github.com/balsong/balsong/bootstrap/trialapp"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// billChoice are the flags that choose a bill and the templates that it is shown with.
type billChoice struct {
	month                    key.Month
	customer                 string
	cli.By                          // of a customer's bill that is sent
	sample                   string // a sample bill's language, instead of a customer's bill
	templates, sender, class string

	stored *answer.Stored       // what is shown, unless it is nil
	note   string               // what is shown, in words
	own    *rendering.Templates // those that the month has; nil: none, or others were asked for
}

// trialFlags ask for a trial: with one of them a bill is rendered now, whatever is stored.
var trialFlags = []string{"templates", "sender", "class"}

// lookUp looks for the stored statement of a customer's bill, unless a trial was asked for.
func (a *billChoice) lookUp(ctx context.Context, cmd *cobra.Command, month key.Month, bills trialapp.Bills) error {
	for _, name := range trialFlags {
		if cmd.Flags().Changed(name) {
			a.note = "Rendered now, as a trial, because of --" + name + ": what is stored for the customer is shown without it."
			return nil
		}
	}
	stored, why, err := bills.Stored(ctx, month, a.customer)
	switch {
	case err != nil:
		return fmt.Errorf("the stored statement: %w (--templates renders the bill now instead)", err)
	case stored == nil:
		a.note = "Rendered now, because " + why + "."
	default:
		a.stored, a.note = stored, storedNote(*stored)
	}
	return nil
}

// storedNote says of a stored statement what it is.
func storedNote(s answer.Stored) string {
	note := fmt.Sprintf("The stored statement, rendered on %s; the bill is %s.", s.Rendered(), s.Dispatch)
	if s.Remark != "" {
		note += " " + s.Remark
	}
	return note
}

// shown is a stored statement as it is shown.
func shown(s answer.Stored) preview.Bill {
	made := preview.Bill{
		Title: fmt.Sprintf("Customer %s, %s", s.Customer, s.Month), Note: storedNote(s),
		Variants: map[channel.Kind]port.Variant{}, About: map[channel.Kind]string{},
	}
	for _, v := range s.Channels {
		made.Variants[v.Channel] = v.Variant
		if made.About[v.Channel] = v.Standing; v.To != "" {
			made.About[v.Channel] = "to " + v.To + ": " + v.Standing
		}
	}
	return made
}

func (a *billChoice) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&a.sample, "sample", "", "a made-up bill in this language, en or ko, instead of a customer's: needs no database")
	flags.StringVar(&a.templates, "templates", "", "directory of your own templates; without: those that the month has been rendered with; where it has none BALSONG_TEMPLATES, else the shipped ones")
	flags.StringVar(&a.sender, "sender", "", "who bills, as customers know it; without: what the sender identity says")
	flags.StringVar(&a.class, "class", string(policy.Transactional), "message class: TRANSACTIONAL or ADVERTISING")
}

// check checks the flags as far as that needs nothing else, and returns the month.
func (a *billChoice) check() (key.Month, error) {
	switch {
	case a.sample != "" && (a.customer != "" || a.month != 0):
		return 0, errors.New("--sample shows a made-up bill: leave month and customer out, or --sample")
	case a.sample != "" && !slices.Contains(rendering.Languages, a.sample):
		return 0, fmt.Errorf("--sample is %q (want %s)", a.sample, strings.Join(rendering.Languages, " or "))
	case a.sample != "":
		return rendering.SampleMonth(), nil
	case a.month == 0 || a.customer == "":
		return 0, errors.New("name a month and a customer number, or --sample ko for a made-up bill")
	}
	return a.month, nil
}

// make makes the bill's texts with the templates as they are now, unless its stored statement is to be shown.
func (a *billChoice) make(billed bill.Bill, month key.Month) (made preview.Bill) {
	if a.stored != nil {
		return shown(*a.stored)
	}
	class := policy.MessageClass(a.class)
	made.Title, made.Note = fmt.Sprintf("Customer %s, %s, %s", billed.Customer, month, class), a.note
	templates, err := a.own, error(nil)
	if templates == nil {
		templates, err = batchapp.OpenTemplates(a.templates)
	}
	if err == nil {
		templates = templates.WithSender(a.sender)
		if sender, language := templates.SampleSender(); sender != "" {
			made.Note = strings.TrimSpace(fmt.Sprintf("%s The sender %q (%s.sender of sender-identity.json) is the shipped sample's: `batch render` refuses it.", made.Note, sender, language))
		}
		err = templates.CheckClass(class)
	}
	if err == nil {
		made.Variants, err = templates.Statement(billed, month, class)
	}
	made.Wrong = err
	return made
}

// withBill runs do with the bill. Only a customer's bill needs the database and the keys; it is read, and nothing is changed.
func (a *billChoice) withBill(cmd *cobra.Command, do func(context.Context, bill.Bill, key.Month, *trialapp.Bills) error) error {
	month, err := a.check()
	if err != nil {
		return cli.Usage(err)
	}
	if a.sample != "" {
		return do(cmd.Context(), rendering.Samples(a.sample)[0].Bill, month, nil)
	}
	return cli.Once(cmd, trialapp.Reading, func(ctx context.Context, _ config.Preview, bills trialapp.Bills) error {
		billed, err := bills.Find(ctx, month, a.customer)
		if err != nil {
			return about(a.customer, err)
		}
		if a.templates == "" {
			if a.own, err = bills.Templates(ctx, month); err != nil {
				return fmt.Errorf("the templates of %s: %w (--templates shows the bill with others)", month, err)
			}
		}
		if err := a.lookUp(ctx, cmd, month, bills); err != nil {
			return err
		}
		return do(ctx, billed, month, &bills)
	})
}
