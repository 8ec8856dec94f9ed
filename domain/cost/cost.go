// Package cost says what providers charge for messages: by which unit they count, at which price of the contract, and what that comes to.
// Amounts are exact, and those of two currencies are never added.
package cost

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Unit is what a provider counts.
type Unit string

// The units.
const (
	Segment Unit = "segment" // a part of a text message: 160 characters of GSM 03.38, or 70 of others
	SMS     Unit = "sms"     // a short text message in Korea, whole
	LMS     Unit = "lms"     // a long one
	Message Unit = "message" // any message, whole
)

// all are the units, in the order of Prices.
var all = [...]Unit{Segment, SMS, LMS, Message}

// Units is how much of a unit a message takes; the zero value: the gateway did not say.
type Units struct {
	Unit  Unit
	Count int
}

// Amount is an amount of money in millionths of its currency's unit.
type Amount int64

const (
	decimals = 6
	one      = 1_000_000
	maxWhole = 1_000_000_000_000 // in whole units: 5 million messages at the highest price
)

// ErrAmount is wrapped by ParseAmount.
var ErrAmount = errors.New("not an amount")

// ParseAmount reads an amount that is not negative, as in 9.9 or 0.0083: at most six decimals. The error wraps ErrAmount.
func ParseAmount(text string) (Amount, error) {
	whole, fraction, point := strings.Cut(text, ".")
	wrong := fmt.Errorf("%w: %.40q (want digits, and after a point at most %d of them)", ErrAmount, text, decimals)
	if len(whole) > 13 || !digits(whole) || point && !digits(fraction) || len(fraction) > decimals {
		return 0, wrong
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > maxWhole {
		return 0, wrong
	}
	rest, _ := strconv.ParseInt((fraction + strings.Repeat("0", decimals))[:decimals], 10, 64)
	return Amount(n*one + rest), nil
}

func digits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// String writes the amount without zeros at its end: 9.9.
func (a Amount) String() string {
	text := fmt.Sprintf("%d.%0*d", int64(a)/one, decimals, int64(a)%one)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// MarshalText writes an amount into JSON as a string, so that no reader takes it for a binary fraction.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (a *Amount) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAmount(string(text))
	return err
}

// Charge is what a message costs; the zero value: not known.
type Charge struct {
	Units
	Amount   Amount
	Currency string
}

// Known reports whether it is known what the message costs.
func (c Charge) Known() bool { return c.Currency != "" }

// String is the charge for people: 2 segments, USD 0.0166.
func (c Charge) String() string {
	plural := ""
	if c.Count != 1 && (c.Unit == Segment || c.Unit == Message) {
		plural = "s"
	}
	return fmt.Sprintf("%d %s%s, %s %s", c.Count, c.Unit, plural, c.Currency, c.Amount)
}
