package answer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// alikeAtMost is how many customer numbers are listed that may be meant.
const alikeAtMost = 10

// Found is a customer's bill.
type Found struct {
	Customer string // the number as it is stored
	Target   billing.Target
	Rows     []attempt.Row // of the ledger, sorted by key
}

// Find returns a customer's bill of a month, or, where the month is 0, of the latest month in which the customer has one.
// Where no customer has the very number, it is the one whose number differs only in case and blanks. port.ErrNotFound, as a
// *NoBill for a month that is named; billing.ErrRefused, with the numbers, where several differ only so.
func (a *Answers) Find(ctx context.Context, month key.Month, customer string) (Found, error) {
	customer = bill.CustomerNumber(customer)
	months := []key.Month{month}
	if month == 0 {
		all, err := a.Months.All(ctx)
		if err != nil {
			return Found{}, err
		}
		months = months[:0]
		for _, state := range slices.Backward(all) {
			months = append(months, state.Month)
		}
	}
	found, err := a.findOne(ctx, months, []string{customer})
	if !errors.Is(err, port.ErrNotFound) {
		return found, err
	}
	alike, alikeErr := a.Report.Alike(ctx, customer, alikeAtMost)
	if alikeErr != nil {
		return Found{}, alikeErr
	}
	if found, alikeErr = a.findOne(ctx, months, alike); !errors.Is(alikeErr, port.ErrNotFound) {
		return found, alikeErr
	}
	if meant, err := a.hyphened(ctx, customer); err != nil || len(meant) > 0 {
		return Found{}, errors.Join(err, fmt.Errorf("no customer has the number %q (did you mean %s?): %w", customer, strings.Join(meant, ", "), port.ErrNotFound))
	}
	if month == 0 {
		return Found{}, fmt.Errorf("customer %q has no bill in any month: %w", customer, port.ErrNotFound)
	}
	return Found{}, a.missing(ctx, month, customer)
}

// otherMonths are the other months in which a customer has a bill, the latest first.
func (a *Answers) otherMonths(ctx context.Context, found Found) (others []story.OtherMonth, err error) {
	all, err := a.Months.All(ctx)
	for _, state := range slices.Backward(all) {
		if state.Month == found.Target.Key().Month || !state.DroppedAt.IsZero() {
			continue
		}
		target, _, err := a.Report.Find(ctx, state.Month, found.Customer)
		switch {
		case errors.Is(err, port.ErrNotFound):
		case err != nil:
			return others, err
		default:
			others = append(others, story.OtherMonth{Month: state.Month, Dispatch: target.Status()})
		}
	}
	return others, err
}

// hyphened returns the customer numbers that have hyphens where the given one has blanks.
func (a *Answers) hyphened(ctx context.Context, customer string) ([]string, error) {
	parts := strings.Fields(customer)
	if len(parts) < 2 {
		return nil, nil
	}
	return a.Report.Alike(ctx, strings.Join(parts, "-"), alikeAtMost)
}

// findOne returns the bill of the first month in which one of the customers has one.
func (a *Answers) findOne(ctx context.Context, months []key.Month, customers []string) (Found, error) {
	notFound := port.ErrNotFound
	for _, month := range months {
		var all []Found
		var names []string
		for _, customer := range customers {
			target, rows, err := a.Report.Find(ctx, month, customer)
			switch {
			case errors.Is(err, port.ErrNotFound):
				notFound = err
			case err != nil:
				return Found{}, err
			default:
				all, names = append(all, Found{Customer: customer, Target: target, Rows: rows}), append(names, fmt.Sprintf("%q", customer))
			}
		}
		switch len(all) {
		case 0:
		case 1:
			return all[0], nil
		default:
			return Found{}, fmt.Errorf("%w: several customers have such a number in %s: %s; write it exactly", billing.ErrRefused, month, strings.Join(names, ", "))
		}
	}
	return Found{}, notFound
}
