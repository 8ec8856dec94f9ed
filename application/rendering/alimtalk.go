package rendering

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/balsong/balsong/application/port"
)

// MaxAlimTalk bounds an AlimTalk message in characters, with variables filled and the names of its buttons
// (https://docs.nhncloud.com/ko/Notification/KakaoTalk%20Bizmessage/ko/alimtalk-console-guide/, 템플릿 등록).
const MaxAlimTalk = 1000

// The files of the approved AlimTalk template of a language. A language may have none.
const (
	alimTalkFile = "alimtalk.json" // its codes, what fills its variables, its buttons
	alimTalkText = "alimtalk.txt"  // its text as it was approved, with #{variables}
)

// approved is an AlimTalk template as it was approved. What fills its variables are text templates of its language, named by
// variableFile.
type approved struct {
	tag       string // its language
	codes     map[string]string
	text      placeholders
	variables []string // in the order of their names
	buttons   []approvedButton
}

// approvedButton is a button whose addresses may have variables; its name has none.
type approvedButton struct {
	kind, name               string
	mobile, pc, ios, android placeholders
}

// variableFile is the name of the template that fills a variable.
func variableFile(variable string) string { return alimTalkFile + "#" + variable }

// placeholders is a text with variables: literal parts and names by turns, the first and the last one literal.
type placeholders []string

var (
	errUnclosed = errors.New("has a #{ without its }")
	errName     = errors.New("has a variable with an empty name, or with one of { . @ or a line break in its name, which providers refuse")
)

// parsePlaceholders reads a text with #{variables}. Whatever is no variable is literal.
func parsePlaceholders(text string) (placeholders, error) {
	var parts placeholders
	for {
		literal, rest, found := strings.Cut(text, "#{")
		parts = append(parts, literal)
		if !found {
			return parts, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		switch {
		case !closed:
			return nil, errUnclosed
		case strings.TrimSpace(name) == "" || strings.ContainsAny(name, "{.@\n\r"):
			return nil, errName
		}
		parts, text = append(parts, name), after
	}
}

// names are the variables, some perhaps more than once.
func (p placeholders) names() (names []string) {
	for i := 1; i < len(p); i += 2 {
		names = append(names, p[i])
	}
	return names
}

// fill puts values into their places. What a value says is text: it is not looked at for variables.
func (p placeholders) fill(values map[string]string) string {
	var out strings.Builder
	for i, part := range p {
		if i%2 == 1 {
			part = values[part]
		}
		out.WriteString(part)
	}
	return out.String()
}

// approvedFor is the AlimTalk template for bills of a language: its own, else that of another one; nil where there is none.
func (t *Templates) approvedFor(tag string) *approved {
	if own := t.languages[tag].approved; own != nil {
		return own
	}
	for _, other := range Languages {
		if found := t.languages[other].approved; found != nil {
			return found
		}
	}
	return nil
}

// HasAlimTalk reports whether the templates make AlimTalk messages.
func (t *Templates) HasAlimTalk() bool { return t.approvedFor(Languages[0]) != nil }

// alimTalk makes the message of a template. Its error says what is wrong with the bill for it, without anything of the bill.
func (p *printer) alimTalk(a *approved) (port.Variant, error) {
	values := make(map[string]string, len(a.variables))
	for _, name := range a.variables {
		value := textSafe(p.text(variableFile(name)))
		switch {
		case value == "" && p.failed == nil: // the caller looks at what failed
			return port.Variant{}, fmt.Errorf("render: %s/%s: the variable #{%s} is empty for this bill, which providers refuse", a.tag, alimTalkFile, name)
		case strings.Contains(value, "#{"):
			return port.Variant{}, fmt.Errorf("render: %s/%s: the variable #{%s} would be filled with #{, which a provider could take for another variable", a.tag, alimTalkFile, name)
		}
		values[name] = value
	}
	made := port.AlimTalk{Codes: a.codes, Variables: values}
	text := a.text.fill(values)
	length := utf8.RuneCountInString(text)
	for _, b := range a.buttons {
		length += utf8.RuneCountInString(b.name)
		made.Buttons = append(made.Buttons, port.AlimTalkButton{
			Type: b.kind, Name: b.name,
			Mobile: b.mobile.fill(values), PC: b.pc.fill(values), IOS: b.ios.fill(values), Android: b.android.fill(values),
		})
	}
	if length > MaxAlimTalk {
		return port.Variant{}, fmt.Errorf("render: %s/%s makes an AlimTalk message of %d characters, more than %d", a.tag, alimTalkText, length, MaxAlimTalk)
	}
	return port.Variant{Text: text, Template: made.Encode()}, nil
}
