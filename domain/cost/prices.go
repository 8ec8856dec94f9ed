package cost

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Prices are those of a contract with a provider, in one currency; the zero value: they are not known.
type Prices struct {
	currency string
	of       [len(all)]Amount
	said     [len(all)]bool
}

// maxPrice bounds a price, so that an Amount holds the sum of a month's.
const maxPrice = 10_000 * one

// MaxCount is of how many units a charge may be.
const MaxCount = 100

// ErrPrices is wrapped by ParsePrices.
var ErrPrices = errors.New("these are no prices")

// ParsePrices reads prices as people write them: the currency's three letters (ISO 4217), then each of the units with what one of it costs, as
// in KRW, sms:9.9, lms:30. Nothing at all: the prices are not known. The error wraps ErrPrices.
func ParsePrices(entries []string, units ...Unit) (Prices, error) {
	var p Prices
	wrong := func(format string, args ...any) (Prices, error) {
		return Prices{}, fmt.Errorf("%w: %s", ErrPrices, fmt.Sprintf(format, args...))
	}
	if len(entries) == 0 {
		return p, nil
	}
	currency := strings.TrimSpace(entries[0])
	if len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return wrong("%.40q is no currency (want its three letters first, as in KRW)", currency)
	}
	p.currency = currency
	for _, entry := range entries[1:] {
		name, text, _ := strings.Cut(strings.TrimSpace(entry), ":")
		at := slices.Index(all[:], Unit(name))
		amount, err := ParseAmount(text)
		switch {
		case at < 0 || !slices.Contains(units, Unit(name)):
			return wrong("%.40q is nothing that the provider charges for (want %v)", name, units)
		case p.said[at]:
			return wrong("%s has two prices", name)
		case err != nil || amount > maxPrice:
			return wrong("the price of a %s is %.40q (want an amount up to 10000 with at most six decimals, as in 0.0083)", name, text)
		}
		p.of[at], p.said[at] = amount, true
	}
	for _, unit := range units {
		if !p.said[slices.Index(all[:], unit)] {
			return wrong("that of a %s is missing", unit)
		}
	}
	return p, nil
}

// Charge is what a message of so many units costs; the zero value where the price, or how many units it takes, is not known.
func (p Prices) Charge(u Units) Charge {
	at := slices.Index(all[:], u.Unit)
	if at < 0 || !p.said[at] || u.Count < 1 || u.Count > MaxCount {
		return Charge{}
	}
	return Charge{Units: u, Amount: p.of[at] * Amount(u.Count), Currency: p.currency}
}

// Known reports whether there are prices.
func (p Prices) Known() bool { return p.currency != "" }
