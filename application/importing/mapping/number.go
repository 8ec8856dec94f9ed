package mapping

import (
	"math/big"
	"slices"
	"strings"
)

// marks are the signs of currencies, and the currencies that they stand for; the longer ones first.
var marks = []struct {
	sign       string
	currencies []string
}{
	{"US$", []string{"USD"}},
	{"원정", []string{"KRW"}},
	{"원", []string{"KRW"}},
	{"₩", []string{"KRW"}},
	{"\\", []string{"KRW", "JPY"}}, // what EUC-KR and Shift_JIS show for it
	{"$", []string{"USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN"}},
	{"€", []string{"EUR"}},
	{"£", []string{"GBP"}},
	{"¥", []string{"JPY", "CNY"}},
	{"円", []string{"JPY"}},
	{"元", []string{"CNY"}},
}

// cutMark takes a currency's sign off either end of a number; currencies is nil where there is none.
func cutMark(text string) (rest string, currencies []string) {
	for _, m := range marks {
		if cut, found := strings.CutPrefix(text, m.sign); found {
			return strings.TrimSpace(cut), m.currencies
		}
		if cut, found := strings.CutSuffix(text, m.sign); found {
			return strings.TrimSpace(cut), m.currencies
		}
	}
	isCode := func(s string) bool {
		return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
	}
	if len(text) > 3 && isCode(text[:3]) {
		return strings.TrimSpace(text[3:]), []string{text[:3]}
	}
	if len(text) > 3 && isCode(text[len(text)-3:]) {
		return strings.TrimSpace(text[:len(text)-3]), []string{text[len(text)-3:]}
	}
	return text, nil
}

// isDecimal reports whether a text is a number as billing data writes it.
func isDecimal(text []byte) bool {
	points := 0
	for i, c := range text {
		switch {
		case c == '.' && i > 0 && i < len(text)-1 && text[i-1] != '-':
			points++
		case c == '-' && i == 0 && len(text) > 1:
		case c < '0' || c > '9':
			return false
		}
	}
	return points <= 1 && len(text) > 0
}

// number reads an amount as people and programs write it: "₩12,300", "(3,500)", "1.234,50 €", "12-", in full-width digits.
// It returns the decimal number, and the currencies that its sign stands for (nil: it has none). reason says what is wrong,
// and never holds the value.
func number(text []byte, comma bool) (decimal string, currencies []string, reason string) {
	if !comma && isDecimal(text) {
		return shortened(string(text)), nil, ""
	}
	said := strings.TrimSpace(narrow(string(text)))
	negative := false
	sign := func() {
		if inner, found := strings.CutPrefix(said, "("); found && strings.HasSuffix(inner, ")") {
			said, negative = strings.TrimSpace(inner[:len(inner)-1]), !negative
		}
		for _, minus := range []string{"-", "△", "▲"} { // Korean accounts write either triangle
			if rest, found := strings.CutPrefix(said, minus); found && !negative {
				said, negative = strings.TrimSpace(rest), true
			}
		}
		if rest, found := strings.CutSuffix(said, "-"); found && !negative {
			said, negative = strings.TrimSpace(rest), true
		}
	}
	sign()
	said, currencies = cutMark(said)
	sign()
	if rest, plus := strings.CutPrefix(said, "+"); plus && !negative {
		said = rest
	}
	point, groups := ".", ","
	if comma {
		point, groups = ",", "."
	}
	whole, fraction, cut := strings.Cut(said, point)
	written := whole
	whole, ok := ungrouped(whole, groups)
	switch {
	case !ok && hasLettersForDigits(written, groups):
		return "", nil, "has a letter among its digits: O for 0, or l or I for 1"
	case !ok && strings.Contains(said, groups):
		return "", nil, "has a " + nameOf(groups) + " that does not separate thousands"
	case !ok || whole == "" || cut && !digitsOnly(fraction):
		return "", nil, "is no number such as 12" + groups + "300" + point + "50"
	}
	if cut {
		whole += "." + fraction
	}
	if negative {
		whole = "-" + whole
	}
	return shortened(whole), currencies, ""
}

// Amount reads an amount of a currency as people write it, with a decimal point or comma, and returns it as a decimal number.
// reason says what is wrong, and never holds the value.
func Amount(text, currency string, comma bool) (decimal, reason string) {
	decimal, currencies, reason := number([]byte(text), comma)
	if reason == "" && !fits(currencies, currency) {
		return "", "has the sign of another currency"
	}
	return decimal, reason
}

// hasLettersForDigits reports whether a text is a number but for letters that look like digits.
func hasLettersForDigits(text, groups string) bool {
	digits := strings.NewReplacer("O", "0", "o", "0", "l", "1", "I", "1").Replace(text)
	_, ok := ungrouped(digits, groups)
	return ok && digits != text && strings.ContainsAny(text, "0123456789")
}

func nameOf(separator string) string {
	if separator == "," {
		return "comma"
	}
	return "point"
}

// ungrouped takes the separators out of a whole number: the given one, a space or an apostrophe, before each three digits.
func ungrouped(text, separator string) (digits string, ok bool) {
	if digitsOnly(text) {
		return text, true
	}
	for _, s := range []string{separator, " ", "'", "’"} {
		if !strings.Contains(text, s) {
			continue
		}
		groups := strings.Split(text, s)
		if len(groups[0]) == 0 || len(groups[0]) > 3 {
			return "", false
		}
		for i, group := range groups {
			if !digitsOnly(group) || i > 0 && len(group) != 3 {
				return "", false
			}
		}
		return strings.Join(groups, ""), true
	}
	return "", false
}

// shortened leaves a fraction of zeros out: 12300.00 is 12300 in every currency.
func shortened(decimal string) string {
	if whole, fraction, found := strings.Cut(decimal, "."); found && strings.Trim(fraction, "0") == "" {
		decimal = whole
	}
	if decimal == "-0" {
		return "0"
	}
	return decimal
}

// fits reports whether the sign beside an amount may stand for a currency.
func fits(currencies []string, currency string) bool {
	return currencies == nil || currency == "" || slices.Contains(currencies, strings.ToUpper(currency))
}

// decimal is an exact decimal number: digits × 10^-scale.
type decimal struct {
	digits *big.Int
	scale  int
}

// maxDigits bounds numbers that are added and multiplied.
const maxDigits = 40

func parseDecimal(text string) (decimal, bool) {
	if len(text) > maxDigits {
		return decimal{}, false
	}
	whole, fraction, _ := strings.Cut(text, ".")
	digits, ok := new(big.Int).SetString(whole+fraction, 10)
	return decimal{digits, len(fraction)}, ok
}

func (d decimal) plus(e decimal) decimal {
	if d.scale < e.scale {
		d, e = e, d
	}
	more := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.scale-e.scale)), nil)
	return decimal{more.Add(d.digits, more.Mul(more, e.digits)), d.scale}
}

func (d decimal) times(e decimal) decimal {
	return decimal{new(big.Int).Mul(d.digits, e.digits), d.scale + e.scale}
}

// String writes the number without needless zeros.
func (d decimal) String() string {
	digits := new(big.Int).Abs(d.digits).String()
	for len(digits) <= d.scale {
		digits = "0" + digits
	}
	if d.scale > 0 {
		fraction := strings.TrimRight(digits[len(digits)-d.scale:], "0")
		digits = digits[:len(digits)-d.scale]
		if fraction != "" {
			digits += "." + fraction
		}
	}
	if d.digits.Sign() < 0 {
		digits = "-" + digits
	}
	return digits
}
