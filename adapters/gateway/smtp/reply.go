package smtp

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// stage is how far a dialogue had come when the server refused.
type stage int

const (
	stageConnect stage = iota // greeting, EHLO, STARTTLS, AUTH, RSET
	stageMail                 // MAIL FROM: about us, not about the recipient
	stageRcpt                 // RCPT TO, and DATA before its 354
	stageFinal                // the reply to the whole message
)

// smtpReply turns a complete reply, whose code was not the expected one, into a reply. 4yz and 5yz mean that the message
// was not accepted, 2yz to the whole message that it was, whatever the other digits. Its Detail is not masked yet.
func smtpReply(at stage, code int, text string) port.Reply {
	said := strconv.Itoa(code) + " " + text
	switch class := code / 100; {
	case class == 4 || class == 5:
		return smtpMeaning(at, code, text).means.Reply(said, waitInWords(text))
	case at != stageFinal:
		return gateway.NotMade(said) // no byte of the message was sent
	case class == 2:
		return accepted(said)
	default:
		reply := gateway.Unknown(said)
		reply.Answered = true
		return reply
	}
}

// accepted is the reply to a message that the server took. Its words are kept where it names no id to ask for.
func accepted(said string) port.Reply {
	_, text, _ := strings.Cut(said, " ")
	reply := port.Reply{Verdict: port.CallAccepted, MessageID: queueID(text)}
	if reply.MessageID == "" {
		reply.Detail = said
	}
	return reply
}

// MeaningOf is what a refusal means that another server met and tells of, as in a bounce: by the table for our own. A code
// that is not known is 499 or 599.
func MeaningOf(code int, text string) gateway.Meaning { return findRule(code, text).means }

// smtpMeaning finds the rule for a refusal. Before a recipient is named, a refusal is about us: at least in doubt.
func smtpMeaning(at stage, code int, text string) rule {
	found := findRule(code, text)
	if at != stageConnect && at != stageMail {
		return found
	}
	switch {
	case found.means.Class == attempt.Throttled || found.means.Class == attempt.Provider:
	case code < 500:
		found.means = gateway.ThrottledAll
	default:
		found.means = gateway.ProviderDoubted
	}
	return found
}

// names are addresses, what is quoted in angle brackets, pages and hosts: none of them is the server's words, whatever it is
// called. A host's last label is in one case: "full.Try again" ends a sentence.
var names = regexp.MustCompile(`<[^<>\s]*>|<[^<>]*@[^<>]*>|[^\s<>]+@[^\s<>]+|(?i:https?://)\S+|` +
	`(?:[\pL\pN_-]+\.)+(?:\p{Ll}{2,}|\p{Lu}{2,}|\p{Lo}{2,}|xn--[a-z0-9-]+)(?:[/?#]\S*)?`)

// blockLists are the names that do say something: those of lists that our address may be on.
var blockLists = regexp.MustCompile(`(?i)^(?:https?://)?(?:[a-z0-9-]+\.)*(?:spamhaus\.(?:org|com|net)|spamcop\.net|barracudacentral\.org)(?:[/?#:]|$)`)

// withoutNames is the text of a reply without the names that say nothing.
func withoutNames(text string) string {
	return names.ReplaceAllStringFunc(text, func(name string) string { return blockLists.FindString(name) })
}

// findRule returns the first rule for a reply 4yz or 5yz: by its words, its enhanced status code, its code.
func findRule(code int, text string) rule {
	subject, exact := enhanced(code, text)
	said := strings.ToLower(withoutNames(text))
	for _, r := range wordRules {
		if r.fits(code, subject) && (r.words == nil || r.words().MatchString(said)) {
			return r
		}
	}
	if code == 421 { // the connection is closed: that is about no recipient, whatever the enhanced code
		exact, subject = "", ""
	}
	for _, wanted := range []string{exact, subject} {
		for _, r := range enhancedRules {
			if wanted != "" && r.enhanced == wanted {
				return r
			}
		}
	}
	for _, r := range codeRules {
		if r.fits(code, "") {
			return r
		}
	}
	return rule{}
}

