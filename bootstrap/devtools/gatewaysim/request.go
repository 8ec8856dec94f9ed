package gatewaysim

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"unicode/utf8"
)

// request is the body of POST /sms, POST /push and the like.
type request struct {
	To, Title, Class string
	Template         string // the code of an AlimTalk message's
	// Text may lie in the body itself.
	Text []byte
}

// decodeRequest reads the JSON of a call, and may overwrite it. Bodies are nearly
// always an object of known fields with plain strings: those are cut out directly,
// a tenth of the work of encoding/json, which decides about everything else.
func decodeRequest(body []byte) (request, error) {
	if q, ok := cutRequest(body); ok {
		return q, nil
	}
	var q struct {
		To    string `json:"to"`
		Title string `json:"title"`
		Text  string `json:"text"`
		Class string `json:"class"`

		Template struct {
			Code string `json:"code"`
		} `json:"template"`
	}
	err := json.Unmarshal(body, &q)
	return request{To: q.To, Title: q.Title, Class: q.Class, Template: q.Template.Code, Text: []byte(q.Text)}, err
}

// cutRequest returns false for whatever is not plain, be it valid or not; the body is as it was then.
func cutRequest(body []byte) (q request, ok bool) {
	if !utf8.Valid(body) {
		return q, false
	}
	rest, ok := bytes.CutPrefix(body, []byte("{"))
	if !ok {
		return q, false
	}
	var to, title, text, class []byte
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
			to = value
		case "title":
			title = value
		case "text":
			text = value
		case "class":
			class = value
		default:
			return q, false
		}
		rest = bytes.TrimLeft(rest, " ")
		if string(rest) == "}" || string(rest) == "}\n" {
			return request{To: string(unescape(to)), Title: string(unescape(title)), Class: string(unescape(class)), Text: unescape(text)}, true
		}
		if rest, ok = bytes.CutPrefix(rest, []byte(",")); !ok {
			return q, false
		}
	}
}

// cutString cuts a JSON string from the front, one with no escapes but those of a letter, and returns its inside with them.
func cutString(b []byte) (inside, rest []byte, ok bool) {
	b, ok = bytes.CutPrefix(bytes.TrimLeft(b, " "), []byte(`"`))
	if !ok {
		return nil, nil, false
	}
	for from, quote := 0, -1; ; {
		if quote < from { // the one before was escaped
			next := bytes.IndexByte(b[from:], '"')
			if next < 0 {
				return nil, nil, false
			}
			quote = from + next
		}
		slash := bytes.IndexByte(b[from:quote], '\\')
		if slash < 0 {
			return b[:quote], b[quote+1:], !hasControl(b[:quote])
		}
		if from += slash + 2; escapes[b[from-1]] == 0 {
			return nil, nil, false
		}
	}
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

// unescape makes the text of what cutString returned, in its place.
func unescape(inside []byte) []byte {
	slash := bytes.IndexByte(inside, '\\')
	if slash < 0 {
		return inside
	}
	text, rest := inside[:slash], inside[slash:]
	for len(rest) > 0 {
		text, rest = append(text, escapes[rest[1]]), rest[2:]
		plain := bytes.IndexByte(rest, '\\')
		if plain < 0 {
			plain = len(rest)
		}
		text, rest = append(text, rest[:plain]...), rest[plain:]
	}
	return text
}
