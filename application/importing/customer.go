package importing

import (
	"fmt"
	"strings"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/bill/plainjson"
)

// customer returns the customer number in the form in which it is stored.
func (r *row) customer() string {
	text, plain, wrong := r.decode(colCustomer)
	if !plain && wrong == "" && strings.ContainsFunc(text, func(c rune) bool { return bill.Unprintable(c) && c != '\ufeff' }) {
		wrong = unprintable
	}
	if wrong != "" {
		r.refuse(colCustomer, wrong)
		return ""
	}
	customer := bill.CustomerNumber(text)
	switch {
	case customer == "":
		r.refuse(colCustomer, "is empty")
	case len(customer) > maxCustomer:
		r.refuse(colCustomer, fmt.Sprintf("has more than %d bytes", maxCustomer))
	case customer != text && strings.Contains(customer, " "):
		r.remark(CustomerNormalized, colCustomer, "has invisible characters, characters of another width or spaces of several kinds: it is stored without the former, and with one ordinary space for spaces")
	case customer != text:
		r.remark(CustomerNormalized, colCustomer, "has invisible characters or characters of another width: it is stored without them")
	}
	if isSpreadsheetNumber(customer) {
		r.remark(CustomerSpreadsheet, colCustomer, "looks like a number that a spreadsheet has changed (1.91431E+18, 17850.0): compare it with the original")
	}
	return customer
}

// likelyCustomer returns the customer number of a row that is wrong elsewhere; "" if it is unknown.
func (r *row) likelyCustomer() string {
	reading := row{header: r.header, fields: r.fields}
	customer := reading.customer()
	if len(reading.wrong) > 0 || strings.ContainsAny(customer, `"`) {
		return ""
	}
	return customer
}

// isSpreadsheetNumber reports whether text is how a spreadsheet writes a long number, 1.91431E+18, or a whole one as if it
// were none, 17850.0.
func isSpreadsheetNumber(text string) bool {
	if text == "" || text[0] < '0' || text[0] > '9' {
		return false
	}
	mantissa, exponent, isScientific := strings.Cut(strings.ToUpper(text), "E")
	whole, fraction, point := strings.Cut(mantissa, ".")
	if !plainjson.AllDigits(whole) || point && !plainjson.AllDigits(fraction) {
		return false
	}
	if isScientific {
		sign, digits := exponent, ""
		if len(exponent) > 0 {
			sign, digits = exponent[:1], exponent[1:]
		}
		return sign == "+" && plainjson.AllDigits(digits)
	}
	return point && strings.Trim(fraction, "0") == ""
}
