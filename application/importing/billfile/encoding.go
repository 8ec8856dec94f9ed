package billfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Encoding is how a file writes characters.
type Encoding string

// The encodings. EUCKR is Windows code page 949, which holds all of EUC-KR and is what Korean spreadsheets write.
const (
	Detected Encoding = "" // none was asked for: UTF-8, or what a byte order mark says
	UTF8     Encoding = "utf-8"
	EUCKR    Encoding = "euc-kr"
	UTF16    Encoding = "utf-16" // its byte order mark says which
	UTF16LE  Encoding = "utf-16le"
	UTF16BE  Encoding = "utf-16be"
	Western  Encoding = "windows-1252" // which holds all of ISO 8859-1
)

var encodingNames = map[string]Encoding{
	"": Detected, "utf-8": UTF8, "utf8": UTF8,
	"euc-kr": EUCKR, "euckr": EUCKR, "cp949": EUCKR, "ms949": EUCKR, "uhc": EUCKR, "windows-949": EUCKR, "ks_c_5601-1987": EUCKR,
	"utf-16": UTF16, "utf16": UTF16, "utf-16le": UTF16LE, "utf-16be": UTF16BE,
	"windows-1252": Western, "cp1252": Western, "iso-8859-1": Western, "latin1": Western,
}

// ParseEncoding parses the name of an encoding; the empty name is Detected.
func ParseEncoding(name string) (Encoding, error) {
	encoding, known := encodingNames[strings.ToLower(strings.TrimSpace(name))]
	if !known {
		return Detected, fmt.Errorf("%q is none of utf-8, euc-kr (cp949), utf-16, utf-16le, utf-16be, windows-1252 (iso-8859-1)", name)
	}
	return encoding, nil
}

// Text decodes a field of a file in this encoding. ok is false if the bytes are not text in it. The file's Reader has
// decoded UTF-16 and Windows-1252 already, with U+FFFD for bytes that are not text.
func (e Encoding) Text(field []byte) (text string, ok bool) {
	switch e {
	case EUCKR:
		if isASCII(field) {
			return string(field), true
		}
		decoded, err := korean.EUCKR.NewDecoder().Bytes(field)
		text = string(decoded)
		return text, err == nil && !strings.ContainsRune(text, utf8.RuneError) // EUC-KR has no such character
	case UTF16, UTF16LE, UTF16BE, Western:
		text = string(field)
		return text, utf8.ValidString(text) && !strings.ContainsRune(text, utf8.RuneError)
	default:
		return string(field), utf8.Valid(field)
	}
}

// Bytes encodes text for a file in this encoding, except those that the Reader has turned into UTF-8. A character
// that the encoding lacks becomes a question mark.
func (e Encoding) Bytes(text string) []byte {
	if e != EUCKR {
		return []byte(text)
	}
	var out []byte
	encoder := korean.EUCKR.NewEncoder()
	for _, c := range text {
		encoded, err := encoder.Bytes([]byte(string(c)))
		if err != nil {
			encoded = []byte{'?'}
		}
		out = append(out, encoded...)
	}
	return out
}

// decoder returns a decoder of UTF-16 or Windows-1252 into UTF-8; nil for the other encodings, whose fields are decoded one by one
// (Text).
func (e Encoding) decoder() transform.Transformer {
	switch e {
	case UTF16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder()
	case UTF16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder()
	case Western:
		return charmap.Windows1252.NewDecoder()
	default:
		return nil
	}
}

// marks are the byte order marks, the longer ones first.
var marks = []struct {
	bytes    string
	encoding Encoding
}{
	{"\xff\xfe\x00\x00", "utf-32le"},
	{"\x00\x00\xfe\xff", "utf-32be"},
	{"\xef\xbb\xbf", UTF8},
	{"\xff\xfe", UTF16LE},
	{"\xfe\xff", UTF16BE},
}

// chooseEncoding returns the encoding, from what was asked for and how the file begins, and the length of its byte
// order mark.
func chooseEncoding(asked Encoding, begin []byte) (encoding Encoding, mark int, err error) {
	for _, m := range marks {
		if !strings.HasPrefix(string(begin), m.bytes) {
			continue
		}
		switch {
		case strings.HasPrefix(string(m.encoding), "utf-32"):
			return "", 0, refuse("it is %s: save it as UTF-8", strings.ToUpper(string(m.encoding)))
		case asked == Detected || asked == m.encoding || (asked == UTF16 && m.encoding != UTF8):
			return m.encoding, len(m.bytes), nil
		default:
			return "", 0, refuse("its byte order mark says %s, and %s was asked for: leave --encoding away, or where the mapping asks for it say --encoding with what it is", m.encoding, asked)
		}
	}
	likely := withoutMark(begin)
	switch {
	case asked == UTF16:
		return "", 0, refuse("it has no byte order mark: say --encoding utf-16le or utf-16be")
	case (asked == Detected || asked == UTF8) && likely != "":
		return "", 0, refuse("it seems to be UTF-16 without a byte order mark: if it is, say --encoding %s; better, save it as UTF-8", likely)
	case asked == Detected:
		return UTF8, 0, nil
	default:
		return asked, 0, nil
	}
}

// withoutMark returns which UTF-16 a text without a byte order mark seems to be in, "" if none: of mostly ASCII text,
// as the column names are, nearly every other byte would be NUL.
func withoutMark(begin []byte) Encoding {
	begin = begin[:min(len(begin), 128)&^1]
	if len(begin) < 16 {
		return ""
	}
	var zeros [2]int
	for i, c := range begin {
		if c == 0 {
			zeros[i%2]++
		}
	}
	switch half := len(begin) / 2; {
	case zeros[1] > half*6/10 && zeros[0] == 0:
		return UTF16LE
	case zeros[0] > half*6/10 && zeros[1] == 0:
		return UTF16BE
	default:
		return ""
	}
}

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// lines counts the lines with characters outside ASCII by what they could be.
type lines struct {
	utf8  int // valid UTF-8
	eucKR int // valid EUC-KR, but not UTF-8
	both  int // valid UTF-8 that is valid EUC-KR as well
	none  int
}

func (l *lines) add(line []byte) {
	if isASCII(line) {
		return
	}
	_, korean := EUCKR.Text(line)
	switch valid := utf8.Valid(line); {
	case valid && korean:
		l.both++
	case valid:
		l.utf8++
	case korean:
		l.eucKR++
	default:
		l.none++
	}
}

// check refuses a file that as a whole seems to be in another encoding than it would be read in. Single rows with bytes
// that do not belong are refused one by one later.
func (l lines) check(asked, encoding Encoding, mark int) error {
	switch {
	case asked == Detected && encoding == UTF8 && mark == 0 && l.eucKR > l.utf8+l.both && l.eucKR >= l.none:
		return refuse("it is not UTF-8; it seems to be EUC-KR (code page 949): if it is, say --encoding euc-kr; else save it as UTF-8")
	case encoding == EUCKR && l.utf8 > l.eucKR+l.both && l.utf8 >= l.none:
		return refuse("it is UTF-8 and no EUC-KR, which was asked for: leave --encoding away, or where the mapping asks for it say --encoding utf-8")
	default:
		return nil
	}
}
