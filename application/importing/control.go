package importing

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/wording"
)

// Control is what the file is expected to come to, as the system that wrote it says. Where the file differs, nothing of it
// is imported.
type Control struct {
	Rows   int                 // blank ones not counted; 0: not given
	Totals map[string]*big.Int // by currency, in minor units; empty: not given
}

// ParseTotal parses the expected total of one currency as a mapping reads amounts: "KRW=123,456", "KRW=₩123,456", "USD=-1234.50",
// and "EUR=5.057,64", which can be read in one way only. A mapping with one currency for all bills makes that the default.
func ParseTotal(text string, m *mapping.Mapping) (currency string, amount *big.Int, err error) {
	currency, number, found := strings.Cut(text, "=")
	if !found && m != nil {
		currency, number = m.Constants[colCurrency], text
	}
	currency = strings.ToUpper(strings.TrimSpace(currency))
	digits, known := bill.Digits(currency)
	if !known {
		return "", nil, fmt.Errorf("%q is not of the form KRW=123,456: a currency of ISO 4217 and a total", text)
	}
	comma := m != nil && m.Decimal == "comma"
	plain, wrong := mapping.Amount(strings.TrimSpace(number), currency, comma)
	if wrong != "" {
		if other, no := mapping.Amount(strings.TrimSpace(number), currency, !comma); no == "" {
			plain, wrong = other, ""
		}
	}
	whole, fraction, _ := strings.Cut(plain, ".")
	for len(fraction) < digits {
		fraction += "0"
	}
	amount, ok := new(big.Int).SetString(whole+fraction[:digits], 10)
	if !ok || wrong != "" || strings.Trim(fraction[digits:], "0") != "" || strings.Contains(number, "+") {
		return "", nil, fmt.Errorf("%q is not of the form KRW=123,456: the total is no amount of %s; write it with a decimal point, as %s=%s", text, currency, currency, example(digits))
	}
	return currency, amount, nil
}

func example(digits int) string {
	if digits == 0 {
		return "123456"
	}
	return "1234." + "567"[:digits]
}

// IsZero reports whether nothing is expected.
func (c Control) IsZero() bool { return c.Rows <= 0 && len(c.Totals) == 0 }

// check reads the whole source and compares it. billfile.ErrRefused where it differs.
func (c Control) check(source *Source) error {
	if c.IsZero() {
		return nil
	}
	if source.rewind == nil {
		return fmt.Errorf("%w: control sums need a source that can be read twice", port.ErrInvalid)
	}
	rows, skipped, found, err := survey(source)
	if err != nil {
		return err
	}
	if differs := c.differences(rows, skipped, found); len(differs) > 0 {
		return fmt.Errorf("%w: it is not what was expected: %s", billfile.ErrRefused, strings.Join(differs, "; "))
	}
	return source.rewind()
}

func (c Control) differences(rows, skipped int, found totals) (differs []string) {
	if c.Rows > 0 && rows != c.Rows {
		differs = append(differs, fmt.Sprintf("%s expected, and it has %d", wording.Count(c.Rows, "row was", "rows were"), rows)+leftOut(skipped))
	}
	if len(c.Totals) == 0 {
		return differs
	}
	readable := 0
	for _, total := range found.list() {
		readable += total.File.Rows
		want, expected := c.Totals[total.Currency]
		switch {
		case !expected:
			differs = append(differs, fmt.Sprintf("no total of %s was expected, and %s one: %s", total.Currency, wording.Count(total.File.Rows, "row has", "rows have"), total.Text(total.File)))
		case want.Cmp(total.File.Amount) != 0:
			differs = append(differs, fmt.Sprintf("a total of %s %s was expected, and it has %s", total.Currency, groupedBig(want, total.Currency), total.Text(total.File)))
		}
	}
	for currency, want := range c.Totals {
		if _, there := found[currency]; !there && want.Sign() != 0 {
			differs = append(differs, fmt.Sprintf("a total of %s %s was expected, and no row has one", currency, groupedBig(want, currency)))
		}
	}
	if len(differs) > 0 && readable < rows {
		differs = append(differs, "of "+wording.Count(rows-readable, "row", "rows")+" the total cannot be read")
	}
	slices.Sort(differs)
	return differs
}

// leftOut says how many rows the mapping has left out.
func leftOut(rows int) string {
	if rows == 0 {
		return ""
	}
	return fmt.Sprintf(", and %s left out by skip_rows", wording.Count(rows, "was", "were"))
}

// survey reads a source to its end. It returns how many rows it has, how many others the mapping leaves out, and what those come to
// whose total can be read.
func survey(source *Source) (rows, skipped int, found totals, err error) {
	lines := newRows(source)
	head, err := lines.header(source.file.Encoding)
	if err != nil {
		return 0, 0, nil, err
	}
	found = totals{}
	var sums chunkSums
	for ; ; rows++ {
		if rows%chunkRows == 0 {
			found.take(sums)
			sums = nil
		}
		next, err := lines.next()
		for err == nil && head.isBlank(next) {
			next, err = lines.next()
		}
		if errors.Is(err, io.EOF) {
			found.take(sums)
			return rows, lines.skipped, found, nil
		}
		if err != nil {
			return rows, 0, nil, fmt.Errorf("read line %d: %w", lines.line+1, err)
		}
		next = lines.canonical(next)
		if next.problem == "" && len(next.fields) == len(head.names) {
			head.bare(next.fields)
			reading := row{header: head, fields: next.fields}
			sums.add(reading.readTotal(strings.ToUpper(reading.text(colCurrency))), 1, 0)
		}
	}
}
