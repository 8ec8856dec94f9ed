package gateway

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"unicode/utf8"
)

// decodeRequest reads the JSON of a call. Bodies are nearly always an object of
// known fields with plain strings: those are cut out directly, a tenth of the
// work of encoding/json, which decides about everything else.
func decodeRequest(body []byte) (request, error) {
	if q, ok := cutRequest(body); ok {
		return q, nil
	}
	var q request
	err := json.Unmarshal(body, &q)
	return q, err
}

// cutRequest returns false for whatever is not plain, be it valid or not.
func cutRequest(body []byte) (q request, ok bool) {
	if !utf8.Valid(body) {
		return q, false
	}
	rest, ok := bytes.CutPrefix(body, []byte("{"))
	if !ok {
		return q, false
	}
	for {
		var name, value []byte
		if name, rest, ok = cutString(rest); !ok {
			return q, false
		}
		if rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, " "), []byte(":")); !ok {
			return q, false
		}
		if value, rest, ok = cutString(rest); !ok {
			return q, false
		}
		switch string(name) {
		case "to":
			q.To = string(value)
		case "title":
			q.Title = string(value)
		case "text":
			q.Text = string(value)
		case "class":
			q.Class = string(value)
		default:
			return q, false
		}
		rest = bytes.TrimLeft(rest, " ")
		if string(rest) == "}" || string(rest) == "}\n" {
			return q, true
		}
		if rest, ok = bytes.CutPrefix(rest, []byte(",")); !ok {
			return q, false
		}
	}
}

// cutString cuts a JSON string from the front, one with no escapes but those of a letter.
func cutString(b []byte) (value, rest []byte, ok bool) {
	b, ok = bytes.CutPrefix(bytes.TrimLeft(b, " "), []byte(`"`))
	if !ok {
		return nil, nil, false
	}
	end := 0
	for {
		next := bytes.IndexByte(b[end:], '"')
		if next < 0 {
			return nil, nil, false
		}
		if end += next; !escaped(b[:end]) {
			break
		}
		end++ // an escaped quote
	}
	value, rest = b[:end], b[end+1:]
	if hasControl(value) {
		return nil, nil, false
	}
	if bytes.IndexByte(value, '\\') >= 0 {
		value, ok = unescape(value)
	}
	return value, rest, ok
}

// escaped tells whether the byte behind b is: an odd number of backslashes stands before it.
func escaped(b []byte) bool {
	plain := bytes.TrimRight(b, `\`)
	return (len(b)-len(plain))%2 == 1
}

// hasControl tells whether a byte below the space is among b's. It looks at eight at a time: the text of a call is long.
func hasControl(b []byte) bool {
	const spaces, tops = 0x2020202020202020, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		if w := binary.LittleEndian.Uint64(b); (w-spaces)&^w&tops != 0 {
			return true
		}
	}
	return bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' })
}

// escapes are those of a letter, by that letter.
var escapes = [256]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', '"': '"', '\\': '\\', '/': '/'}

// unescape returns the text of a JSON string's inside; false where an escape is none of a letter.
func unescape(b []byte) (text []byte, ok bool) {
	text = make([]byte, 0, len(b))
	for {
		plain, rest, more := bytes.Cut(b, []byte{'\\'})
		text = append(text, plain...)
		if !more {
			return text, true
		}
		if len(rest) == 0 || escapes[rest[0]] == 0 {
			return nil, false
		}
		text, b = append(text, escapes[rest[0]]), rest[1:]
	}
}
