package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

// itemized are the items of a bill as canonical JSON, and what they come to.
type itemized struct {
	text       []byte
	total      decimal
	currencies []string
	reason     string
}

// itemize makes the items of a bill: of each row, as the mapping lists them. What is not the first thing wrong is left out.
func (t *Translator) itemize(rows [][][]byte) itemized {
	made := itemized{total: decimal{new(big.Int), 0}}
	var out bytes.Buffer
	out.WriteByte('[')
	n := 0
	for _, row := range rows {
		for i := range t.items {
			item := &t.items[i]
			name := []byte(item.text)
			if item.name >= 0 {
				name = trim(fieldAt(row, item.name))
			}
			amount, currencies, reason := t.itemAmount(item, row)
			if reason != "" {
				made.reason = or(made.reason, fmt.Sprintf("the amount of item %d %s", n+1, reason))
				amount = string(doubtful(trim(fieldAt(row, item.amount))))
			}
			if currencies != nil {
				made.currencies = currencies
			}
			if amount == "" && (len(name) == 0 || item.name < 0) || item.skipZero && amount == "0" {
				continue
			}
			if n++; n > 1 {
				out.WriteByte(',')
			}
			out.WriteString(`{"name":`)
			writeString(&out, name)
			out.WriteString(`,"amount":`)
			writeString(&out, []byte(amount))
			out.WriteByte('}')
			if d, ok := parseDecimal(amount); ok {
				made.total = made.total.plus(d)
			} else if reason == "" {
				made.reason = or(made.reason, fmt.Sprintf("the amount of item %d is missing or too long", n))
			}
		}
	}
	if n > 0 {
		out.WriteByte(']')
		made.text = out.Bytes()
	}
	return made
}

func (t *Translator) itemAmount(item *itemOf, row [][]byte) (amount string, currencies []string, reason string) {
	text := trim(fieldAt(row, item.amount))
	if len(text) == 0 {
		return "", nil, ""
	}
	amount, currencies, reason = number(text, t.comma)
	if reason != "" || item.times < 0 {
		return amount, currencies, reason
	}
	count, _, reason := number(trim(fieldAt(row, item.times)), t.comma)
	if reason != "" {
		return "", nil, "cannot be had, because its quantity " + reason
	}
	one, ok := parseDecimal(amount)
	by, also := parseDecimal(count)
	if !ok || !also {
		return "", nil, "is too long"
	}
	return one.times(by).String(), currencies, ""
}

// writeString writes a text as JSON. Bytes that are no text stay, so that the row's check finds them.
func writeString(out *bytes.Buffer, text []byte) {
	if isPlain(text) && !slices.ContainsFunc(text, func(c byte) bool { return c == '"' || c == '\\' }) {
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
