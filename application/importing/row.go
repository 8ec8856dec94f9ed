package importing

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/bill/plainjson"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/window"
)

// Bounds of fields, in bytes, and of the list of items.
const (
	maxCustomer = 64
	maxName     = 400
	maxItems    = bill.MaxItems
	maxItemName = 400
	maxPayment  = 400
)

// row parses one record field by field and keeps everything that is wrong with it, and what is doubtful.
type row struct {
	header  header
	zones   *port.Zones
	fields  [][]byte
	wrong   faults
	remarks []Remark // without line and customer
	total   money    // as far as it could be read
}

func (r *row) refuse(field, reason string) { r.wrong.add(field, reason) }

func (r *row) remark(kind RemarkKind, field, text string) {
	r.remarks = append(r.remarks, Remark{Kind: kind, Field: field, Text: text})
}

// text returns a field without the space around it; "" if the file has no such column or the field is refused.
func (r *row) text(name string) string {
	text, wrong := r.read(name)
	if wrong != "" {
		r.refuse(name, wrong)
	}
	return text
}

// read returns a field without the space around it, or what is wrong with it.
func (r *row) read(name string) (text, wrong string) {
	text, plain, wrong := r.decode(name)
	if !plain && wrong == "" && strings.ContainsFunc(text, bill.Unprintable) {
		return "", unprintable
	}
	return text, wrong
}

const unprintable = "has a line break or another control character"

// decode returns a field without the space around it, whatever its characters are. plain reports that all of them are
// printable ASCII: most fields need no further look.
func (r *row) decode(name string) (text string, plain bool, wrong string) {
	at, ok := r.header.column[name]
	if !ok || at >= len(r.fields) {
		return "", true, ""
	}
	raw := bytes.Trim(r.fields[at], " \t")
	if isPrintable(raw) {
		return string(raw), true, "" // in every encoding
	}
	text, ok = r.header.encoding.Text(raw)
	switch {
	case bytes.IndexByte(raw, 0) >= 0:
		return "", false, "has a NUL byte"
	case !ok:
		return "", false, "is not " + strings.ToUpper(string(cmp.Or(r.header.encoding, billfile.UTF8))) + ", as which the file is read"
	default:
		return strings.TrimFunc(text, isSpace), false, ""
	}
}

