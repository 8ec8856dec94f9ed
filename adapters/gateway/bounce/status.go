package bounce

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/smtp"
	"github.com/balsong/balsong/domain/attempt"
)

// readStatus reads a delivery status notification: a group of fields about the message, then one about each recipient.
// It reports whether it named what became of anybody.
func readStatus(out *Mail, m *opened) bool {
	for _, group := range readGroups(m.status) {
		if sender := group.get("x-postfix-sender"); sender != "" && out.EnvelopeFrom == "" {
			out.EnvelopeFrom = address(sender)
		}
		if id := group.get("original-envelope-id"); id != "" {
			out.EnvelopeID = gateway.Clean(id[:min(len(id), maxAddress)])
		}
		if at := group.get("arrival-date"); at != "" {
			out.Arrived = date(at)
		}
		if report, says := m.statusOf(group); says && len(out.Reports) < maxRecipients {
			out.Reports = append(out.Reports, report)
		}
	}
	out.Rule = "delivery status notification"
	return len(out.Reports) > 0
}

// actions are those of RFC 3464, 2.3.3, by how they begin: some servers write "failure".
var actions = []struct {
	begins string
	kind   Kind
	last   bool   // the reporter has ended its attempts, and knows how
	fits   string // the classes of status codes that do not contradict it
}{
	{"fail", Undelivered, true, "45"},
	{"delay", Delayed, false, "4"},
	{"deliver", Delivered, true, "2"},
	{"relay", Relayed, false, "2"},
	{"expand", Relayed, false, "2"},
}

// kinds are what a status code alone says, where the action is missing. It is nobody's last word.
var kinds = map[string]Kind{"5": Undelivered, "4": Delayed, "2": Delivered}

// statusOf reads the fields about one recipient. says is false for a group about the message, and for one that was cut off.
func (m *opened) statusOf(group fields) (report Report, says bool) {
	original, final := address(group.get("original-recipient")), address(group.get("final-recipient"))
	status := statusCode.FindString(group.get("status"))
	class, _, _ := strings.Cut(status, ".")
	action := strings.ToLower(strings.TrimSpace(group.get("action")))
	for _, a := range actions {
		if strings.HasPrefix(action, a.begins) {
			report.Kind, report.Definitive = a.kind, a.last && strings.Contains(a.fits, class)
			break
		}
	}
	if report.Kind == "" {
		report.Kind = kinds[class]
	}
	if report.Kind == "" || original+final+group.get("final-recipient")+group.get("x-actual-recipient") == "" {
		return report, false
	}
	if report.Recipient = original; original == "" {
		report.Recipient = final
	} else if !strings.EqualFold(original, final) {
		report.Final = final
	}
	report.Status = status
	said := decodeField(group.get("diagnostic-code"), m.charset)
	said = untyped(said)
	if _, told, found := strings.Cut(m.text, report.Recipient); found && said == "" && report.Recipient != "" && saysNothing(status) {
		said = oneLine(paragraph(told))
	}
	report.classify(said, "")
	return report, true
}

var (
	statusCode = regexp.MustCompile(`\b[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)
	replyCode  = regexp.MustCompile(`(?:^|[^0-9.\[#:-])([45][0-5][0-9])(?:[ -]+|$)`)
	enhanced   = regexp.MustCompile(`(?:^|[\s(#:<-])([45]\.[0-9]{1,3}\.[0-9]{1,3})(?:[\s):;,>-]|$)`)
)

// saysNothing reports whether a status has no more than its class.
func saysNothing(status string) bool { return status == "" || strings.HasSuffix(status, ".0.0") }

// classify takes in what the server that refused said of the recipient, and where that has no code what is said of all, and
// says by the table of replies what it means.
func (r *Report) classify(said, ofAll string) {
	said = strings.TrimSpace(said[:min(len(said), maxValue)])
	r.Diagnostic = gateway.Redact(gateway.Redact(said, r.Recipient), r.Final)
	if !replyCode.MatchString(said) && !enhanced.MatchString(said) {
		said += " " + ofAll[:min(len(ofAll), maxValue)]
	}
	if found := enhanced.FindStringSubmatch(said); found != nil && saysNothing(r.Status) {
		r.Status = found[1]
	}
	if r.Kind != Undelivered && r.Kind != Delayed {
		return
	}
	meaning := smtp.MeaningOf(reply(said, r.Status))
	r.Class, r.Doubtful = meaning.Class, meaning.Doubtful
	if r.Class == attempt.Throttled { // for the one who reports: our own message was accepted
		r.Class = attempt.Temporary
	}
}

// Classify says what the words of a server that refused a recipient mean, where another than a mail tells of them: its diagnostic
// code, as in "smtp; 550 5.1.1 no such user", and its status; both may be empty.
func Classify(diagnostic, status, recipient string) Report {
	report := Report{Kind: Undelivered, Recipient: recipient, Status: statusCode.FindString(status)}
	report.classify(untyped(diagnostic), "")
	return report
}

// untyped is a diagnostic code without its type, as in "smtp; 550 no such user".
func untyped(diagnostic string) string {
	if kind, words, typed := strings.Cut(diagnostic, ";"); typed && !strings.ContainsAny(strings.TrimSpace(kind), " @") {
		return words
	}
	return diagnostic
}

// reply is what a server's words say as a reply: its code, or 499 and 599 for one of the status' class that is not known, and
// its text with the enhanced status code at the begin of a line, where a reply has it.
func reply(said, status string) (code int, text string) {
	code, text = 599, said
	if strings.HasPrefix(status, "4") {
		code = 499
	}
	if found := replyCode.FindStringSubmatchIndex(said); found != nil {
		code, _ = strconv.Atoi(said[found[2]:found[3]])
		text = said[found[1]:]
	} else if found := enhanced.FindStringSubmatch(said); found != nil {
		code = int(found[1][0]-'0')*100 + 99
		status = found[1]
	}
	return code, text + "\n" + status
}

// address is the address of a field such as Final-Recipient: "rfc822; kim@example.com".
func address(value string) string {
	if kind, rest, typed := strings.Cut(value, ";"); typed && !strings.ContainsAny(kind, "@<\"") {
		value = rest
	}
	return angle(strings.TrimSpace(value))
}
