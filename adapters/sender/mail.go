package sender

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

var (
	errAddress = errors.New("the destination is no e-mail address")
	errMail    = errors.New("the statement cannot be written as an e-mail")
)

// recipient reads a destination: one bare address, without a name, nothing that could end a command or a header.
func recipient(destination string) (string, error) {
	parsed, err := mail.ParseAddress(destination)
	if err != nil || parsed.Name != "" || parsed.Address != strings.TrimSpace(destination) {
		return "", errAddress
	}
	unfit := func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) || strings.ContainsRune("<>\"", r) }
	if len(parsed.Address) > 254 || !utf8.ValidString(parsed.Address) || strings.ContainsFunc(parsed.Address, unfit) {
		return "", errAddress
	}
	return parsed.Address, nil
}

// header makes text fit for one header line.
func header(text string) string { return strings.Join(strings.Fields(clean(text)), " ") }

// compose writes the whole e-mail. It is done before the dialogue, so that nothing can fail inside DATA but the line.
func (g *SMTP) compose(d port.Delivery, to string) ([]byte, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	m.FromMailAddress(g.from)
	if g.replyTo != nil {
		m.ReplyToMailAddress(g.replyTo)
	}
	m.ToMailAddress(&mail.Address{Address: to})
	m.Subject(header(d.Content.Subject))
	m.SetDateWithValue(g.now())
	m.SetMessageIDWithValue(messageID(d.Key, g.idDomain))
	m.SetGenHeader("X-Idempotency-Key", d.Key.String())
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation answers to a bill
	switch {
	case d.Content.Text == "" && d.Content.HTML == "":
		return nil, fmt.Errorf("%w: it is empty", errMail)
	case d.Content.HTML == "":
		m.SetBodyString(gomail.TypeTextPlain, d.Content.Text)
	case d.Content.Text == "":
		m.SetBodyString(gomail.TypeTextHTML, d.Content.HTML)
	default:
		m.SetBodyString(gomail.TypeTextPlain, d.Content.Text)
		m.AddAlternativeString(gomail.TypeTextHTML, d.Content.HTML)
	}
	var out bytes.Buffer
	out.Grow(len(d.Content.Text) + len(d.Content.HTML) + 2<<10)
	if _, err := m.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("%w: %w", errMail, err)
	}
	return out.Bytes(), nil
}

// messageID is the same for the same key: it helps tracing, it does not remove duplicates.
func messageID(k key.Delivery, domain string) string {
	return strings.ReplaceAll(k.String(), "/", ".") + "@" + domain
}
