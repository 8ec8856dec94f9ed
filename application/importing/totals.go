package importing

import (
	"cmp"
	"math/big"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/bill"
)

// money is the total of a row. It has no currency where it could not be read.
type money struct {
	currency string
	amount   int64 // minor units
}

// Sum counts rows and adds up their totals, in minor units.
type Sum struct {
	Rows   int
	Amount *big.Int
}

// Total is what the rows of one currency come to.
type Total struct {
	Currency string
	File     Sum // all rows of the file whose total could be read
	Month    Sum // those of them that the month has now: new, known already or corrected
}

// Text writes the amount of a sum in the total's currency, with a comma between thousands.
func (t Total) Text(s Sum) string { return groupedBig(s.Amount, t.Currency) }

// totals are what rows come to, by currency.
type totals map[string]*Total

func (t totals) of(currency string) *Total {
	sum, ok := t[currency]
	if !ok {
		sum = &Total{currency, Sum{Amount: new(big.Int)}, Sum{Amount: new(big.Int)}}
		t[currency] = sum
	}
	return sum
}

// list returns the totals by currency.
func (t totals) list() []Total {
	all := make([]Total, 0, len(t))
	for _, sum := range t {
		all = append(all, *sum)
	}
	slices.SortFunc(all, func(a, b Total) int { return cmp.Compare(a.Currency, b.Currency) })
	return all
}

// chunkSum is what the rows of one currency in a chunk come to: 1,000 amounts of at most 10¹⁵ fit.
type chunkSum struct {
	currency            string
	rows, monthRows     int
	amount, monthAmount int64
}

// chunkSums are few: most files have one currency.
type chunkSums []chunkSum

// add adds a row that is in the file, and of those that the month has 1, 0, or -1 where it turns out to have it not.
func (c *chunkSums) add(m money, file, month int) {
	if m.currency == "" {
		return
	}
	at := slices.IndexFunc(*c, func(s chunkSum) bool { return s.currency == m.currency })
	if at < 0 {
		at = len(*c)
		*c = append(*c, chunkSum{currency: m.currency})
	}
	sum := &(*c)[at]
	sum.rows += file
	sum.monthRows += month
	sum.amount += int64(file) * m.amount
	sum.monthAmount += int64(month) * m.amount
}

// take adds the sums of a chunk.
func (t totals) take(sums chunkSums) {
	for _, s := range sums {
		total := t.of(s.currency)
		total.File.Rows += s.rows
		total.Month.Rows += s.monthRows
		total.File.Amount.Add(total.File.Amount, big.NewInt(s.amount))
		total.Month.Amount.Add(total.Month.Amount, big.NewInt(s.monthAmount))
	}
}

// groupedBig writes minor units as bill.Grouped does, however many there are.
func groupedBig(amount *big.Int, currency string) string {
	if amount.IsInt64() {
		return bill.Grouped(amount.Int64(), currency, ",")
	}
	digits, _ := bill.Digits(currency)
	text := new(big.Int).Abs(amount).String()
	whole, fraction := text[:len(text)-digits], text[len(text)-digits:]
	var out strings.Builder
	if amount.Sign() < 0 {
		out.WriteByte('-')
	}
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteByte(whole[i])
	}
	if digits > 0 {
		out.WriteByte('.')
		out.WriteString(fraction)
	}
	return out.String()
}
