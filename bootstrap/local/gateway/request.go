package gateway

import (
	"bytes"
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

// cutString cuts a JSON string without escapes from the front.
func cutString(b []byte) (value, rest []byte, ok bool) {
	b, ok = bytes.CutPrefix(bytes.TrimLeft(b, " "), []byte(`"`))
	if !ok {
		return nil, nil, false
	}
	for i, c := range b {
		switch {
		case c == '"':
			return b[:i], b[i+1:], true
		case c == '\\' || c < ' ':
			return nil, nil, false
		}
	}
	return nil, nil, false
}
