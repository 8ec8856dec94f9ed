package email

import (
	"cmp"
	"context"
	"fmt"
	"net/mail"
	"strings"
	"sync/atomic"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// SenderIdentity is the sender of a mail and who gets the answers.
type SenderIdentity struct{ From, ReplyTo string }

// Config says who mail is from.
type Config struct {
	Provider    string         // its name, for errors
	Sender      SenderIdentity // From as in RFC 5322: "Example Telecom <bills@example.com>"; no ReplyTo: none
	Advertising SenderIdentity // of mail of the class ADVERTISING; what is empty is as for bills
	FeedbackID  string         // the sender's id in Feedback-ID, by which Gmail reports complaints; "": no such header
	Now         func() time.Time
	// Installation tells this installation from every other, in each Message-ID; it is asked once. nil: nothing does.
	Installation port.Installation
}

// Writer writes e-mails. Safe for concurrent use.
type Writer struct {
	bills, advertising senderIdentity
	feedbackID         string
	now                func() time.Time
	source             port.Installation
	installation       atomic.Pointer[string] // its id; nil: not asked yet
}

// NewWriter checks the settings, wrapping gateway.ErrConfig.
func NewWriter(c Config) (*Writer, error) {
	if c.FeedbackID != "" && !validFeedbackID(c.FeedbackID) {
		return nil, gateway.ConfigError(c.Provider, "feedback id", "has not 5 to 15 letters, digits, hyphens or dots")
	}
	w := &Writer{feedbackID: c.FeedbackID, now: c.Now, source: c.Installation}
	if w.now == nil {
		w.now = time.Now
	}
	if c.Installation == nil {
		w.installation.Store(new(string))
	}
	var err error
	if w.bills, err = readSenderIdentity(c.Provider, c.Sender, ""); err != nil {
		return nil, err
	}
	other := SenderIdentity{cmp.Or(c.Advertising.From, c.Sender.From), cmp.Or(c.Advertising.ReplyTo, c.Sender.ReplyTo)}
	w.advertising, err = readSenderIdentity(c.Provider, other, "advertising ")
	return w, err
}

// senderIdentity is a SenderIdentity whose addresses have been parsed.
type senderIdentity struct {
	from, replyTo *mail.Address
	domain        string // of the message ids
}

// readSenderIdentity parses both addresses. A name that no header line can hold is refused; what is left empty is as class,
// a prefix for the error's field, says.
func readSenderIdentity(provider string, l SenderIdentity, class string) (senderIdentity, error) {
	from, err := mail.ParseAddress(l.From)
	if err != nil || from.Name != header(from.Name) {
		return senderIdentity{}, gateway.ConfigError(provider, class+"from", "is no e-mail address")
	}
	read := senderIdentity{from: from}
	_, read.domain, _ = strings.Cut(from.Address, "@")
	if l.ReplyTo != "" {
		if read.replyTo, err = mail.ParseAddress(l.ReplyTo); err != nil || read.replyTo.Name != header(read.replyTo.Name) {
			return senderIdentity{}, gateway.ConfigError(provider, class+"reply to", "is no e-mail address")
		}
	}
	return read, nil
}

// senderIdentity returns the senderIdentity for a content's class.
func (w *Writer) senderIdentity(content port.Variant) senderIdentity {
	if content.Class == string(policy.Advertising) {
		return w.advertising
	}
	return w.bills
}

// From returns the bare address that a mail with this content is from.
func (w *Writer) From(content port.Variant) string { return w.senderIdentity(content).from.Address }

// Senders lists the bare addresses that mail is from: of bills and, where it is another one, of advertising.
func (w *Writer) Senders() []string {
	if w.bills.from.Address == w.advertising.from.Address {
		return []string{w.bills.from.Address}
	}
	return []string{w.bills.from.Address, w.advertising.from.Address}
}

// validFeedbackID reports whether a text can be the sender's id in Feedback-ID.
func validFeedbackID(id string) bool {
	return len(id) >= 5 && len(id) <= 15 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.'
	})
}

// Prepare asks for the installation's id, once. It may wait for the database, and so is called before a claim.
func (w *Writer) Prepare(ctx context.Context) error {
	if w.installation.Load() != nil {
		return nil
	}
	id, err := w.source.ID(ctx)
	if err != nil {
		return fmt.Errorf("the installation's id cannot be read: %w", err)
	}
	w.installation.Store(&id)
	return nil
}

// Prepared reports whether Prepare has been called with success.
func (w *Writer) Prepared() bool { return w.installation.Load() != nil }
