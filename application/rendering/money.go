package rendering

import (
	"strings"

	"github.com/balsong/balsong/application/bill"
)

// minus is the sign for people. A hyphen might be left alone at the end of a line.
const minus = "−"

// money writes an amount as readers of a language expect it: "$29.85", "12,300원", "−₩500".
func money(amount int64, currency, language string) string {
	number := bill.Grouped(amount, currency, ",")
	sign := ""
	if bare, negative := strings.CutPrefix(number, "-"); negative {
		number, sign = bare, minus
	}
	if language == "ko" && currency == "KRW" {
		return sign + number + "원"
	}
	symbol, known := symbols[currency]
	switch {
	case !known:
		symbol = currency + "\u00a0"
	case language == "ko" && currency == "USD":
		symbol = "US$"
	}
	return sign + symbol + number
}

// symbols are the signs that people write instead of a currency's code.
var symbols = map[string]string{"USD": "$", "KRW": "₩", "EUR": "€", "JPY": "¥", "GBP": "£"}

// plainMoney is money with the characters of KS X 1001 only: "12,300원", "USD 29.85".
func plainMoney(amount int64, currency, language string) string {
	number := bill.Grouped(amount, currency, ",")
	if currency == "KRW" && language == "ko" {
		return number + "원"
	}
	return currency + " " + number
}
