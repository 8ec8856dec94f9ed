package rendering

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
)

// letterheadFile is the templates' file that says who bills.
const letterheadFile = "letterhead.json"

// Letterhead says who bills, how to pay and whom to ask: what is the same on every bill.
type Letterhead struct {
	// Country is where the customers are. In KR a message of the class ADVERTISING is marked (광고), as the law asks for.
	Country string
	words   map[string]HeadWords
}

// HeadWords are the words of a letterhead in one language.
type HeadWords struct {
	Sender  string `json:"sender"`
	Pay     string `json:"pay"`
	Contact string `json:"contact"`
	OptOut  string `json:"opt_out"` // ends each text message of the class ADVERTISING: "무료거부 080-000-0000"
}

// Of returns the words of a language.
func (l Letterhead) Of(language string) HeadWords { return l.words[language] }

// withSender returns the letterhead with another sender in every language; the same one for an empty sender.
func (l Letterhead) withSender(sender string) Letterhead {
	if sender = headerSafe(sender); sender == "" {
		return l
	}
	l.words = maps.Clone(l.words)
	for language, words := range l.words {
		words.Sender = sender
		l.words[language] = words
	}
	return l
}

// parseLetterhead parses letterhead.json. Problems name the line.
func parseLetterhead(content []byte) (Letterhead, []Problem) {
	letter := Letterhead{Country: "KR", words: map[string]HeadWords{}}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(content, &fields); err != nil {
		return letter, []Problem{{letterheadFile, lineOfJSON(content, err), jsonReason(err)}}
	}
	var problems []Problem
	wrong := func(field, format string, args ...any) {
		problems = append(problems, Problem{letterheadFile, lineOfField(content, field), fmt.Sprintf(format, args...)})
	}
	for name, raw := range fields {
		_, language := locales[name]
		switch {
		case name == "country":
			if json.Unmarshal(raw, &letter.Country) != nil || len(letter.Country) != 2 || letter.Country != strings.ToUpper(letter.Country) {
				wrong(name, "country is no code of two capital letters such as KR")
			}
		case language:
			words, err := parseWords(raw)
			if err != nil {
				wrong(name, "%s: %s", name, jsonReason(err))
			}
			letter.words[name] = words
		default:
			wrong(name, "%q is none of country, %s", name, strings.Join(Languages, ", "))
		}
	}
	for _, language := range Languages {
		if letter.words[language].Sender == "" {
			wrong(language, "%s.sender is missing: who bills?", language)
		}
	}
	return letter, problems
}

func parseWords(raw []byte) (HeadWords, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	var w HeadWords
	err := decoder.Decode(&w)
	return HeadWords{headerSafe(w.Sender), headerSafe(w.Pay), headerSafe(w.Contact), headerSafe(w.OptOut)}, err
}

// lineOfJSON returns the line on which a decoder stopped.
func lineOfJSON(content []byte, err error) int {
	at := int64(len(content))
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		at = syntax.Offset
	}
	return 1 + bytes.Count(content[:min(at, int64(len(content)))], []byte{'\n'})
}

// lineOfField returns the first line that names a field; 1 if none does.
func lineOfField(content []byte, field string) int {
	before, _, found := bytes.Cut(content, []byte(`"`+field+`"`))
	if !found {
		return 1
	}
	return 1 + bytes.Count(before, []byte{'\n'})
}

func jsonReason(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the JSON ends too early"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}
