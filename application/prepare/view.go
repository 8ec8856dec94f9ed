package prepare

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	text "text/template"
	"time"
	"unicode"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

//go:embed templates/*.tmpl
var templateFiles embed.FS

// language is a language that bills are rendered in. Data is never parsed as a template: only these files are.
type language struct {
	html       *template.Template
	text       *text.Template
	month      func(key.Month) string
	shortMonth func(key.Month) string
	date       func(time.Time) string
	shortDate  func(time.Time) string
}

// languages by their primary tag; English serves all others.
var languages = map[string]*language{
	"en": load("en", language{
		month:      func(m key.Month) string { return fmt.Sprintf("%s %d", m.Month(), m.Year()) },
		shortMonth: func(m key.Month) string { return m.Month().String()[:3] },
		date:       func(d time.Time) string { return d.Format("January 2, 2006") },
		shortDate:  func(d time.Time) string { return d.Format("Jan 2") },
	}),
	"ko": load("ko", language{
		month:      func(m key.Month) string { return fmt.Sprintf("%d년 %d월", m.Year(), int(m.Month())) },
		shortMonth: func(m key.Month) string { return fmt.Sprintf("%d월", int(m.Month())) },
		date:       func(d time.Time) string { return d.Format("2006년 1월 2일") },
		shortDate:  func(d time.Time) string { return d.Format("1/2") },
	}),
}

func load(tag string, l language) *language {
	l.html = template.Must(template.ParseFS(templateFiles, "templates/email.html.tmpl", "templates/"+tag+".html.tmpl"))
	l.text = text.Must(text.ParseFS(templateFiles, "templates/"+tag+".text.tmpl"))
	return &l
}

// view is what the templates see: texts, formatted for the customer's language.
type view struct {
	Language    string // "en"
	Sender      string // who bills
	Name        string
	Customer    string
	Month       string // "November 2026"
	ShortMonth  string // "Nov"
	Amount      string // "$29.85"
	PlainAmount string // "USD 29.85": only characters that a text message has
	Before      string // "" where nothing was billed before
	Due         string // "November 25, 2026"
	ShortDue    string // "Nov 25"
	Items       []viewItem
}

type viewItem struct{ Name, Amount string }

// newView formats a bill.
func newView(b Bill, month key.Month, sender string) (*language, view, error) {
	due, err := time.Parse(time.DateOnly, b.DueDate)
	if err != nil {
		return nil, view{}, fmt.Errorf("%w: the due date is none", port.ErrContent)
	}
	if _, known := minorDigits[b.Currency]; !known {
		return nil, view{}, fmt.Errorf("%w: the currency is unknown", port.ErrContent)
	}
	tag, _, _ := strings.Cut(strings.ToLower(b.Language), "-")
	l, known := languages[tag]
	if !known {
		tag, l = "en", languages["en"]
	}
	v := view{
		Language: tag, Sender: sender, Name: b.Name, Customer: b.Customer,
		Month: l.month(month), ShortMonth: l.shortMonth(month), Due: l.date(due), ShortDue: l.shortDate(due),
		Amount: money(b.Amount, b.Currency, tag), PlainAmount: plainMoney(b.Amount, b.Currency, tag),
		Items: make([]viewItem, len(b.Items)),
	}
	if b.BilledBefore != nil {
		v.Before = money(*b.BilledBefore, b.Currency, tag)
	}
	for i, item := range b.Items {
		v.Items[i] = viewItem{item.Name, money(item.Amount, b.Currency, tag)}
	}
	return l, v, nil
}

// variants renders a bill as each channel shows it.
func variants(b Bill, month key.Month, sender string) (map[channel.Kind]port.Variant, error) {
	l, v, err := newView(b, month, sender)
	if err != nil {
		return nil, err
	}
	p := printer{view: v}
	email := port.Variant{Subject: headerSafe(p.text(l, "subject")), HTML: p.html(l), Text: p.text(l, "text")}
	sms := port.Variant{Text: messageSafe(p.text(l, "sms")), Class: ClassSMS}
	if MessageBytes(sms.Text) > MaxSMS {
		sms = port.Variant{Text: messageSafe(p.text(l, "lms")), Class: ClassLMS}
	}
	push := port.Variant{Title: headerSafe(p.text(l, "push_title")), Text: p.text(l, "push_body")}
	if p.err != nil {
		return nil, fmt.Errorf("render: %w", p.err)
	}
	if n := MessageBytes(sms.Text); n > MaxLMS {
		return nil, fmt.Errorf("render: the text message has %d bytes, more than %d", n, MaxLMS)
	}
	return map[channel.Kind]port.Variant{channel.Email: email, channel.SMS: sms, channel.Push: push}, nil
}

// printer executes templates over one view and keeps the first error.
type printer struct {
	view view
	out  bytes.Buffer
	err  error
}

func (p *printer) html(l *language) string {
	const name = "email.html.tmpl"
	return p.print(name, func(to io.Writer) error { return l.html.ExecuteTemplate(to, name, p.view) })
}

func (p *printer) text(l *language, name string) string {
	return p.print(name, func(to io.Writer) error { return l.text.ExecuteTemplate(to, name, p.view) })
}

func (p *printer) print(name string, run func(io.Writer) error) string {
	p.out.Reset()
	if err := run(&p.out); err != nil && p.err == nil {
		p.err = fmt.Errorf("the template %s failed", name) // its own words may quote the bill
	}
	return p.out.String()
}

// headerSafe makes one line of a text: whatever could end a header line becomes a space.
func headerSafe(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }), " ")
}
