// Package bounce reads what comes back by mail: delivery status notifications (RFC 3464), abuse reports (RFC 5965), and
// bounces in a server's own words. What a diagnostic text means is looked up in the table of package smtp, as a refusal is.
//
// Whoever has the address can write such a mail: that a report is about a delivery of ours has to be proved by the address
// that it came to, not by what it says.
package bounce

import (
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/attempt"
)

// Kind is what a mail says about a recipient.
type Kind string

// The kinds. A mail that is no report has one report, without a recipient, of the kind AutoReply or NoReport.
const (
	Undelivered Kind = "undelivered"
	Delayed     Kind = "delayed"    // not delivered so far: the reporter goes on trying
	Delivered   Kind = "delivered"  // into the mailbox, or to a mailing list
	Relayed     Kind = "relayed"    // handed on to where nothing more is said, or expanded to several addresses
	Complaint   Kind = "complaint"  // delivered, and called abuse
	AutoReply   Kind = "auto-reply" // a vacation reply, or a challenge that asks the sender to confirm
	NoReport    Kind = "no report"
)

// Report is what a mail says about one recipient.
type Report struct {
	Recipient  string // as the sender named it where the mail says so, else as the reporter does; "" if it names none
	Final      string // the reporter's name for the recipient, where that differs: the mail was forwarded
	Kind       Kind
	Definitive bool   // the reporter's own, unambiguous word that nothing more will be tried
	Status     string // the enhanced status code (RFC 3463); "" if none is said
	Diagnostic string // the words of the server that refused, without addresses; at most 200 bytes

	// Why it was not delivered, or not yet: permanent, temporary, provider or content. "" for other kinds.
	Class attempt.FailureClass
	// Doubtful says that the class fits every customer as well as this one.
	Doubtful bool
}

// Mail is what a mail says. What it quotes of the message that it is about is "" where it quotes nothing.
type Mail struct {
	Rule         string // by which it was read, as docs/operations/bounces.md lists them
	Reports      []Report
	MessageID    string    // with angle brackets
	EnvelopeFrom string    // the address that the message was sent from, without angle brackets
	To           string    // the address in its field To, without angle brackets; "" where that names none, or several
	EnvelopeID   string    // the ENVID of RFC 3461
	Arrived      time.Time // when the message reached the reporter; zero if it is not said
}

// Bounds of what is read. A report comes before the message that it returns, so that what is cut off says nothing.
const (
	maxBytes      = 1 << 20 // of a mail
	maxHTML       = 64 << 10
	maxText       = 16 << 10 // of the text that people read
	maxDepth      = 8        // of parts within parts
	maxParts      = 64
	maxFields     = 1000
	maxValue      = 4 << 10 // of a field that is folded
	maxRecipients = 100
	maxAddress    = 320
)

// Parse reads one mail: header and body, as it came. It never fails: what cannot be read is no report.
func Parse(raw []byte) Mail {
	m := open(raw[:min(len(raw), maxBytes)])
	out := Mail{MessageID: messageID(m.quoted.get("message-id")), EnvelopeFrom: angle(m.quoted.get("return-path")), To: only(m.quoted.all("to"))}
	switch {
	case m.nested || (m.status != nil || m.feedback != nil) && ofAReport(m.quoted):
		return noReport("bounce of a bounce")
	case m.feedback != nil:
		readFeedback(&out, m)
	case m.status != nil && readStatus(&out, m):
		if !slices.ContainsFunc(out.Reports, func(r Report) bool { return r.Kind != Delayed }) {
			if r, _ := first(automatic[:1], lower(m.text)); r != nil { // a challenge that waits for its answer
				return Mail{Rule: r.name, Reports: []Report{{Kind: AutoReply}}}
			}
		}
	case m.receipt:
		return noReport("read receipt")
	default:
		readText(&out, m)
	}
	if len(out.Reports) == 0 {
		return noReport("no rule")
	}
	return out
}

func noReport(rule string) Mail { return Mail{Rule: rule, Reports: []Report{{Kind: NoReport}}} }

// ofAReport reports whether the message that is returned is a report itself. Balsong sends none.
func ofAReport(quoted fields) bool {
	return strings.Contains(quoted.get("return-path"), "<>") ||
		strings.HasPrefix(strings.ToLower(quoted.get("content-type")), "multipart/report")
}
