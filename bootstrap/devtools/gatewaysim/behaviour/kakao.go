package behaviour

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Kakao is what KakaoTalk knows of the sender of AlimTalk, at every vendor.
type Kakao struct {
	// Templates are the approved ones. Where there are none, every code is taken.
	Templates []Template `json:"templates"`
	// Blocked says that the sender's channel is blocked: everything is refused.
	Blocked bool `json:"blocked"`
}

// Template is one that KakaoTalk has approved.
type Template struct {
	// Code is its name at the vendors.
	Code string `json:"code"`
	// Text has variables, as in #{month}.
	Text string `json:"text"`
}

// Errors of Fill: KakaoTalk has no such template, or the message is not the template's.
var (
	ErrNoTemplate  = errors.New("no such template")
	ErrNotTemplate = errors.New("the message is not the template's")
)

var variable = regexp.MustCompile(`#\{([^{}]*)\}`)

// Fill makes the text of a message, as a vendor does of its own copy of the template. With a text of its own the message has
// no variables, and its text must be the template's. Where no templates are set, the text is what the message has.
func (k Kakao) Fill(code, text string, variables map[string]string) (string, error) {
	if len(k.Templates) == 0 {
		return unknownText(code, text, variables), nil
	}
	for _, t := range k.Templates {
		if t.Code != code {
			continue
		}
		if text != "" && len(variables) == 0 {
			if text != t.Text {
				return "", ErrNotTemplate
			}
			return text, nil
		}
		missing := false
		filled := variable.ReplaceAllStringFunc(t.Text, func(name string) string {
			value, has := variables[name[2:len(name)-1]]
			missing = missing || !has
			return value
		})
		if missing {
			return "", ErrNotTemplate
		}
		return filled, nil
	}
	return "", ErrNoTemplate
}

// unknownText stands for a text that only the vendor knows: the template's code, and what fills it.
func unknownText(code, text string, variables map[string]string) string {
	if text != "" {
		return text
	}
	var known strings.Builder
	known.WriteString(code)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		fmt.Fprintf(&known, "\n#{%s} %s", name, variables[name])
	}
	return known.String()
}

func (k Kakao) validate() error {
	seen := map[string]bool{}
	for _, t := range k.Templates {
		if t.Code == "" || t.Text == "" || seen[t.Code] {
			return errors.New("kakao.templates has one without a code or a text, or a code twice")
		}
		seen[t.Code] = true
	}
	return nil
}
