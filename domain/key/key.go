// Package key names what Balsong sends: a billing month, a target (one customer's bill of a month) and a
// delivery (one try to reach a target). The delivery key is the ledger's key, the event's id and the
// idempotency key given to the gateway.
package key

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrMalformed is wrapped by every parse error of this package.
var ErrMalformed = errors.New("malformed key")

// monthError is what was given for a month and is none. It wraps ErrMalformed, without its words: people type months.
type monthError string

func (e monthError) Error() string {
	return fmt.Sprintf("%q is no billing month (want year and month, as in 2026-11)", string(e))
}

func (monthError) Unwrap() error { return ErrMalformed }

// Month is a billing month (정산 월). The zero value is no month.
type Month int32

// NewMonth returns the billing month of a year (1 to 9999) and a calendar month.
func NewMonth(year int, month time.Month) (Month, error) {
	if year < 1 || year > 9999 || month < time.January || month > time.December {
		return 0, monthError(fmt.Sprintf("%d-%d", year, month))
	}
	return Month(year*12 + int(month) - 1), nil
}

// ParseMonth reads "2026-11".
func ParseMonth(s string) (Month, error) {
	year, month, ok := strings.Cut(s, "-")
	if ok && len(year) == 4 && len(month) == 2 && digits(year) && digits(month) {
		y, _ := strconv.Atoi(year)
		m, _ := strconv.Atoi(month)
		if parsed, err := NewMonth(y, time.Month(m)); err == nil {
			return parsed, nil
		}
	}
	return 0, monthError(s)
}

// Year returns the calendar year.
func (m Month) Year() int { return int(m) / 12 }

// Month returns the calendar month.
func (m Month) Month() time.Month { return time.Month(int(m)%12 + 1) }

// Next returns the month after m.
func (m Month) Next() Month { return m + 1 }

// Start returns the first instant of the month in a zone.
func (m Month) Start(zone *time.Location) time.Time {
	return time.Date(m.Year(), m.Month(), 1, 0, 0, 0, 0, zone)
}

// String writes "2026-11".
func (m Month) String() string { return string(m.append(nil)) }

// append appends "2026-11" to b.
func (m Month) append(b []byte) []byte {
	digit := func(n int) byte { return '0' + byte(n%10) }
	year, month := m.Year(), int(m.Month())
	return append(b, digit(year/1000), digit(year/100), digit(year/10), digit(year), '-', digit(month/10), digit(month))
}

// MarshalText writes the form that ParseMonth reads.
func (m Month) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what ParseMonth reads.
func (m *Month) UnmarshalText(text []byte) error {
	parsed, err := ParseMonth(string(text))
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}

// Target identifies a billing target (발송 대상): one customer's bill of one month.
type Target struct {
	Month  Month
	UserID int64
}

// CopyStep is what a copy's user id has for each number: the third copy for the customer 4711 is the target 3000000004711 of
// the same month. No customer's user id reaches it.
const CopyStep = 1_000_000_000_000

// MaxCopies bounds the copies of a bill, so that every user id is exact as a number of JSON (below 2^53).
const MaxCopies = 999

// CustomerID returns the user id of the customer to whom a target belongs: a bill's own, without a copy's number.
func CustomerID(userID int64) int64 { return userID % CopyStep }

// CopyNumber returns the number of a copy, counted from 1; 0 for a bill.
func (t Target) CopyNumber() int { return int(t.UserID / CopyStep) }

// Bill returns the target of the bill that a copy shows; a bill's is itself.
func (t Target) Bill() Target { return Target{Month: t.Month, UserID: CustomerID(t.UserID)} }

// Copy returns the target of a bill's copy with a number from 1 to MaxCopies.
func (t Target) Copy(number int) Target {
	return Target{Month: t.Month, UserID: CustomerID(t.UserID) + int64(number)*CopyStep}
}

// String writes "2026-11/4711".
func (t Target) String() string { return t.Month.String() + "/" + strconv.FormatInt(t.UserID, 10) }

// Compare orders targets as every lock does: by month, then by user.
func (t Target) Compare(o Target) int {
	return cmp.Or(cmp.Compare(t.Month, o.Month), cmp.Compare(t.UserID, o.UserID))
}

// Delivery is the delivery key: month/user/attempt/round.
type Delivery struct {
	Month   Month
	UserID  int64
	Attempt int16 // number of the try, from 0
	Round   int16 // put-backs of that try which made no call that may have been accepted
}

// Target returns the target that the delivery is for.
func (d Delivery) Target() Target { return Target{Month: d.Month, UserID: d.UserID} }

// String writes "2026-11/4711/0/0", the form given to gateways.
func (d Delivery) String() string {
	b := make([]byte, 0, 32)
	b = d.Month.append(b)
	for _, n := range []int64{d.UserID, int64(d.Attempt), int64(d.Round)} {
		b = append(b, '/')
		b = strconv.AppendInt(b, n, 10)
	}
	return string(b)
}

// Compare orders deliveries as every bulk statement does: by target, attempt and round.
func (d Delivery) Compare(o Delivery) int {
	return cmp.Or(d.Target().Compare(o.Target()), cmp.Compare(d.Attempt, o.Attempt), cmp.Compare(d.Round, o.Round))
}

// ParseDelivery reads "2026-11/4711/0/0": no sign, no leading zero, no space.
func ParseDelivery(s string) (Delivery, error) {
	fail := func(why string) (Delivery, error) {
		return Delivery{}, fmt.Errorf("%w: delivery key %q: %s", ErrMalformed, s, why)
	}
	parts := strings.Split(s, "/")
	if len(parts) != 4 {
		return fail("want month/user/attempt/round")
	}
	month, err := ParseMonth(parts[0])
	if err != nil {
		return fail("the month is not of the form 2026-11")
	}
	numbers := [3]int64{}
	for i, bits := range []int{64, 16, 16} {
		text := parts[i+1]
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil || !digits(text) || (len(text) > 1 && text[0] == '0') {
			return fail(fmt.Sprintf("%q is not a number in range", text))
		}
		numbers[i] = n
	}
	if numbers[0] == 0 {
		return fail("user ids start at 1")
	}
	return Delivery{Month: month, UserID: numbers[0], Attempt: int16(numbers[1]), Round: int16(numbers[2])}, nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
