// Package email writes bills as e-mails (RFC 5322), for every gateway that takes whole messages.
package email

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

var (
	// ErrAddress is returned by Recipient.
	ErrAddress = errors.New("the destination is no e-mail address")
	// ErrMail is wrapped by Write.
	ErrMail = errors.New("the statement cannot be written as an e-mail")
)

// Recipient parses a destination: one bare e-mail address without a name, and without anything that could end a command
// or a header. ErrAddress.
func Recipient(destination string) (string, error) {
	parsed, err := mail.ParseAddress(destination)
	if err != nil || parsed.Name != "" || parsed.Address != strings.TrimSpace(destination) {
		return "", ErrAddress
	}
	unfit := func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) || strings.ContainsRune("<>\"", r) }
	if len(parsed.Address) > 254 || !utf8.ValidString(parsed.Address) || strings.ContainsFunc(parsed.Address, unfit) {
		return "", ErrAddress
	}
	return parsed.Address, nil
}

// header makes text fit for one header line. What looks like the beginning of an encoded word (RFC 2047) is broken up,
// because decoding it would bring back the line breaks that it may hide.
func header(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(gateway.Clean(text), "=?", "= ?")), " ")
}

// unsubscribable reports whether an address can stand in List-Unsubscribe: an https URL, as RFC 8058 asks, that is not
// too long for a line and has nothing in it that would end it or begin another one.
func unsubscribable(address string) bool {
	unfit := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>,", r) }
	parsed, err := url.Parse(address)
	return err == nil && parsed.Scheme == "https" && parsed.Host != "" && len(address) <= 900 && !strings.ContainsFunc(address, unfit)
}

// Write writes the whole e-mail to an address that Recipient has returned, after Prepare. ErrMail.
func (w *Writer) Write(d port.Delivery, to string) ([]byte, error) {
	installation := *w.installation.Load()
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	head := w.senderIdentity(d.Content)
	m.FromMailAddress(head.from)
	if head.replyTo != nil {
		m.ReplyToMailAddress(head.replyTo)
	}
	m.ToMailAddress(&mail.Address{Address: to})
	m.Subject(header(d.Content.Subject))
	m.SetDateWithValue(w.now())
	m.SetMessageIDWithValue(messageID(d.Key, installation, head.domain))
	m.SetGenHeader("X-Idempotency-Key", d.Key.String())
	if w.feedbackID != "" {
		m.SetGenHeaderPreformatted("Feedback-ID", feedbackID(d, installation, w.feedbackID))
	}
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation answers to a bill
	if d.Content.Unsubscribe != "" {
		if !unsubscribable(d.Content.Unsubscribe) {
			return nil, fmt.Errorf("%w: its unsubscribe address is none that a header can hold", ErrMail)
		}
		// Written as it is: mail programs would not find it folded or encoded.
		m.SetGenHeaderPreformatted("List-Unsubscribe", "<"+d.Content.Unsubscribe+">")
		m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // RFC 8058
	}
	switch {
	case d.Content.Text == "" && d.Content.HTML == "":
		return nil, fmt.Errorf("%w: it is empty", ErrMail)
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
		return nil, fmt.Errorf("%w: %w", ErrMail, err)
	}
	return out.Bytes(), nil
}

// messageID returns the same Message-ID for the same key of an installation, and another one for every other: mailboxes show
// one mail of those that have the same. It helps tracing, because the key can be read in it.
func messageID(k key.Delivery, installation, domain string) string {
	left := strings.ReplaceAll(k.String(), "/", ".")
	if installation != "" {
		left += "." + installation
	}
	return left + "@" + domain
}

// feedbackID names what a mail belongs to, never whom it goes to: month, class, installation and sender. Gmail counts complaints
// by each of them (support.google.com/mail/answer/6254652).
func feedbackID(d port.Delivery, installation, sender string) string {
	class := policy.Transactional
	if d.Content.Class == string(policy.Advertising) {
		class = policy.Advertising
	}
	return strings.Join([]string{d.Key.Month.String(), string(class), installation, sender}, ":")
}
