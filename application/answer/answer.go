// Package answer answers what people ask: why a customer's bill is where it is, how the months stand, and who was not
// reached. It only reads. What is encrypted it opens if it has the keys, and it masks destinations.
package answer

import (
	"context"
	"errors"
	"strings"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Ports are the driven ports that answers use.
type Ports struct {
	Report       port.Report
	SealedBills  port.SealedBills
	Audit        port.Audit
	Runs         port.Runs
	Suppressions port.Suppressions
	Months       port.Months
	Control      port.Control
	ChannelHalts port.ChannelHalts
	Policies     port.Policies
	Backlog      port.Backlog
	Copies       port.Copies
	Sweeps       port.Sweeps
	Installation port.Installation
	Budgets      port.Budgets
	Reports      port.Reports
	Inquiries    port.Inquiries
	TemplateSets port.TemplateSets
	Clock        port.Clock
	Cipher       port.Cipher                             // nil: what is sealed stays closed
	Packs        port.Packs                              // nil: stored statements cannot be read
	Delivery     func(context.Context) (Delivery, error) // nil: it cannot be asked
}

// Delivery is how the service delivery stands at the event log.
type Delivery struct {
	Behind    int64 // requests that it has not done
	Consumers int   // processes that read requests; negative: not known
}

// Answers answers questions. Safe for concurrent use.
type Answers struct{ Ports }

// New returns answers.
func New(ports Ports) *Answers { return &Answers{ports} }

// NoBill is the error for a customer who has no bill in a month, with what is known about it. It wraps
// port.ErrNotFound.
type NoBill struct{ story.Absence }

// Error implements error.
func (n *NoBill) Error() string { return n.Headline }

// Unwrap returns port.ErrNotFound.
func (n *NoBill) Unwrap() error { return port.ErrNotFound }

// Why explains the whole history of a customer's bill of a month; of the latest one that the customer has where the month is
// 0. The error is a *NoBill if there is none in the month.
func (a *Answers) Why(ctx context.Context, month key.Month, customer string) (story.Story, error) {
	found, err := a.Find(ctx, month, customer)
	if err != nil {
		return story.Story{}, err
	}
	told, err := a.story(ctx, found)
	if err == nil && month == 0 {
		told.OtherMonths, err = a.otherMonths(ctx, found)
	}
	if err != nil {
		return told, err
	}
	copies, err := a.CopiesOf(ctx, found)
	for _, c := range copies {
		var of story.Story
		if of, err = a.story(ctx, c); err != nil {
			break
		}
		told.Copies = append(told.Copies, of)
	}
	return told, err
}

// story explains a bill, or a copy of one.
func (a *Answers) story(ctx context.Context, found Found) (story.Story, error) {
	f := story.Facts{Customer: found.Customer, Target: found.Target, Rows: found.Rows, Now: a.Clock.Now()}
	for _, ask := range []func(context.Context, *story.Facts) error{a.askBill, a.askProviders, a.askPeople, a.askWorld, a.askSealed} {
		if err := ask(ctx, &f); err != nil {
			return story.Story{}, err
		}
	}
	return story.Of(f), nil
}

// missing returns the *NoBill of a customer, whose refused rows are looked for in capital and in small letters too.
func (a *Answers) missing(ctx context.Context, month key.Month, customer string) (*NoBill, error) {
	state, err := a.month(ctx, month)
	if err != nil {
		return nil, err
	}
	var refused []port.Reject
	for _, number := range []string{customer, strings.ToUpper(customer), strings.ToLower(customer)} {
		if refused, err = a.SealedBills.Refused(ctx, month, number); err != nil {
			return nil, err
		}
		if len(refused) > 0 {
			customer = number
			break
		}
	}
	zone, err := a.Zone(ctx)
	if err != nil {
		return nil, err
	}
	return &NoBill{story.Missing(customer, month, state, refused, zone)}, nil
}

// month returns the state of a month; the zero state if it was never opened.
func (a *Answers) month(ctx context.Context, month key.Month) (port.MonthState, error) {
	all, err := a.Months.All(ctx)
	for _, state := range all {
		if state.Month == month {
			return state, err
		}
	}
	return port.MonthState{}, err
}

// askBill asks where the bill came from and who dispatched it.
func (a *Answers) askBill(ctx context.Context, f *story.Facts) (err error) {
	if f.Origin, err = a.Report.Origin(ctx, f.Target.Key()); err != nil {
		return err
	}
	installation, err := a.Installation.ID(ctx)
	if err != nil {
		return err
	}
	f.Trace = trace.OfBill(installation, f.Target.Key())
	if run := f.Target.State().RunID; run != 0 {
		f.Run, err = a.Runs.Find(ctx, run)
		if errors.Is(err, port.ErrNotFound) {
			err = nil // the rest can be explained without the run's record
		}
	}
	return err
}

// askProviders asks what providers reported about the bill's deliveries, and what they answered.
func (a *Answers) askProviders(ctx context.Context, f *story.Facts) (err error) {
	if f.Reports, err = a.Reports.About(ctx, []key.Target{f.Target.Key()}); err != nil {
		return err
	}
	f.Inquiries, err = a.Inquiries.Asked(ctx, f.Target.Key())
	return err
}

// askPeople asks what people did to the bill and to the customer.
func (a *Answers) askPeople(ctx context.Context, f *story.Facts) (err error) {
	k := f.Target.Key()
	subjects := []string{k.String()}
	if k.CopyNumber() == 0 { // what concerns the customer is told once
		subjects = append(subjectsOf(k, f.Customer), contacts(k.UserID)...)
	}
	if f.Notes, err = a.Audit.About(ctx, subjects); err != nil {
		return err
	}
	f.Suppressions, err = a.Suppressions.List(ctx, port.OfCustomer(k.Bill().UserID))
	return err
}

// askWorld asks for what concerns every bill.
func (a *Answers) askWorld(ctx context.Context, f *story.Facts) (err error) {
	if f.Month, err = a.month(ctx, f.Target.Key().Month); err != nil {
		return err
	}
	if f.Halt, err = a.Control.Halted(ctx); err != nil {
		return err
	}
	if f.ChannelHalts, err = a.ChannelHalts.All(ctx); err != nil {
		return err
	}
	if f.Policies, err = a.Policies.Versions(ctx); err != nil {
		return err
	}
	f.DatabaseNow, err = a.Sweeps.Now(ctx)
	return err
}

// askSealed opens what is stored encrypted; what it cannot open is left out of the story.
func (a *Answers) askSealed(ctx context.Context, f *story.Facts) error {
	if a.Cipher == nil {
		return nil
	}
	k := f.Target.Key()
	sealed, err := a.SealedBills.Sealed(ctx, k)
	if err != nil {
		return err
	}
	f.Destinations = map[channel.Kind]string{}
	for kind, plain := range a.destinations(k, sealed.Destinations) {
		f.Destinations[kind] = channel.Mask(plain)
	}
	if f.Target.State().Batch == billing.Rendered && len(sealed.Statement) > 0 {
		if ref, err := statement.OpenReference(sealed.Statement, k, a.Cipher); err == nil {
			f.Pack = ref.Key
		}
	}
	return nil
}

// destinations decrypts those destinations for which there is a key.
func (a *Answers) destinations(k key.Target, sealed []port.Destination) map[channel.Kind]string {
	plain := make(map[channel.Kind]string, len(sealed))
	for _, d := range sealed {
		if opened, err := a.Cipher.Open(d.Sealed, port.Purpose{Kind: port.KindDestination, Target: k, Channel: d.Channel}); err == nil {
			plain[d.Channel] = string(opened)
		}
	}
	return plain
}