// isPrintable reports whether text has printable ASCII characters only, as most fields do.
func isPrintable(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// required is text for a field that must not be empty.
func (r *row) required(name string) string {
	value := r.text(name)
	if value == "" {
		r.refuse(name, "is empty")
	}
	return value
}

// canonical is everything that a row says besides its bill.
type canonical struct {
	Destinations map[channel.Kind]string `json:"destinations"`
	Quiet        string                  `json:"quiet"`
	Zone         string                  `json:"zone"`
	SendDay      int                     `json:"send_day"`
	Wish         channel.Kind            `json:"wish"`
}

// fingerprint returns the SHA-256 of everything that a row says, as one JSON object that begins with the bill. Rows
// with the same fingerprint say the same.
func (c canonical) fingerprint(bill []byte) (sum [sha256.Size]byte, err error) {
	rest, err := json.Marshal(c)
	if err != nil {
		return sum, err
	}
	whole := make([]byte, 0, len(`{"bill":`)+len(bill)+len(rest))
	whole = append(append(whole, `{"bill":`...), bill...)
	rest[0] = ','
	return sha256.Sum256(append(whole, rest...)), nil
}

// bill parses the whole row.
func (r *row) bill(rules Rules) (port.ImportedBill, faults) {
	var c canonical
	read := r.data(rules)
	c.Destinations = r.destinations(rules.FirstAddress)
	zone := r.zone(rules)
	quiet := r.quiet(zone)
	c.SendDay = r.sendDay()
	if wish := r.text(colChannelWish); wish != "" {
		kind, err := channel.Parse(wish)
		if err != nil {
			r.refuse(colChannelWish, "is none of "+channel.Names())
		}
		c.Wish = kind
	}
	available, err := billing.FirstAvailable(rules.NotBefore, c.SendDay, zone)
	if err != nil {
		r.refuse(colSendDay, "is not a day from 1 to 31")
	}
	if len(r.wrong) > 0 {
		return port.ImportedBill{}, r.allFaults()
	}
	c.Quiet, c.Zone = quiet.String(), r.text(colZone)
	data, err := read.Encode()
	if err != nil {
		return port.ImportedBill{}, faults{{"", "cannot be stored"}}
	}
	fingerprint, err := c.fingerprint(data)
	if err != nil {
		return port.ImportedBill{}, faults{{"", "cannot be stored"}}
	}
	state := billing.New(key.Target{Month: rules.Month}, available).State()
	state.Quiet, state.Wished = quiet, c.Wish
	if quiet.IsZero() && c.Zone != "" {
		state.Zone = zone
	}
	addresses := withShared(c.Destinations)
	for kind := range addresses {
		state.Reachable |= channel.NewSet(kind)
	}
	return port.ImportedBill{
		Customer: read.Customer, State: state, Data: data, Destinations: addresses,
		Fingerprint: fingerprint,
	}, nil
}

// allFaults are the faults of a refused row, and its wrong addresses, which would cost it a channel: whoever corrects the
// row sees all at once.
func (r *row) allFaults() faults {
	all := r.wrong
	for _, doubt := range r.remarks {
		if doubt.Kind == ContactLeftOut || doubt.Kind == NoMobileNumber || doubt.Kind == SeveralAddresses {
			all.add(doubt.Field, doubt.Text)
		}
	}
	return all
}

// data parses the fields of the bill itself.
func (r *row) data(rules Rules) bill.Bill {
	b := bill.Bill{Customer: r.customer(), Name: r.text(colName), Language: r.language(), Currency: strings.ToUpper(r.required(colCurrency))}
	if len(b.Name) > maxName {
		r.refuse(colName, fmt.Sprintf("has more than %d bytes", maxName))
	}
	if _, known := bill.Digits(b.Currency); !known {
		r.refuse(colCurrency, "is no currency code of ISO 4217")
	}
	r.total = r.readTotal(b.Currency)
	if b.Amount = r.total.amount; b.Amount < 0 {
		r.remark(CreditNote, colAmount, "is negative: a credit note")
	}
	if text := r.text(colBilledBefore); text != "" {
		before := r.amount(colBilledBefore, text, b.Currency)
		b.BilledBefore = &before
	}
	b.DueDate = r.required(colDueDate)
	if due, err := time.Parse(time.DateOnly, b.DueDate); err != nil || due.Year() < 2000 || due.Year() > 2199 {
		r.refuse(colDueDate, "is not a date such as 2026-11-25")
	} else if due.Before(rules.Month.Start(time.UTC)) {
		r.remark(DueBeforeMonth, colDueDate, "is before the billing month begins")
	}
	b.Items = r.items(b.Currency)
	b.Fields = r.extraFields()
	if b.Payment = r.text(colPayment); len(b.Payment) > maxPayment {
		r.refuse(colPayment, fmt.Sprintf("has more than %d bytes", maxPayment))
	}
	if b.Unsubscribe = r.text(colUnsubscribe); b.Unsubscribe != "" {
		if err := checkUnsubscribe(b.Unsubscribe); err != nil {
			r.refuse(colUnsubscribe, err.Error())
		}
	}
	return b
}

// readTotal reads the total of the row; a money without currency if it cannot be read.
func (r *row) readTotal(currency string) money {
	text := r.asPeopleWrite(r.required(colAmount), currency)
	amount, err := bill.ParseAmount(text, currency)
	switch {
	case errors.Is(err, bill.ErrCurrency): // an unknown currency is the currency's fault
		return money{}
	case err != nil:
		r.refuse(colAmount, err.Error())
		return money{}
	}
	return money{currency, amount}
}

// asPeopleWrite reads an amount that a person has corrected in a rejects.csv: ₩22,000 and 22,000 as 22000. Where that could be
// something else, as in a currency with three decimal digits, it stays as it is.
func (r *row) asPeopleWrite(text, currency string) string {
	if digits, known := bill.Digits(currency); !r.header.refused || !known || digits == 3 {
		return text
	}
	if plain, _ := mapping.Amount(text, currency, false); plain != "" {
		return plain
	}
	return text
}

func (r *row) amount(field, text, currency string) int64 {
	amount, err := bill.ParseAmount(r.asPeopleWrite(text, currency), currency)
	if err != nil && !errors.Is(err, bill.ErrCurrency) {
		r.refuse(field, err.Error())
	}
	return amount
}

// language returns the language tag, ko if the field is empty. Only its form is checked: a language without templates
// is rendered in English.
func (r *row) language() string {
	text := r.text(colLanguage)
	if text == "" {
		return "ko"
	}
	primary, rest, _ := strings.Cut(text, "-")
	if len(text) > 35 || len(primary) < 2 || len(primary) > 3 || strings.ContainsFunc(primary+strings.ReplaceAll(rest, "-", ""), func(c rune) bool { return !isAlphanumeric(c) }) {
		r.refuse(colLanguage, "is no language tag such as ko or en-US")
	}
	return text
}

func (r *row) zone(rules Rules) *time.Location {
	name := r.text(colZone)
	if name == "" {
		return rules.Zone
	}
	zone, err := r.zones.Find(name)
	if err != nil {
		r.refuse(colZone, "is no IANA time zone such as Asia/Seoul")
		return rules.Zone
	}
	return zone
}

func (r *row) quiet(zone *time.Location) window.Forbidden {
	from, to := r.text(colQuietFrom), r.text(colQuietTo)
	if from == "" && to == "" {
		return window.Forbidden{}
	}
	start, wrongStart := window.ParseMinute(from)
	if wrongStart != nil {
		r.refuse(colQuietFrom, "is not a time such as 21:00 (give both ends of the quiet hours, or neither)")
	}
	end, wrongEnd := window.ParseMinute(to)
	if wrongEnd != nil {
		r.refuse(colQuietTo, "is not a time such as 08:00 (give both ends of the quiet hours, or neither)")
	}
	if wrongStart != nil || wrongEnd != nil {
		return window.Forbidden{}
	}
	quiet, err := window.NewForbidden(start, end, zone)
	if err != nil {
		r.refuse(colQuietTo, "is the same as quiet_from: that could mean never or always")
	}
	return quiet
}

func (r *row) sendDay() int {
	text := r.text(colSendDay)
	if text == "" {
		return 0
	}
	day, err := strconv.Atoi(text)
	if err != nil || !plainjson.AllDigits(text) || day < 1 || day > 31 {
		r.refuse(colSendDay, "is not a day from 1 to 31")
	}
	return day
}

// maxUnsubscribe bounds the address of one-click unsubscription, in bytes: it goes into one header line of at most 998.
const maxUnsubscribe = 900

// checkUnsubscribe accepts what RFC 8058 asks for: an https address that can stand in a header as it is. Errors never
// contain the value.
func checkUnsubscribe(text string) error {
	if len(text) > maxUnsubscribe {
		return errors.New("has more than 900 characters")
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == ',' {
			return errors.New("has a space, a comma, an angle bracket, a control character or a character outside ASCII (percent-encode them)")
		}
	}
	if address, err := url.Parse(text); err != nil || address.Scheme != "https" || address.Host == "" {
		return errors.New("is no https address (RFC 8058 asks for one)")
	}
	return nil
}

func isAlphanumeric(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
