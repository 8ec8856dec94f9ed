package mapping

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// itemized are the items of a bill as canonical JSON, and what they come to.
type itemized struct {
	text       []byte
	total      decimal
	currencies []string
	reason     string
}

// itemsOf makes the items of a bill: of each row, as the mapping lists them; their total only where it is asked for.
func (t *Translator) itemsOf(rows [][][]byte, add bool) itemized {
	made := itemized{total: decimal{new(big.Int), 0}}
	var out bytes.Buffer
	out.Grow(48 * len(t.items) * len(rows))
	out.WriteByte('[')
	n := 0
	var scratch [maxQuick + 1]byte
	for _, row := range rows {
		for i := range t.items {
			item := &t.items[i]
			name := []byte(item.text)
			if item.name >= 0 {
				name = trim(fieldAt(row, item.name))
			}
			amount, currencies, reason := t.itemAmount(scratch[:0], item, row)
			if reason != "" {
				made.reason = cmp.Or(made.reason, fmt.Sprintf("the amount of item %d %s", n+1, reason))
				amount = doubtful(trim(fieldAt(row, item.amount)))
			}
			if currencies != nil {
				made.currencies = currencies
			}
			if len(amount) == 0 && (len(name) == 0 || item.name < 0) || item.skipZero && string(amount) == "0" {
				continue
			}
			if n++; n > 1 {
				out.WriteByte(',')
			}
			out.WriteString(`{"name":`)
			writeString(&out, name)
			out.WriteString(`,"amount":`)
			writeString(&out, amount)
			out.WriteByte('}')
			if !add && len(amount) > 0 {
				continue
			}
			if d, ok := parseDecimal(string(amount)); ok {
				made.total = made.total.plus(d)
			} else if reason == "" {
				made.reason = cmp.Or(made.reason, fmt.Sprintf("the amount of item %d is missing or too long", n))
			}
		}
	}
	if n > 0 {
		out.WriteByte(']')
		made.text = out.Bytes()
	}
	return made
}

func (t *Translator) itemAmount(scratch []byte, item *itemOf, row [][]byte) (amount []byte, currencies []string, reason string) {
	text := trim(fieldAt(row, item.amount))
	if len(text) == 0 {
		return nil, nil, ""
	}
	if quick, signs, ok := quickNumber(scratch, text, t.comma); ok && item.times < 0 {
		return quick, signs, ""
	}
	if isNothing(string(text)) {
		return []byte("0"), nil, ""
	}
	price, currencies, reason := number(text, t.comma)
	if reason != "" || item.times < 0 {
		return []byte(price), currencies, reason
	}
	count, _, reason := number(trim(fieldAt(row, item.times)), t.comma)
	if reason != "" {
		return nil, nil, "cannot be had, because its quantity " + reason
	}
	one, ok := parseDecimal(price)
	by, also := parseDecimal(count)
	if !ok || !also {
		return nil, nil, "is too long"
	}
	return []byte(one.times(by).String()), currencies, ""
}

// isNothing reports whether an amount is how spreadsheets show nothing in accounts: a hyphen.
func isNothing(text string) bool { return strings.Trim(narrow(text), "- ") == "" && text != "" }

// writeString writes a text as JSON. Bytes that are no text stay, so that the row's check finds them.
func writeString(out *bytes.Buffer, text []byte) {
	if !slices.ContainsFunc(text, func(c byte) bool { return c < ' ' || c == '"' || c == '\\' }) && utf8.Valid(text) {
		out.WriteByte('"')
		out.Write(text)
		out.WriteByte('"')
		return
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(string(text)) // a string, into memory
	out.Truncate(out.Len() - 1)      // Encode ends it with a line break
}
