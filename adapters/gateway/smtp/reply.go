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

// meaning is what a refusal says.
type meaning string

const (
	meansNothing   meaning = ""          // on no list
	meansPermanent meaning = "permanent" // this address cannot be reached by e-mail
	meansTemporary meaning = "temporary" // not accepted; another try may succeed
	meansThrottled meaning = "throttled" // not now
	meansContent   meaning = "content"   // what was sent is refused
	meansOurFault  meaning = "our fault" // the sender is refused, whoever the recipient is: configuration, not this message
)

// refusalRule is one line of an allow-list. README.md shows them to people; a test compares.
type refusalRule struct {
	means meaning
	why   string
}

// smtpRefusals is the allow-list of RFC 3463 and the IANA registry of RFC 5248, by enhanced status code. A key with
// two numbers stands for all codes of its subject that have no line of their own. The first digit is the basic reply
// code's; where the two differ, the enhanced code is not believed.
var smtpRefusals = map[string]refusalRule{
	"5.1":    {meansPermanent, "addressing: no such mailbox, system, bad syntax, moved, null MX"},
	"5.1.7":  {meansOurFault, "bad sender's mailbox syntax"},
	"5.1.8":  {meansOurFault, "bad sender's system address"},
	"5.2":    {meansPermanent, "mailbox: disabled, list expansion, too long for it"},
	"5.2.2":  {meansTemporary, "mailbox full: it may be emptied before the next try"},
	"5.3":    {meansTemporary, "mail system: full, not accepting, misconfigured"},
	"5.3.4":  {meansPermanent, "message too big for the system: another channel's is smaller"},
	"5.4":    {meansTemporary, "network and routing"},
	"5.4.1":  {meansPermanent, "no answer from host; large hosts use it for \"no such recipient\""},
	"5.4.4":  {meansPermanent, "unable to route: no such domain"},
	"5.5":    {meansTemporary, "protocol"},
	"5.6":    {meansContent, "media and conversion"},
	"5.6.7":  {meansPermanent, "non-ASCII address where none is allowed"},
	"5.7":    {meansOurFault, "security: our authentication, SPF, DKIM, DMARC, reverse DNS, encryption"},
	"5.7.1":  {meansPermanent, "\"sender not authorized to this destination\" (RFC 3463): about sender and recipient, not about the words; another channel is open"},
	"5.7.2":  {meansPermanent, "list expansion prohibited"},
	"5.7.13": {meansPermanent, "the recipient's account is disabled"},
	"5.7.17": {meansPermanent, "the mailbox has another owner (RFC 7293)"},
	"5.7.18": {meansPermanent, "the domain has another owner (RFC 7293)"},
	"5.7.28": {meansThrottled, "mail flood detected"},
	"4.1":    {meansTemporary, "addressing"},
	"4.2":    {meansTemporary, "mailbox"},
	"4.3":    {meansTemporary, "mail system"},
	"4.4":    {meansTemporary, "network and routing"},
	"4.5":    {meansTemporary, "protocol"},
	"4.6":    {meansTemporary, "media"},
	"4.7":    {meansThrottled, "rate limits, grey lists, reputation: not now"},
}

// basicRefusals is the allow-list of RFC 5321's reply codes where no enhanced code says more.
var basicRefusals = map[int]refusalRule{
	421: {meansThrottled, "closing the channel"},
	450: {meansTemporary, "mailbox busy"},
	451: {meansTemporary, "error on their side"},
	452: {meansTemporary, "storage short"},
	454: {meansTemporary, "TLS or authentication not available now"},
	455: {meansTemporary, "parameters not accommodated"},
	500: {meansTemporary, "syntax"},
	501: {meansTemporary, "syntax"},
	502: {meansTemporary, "not implemented"},
	503: {meansTemporary, "bad sequence"},
	504: {meansTemporary, "parameter not implemented"},
	521: {meansPermanent, "the host accepts no mail (RFC 7504)"},
	530: {meansOurFault, "authenticate, or encrypt, first"},
	534: {meansOurFault, "stronger authentication asked for"},
	535: {meansOurFault, "credentials refused"},
	538: {meansOurFault, "encryption asked for"},
	550: {meansPermanent, "no such mailbox, or refused to it"},
	551: {meansPermanent, "user not local"},
	552: {meansTemporary, "storage exceeded"},
	553: {meansPermanent, "mailbox name not allowed"},
	554: {meansTemporary, "\"transaction failed\" says no more"},
	555: {meansTemporary, "parameters not recognized"},
	556: {meansPermanent, "the domain accepts no mail (RFC 7504)"},
}

// rateWords in a temporary refusal mean "not now". Providers without enhanced codes say so in words only.
var rateWords = regexp.MustCompile(`(?i)\brate\b|throttl|too many|too fast|slow down|quota|gr[ae]y-?list`)

// retryIn finds a wait in words, as in "try again in 12 seconds".
var retryIn = regexp.MustCompile(`(?i)\bin ([0-9]{1,6}) ?s(?:ec(?:ond)?s?)?\b`)

// smtpReply turns a refusal, a complete reply whose code was not the expected one, into a reply. Its Detail is not
// masked yet.
func smtpReply(at stage, code int, text string) port.Reply {
	reply := port.Reply{Detail: strconv.Itoa(code) + " " + text}
	means := smtpMeaning(code, text)
	switch {
	case means == meansThrottled:
		reply.Verdict, reply.NotBefore = port.CallThrottled, waitInWords(text)
	case at == stageConnect, at == stageMail, at == stageRcpt && (means == meansOurFault || means == meansNothing):
		reply.Verdict = port.CallNotMade // no byte of the message was sent, and the recipient is not to blame
	case means == meansPermanent:
		reply.Verdict, reply.Class = port.CallRefused, attempt.Permanent
	case means == meansContent:
		reply.Verdict, reply.Class = port.CallRefused, attempt.Content
	case means == meansTemporary, means == meansOurFault:
		reply.Verdict, reply.Class = port.CallRefused, attempt.Temporary
	default:
		reply.Verdict = port.CallUnknown
	}
	return reply
}

// smtpMeaning returns what a reply's code and text mean. The enhanced status code, if any, counts more than the basic
// one, and words about rates more than both.
func smtpMeaning(code int, text string) meaning {
	basic, listed := basicRefusals[code]
	if !listed {
		return meansNothing
	}
	means := basic.means
	if subject, exact := enhanced(code, text); exact != "" {
		if m, ok := smtpRefusals[exact]; ok {
			means = m.means
		} else if m, ok := smtpRefusals[subject]; ok {
			means = m.means
		}
	}
	if code == 421 || (code < 500 && rateWords.MatchString(text)) {
		return meansThrottled
	}
	return means
}

// enhanced finds the enhanced status code that begins a reply's text (RFC 2034): "5.1.1" and its subject "5.1"; empty
// where there is none, or where its class is not the basic code's.
func enhanced(code int, text string) (subject, exact string) {
	word, _, _ := strings.Cut(text, " ")
	word, _, _ = strings.Cut(word, "\n")
	parts := strings.Split(word, ".")
	if len(parts) != 3 || parts[0] != strconv.Itoa(code/100) {
		return "", ""
	}
	for _, part := range parts {
		if n, err := strconv.ParseUint(part, 10, 16); err != nil || n > 999 || strconv.FormatUint(n, 10) != part {
			return "", ""
		}
	}
	return parts[0] + "." + parts[1], word
}

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
