package answer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

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
	return Found{}, a.notFound(ctx, month, months, customer)
}

// notFound says what is known of a customer without a bill in some months: the refusal of the latest one that refused its row, or which
// number may be meant. Where one month is asked for, it is a *NoBill unless another number may be meant.
func (a *Answers) notFound(ctx context.Context, asked key.Month, months []key.Month, customer string) error {
	for _, month := range months {
		none, err := a.missing(ctx, month, customer)
		if err != nil {
			return err
		}
		if len(none.Lines) > 0 {
			return none
		}
	}
	where := "any month"
	if asked != 0 {
		where = asked.String()
	}
	meant, err := a.meant(ctx, customer)
	switch {
	case err != nil:
		return err
	case len(meant) > 0:
		return fmt.Errorf("customer %q has no bill in %s (did you mean %s?): %w", customer, where, strings.Join(meant, ", "), port.ErrNotFound)
	case asked == 0:
		return fmt.Errorf("customer %q has no bill in %s: %w", customer, where, port.ErrNotFound)
	}
	none, err := a.missing(ctx, asked, customer)
	if err != nil {
		return err
	}
	return none
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

// meant returns the customer numbers that differ from the given one in hyphens: heard as blanks, typed as another dash, or left out.
func (a *Answers) meant(ctx context.Context, customer string) (meant []string, err error) {
	for _, form := range hyphenated(customer) {
		alike, err := a.Report.Alike(ctx, form, alikeAtMost)
		if err != nil {
			return nil, err
		}
		for _, number := range alike {
			if !slices.Contains(meant, number) {
				meant = append(meant, number)
			}
		}
	}
	return meant, nil
}

// formsAtMost bounds in how many forms a number is looked for.
const formsAtMost = 4

// hyphenated returns a customer number with hyphens where it has blanks or dashes of any kind, and without; where it has none, with a
// hyphen at each change between digits and letters.
func hyphenated(customer string) (forms []string) {
	parts := strings.FieldsFunc(customer, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || strings.ContainsRune("_./", r)
	})
	if len(parts) > 1 {
		forms = []string{strings.Join(parts, "-"), strings.Join(parts, "")}
	} else {
		runes := []rune(customer)
		for i := 1; i < len(runes) && len(forms) < formsAtMost; i++ {
			if unicode.IsDigit(runes[i-1]) != unicode.IsDigit(runes[i]) {
				forms = append(forms, string(runes[:i])+"-"+string(runes[i:]))
			}
		}
	}
	return slices.DeleteFunc(forms, func(form string) bool { return port.FoldCustomer(form) == port.FoldCustomer(customer) })
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
