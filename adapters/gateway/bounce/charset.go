package bounce

import (
	"bytes"
	"io"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
)

// decodeText turns text into UTF-8. Where the charset is not said, unknown or wrong, it is guessed among those that Korean
// and Japanese servers write; whatever cannot be read at all is read as Western, so that its ASCII can be.
func decodeText(raw []byte, charset string) string {
	charset = strings.ToLower(strings.Trim(charset, " \"'"))
	switch {
	case charset == "iso-2022-kr" || bytes.Contains(raw, []byte("\x1b$)C")): // its only designation, RFC 1557
		raw, charset = from2022KR(raw), "euc-kr"
	case bytes.Contains(raw, []byte("\x1b$B")) || bytes.Contains(raw, []byte("\x1b$@")):
		charset = "iso-2022-jp"
	case utf8.Valid(raw) && !strings.HasPrefix(charset, "utf-16"):
		return string(raw)
	}
	broken := ""
	if named, err := htmlindex.Get(charset); err == nil {
		text, ok := decode(named, raw)
		if ok {
			return text
		}
		broken = text
	}
	for _, guess := range []struct {
		from encoding.Encoding
		sign *unicode.RangeTable // what a text in it has, and the same bytes read in another charset have not
	}{{japanese.ShiftJIS, unicode.Hiragana}, {japanese.EUCJP, unicode.Hiragana}, {korean.EUCKR, unicode.Hangul}} {
		text, ok := decode(guess.from, raw)
		if ok && strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(guess.sign, r) }) {
			return text
		}
	}
	if 10*strings.Count(broken, string(utf8.RuneError)) < utf8.RuneCountInString(broken) {
		return broken // as it says, but for what was cut off or broken
	}
	text, _ := decode(charmap.Windows1252, raw)
	return text
}

// decode reports whether all of raw could be read.
func decode(from encoding.Encoding, raw []byte) (string, bool) {
	text, err := from.NewDecoder().Bytes(raw)
	return string(text), err == nil && !bytes.ContainsRune(text, utf8.RuneError)
}

// from2022KR turns ISO 2022-KR into EUC-KR: between SO and SI each byte is one of KS X 1001 without its eighth bit.
func from2022KR(raw []byte) []byte {
	raw = bytes.ReplaceAll(raw, []byte("\x1b$)C"), nil)
	out, shifted := make([]byte, 0, len(raw)), false
	for _, c := range raw {
		switch {
		case c == 0x0e || c == 0x0f:
			shifted = c == 0x0e
		case c == '\n': // a line ends the shift even where its SI is lost
			shifted, out = false, append(out, c)
		case shifted && c > ' ':
			out = append(out, c|0x80)
		default:
			out = append(out, c)
		}
	}
	return out
}

var wordDecoder = mime.WordDecoder{CharsetReader: func(charset string, input io.Reader) (io.Reader, error) {
	raw, err := io.ReadAll(input)
	return strings.NewReader(decodeText(raw, charset)), err
}}

// decodeField reads a field's value: encoded words (RFC 2047), or bytes in the charset of the mail's text.
func decodeField(value, charset string) string {
	if decoded, err := wordDecoder.DecodeHeader(value); err == nil {
		value = decoded
	}
	return decodeText([]byte(value), charset)
}
