package bill

import (
	"errors"
	"strings"
)

// maxAmount bounds an amount in minor units: far above any bill, far below an overflow of sums.
const maxAmount = 1e15

// Digits returns how many decimal digits a currency of ISO 4217 has; known is false for codes that are none.
func Digits(currency string) (digits int, known bool) {
	digits, known = minorDigits[currency]
	return digits, known
}

// minorDigits maps the active currencies of ISO 4217 (2024) to their number of decimal digits.
var minorDigits = currencies(map[int]string{
	0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
	2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW " +
		"CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR " +
		"ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV " +
		"MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD " +
		"SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD YER ZAR ZMW ZWG",
	3: "BHD IQD JOD KWD LYD OMR TND",
	4: "CLF UYW",
})

func currencies(byDigits map[int]string) map[string]int {
	digits := map[string]int{}
	for n, codes := range byDigits {
		for code := range strings.FieldsSeq(codes) {
			digits[code] = n
		}
	}
	return digits
}

// ErrCurrency says that an amount is well formed and its currency unknown.
var ErrCurrency = errors.New("has a currency that is unknown")

// mostDigits is the most decimal digits that any currency has.
const mostDigits = 4

// ParseAmount converts a decimal amount ("29.85", "-3", "1200") into the currency's minor units, exactly, without
// floats. It refuses more decimal digits than the currency has, signs other than a leading minus, exponents and
// thousands separators; a currency without minor units may have one or two zeros behind the point ("1200.00"), and not
// three, which could be thousands. Errors never contain the value.
func ParseAmount(text, currency string) (int64, error) {
	digits, known := minorDigits[currency]
	if !known {
		digits = mostDigits
	}
	rest, negative := strings.CutPrefix(text, "-")
	whole, fraction, point := strings.Cut(rest, ".")
	if digits == 0 && (fraction == "0" || fraction == "00") {
		fraction, point = "", false
	}
	switch {
	case whole == "" || (point && fraction == ""):
		return 0, errors.New("is not a decimal number such as 1200 or 29.85")
	case len(fraction) > digits:
		return 0, errors.New("has more digits behind the point than the currency")
	case len(whole) > 1 && whole[0] == '0':
		return 0, errors.New("begins with a needless zero")
	}
	var amount int64
	for _, c := range []byte(whole + fraction + strings.Repeat("0", digits-len(fraction))) {
		if c < '0' || c > '9' {
			return 0, errors.New("is not a decimal number such as 1200 or 29.85")
		}
		if amount = amount*10 + int64(c-'0'); amount > maxAmount {
			return 0, errors.New("is too large")
		}
	}
	if !known {
		return 0, ErrCurrency
	}
	if negative {
		amount = -amount
	}
	return amount, nil
}

// Decimal writes minor units in the form that ParseAmount reads.
func Decimal(amount int64, currency string) string { return Grouped(amount, currency, "") }

// Grouped writes minor units as Decimal does, with a separator between thousands.
func Grouped(amount int64, currency, thousands string) string {
	digits := minorDigits[currency]
	sign := ""
	if amount < 0 {
		sign, amount = "-", -amount
	}
	text := make([]byte, 0, 24)
	for n := 0; amount > 0 || n <= digits; n++ {
		switch {
		case n == digits && digits > 0:
			text = append(text, '.')
		case n > digits && (n-digits)%3 == 0:
			text = append(text, thousands...)
		}
		text = append(text, byte('0'+amount%10))
		amount /= 10
	}
	for i, j := 0, len(text)-1; i < j; i, j = i+1, j-1 {
		text[i], text[j] = text[j], text[i]
	}
	return sign + string(text)
}
