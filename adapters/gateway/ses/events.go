package ses

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/bounce"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/report"
)

// event is what SES publishes about a message (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html).
// What is published without a configuration set names its type notificationType, and has no tags.
type event struct {
	EventType, NotificationType string

	Mail struct {
		MessageID   string
		Destination []string
		Tags        map[string][]string
	}
	Bounce *struct {
		BounceType, BounceSubType string
		BouncedRecipients         []recipientEvent
		FeedbackID, Timestamp     string
	}
	Complaint *struct {
		ComplaintSubType, ComplaintFeedbackType string
		FeedbackID, Timestamp                   string
	}
	Delivery      *struct{ SMTPResponse, Timestamp string }
	Reject        *struct{ Reason string }
	Failure       *struct{ ErrorMessage string }
	DeliveryDelay *struct {
		DelayType, Timestamp string
		DelayedRecipients    []recipientEvent
	}
}

// recipientEvent is what an event says about one recipient.
type recipientEvent struct{ EmailAddress, Action, Status, DiagnosticCode string }

// validated begins what SES publishes when an event destination is made: nothing about a message.
const validated = "Successfully validated SNS topic"

// Read returns what a publication says about a delivery of ours. ErrUnreadable.
func Read(provider, text string, finder reference.Finder) (port.Said, error) {
	if strings.HasPrefix(text, validated) {
		return port.Said{}, nil
	}
	var e event
	if err := json.Unmarshal([]byte(text), &e); err != nil || cmp.Or(e.EventType, e.NotificationType) == "" {
		return port.Said{}, fmt.Errorf("%w: it is no event of Amazon SES", port.ErrUnreadable)
	}
	r, says, err := e.report()
	if err != nil || !says {
		return port.Said{}, err
	}
	var found bool
	for _, value := range e.Mail.Tags[tag] {
		if about, err := finder.Read(value); err == nil {
			r.Key, found = about, true
		}
	}
	if !found {
		return port.Said{Foreign: 1}, nil
	}
	r.Provider, r.ID = provider, e.id(r)
	r.Code, r.Detail = gateway.Redact(r.Code, ""), e.redact(r.Detail)
	if gateway.ValidMessageID(e.Mail.MessageID) {
		r.MessageID = e.Mail.MessageID
	}
	if err := r.Validate(); err != nil {
		return port.Said{}, fmt.Errorf("%w: %w", port.ErrUnreadable, err)
	}
	return port.Said{Reports: []report.Report{r}}, nil
}

// redact takes everybody out of a server's words whom the event names, local parts too.
func (e *event) redact(words string) string {
	recipients := slices.Clone(e.Mail.Destination)
	if e.Bounce != nil {
		for _, r := range e.Bounce.BouncedRecipients {
			recipients = append(recipients, r.EmailAddress)
		}
	}
	if e.DeliveryDelay != nil {
		for _, r := range e.DeliveryDelay.DelayedRecipients {
			recipients = append(recipients, r.EmailAddress)
		}
	}
	for _, recipient := range recipients[:min(len(recipients), maxNamed)] {
		words = gateway.Redact(words, recipient)
	}
	return gateway.Redact(words, "")
}

// maxNamed bounds the recipients whose names are looked for in what a server said. Ours has one.
const maxNamed = 20

// id names an event by what it says, since SNS may deliver it twice and SES publish it twice.
func (e *event) id(r report.Report) string {
	feedback := ""
	switch {
	case e.Bounce != nil:
		feedback = e.Bounce.FeedbackID
	case e.Complaint != nil:
		feedback = e.Complaint.FeedbackID
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{cmp.Or(e.EventType, e.NotificationType), e.Mail.MessageID, feedback, r.SaidAt.UTC().String()}, "\x00")))
	return "ses-" + hex.EncodeToString(sum[:16])
}

