// Package trialapp wires what people need to try bills out before customers get them: reading one bill, and sending one
// message to themselves.
package trialapp

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/key"
)

// Reading is the app that reads bills: it provides Bills.
func Reading(c config.Preview) fx.Option {
	packs := fx.Options()
	if c.S3.Bucket != "" {
		packs = core.Packs(config.S3(c.S3))
	}
	return fx.Options(
		packs,
		core.Observe(c.Log),
		core.Quiet(),
		core.Identity(),
		core.Database(c.Database, "balsong-preview"),
		core.Cipher(c.Keys),
		fx.StopTimeout(10*time.Second),
		fx.Invoke(func(Bills) {}),
	)
}

// Bills reads bills.
type Bills struct {
	fx.In
	Renders port.Renders
	Cipher  port.Cipher
	Audit   port.Audit
	Report  port.Report
	Months  port.Months
	Sealed  port.SealedBills
	Sets    port.TemplateSets

	Policies port.Policies
	Packs    port.Packs `optional:"true"` // nil: no store is configured
}

func (b Bills) answers() *answer.Answers {
	return answer.New(answer.Ports{Report: b.Report, Months: b.Months, SealedBills: b.Sealed, Policies: b.Policies, Cipher: b.Cipher, Packs: b.Packs})
}

// Find reads one customer's bill and changes nothing. The customer's number is found as answer.Answers.Find finds it.
func (b Bills) Find(ctx context.Context, month key.Month, customer string) (bill.Bill, error) {
	found, err := b.answers().Find(ctx, month, customer)
	if err != nil {
		return bill.Bill{}, err
	}
	return bill.Find(ctx, b.Renders, b.Cipher, month, found.Customer)
}

// Stored returns the stored statement of a customer's bill; nil, and why, where none can be shown.
func (b Bills) Stored(ctx context.Context, month key.Month, customer string) (stored *answer.Stored, why string, err error) {
	if b.Packs == nil {
		return nil, "no store of statements is configured (BALSONG_S3_BUCKET)", nil
	}
	read, err := b.answers().Stored(ctx, month, customer, 0)
	if none, is := errors.AsType[*answer.NoStatement](err); is {
		return nil, none.Why, nil
	}
	return &read, "", err
}

// Templates returns the templates that a month renders with; nil where it has none yet.
func (b Bills) Templates(ctx context.Context, month key.Month) (*rendering.Templates, error) {
	sets, err := b.Sets.Of(ctx, month)
	if sets = port.Binding(sets); err != nil || len(sets) == 0 {
		return nil, err
	}
	return rendering.LoadSet(sets[len(sets)-1])
}

// noInstallation is the installation of tests, which have no database: each is one of its own, so that no mailbox takes a test
// for a bill that it has already.
type noInstallation string

// ID implements port.Installation.
func (n noInstallation) ID(context.Context) (string, error) {
	return "test" + strings.ToLower(string(n[:12])), nil
}

// Sending is the app that sends tests: it provides core.Lanes.
func Sending(c config.SendTest) fx.Option {
	return fx.Options(
		core.Observe(c.Log),
		core.Quiet(),
		core.Gateways(c.Gateways),
		fx.Provide(func() port.Installation { return noInstallation(rand.Text()) }),
		fx.StopTimeout(10*time.Second),
		fx.Invoke(func(core.Lanes) {}),
	)
}
