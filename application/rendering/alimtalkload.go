package rendering

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	text "text/template"
	"unicode/utf8"
)

// Bounds of templates (https://docs.nhncloud.com/ko/Notification/KakaoTalk%20Bizmessage/ko/alimtalk-api-guide/ and
// alimtalk-overview/).
const (
	maxVariables  = 40
	maxButtons    = 5
	maxButtonName = 14  // characters
	maxButtonLink = 500 // characters, as written in the template
)

// buttonTypes are KakaoTalk's. WL opens a web page, AL an app; the others need no address.
var buttonTypes = []string{"WL", "AL", "DS", "BK", "MD", "BC", "BT", "AC"}

// codeForm is the form of a template's code. NHN Cloud's has at most 20 characters, SOLAPI gives them out.
var codeForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// alimTalkWords is alimtalk.json.
type alimTalkWords struct {
	Codes     map[string]string `json:"codes"`
	Variables map[string]string `json:"variables"`
	Buttons   []struct {
		Type    string `json:"type"`
		Name    string `json:"name"`
		Mobile  string `json:"mobile"`
		PC      string `json:"pc"`
		IOS     string `json:"ios"`
		Android string `json:"android"`
	} `json:"buttons"`
}

// has reports whether there is a file.
func (l *loader) has(name string) bool {
	_, err := fs.ReadFile(l.files, name)
	return !errors.Is(err, fs.ErrNotExist)
}

// alimTalk reads the approved template of a language, if it has one, and puts what fills its variables among the language's texts.
func (l *loader) alimTalk(tag string, made *language) {
	words, body := path.Join(tag, alimTalkFile), path.Join(tag, alimTalkText)
	if !l.has(words) && !l.has(body) {
		return
	}
	content, hasWords := l.read(words)
	written, hasBody := l.read(body)
	if !hasWords || !hasBody {
		return
	}
	var w alimTalkWords
	if err := strictly([]byte(content), &w); err != nil {
		l.wrong(words, lineOfJSON([]byte(content), err), "%s", jsonReason(err))
		return
	}
	wrong := func(field, format string, args ...any) {
		l.wrong(words, lineOfField([]byte(content), field), format, args...)
	}
	a := &approved{tag: tag, codes: w.Codes}
	if len(w.Codes) == 0 {
		wrong("codes", `codes is missing: by provider, under which code the template is registered there, as in {"nhn": "BILL_01"}`)
	}
	for provider, code := range w.Codes {
		if !codeForm.MatchString(code) {
			wrong(provider, "codes.%s is no code of a template (want letters, digits, ., - and _)", provider)
		}
	}
	a.text = l.placeholders(body, written)
	a.buttons = l.buttons(w, wrong)
	a.variables = slices.Sorted(maps.Keys(w.Variables))
	l.checkBinding(a, body, wrong)
	for _, name := range a.variables {
		l.variable(made, words, lineOfField([]byte(content), name), name, w.Variables[name])
	}
	made.approved = a
}

// placeholders reads the approved text. A line break at its end is the editor's.
func (l *loader) placeholders(file, written string) placeholders {
	written = strings.TrimRight(written, "\n")
	parts, err := parsePlaceholders(written)
	switch {
	case strings.TrimSpace(written) == "":
		l.wrong(file, 0, "is empty: it is the text of the template as it was approved")
	case err != nil:
		l.wrong(file, 0, "%s", err)
	case utf8.RuneCountInString(written) > MaxAlimTalk:
		l.wrong(file, 0, "has %d characters, more than %d", utf8.RuneCountInString(written), MaxAlimTalk)
	case strings.Contains(written, "{{"):
		l.wrong(file, 1+strings.Count(written[:strings.Index(written, "{{")], "\n"), "has {{: here is the approved text with its #{variables}; what fills them stands in %s", alimTalkFile)
	}
	return parts
}

