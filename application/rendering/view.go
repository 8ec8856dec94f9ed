package rendering

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// View is what the templates see: texts formatted for the customer's language. Its fields are strings, booleans,
// lists of texts and texts by name, never numbers. No value is ever parsed as a template, and html/template escapes each one for its
// place.
type View struct {
	Language string `help:"the language of the bill, en or ko" example:"en"`
	Sender   string `help:"who bills, from sender-identity.json"`
	Pay      string `help:"how to pay, from sender-identity.json; may be empty"`
	Contact  string `help:"whom to ask, from sender-identity.json; may be empty"`
	OptOut   string `help:"how to refuse advertising, from sender-identity.json; empty on bills"`

	Logo       string `help:"https address of the sender's picture, from sender-identity.json; empty where there is none"`
	LogoWidth  string `help:"how many pixels wide it is shown; empty without one"`
	LogoHeight string `help:"how many pixels high it is shown; empty without one"`

	Name     string `help:"the customer's name; may be empty"`
	Customer string `help:"the customer number"`
	Payment  string `help:"how this customer pays (payment_method of the billing data); may be empty"`

	Month       string     `help:"the billing month: November 2026, 2026년 11월"`
	ShortMonth  string     `help:"the same, short: Nov, 11월"`
	Amount      string     `help:"the total: $29.85, ₩12,300 or 12,300원"`
	PlainAmount string     `help:"the total, in characters that text messages have: USD 29.85"`
	Credit      string     `help:"of a credit note, whose total is negative: the total without its sign, $29.85; else empty"`
	PlainCredit string     `help:"the same, in characters that text messages have"`
	Payable     bool       `help:"the total is more than nothing"`
	Before      string     `help:"what was billed in all months before; empty where that is not known"`
	Due         string     `help:"the due date: November 25, 2026, or 2026년 11월 25일"`
	ShortDue    string     `help:"the same, short: Nov 25, 11/25; whole where it is not within eleven months of the billing month"`
	Items       []ViewItem `help:"the lines of the bill: {{range .Items}}{{.Name}}: {{.Amount}}{{end}}; may be empty"`

	Fields map[string]string `help:"what the billing data has besides, from its columns fields.NAME: {{.Fields.kwh}}; empty where a bill has none"`

	Advertising bool   `help:"the message is of the class ADVERTISING"`
	Unsubscribe string `help:"where one click takes this customer off (unsubscribe_url); empty on bills"`
}

// ViewItem is one line of a bill.
type ViewItem struct {
	Name        string `help:"what it is for"`
	Amount      string `help:"its amount: $25.00; −$3.00 for a discount"`
	PlainAmount string `help:"the same, in characters that text messages have"`
}

// Field describes a field that templates may use.
type Field struct{ Name, Type, Meaning string }

// Fields lists the fields that templates may use, for people: ".Amount", and ".Items[].Name" inside of {{range
// .Items}}.
func Fields() []Field { return fieldsOf(reflect.TypeFor[View](), ".") }

func fieldsOf(t reflect.Type, prefix string) []Field {
	var list []Field
	for i := range t.NumField() {
		field := t.Field(i)
		kind := map[reflect.Kind]string{reflect.String: "text", reflect.Bool: "true or false", reflect.Slice: "list", reflect.Map: "texts by name"}[field.Type.Kind()]
		list = append(list, Field{Name: prefix + field.Name, Type: kind, Meaning: field.Tag.Get("help")})
		if field.Type.Kind() == reflect.Slice {
			list = append(list, fieldsOf(field.Type.Elem(), prefix+field.Name+"[].")...)
		}
	}
	return list
}

// newView formats a bill for the templates.
func newView(b bill.Bill, month key.Month, class policy.MessageClass, identity SenderIdentity) (View, error) {
	due, err := time.Parse(time.DateOnly, b.DueDate)
	if err != nil {
		return View{}, fmt.Errorf("%w: the due date is none", port.ErrContent)
	}
	if _, known := bill.Digits(b.Currency); !known {
		return View{}, fmt.Errorf("%w: the currency is unknown", port.ErrContent)
	}
	l := locales[languageOf(b.Language)]
	sender := identity.Of(l.tag)
	v := View{
		Language: l.tag, Sender: sender.Sender, Pay: sender.Pay, Contact: sender.Contact,
		Name: headerSafe(b.Name), Customer: headerSafe(b.Customer), Payment: headerSafe(b.Payment),
		Month: l.month(month), ShortMonth: l.shortMonth(month), Due: l.date(due), ShortDue: l.shortDue(due, month),
		Amount: money(b.Amount, b.Currency, l.tag), PlainAmount: plainMoney(b.Amount, b.Currency, l.tag), Payable: b.Amount > 0,
		Items: make([]ViewItem, len(b.Items)),
	}
	if identity.Logo.URL != "" {
		v.Logo, v.LogoWidth, v.LogoHeight = identity.Logo.URL, strconv.Itoa(identity.Logo.Width), strconv.Itoa(identity.Logo.Height)
	}
	if class == policy.Advertising {
		v.Advertising, v.OptOut, v.Unsubscribe = true, sender.OptOut, b.Unsubscribe
	}
	if b.BilledBefore != nil {
		v.Before = money(*b.BilledBefore, b.Currency, l.tag)
	}
	if b.Amount < 0 {
		v.Credit, v.PlainCredit = money(-b.Amount, b.Currency, l.tag), plainMoney(-b.Amount, b.Currency, l.tag)
	}
	if len(b.Fields) > 0 {
		v.Fields = make(map[string]string, len(b.Fields))
		for name, value := range b.Fields {
			v.Fields[name] = headerSafe(value)
		}
	}
	for i, item := range b.Items {
		v.Items[i] = ViewItem{headerSafe(item.Name), money(item.Amount, b.Currency, l.tag), plainMoney(item.Amount, b.Currency, l.tag)}
	}
	return v, nil
}