// report is what the event says; says is false where that is nothing about what became of the message.
func (e *event) report() (r report.Report, says bool, err error) {
	switch kind := cmp.Or(e.EventType, e.NotificationType); kind {
	case "Bounce":
		if e.Bounce != nil {
			return e.bounced(), true, nil
		}
	case "Complaint":
		if e.Complaint != nil {
			r, says = e.complained()
			return r, says, nil
		}
	case "Delivery":
		if e.Delivery != nil { // the mail server took it, and may send it back later
			return report.Report{Kind: report.Delivered, Detail: e.Delivery.SMTPResponse, SaidAt: instant(e.Delivery.Timestamp)}, true, nil
		}
	case "Reject": // accepted, and found to have a virus
		if e.Reject != nil {
			return undelivered(attempt.Content, "Reject", e.Reject.Reason), true, nil
		}
	case "Rendering Failure", "RenderingFailure":
		if e.Failure != nil {
			return undelivered(attempt.Content, "RenderingFailure", e.Failure.ErrorMessage), true, nil
		}
	case "DeliveryDelay":
		if e.DeliveryDelay != nil {
			about, _ := e.about(e.DeliveryDelay.DelayedRecipients)
			r = undelivered(attempt.Temporary, cmp.Or(about.Status, e.DeliveryDelay.DelayType), bounce.Classify(about.DiagnosticCode, about.Status, about.EmailAddress).Diagnostic)
			r.Definitive, r.SaidAt = false, instant(e.DeliveryDelay.Timestamp)
			return r, true, nil
		}
	case "Send", "Open", "Click", "Subscription":
		return report.Report{}, false, nil
	default:
		return report.Report{}, false, fmt.Errorf("%w: Amazon SES has an event that is not known", port.ErrUnreadable)
	}
	return report.Report{}, false, fmt.Errorf("%w: it says nothing of what it is about", port.ErrUnreadable)
}

func undelivered(class attempt.FailureClass, code, detail string) report.Report {
	return report.Report{Kind: report.Undelivered, Class: class, Definitive: true, Code: code, Detail: detail}
}

// about picks what is said about the recipient that we wrote to. ours is false where another is named: then the message was
// forwarded behind its mailbox, and may be in it.
func (e *event) about(recipients []recipientEvent) (about recipientEvent, ours bool) {
	for _, r := range recipients {
		for _, to := range e.Mail.Destination {
			if strings.EqualFold(r.EmailAddress, to) {
				return r, true
			}
		}
	}
	if len(recipients) > 0 {
		return recipients[0], false
	}
	return recipientEvent{}, false
}

// classes are those of subtypes of bounces, where no server's words say more
// (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html#event-publishing-retrieving-sns-contents-bounce-types).
var classes = map[string]attempt.FailureClass{
	"Suppressed": attempt.Permanent, "OnAccountSuppressionList": attempt.Permanent, "NoEmail": attempt.Permanent, "MessageTooLarge": attempt.Permanent,
	"MailboxFull": attempt.Temporary, "CustomTimeoutExceeded": attempt.Temporary, "ContentRejected": attempt.Content, "AttachmentRejected": attempt.Content,
}

// bounced reads a bounce. A transient or undetermined one is the last word only where a mail server says that it has given up: an
// automatic answer of a person who is away is a transient bounce too.
func (e *event) bounced() report.Report {
	b := e.Bounce
	about, ours := e.about(b.BouncedRecipients)
	said := bounce.Classify(about.DiagnosticCode, about.Status, about.EmailAddress)
	r := report.Report{
		Kind: report.Undelivered, Class: said.Class, SaidAt: instant(b.Timestamp),
		Code: cmp.Or(said.Status, b.BounceSubType), Detail: cmp.Or(said.Diagnostic, b.BounceType+", "+b.BounceSubType),
	}
	class, named := classes[b.BounceSubType]
	switch {
	case named && (class == attempt.Content || about.DiagnosticCode == "" || strings.HasSuffix(b.BounceSubType, "SuppressionList") || b.BounceSubType == "Suppressed"):
		r.Class = class
	case about.DiagnosticCode != "" || about.Status != "":
	case b.BounceType == "Permanent":
		r.Class = attempt.Permanent
	default:
		r.Class = attempt.Temporary
	}
	r.Definitive = ours && (b.BounceType == "Permanent" || strings.EqualFold(about.Action, "failed"))
	return r
}

// complained reads a complaint; false where it is none.
func (e *event) complained() (r report.Report, says bool) {
	c := e.Complaint
	at := instant(c.Timestamp)
	switch kind := strings.ToLower(c.ComplaintFeedbackType); {
	case strings.HasSuffix(c.ComplaintSubType, "SuppressionList"): // accepted, and not sent: an earlier complaint put the address there
		r = undelivered(attempt.Permanent, c.ComplaintSubType, "Amazon SES did not send it: the address is on the suppression list of the account")
		r.SaidAt = at
		return r, true
	case kind == "not-spam" || kind == "auth-failure": // RFC 6430, RFC 6591
		return report.Report{}, false
	case strings.HasPrefix(kind, "opt-out"):
		return report.Report{Kind: report.OptedOut, Definitive: true, Code: kind, SaidAt: at}, true
	default:
		return report.Report{Kind: report.Complained, Definitive: true, Code: kind, SaidAt: at}, true
	}
}

// instant reads a time; zero where it is none.
func instant(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}
