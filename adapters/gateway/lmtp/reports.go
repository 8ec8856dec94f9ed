package lmtp

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/bounce"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// Read returns what a mail to one of our addresses says about the delivery that the address names. A mail that is no report, or that
// says no more than that delivery goes on, has none. provider is the name of the provider that the message was sent by.
//
// A message has one recipient, so a mail that speaks of several was forwarded or expanded behind it: then what says least counts.
func Read(about key.Delivery, provider string, raw []byte, mail bounce.Mail) []report.Report {
	said, found := weakest(mail.Reports)
	if !found {
		return nil
	}
	r := report.Report{
		Key: about, Provider: provider, ID: identify(raw),
		Definitive: said.Definitive, Code: said.Status, Detail: said.Diagnostic,
	}
	if gateway.ValidMessageID(mail.MessageID) { // whoever wrote the mail chose it
		r.MessageID = mail.MessageID
	}
	switch said.Kind {
	case bounce.Undelivered:
		r.Kind, r.Class = report.Undelivered, said.Class
		r.Definitive = r.Definitive && !elsewhere(said) && !ofAnother(said, mail)
	case bounce.Delivered:
		r.Kind = report.Delivered
	case bounce.Complaint:
		r.Kind = report.Complained
	default:
		return nil
	}
	return []report.Report{r}
}

// elsewhere reports whether the mail had been taken into a mailbox that forwards it: what did not arrive behind it may be there.
func elsewhere(said bounce.Report) bool { return said.Final != "" }

// ofAnother reports whether the mail quotes a message to one address and speaks of another: what it says is then about another
// recipient, or about where the mailbox forwards to. The message that is quoted is ours, and has one recipient, whom nothing else here knows
// (ADR 0078); where none is quoted, the address that the mail came to has to do.
func ofAnother(said bounce.Report, mail bounce.Mail) bool {
	return mail.To != "" && said.Recipient != "" && !strings.EqualFold(said.Recipient, mail.To)
}

// ranks orders what a mail says, from the most to the least.
var ranks = map[bounce.Kind]int{
	bounce.Undelivered: 1, bounce.Delayed: 2, bounce.Relayed: 3, bounce.Delivered: 4, bounce.Complaint: 5,
}

// weakest is the report that says least against the message; false where none says anything.
func weakest(reports []bounce.Report) (said bounce.Report, found bool) {
	for _, r := range reports {
		switch {
		case ranks[r.Kind] == 0:
		case !found, ranks[r.Kind] > ranks[said.Kind], r.Kind == said.Kind && said.Definitive && !r.Definitive:
			said, found = r, true
		}
	}
	return said, found
}

// identify names a mail by what it says, so that its repetition is known. What servers put before it (Received) belongs to it: another
// path is another mail, and a set of reports does not mind a second one.
func identify(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "mail-" + hex.EncodeToString(sum[:16])
}
