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

// senderIdentityFile is the templates' file that says who bills.
const senderIdentityFile = "sender-identity.json"

// SenderIdentity says who bills, how to pay and whom to ask: what is the same on every bill.
type SenderIdentity struct {
	// Country is where the customers are. In KR a message of the class ADVERTISING is marked (광고), as the law asks for.
	Country string
	Logo    Logo
	texts   map[string]SenderTexts
}

// SenderTexts are the texts of a sender identity in one language.
type SenderTexts struct {
	Sender  string `json:"sender"`
	Pay     string `json:"pay"`
	Contact string `json:"contact"`
	OptOut  string `json:"opt_out"` // ends each text message of the class ADVERTISING: "무료거부 080-000-0000"
}

// Of returns the texts of a language.
func (s SenderIdentity) Of(language string) SenderTexts { return s.texts[language] }

// withSender returns the sender identity with another sender in every language; the same one for an empty sender.
func (s SenderIdentity) withSender(sender string) SenderIdentity {
	if sender = headerSafe(sender); sender == "" {
		return s
	}
	s.texts = maps.Clone(s.texts)
	for language, texts := range s.texts {
		texts.Sender = sender
		s.texts[language] = texts
	}
	return s
}

// encode is the sender identity as a file that parseSenderIdentity reads as the same, whatever the file it came from looked like.
func (s SenderIdentity) encode() string {
	fields := map[string]any{"country": s.Country}
	if s.Logo.URL != "" {
		fields["logo"] = s.Logo
	}
	for language, texts := range s.texts {
		fields[language] = texts
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(fields) // texts always can be
	return out.String()
}

// parseSenderIdentity parses sender-identity.json. Problems name the line.
func parseSenderIdentity(content []byte) (SenderIdentity, []Problem) {
	identity := SenderIdentity{Country: "KR", texts: map[string]SenderTexts{}}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(content, &fields); err != nil {
		return identity, []Problem{{senderIdentityFile, lineOfJSON(content, err), jsonReason(err)}}
	}
	var problems []Problem
	wrong := func(field, format string, args ...any) {
		problems = append(problems, Problem{senderIdentityFile, lineOfField(content, field), fmt.Sprintf(format, args...)})
	}
	for name, raw := range fields {
		_, language := locales[name]
		switch {
		case name == "country":
			if json.Unmarshal(raw, &identity.Country) != nil || len(identity.Country) != 2 || identity.Country != strings.ToUpper(identity.Country) {
				wrong(name, "country is no code of two capital letters such as KR")
			}
		case name == "logo":
			logo, reasons := parseLogo(raw)
			for _, reason := range reasons {
				wrong(name, "logo: %s", reason)
			}
			identity.Logo = logo
		case language:
			texts, err := parseSenderTexts(raw)
			if err != nil {
				wrong(name, "%s: %s", name, jsonReason(err))
			}
			identity.texts[name] = texts
		default:
			wrong(name, "%q is none of country, logo, %s", name, strings.Join(Languages, ", "))
		}
	}
	for _, language := range Languages {
		if identity.texts[language].Sender == "" {
			wrong(language, "%s.sender is missing: who bills?", language)
		}
	}
	return identity, problems
}

func parseSenderTexts(raw []byte) (SenderTexts, error) {
	var w SenderTexts
	err := strictly(raw, &w)
	return SenderTexts{headerSafe(w.Sender), headerSafe(w.Pay), headerSafe(w.Contact), headerSafe(w.OptOut)}, err
}

// strictly decodes what has no other fields.
func strictly(raw json.RawMessage, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
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
