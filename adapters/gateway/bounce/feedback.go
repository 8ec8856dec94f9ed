package bounce

import (
	"strings"

	"github.com/balsong/balsong/adapters/gateway"
)

// noComplaints are the types of reports that blame the message for nothing that the recipient felt: RFC 6430, RFC 6591.
var noComplaints = []string{"not-spam", "auth-failure"}

// readFeedback reads an abuse report. Of an unknown type it is one too (RFC 5965, 3.1: as "other").
func readFeedback(out *Mail, m *opened) {
	report, _ := readFields(m.feedback)
	kind := strings.ToLower(strings.TrimSpace(report.get("feedback-type")))
	if kind == "" {
		return
	}
	out.Rule = "abuse report"
	for _, none := range noComplaints {
		if strings.HasPrefix(kind, none) {
			*out = noReport(none + " report")
			return
		}
	}
	if from := angle(report.get("original-mail-from")); from != "" {
		out.EnvelopeFrom = from
	}
	out.EnvelopeID = gateway.Clean(report.get("original-envelope-id"))
	if out.Arrived = date(report.get("arrival-date")); out.Arrived.IsZero() {
		out.Arrived = date(report.get("received-date"))
	}
	recipients := report.all("original-rcpt-to")
	if len(recipients) == 0 {
		recipients = []string{""} // many leave out who complained
	}
	for _, recipient := range recipients[:min(len(recipients), maxRecipients)] {
		out.Reports = append(out.Reports, Report{Recipient: angle(recipient), Kind: Complaint, Definitive: true, Diagnostic: gateway.Redact(kind, "")})
	}
}
