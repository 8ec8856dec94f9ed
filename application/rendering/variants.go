package rendering

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// adMark begins every advertising message in Korea (Act on Promotion of Information and Communications Network
// Utilization, article 50 and its decree): the subject of an e-mail, the text of a message, the title of a push message.
const adMark = "(광고)"

// CheckClass checks that messages of a class can be made with these templates. port.ErrInvalid if not.
func (t *Templates) CheckClass(class policy.MessageClass) error {
	switch class {
	case policy.Transactional:
		return nil
	case policy.Advertising:
	default:
		return fmt.Errorf("%w: the message class %q is neither TRANSACTIONAL nor ADVERTISING", port.ErrInvalid, class)
	}
	for _, language := range Languages {
		if t.marked(class) && t.senderIdentity.Of(language).OptOut == "" {
			return fmt.Errorf("%w: %s: %s.opt_out is missing: in Korea, a text message of the class ADVERTISING says how to refuse it free of charge",
				port.ErrInvalid, senderIdentityFile, language)
		}
	}
	return nil
}

// marked reports whether the law wants messages of the class to be marked.
func (t *Templates) marked(class policy.MessageClass) bool {
	return class == policy.Advertising && t.senderIdentity.Country == "KR"
}

// Statement makes a bill's texts for every channel. Its error says why the bill cannot be rendered, without anything of
// the bill.
func (t *Templates) Statement(b bill.Bill, month key.Month, class policy.MessageClass) (map[channel.Kind]port.Variant, error) {
	view, err := newView(b, month, class, t.senderIdentity)
	if err != nil {
		return nil, err
	}
	p := printer{view: view, language: t.languages[view.Language], tag: view.Language}
	if t.marked(class) {
		p.mark = adMark
	}
	made := map[channel.Kind]port.Variant{
		channel.Email: p.email(),
		channel.SMS:   p.sms(),
		channel.Push:  p.push(),
	}
	if a := t.approvedFor(view.Language); a != nil && !view.Advertising {
		words := printer{view: view, language: t.languages[a.tag], tag: a.tag}
		if made[channel.AlimTalk], err = words.alimTalk(a); err != nil {
			return nil, err
		}
		if p.failed == nil {
			p.file, p.failed = words.file, words.failed
		}
	}
	if errors.Is(p.failed, errRefused) {
		return nil, p.language.marked.reason(&p.view, p.tag)
	}
	if p.failed != nil {
		return nil, fmt.Errorf("render: the template failed at %s", whereOf(p.file, p.failed)) // its own words may quote the bill
	}
	if n := MessageBytes(made[channel.SMS].Text); n > MaxLMS {
		return nil, fmt.Errorf("render: %s/lms.tmpl makes a text message of %d bytes in EUC-KR, more than %d", view.Language, n, MaxLMS)
	}
	return made, nil
}

// printed holds buffers for what templates write.
var printed = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// printer executes the templates of a language over one view and keeps the first error.
type printer struct {
	view     View
	language *language
	tag      string
	mark     string
	file     string // the one that failed
	failed   error
}

func (p *printer) email() port.Variant {
	v := port.Variant{Subject: p.marked(headerSafe(p.text("email.subject.tmpl"))), HTML: p.html(), Text: textSafe(p.text("email.text.tmpl")) + "\n"}
	if p.view.Advertising {
		v.Class, v.Unsubscribe = string(policy.Advertising), p.view.Unsubscribe
	}
	return v
}

func (p *printer) push() port.Variant {
	return port.Variant{
		Title: CutText(p.marked(headerSafe(p.text("push.title.tmpl"))), MaxPushTitle),
		Text:  CutText(textSafe(p.text("push.tmpl")), MaxPushBody),
	}
}

// marked puts the mark that the law wants in front of a line, unless the template has it already.
func (p *printer) marked(line string) string {
	if p.mark == "" || strings.HasPrefix(line, p.mark) {
		return line
	}
	return p.mark + " " + line
}

func (p *printer) html() string {
	return p.print(htmlFile, func(to io.Writer) error { return p.language.html.ExecuteTemplate(to, layoutFile, &p.view) })
}

func (p *printer) text(file string) string {
	return p.print(file, func(to io.Writer) error { return p.language.texts[file].Execute(to, &p.view) })
}

// named is what a file prints.
func (p *printer) named(file string) string {
	if file == htmlFile {
		return p.html()
	}
	return p.text(file)
}

// print prints a file as it was compiled, or runs the template itself.
func (p *printer) print(file string, run func(io.Writer) error) string {
	out, _ := printed.Get().(*bytes.Buffer)
	defer printed.Put(out)
	out.Reset()
	if !p.language.quick[file].print(out, &p.view) {
		out.Reset()
		err := run(out)
		if err == nil && file == htmlFile && bytes.Contains(out.Bytes(), []byte(refused)) {
			err = errRefused
		}
		if err != nil && p.failed == nil {
			p.file, p.failed = p.tag+"/"+file, err
		}
	}
	return out.String()
}