// buttons reads the buttons of a template.
func (l *loader) buttons(w alimTalkWords, wrong func(field, format string, args ...any)) (buttons []approvedButton) {
	if len(w.Buttons) > maxButtons {
		wrong("buttons", "there are %d buttons, more than %d", len(w.Buttons), maxButtons)
	}
	for i, b := range w.Buttons {
		no := func(format string, args ...any) {
			wrong("buttons", "button %d: "+format, append([]any{i + 1}, args...)...)
		}
		made := approvedButton{kind: b.Type, name: b.Name}
		for _, link := range []struct {
			name, address string
			into          *placeholders
		}{{"mobile", b.Mobile, &made.mobile}, {"pc", b.PC, &made.pc}, {"ios", b.IOS, &made.ios}, {"android", b.Android, &made.android}} {
			parts, err := parsePlaceholders(link.address)
			switch {
			case err != nil:
				no("%s %s", link.name, err)
			case utf8.RuneCountInString(link.address) > maxButtonLink:
				no("%s has more than %d characters", link.name, maxButtonLink)
			case (link.name == "mobile" || link.name == "pc") && link.address != "" && !isWebLink(link.address):
				no("%s does not begin with http:// or https://", link.name)
			}
			*link.into = parts
		}
		switch {
		case !slices.Contains(buttonTypes, b.Type):
			no("the type %q is none of %s", b.Type, strings.Join(buttonTypes, ", "))
		case b.Name == "" || utf8.RuneCountInString(b.Name) > maxButtonName || strings.Contains(b.Name, "#{"):
			no("the name is empty, has more than %d characters or has a variable, which names of buttons may not have", maxButtonName)
		case b.Type == "WL" && b.Mobile == "":
			no("mobile is missing: the address that a phone opens")
		case b.Type == "AL" && (b.IOS == "" || b.Android == ""):
			no("ios and android are missing: what opens the app")
		}
		buttons = append(buttons, made)
	}
	return buttons
}

// isWebLink reports whether an address begins as a web page's, whatever variables follow; it may be a variable from its first
// character on.
func isWebLink(address string) bool {
	if strings.HasPrefix(address, "#{") {
		return true
	}
	u, err := url.Parse(strings.NewReplacer("#{", "", "}", "").Replace(address))
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// checkBinding finds variables that nothing fills, and what fills none.
func (l *loader) checkBinding(a *approved, body string, wrong func(field, format string, args ...any)) {
	used := map[string]string{} // where, by name
	use := func(where string, parts placeholders) {
		for _, name := range parts.names() {
			used[name] = where
		}
	}
	for i, b := range a.buttons {
		for _, parts := range []placeholders{b.mobile, b.pc, b.ios, b.android} {
			use(fmt.Sprintf("button %d", i+1), parts)
		}
	}
	use(body, a.text)
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if !slices.Contains(a.variables, name) {
			wrong("variables", "nothing fills #{%s} of %s: variables has no %q", name, used[name], name)
		}
	}
	for _, name := range a.variables {
		if _, there := used[name]; !there {
			wrong(name, "variables has %q, and #{%s} stands neither in %s nor in a button", name, name, alimTalkText)
		}
	}
	if len(used) > maxVariables {
		wrong("variables", "there are %d variables, more than %d", len(used), maxVariables)
	}
}

// variable reads the template that fills a variable; its mistakes are at the line of the variable.
func (l *loader) variable(made *language, file string, line int, name, source string) {
	before, uses := len(l.problems), len(l.uses)
	parsed, err := text.New(file).Option(noSuchField).Parse(source)
	switch {
	case err != nil:
		l.failed(file, err)
	case strings.TrimSpace(source) == "":
		l.wrong(file, line, "variables: %q is empty", name)
	default:
		made.texts[variableFile(name)] = parsed
		l.check(parsed.Tree, lookupText(parsed))
	}
	for i := range l.problems[before:] {
		l.problems[before+i].Line = line
	}
	for i := range l.uses[uses:] {
		l.uses[uses+i].Line = line
	}
}

// tryAlimTalk makes the AlimTalk message of a sample bill.
func (l *loader) tryAlimTalk(t *Templates, view View) {
	a := t.approvedFor(view.Language)
	if a == nil || view.Advertising {
		return
	}
	p := printer{view: view, language: t.languages[a.tag], tag: a.tag}
	_, err := p.alimTalk(a)
	if err == nil {
		err = p.failed
	}
	if err == nil {
		return
	}
	reason := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "render: "), a.tag+"/"+alimTalkFile+": ")
	l.wrong(path.Join(a.tag, alimTalkFile), 0, "of a sample bill: %s", strings.Replace(reason, "this bill", "it", 1))
}
