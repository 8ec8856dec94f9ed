package mapping

import (
	"bytes"
	"slices"
	"strings"
)

// target makes one column.
type target struct {
	from    []int // columns of the file; none: it has a constant or is made otherwise
	join    string
	split   string
	part    int
	values  map[string]string
	dflt    string
	digits  int
	kind    kind
	dates   string
	comma   bool
	calling string
	code    int      // the column with the calling code; -1: none
	minus   []having // rows whose amount has the other sign
	same    string   // the constant
}

// kind is how a column's values are written.
type kind int

const (
	asText kind = iota
	asNumber
	asDate
	asPhone
	asEmail
)

// kinds are the columns whose values have a form.
var kinds = map[string]kind{"amount": asNumber, "billed_before": asNumber, "due_date": asDate, "phone": asPhone, "email": asEmail}

// value makes a column's value of a row.
func (c *target) value(row [][]byte) (value []byte, currencies []string, reason string) {
	value, currencies, reason = c.unsigned(row)
	if len(c.minus) > 0 && reason == "" && isAmong(c.minus, row) {
		value = negated(value)
	}
	return value, currencies, reason
}

// unsigned is value without minus.
func (c *target) unsigned(row [][]byte) (value []byte, currencies []string, reason string) {
	value = unquoted(trim(fieldAt(row, c.from[0])))
	for _, at := range c.from[1:] {
		next := trim(fieldAt(row, at))
		if len(next) > 0 && len(value) > 0 {
			value = slices.Concat(value, []byte(c.join), next)
		} else if len(next) > 0 {
			value = next
		}
	}
	if c.split != "" {
		value = partOf(value, c.split, c.part)
	}
	if c.values != nil {
		if instead, found := c.values[string(value)]; found {
			value = []byte(instead)
		}
	}
	if len(value) == 0 {
		return []byte(c.dflt), nil, ""
	}
	if c.digits > len(value) && digitsOnly(string(value)) {
		value = append(bytes.Repeat([]byte{'0'}, c.digits-len(value)), value...)
	}
	var made string
	switch c.kind {
	case asText:
		return value, nil, ""
	case asNumber:
		if quick, signs, ok := quickNumber(make([]byte, 0, maxQuick+1), value, c.comma); ok {
			return quick, signs, ""
		}
		made, currencies, reason = number(value, c.comma)
	case asDate:
		if quick, ok := quickDate(value); ok && c.dates != "excel" {
			return quick, nil, ""
		}
		made, reason = date(value, c.dates)
	case asPhone:
		made = phone(value, c.callingCode(row))
	case asEmail:
		made = email(value)
	}
	if reason != "" {
		return value, nil, reason
	}
	if made == string(value) {
		return value, currencies, ""
	}
	return []byte(made), currencies, ""
}

// negated is a decimal number with the other sign.
func negated(decimal []byte) []byte {
	if rest, negative := bytes.CutPrefix(decimal, []byte{'-'}); negative {
		return rest
	}
	if len(decimal) == 0 || string(decimal) == "0" {
		return decimal
	}
	return append([]byte{'-'}, decimal...)
}

// callingCode is the calling code of a row's number: that of its own column, else that of the file.
func (c *target) callingCode(row [][]byte) string {
	if c.code < 0 {
		return c.calling
	}
	if code := codeOf(string(fieldAt(row, c.code))); code != "" {
		return code
	}
	return c.calling
}

// codeOf reads a calling code: 82 of +82, 0082 and (82); "" where it is none.
func codeOf(text string) string {
	code := strings.Trim(narrow(text), " +()")
	if code = strings.TrimPrefix(code, "00"); !digitsOnly(code) || len(code) > 3 || code[0] == '0' {
		return ""
	}
	return code
}

// unquoted takes off what a spreadsheet's export puts around text that looks like a number: ="00123".
func unquoted(text []byte) []byte {
	if len(text) > 3 && bytes.HasPrefix(text, []byte(`="`)) && text[len(text)-1] == '"' {
		return text[2 : len(text)-1]
	}
	return text
}

func partOf(text []byte, at string, part int) []byte {
	parts := bytes.Split(text, []byte(at))
	if part < 0 {
		part += len(parts) + 1
	}
	if part < 1 || part > len(parts) {
		return nil
	}
	return bytes.Trim(trim(parts[part-1]), `"`)
}

func email(text []byte) string {
	said := string(text)
	if !isPlain(text) {
		said = strings.TrimSpace(narrow(said))
	}
	if at := strings.IndexByte(said, '<'); at >= 0 && strings.HasSuffix(said, ">") && strings.Count(said, "<") == 1 && strings.Count(said, "@") == 1 {
		said = said[at+1 : len(said)-1] // "Kim <kim@example.com>"
	}
	return strings.TrimPrefix(said, "mailto:")
}

// doubtful marks a value that stays in a refused row as the file has it. There it must not pass for a value in the form of billing
// data, which it could be with another meaning: 1.234.
func doubtful(value []byte) []byte { return append(slices.Clone(value), '?') }