// fits reports whether the rule's codes are those of a reply.
func (r rule) fits(code int, subject string) bool {
	return strings.HasPrefix(strconv.Itoa(code), r.code) && (r.enhanced == "" || r.enhanced == subject)
}

// enhanced finds the enhanced status code that begins a line of a reply (RFC 2034): "5.1.1" and its subject "5.1"; empty
// where there is none, or where its class is not the basic code's. One that says no more than the class ("5.0.0") counts
// only where no other line has a better one.
func enhanced(code int, text string) (subject, exact string) {
	for line := range strings.SplitSeq(text, "\n") {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		parts := strings.Split(word, ".")
		if len(parts) != 3 || parts[0] != strconv.Itoa(code/100) || !numbers(parts) {
			continue
		}
		if parts[1] != "0" {
			return parts[0] + "." + parts[1], word
		}
		if exact == "" {
			subject, exact = parts[0]+"."+parts[1], word
		}
	}
	return subject, exact
}

// numbers reports whether each part is a number up to 999 as it is written in a status code.
func numbers(parts []string) bool {
	for _, part := range parts {
		if n, err := strconv.ParseUint(part, 10, 16); err != nil || n > 999 || strconv.FormatUint(n, 10) != part {
			return false
		}
	}
	return true
}

// retryIn finds a wait in words, as in "try again in 12 seconds".
var retryIn = regexp.MustCompile(`(?i)\bin ([0-9]{1,6}) ?s(?:ec(?:ond)?s?)?\b`)

// waitInWords returns the wait that a text such as "try again in 12 seconds" asks for; 0 if it asks for none.
func waitInWords(text string) time.Duration {
	found := retryIn.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	seconds, _ := strconv.Atoi(found[1])
	return min(time.Duration(seconds)*time.Second, gateway.MaxWait)
}

// queueID finds the server's own id in the text of an accepting reply: "queued as X" (Postfix and many), "id=X" (Exim),
// "Ok X" (SES). Empty if none is recognized: the id serves tracing only.
func queueID(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if found := queuedAs.FindStringSubmatch(line); found != nil && gateway.ValidMessageID(found[1]) {
		return found[1]
	}
	return ""
}

var queuedAs = regexp.MustCompile(`(?i)(?:queued as |^(?:2\.[0-9]+\.[0-9]+ )?ok (?:id=)?)<?([^\s<>@]+)>?(?:$|[\s)])`)

// Answers lists the replies of docs/operations/answers.md with what becomes of each.
func Answers() []gateway.Answer {
	list := []gateway.Answer{}
	for _, said := range []string{"final 250 2.0.0 OK: queued as 4RfX1k2Zz", "final 251 User not local; will forward"} {
		list = append(list, gateway.Answer{Said: said, Verdict: port.CallAccepted, Why: "the first digit says that it is accepted", Source: "RFC 5321, 4.2.1"})
	}
	for _, rules := range [][]rule{wordRules, enhancedRules, codeRules} {
		for _, r := range rules {
			for _, said := range r.examples {
				at, code, text := spoken(said)
				list = append(list, gateway.Answer{Said: said, Verdict: smtpReply(at, code, text).Verdict, Meaning: smtpMeaning(at, code, text).means, Why: r.why, Source: r.source})
			}
		}
	}
	for _, said := range []string{"final 354 continue", "final 999 what"} {
		list = append(list, gateway.Answer{Said: said, Verdict: port.CallUnknown, Why: "it cannot be read: neither 2yz nor 4yz nor 5yz", Source: "RFC 5321, 4.2.1"})
	}
	return list
}

// spoken splits an example into its stage and the reply as it is read: without the hyphen that announces another line.
func spoken(said string) (at stage, code int, text string) {
	command, reply, _ := strings.Cut(said, " ")
	code, _ = strconv.Atoi(reply[:3]) // of the table: a test reads all
	switch command {
	case "MAIL":
		at = stageMail
	case "RCPT", "DATA":
		at = stageRcpt
	case "final":
		at = stageFinal
	default:
		at = stageConnect
	}
	return at, code, reply[4:]
}
