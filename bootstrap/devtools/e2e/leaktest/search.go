// Package leaktest searches for what must not be there: destinations and names of customers in logs, metrics, dead letters,
// topics, the database and the statements' store, however they are written. A test of it runs the product with
// every kind of failure, and searches all that it left behind.
package leaktest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Form is how a secret is written.
type Form string

// The forms that are looked for.
const (
	Clear           Form = "clear"
	Base64          Form = "base64" // at any of the three alignments, both alphabets
	Hex             Form = "hex"
	URLEncoded      Form = "URL-encoded"
	QuotedPrintable Form = "quoted-printable" // soft line breaks inside included
	Escaped         Form = "escaped"          // as JSON or HTML may write it
)

// Finding is one secret that was found.
type Finding struct {
	Secret string
	Form   Form
	Offset int
}

// ErrShort is returned for a secret that is too short to be told from other text.
var ErrShort = errors.New("too short to be searched for")

// gram is how many bytes of a pattern the index looks at.
const gram = 8

// pattern is one secret in one form.
type pattern struct {
	text   []byte
	secret string
	form   Form
}

// index finds patterns by their first bytes.
type index map[uint64][]pattern

// Searcher looks for secrets in bytes.
type Searcher struct {
	exact  index // case matters
	folded index // looked for in lower case
}

// NewSearcher returns a searcher for destinations and names of at least eight bytes. A phone number is also looked for
// as it is written in its country.
func NewSearcher(secrets []string) (*Searcher, error) {
	s := &Searcher{exact: index{}, folded: index{}}
	for _, secret := range secrets {
		if len(secret) < gram {
			return nil, fmt.Errorf("%w: %d bytes", ErrShort, len(secret))
		}
		for _, spelling := range spellings(secret) {
			s.add(secret, spelling)
		}
	}
	return s, nil
}

// spellings are the ways to write one destination.
func spellings(secret string) []string {
	all := []string{secret}
	if national, is := strings.CutPrefix(secret, "+82"); is {
		all = append(all, "82"+national, "0"+national)
		if len(national) == 10 {
			all = append(all, fmt.Sprintf("0%s-%s-%s", national[:2], national[2:6], national[6:]))
		}
	}
	return all
}

func (s *Searcher) add(secret, spelling string) {
	folded := func(form Form, texts ...string) {
		for _, text := range texts {
			s.folded.add(pattern{[]byte(strings.ToLower(text)), secret, form})
		}
	}
	folded(Clear, spelling)
	folded(Hex, hex.EncodeToString([]byte(spelling)))
	folded(URLEncoded, strings.ReplaceAll(spelling, " ", "+"))
	folded(Escaped, strings.ReplaceAll(spelling, "@", "&#64;"), strings.ReplaceAll(spelling, "+", "&#43;"))
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			s.exact.add(pattern{aligned(encoding, spelling, shift), secret, Base64})
		}
	}
}

// aligned is the base64 of text that stands shift bytes behind a boundary, without the letters that its neighbours
// have a part in.
func aligned(encoding *base64.Encoding, text string, shift int) []byte {
	encoded := encoding.EncodeToString(append(make([]byte, shift), text...))
	first, whole := (shift*8+5)/6, (shift+len(text))*8/6
	return []byte(encoded[first:whole])
}

func (x index) add(p pattern) {
	if len(p.text) < gram {
		return
	}
	at := binary.LittleEndian.Uint64(p.text)
	if !slices.ContainsFunc(x[at], func(known pattern) bool { return bytes.Equal(known.text, p.text) }) {
		x[at] = append(x[at], p)
	}
}

// In returns what it finds in content, each secret once for each form.
func (s *Searcher) In(content []byte) []Finding {
	found := map[Finding]int{}
	s.exact.in(content, "", found)
	lower := asciiLower(content)
	s.folded.in(lower, "", found)
	for _, c := range []struct {
		form Form
		mark string
	}{{QuotedPrintable, "="}, {URLEncoded, "%"}, {Escaped, `\u00`}} {
		if decoded := decode(lower, c.mark); len(decoded) != len(lower) {
			s.folded.in(decoded, c.form, found)
		}
	}
	findings := make([]Finding, 0, len(found))
	for finding, offset := range found {
		finding.Offset = offset
		findings = append(findings, finding)
	}
	slices.SortFunc(findings, func(a, b Finding) int { return strings.Compare(a.Secret+string(a.Form), b.Secret+string(b.Form)) })
	return findings
}

func asciiLower(content []byte) []byte {
	lower := bytes.Clone(content)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return lower
}

// decode takes the bytes that are written as a mark and two hexadecimal digits for what they mean, and soft line breaks
// of quoted-printable out.
func decode(content []byte, mark string) []byte {
	if mark == "=" {
		content = bytes.ReplaceAll(bytes.ReplaceAll(content, []byte("=\r\n"), nil), []byte("=\n"), nil)
	}
	var out []byte
	for {
		at := bytes.Index(content, []byte(mark))
		if at < 0 {
			return append(out, content...)
		}
		out = append(out, content[:at]...)
		content = content[at:]
		var c [1]byte
		if end := len(mark) + 2; len(content) >= end {
			if _, err := hex.Decode(c[:], content[len(mark):end]); err == nil {
				out, content = append(out, asciiLower(c[:])...), content[end:]
				continue
			}
		}
		out, content = append(out, content[0]), content[1:]
	}
}

// in looks at every place; as is the form that content was decoded from, "" where it was not.
func (x index) in(content []byte, as Form, found map[Finding]int) {
	for i := 0; i+gram <= len(content); i++ {
		for _, p := range x[binary.LittleEndian.Uint64(content[i:])] {
			if !bytes.HasPrefix(content[i:], p.text) {
				continue
			}
			finding := Finding{Secret: p.secret, Form: cmp.Or(as, p.form)}
			if _, known := found[finding]; !known {
				found[finding] = i
			}
		}
	}
}
