package smtp

import (
	"regexp"
	"slices"
	"sync"

	"github.com/balsong/balsong/adapters/gateway"
)

// rule says what some refusals mean. Of those that fit a reply the first one counts: words, then the enhanced status code,
// then the reply code. examples are replies as servers give them; docs/operations/answers.md shows what becomes of each,
// and a test sends one of each class through the whole system.
type rule struct {
	words    func() *regexp.Regexp // of the reply in lower case, without names; nil: whatever it says
	code     string                // "550"; "5": all that begin so; "": any
	enhanced string                // "5.7.1"; "5.7": all of the subject; "": any, or none
	means    gateway.Meaning
	why      string
	source   string
	examples []string // a stage, "RCPT" or "final" or an earlier command, and the reply
}

// words is for text in lower case: that takes a quarter of the time of a pattern for either case. It is compiled once a refusal is read: the
// services that send no mail have no memory for it.
func words(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// tooManyConnections are the words for a connection, or a message on one, that is one too many at the same time.
var tooManyConnections = words(`too many (?:[a-z]+ ){0,3}(?:connections|sessions)|maximum number of (?:[a-z]+ ){0,3}(?:connections|sessions)|(?:concurrent|simultaneous) (?:[a-z]+ ){0,2}(?:connections|sessions)|(?:connections?|sessions?|sender thread) limit (?:has been )?(?:exceeded|reached)|\bcrcp\b`)

// wordRules read what the standards have no code for, in the words that large providers and common servers use.
var wordRules = slices.Concat(accountRules, []rule{
	{
		words: words(`\.(?:authrequired|notauthorized)\b`), code: "5",
		means: gateway.Permanent, why: "the recipient takes no mail from outside", source: "Exchange Online", examples: []string{"RCPT 550 5.7.1 RESOLVER.RST.AuthRequired; authentication required"},
	},
	{
		words: words(`receiving mail (?:at a rate|too quickly)|recipient has exceeded (?:their|message rate) limit`),
		means: gateway.Temporary, why: "the recipient gets too much mail for now", source: "Gmail, Exchange Online",
		examples: []string{"RCPT 550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered", "final 554 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour"},
	},
	{
		words: words(`recipient thread limit|limit for the number of messages they can send to this recipient`),
		means: gateway.ThrottledOne, why: "too much from us to this recipient", source: "Exchange Online",
		examples: []string{"final 432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded", "final 554 5.2.121 The sender has exceeded the limit for the number of messages they can send to this recipient per hour"},
	},
	{
		words: words(`over ?quota|\buser quota|\b(?:mailbox|inbox) (?:[a-z]+ )?quota|(?:mailbox|account) (?:is )?full|mailbox (?:has exceeded|exceeds)|user has too many messages`),
		means: gateway.Temporary, why: "the recipient's mailbox is full", source: "Gmail, RFC 3463",
		examples: []string{"RCPT 452 4.2.2 The email account that you tried to reach is over quota", "RCPT 552 5.2.2 The recipient's inbox is out of storage space: over quota", "RCPT 550 mailbox full", "RCPT 552 5.2.2 user quota exceeded", "final 552 mailbox daily quota exceeded", "RCPT 550 5.7.0 The recipient mailbox has exceeded its disk space limit", "RCPT 550 User has too many messages on the server"},
	},
	{
		words: words(`submission ?quota ?exceeded|(?:daily|hourly|monthly|sender|sending)[a-z ]* (?:quota|limit) (?:has been |was )?(?:exceeded|reached)|quota exceeded for your plan|(?:credits?|plan|sending (?:quota|limit)) (?:has been )?exceeded`), code: "5",
		means: gateway.Provider, why: "the sender's quota is used up", source: "Gmail, Exchange Online",
		examples: []string{
			"final 554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message", "RCPT 550 5.4.5 Daily user sending quota exceeded",
			"final 550 5.4.5 Daily user sending quota exceeded. For more information on Gmail sending limits go to support.google.com", "final 550 Daily sending limit reached", "final 550 quota exceeded for your plan",
		},
	},
	{
		words: words(`maximum credits exceeded|authentication (?:required|failed|unsuccessful|credentials)|must authenticate|authenticate first|username and password not accepted|bad username|invalid credentials|client (?:was )?not authenticated|application-specific password|must issue a starttls|not authorized to perform`),
		means: gateway.Provider, why: "the login, or the right to send", source: "RFC 4954, SendGrid, Gmail, Amazon SES",
		examples: []string{
			"AUTH 535 5.7.8 Username and Password not accepted", "AUTH 535 Authentication Credentials Invalid", "MAIL 530 5.7.0 Must issue a STARTTLS command first", "MAIL 530 5.7.57 Client not authenticated to send mail",
			"AUTH 451 Authentication failed: Maximum credits exceeded", "final 554 Access denied: User `arn:aws:iam::role' is not authorized to perform `ses:SendRawEmail'",
		},
	},
	{
		words: words(`relay(?:ing)? (?:access )?(?:is )?(?:denied|not permitted|not allowed|prohibited)|(?:unable|not permitted) to relay`),
		means: gateway.Provider, why: "the relay does not know us as its customer", source: "Postfix, Exchange, Mailgun",
		examples: []string{"RCPT 550 5.7.1 Relaying denied", "RCPT 554 5.7.1 <kim@example.com>: Relay access denied", "RCPT 454 4.7.1 <kim@example.com>: Relay access denied", "RCPT 550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"},
	},
	{
		words: words(`blocked using|spamhaus|spamcop|barracudacentral|\brbl\b|\bdnsbl\b|(?:\bip\b|client host).{0,80}(?:black ?list|block ?list)|on our block list|traffic not accepted from this ip|your ip\b[^a-z]{0,24}(?:is )?(?:blocked|filtered)|bloquee pour`),
		means: gateway.Provider, why: "our address is on a block list", source: "Postfix, Yahoo, Exchange Online",
		examples: []string{
			"RCPT 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "GREETING 553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
			"final 550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP", "GREETING 421 4.3.2 Your ip blocked from this server",
		},
	},
	{
		words: words(`\b(?:helo|ehlo)\b`),
		means: gateway.Provider, why: "our name in EHLO", source: "Postfix",
		examples: []string{"RCPT 504 5.5.2 <balsong>: Helo command rejected: need fully-qualified hostname", "RCPT 450 4.7.1 <balsong>: Helo command rejected: Host not found"},
	},
	{
		words: words(`\b(?:spf|dkim|dmarc)\b|sender policy framework|unauthenticated|reverse dns|\bptr\b|host name.{0,40}n'?t match|required authentication level`),
		means: gateway.Provider, why: "our SPF, DKIM, DMARC or reverse DNS", source: "RFC 7372, Gmail",
		examples: []string{
			"final 550-5.7.26 This mail has been blocked because the sender is unauthenticated.\n5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.", "final 421 4.7.27 Your email has been rate limited because SPF did not pass",
			"RCPT 550 5.7.23 The message was rejected because of Sender Policy Framework violation -> SPF validation failed", "RCPT 550 5.7.25 The reverse DNS of the address does not match",
			"RCPT 554 5.7.1 DZCNT 192.0.2.1: Message refused. Your host name(mail.example.com) doesn't match with your IP address",
		},
	},
	{
		words: words(`tls required|(?:requires?|required|must).{0,40}\btls\b|(?:over|without) an? (?:secure )?tls|senders to use tls`),
		means: gateway.Provider, why: "the line has to be encrypted", source: "Gmail, RFC 3207",
		examples: []string{"RCPT 421 4.7.0 TLS required for RCPT domain, closing connection", "final 550 5.7.29 This mail has been blocked because the message wasn't sent over a TLS connection"},
	},
	{
		words: words(`sender (?:address |domain )?(?:rejected|verify failed|not verified)|not owned by user|(?:address|identit(?:y|ies)|domain)s? (?:is |are |failed|does).{0,40}(?:not verified|the check|verified sender)|not allowed to send|send as this sender|unregistered domain|: sender address\b|unresolvable`),
		means: gateway.Provider, why: "our address as the sender", source: "Postfix, Amazon SES, SendGrid, Mailgun, Exchange Online",
		examples: []string{
			"RCPT 550 5.1.8 <bills@example.com>: Sender address rejected: Domain not found", "MAIL 553 5.7.1 <bills@example.com>: Sender address rejected: not owned by user billing", "final 554 Message rejected: Email address is not verified. The following identities failed the check in region AP-NORTHEAST-2: bills@example.com",
			"MAIL 550 The from address does not match a verified Sender Identity", "final 550 5.7.60 SMTP; Client does not have permissions to send as this sender", "final 550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains", "RCPT 421 Domain example.com is not allowed to send: Sandbox subdomains are for test purposes only",
			"RCPT 550 5.1.8 192.0.2.1: No such user: sender address", "final 451 Message temporarily deferred due to unresolvable RFC.5321 from domain",
		},
	},
	{
		words: words(`exceeded permitted limits|peak smtp relay limit|unusual rate of`),
		means: gateway.ThrottledAll, why: "too much from us, for now", source: "Gmail, Exchange Online",
		examples: []string{"final 550 5.7.508 Access denied, 192.0.2.1 has exceeded permitted limits within the range", "RCPT 450 4.2.1 Peak SMTP relay limit exceeded for customer", "final 550 5.7.28 There is an unusual rate of unsolicited mail originating from your IP address"},
	},
	{
		words: words(`\bvirus|malware|illegal attachment|content presents a potential security|banned content`), code: "5",
		means: gateway.Content, why: "what was sent is taken for harmful", source: "common filters", examples: []string{"final 554 5.7.1 The message was rejected because it contains a virus"},
	},
	{
		words: words(`\bspam|unsolicited|\bube\b|\buribl\b|bulk e?-?mail|mass mail|content filter`), code: "5",
		means: gateway.ProviderDoubted, why: "taken for spam: about our reputation more often than about these words", source: "Gmail, Exchange Online, common filters",
		examples: []string{"final 550 5.7.1 Message rejected as spam by Content Filtering", "final 550 5.7.1 Blocked by SpamAssassin", "final 550 5.7.1 Rejected - bulk email", "final 550-5.7.1 Our system has detected that this message is likely unsolicited mail.\n5.7.1 To reduce the amount of spam sent to Gmail, this message has been blocked."},
	},
	{
		words: words(`policy reasons|due to (?:local )?policy|policy (?:violation|restrictions?)|administrative prohibition|security policies`), code: "5",
		means: gateway.ProviderDoubted, why: "a policy that is not named: about our reputation more often than about this recipient", source: "Yahoo, iCloud, GMX",
		examples: []string{"final 554 Message not allowed - [PH01] Email not accepted for policy reasons.", "final 550 5.7.1 [CS01] Message rejected due to local policy."},
	},
	{
		words: words(`(?:message|mail) (?:is )?too (?:long|large|big)|exceed(?:s|ed)? .{0,40}(?:message size|size limit)|size exceeds`), code: "5",
		means: gateway.Permanent, why: "message too big: another channel's is smaller", source: "Amazon SES, Gmail, Exchange",
		examples: []string{"final 552 Message is too long.", "final 552-5.2.3 Your message exceeded Google's message size limits.\n5.2.3 see below"},
	},
	{
		words: words(`gr[ae]y-?list`), code: "4",
		means: gateway.ThrottledOne, why: "a grey list: this recipient's server wants a second try", source: "Postfix", examples: []string{"RCPT 450 4.2.0 <kim@example.com>: Recipient address rejected: Greylisted, try again in 300 seconds"},
	},
	{
		code: "4", enhanced: "4.2", means: gateway.Temporary, why: "mailbox", source: "RFC 3463",
		examples: []string{"RCPT 450 4.2.1 mailbox busy", "final 451 4.2.1 mailbox not ready, try again later"},
	},
	{
		words: tooManyConnections, code: "4",
		means: gateway.ThrottledAll, why: "too many connections at once: fewer are opened from then on", source: "Postfix, Exim, Exchange Online",
		examples: []string{
			"GREETING 421 4.7.0 mx.example.com Error: too many connections from 192.0.2.1", "GREETING 421 Too many concurrent SMTP connections from this IP address; please try again later", "GREETING 421 4.7.0 Too many concurrent SMTP connections",
			"GREETING 421 4.3.2 The maximum number of concurrent server connections has exceeded a limit, closing transmission channel", "final 432 4.3.2 Concurrent connections limit exceeded", "final 432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded: concurrent connections",
		},
	},
	{
		words: words(`\brate\b|throttl|too many|too fast|too frequent|slow down|quota|concurrent`), code: "4",
		means: gateway.ThrottledAll, why: "too much from us, for now", source: "Amazon SES, Gmail, Exchange Online",
		examples: []string{
			"final 454 Throttling failure: Maximum sending rate exceeded.", "final 454 Throttling failure: Daily message quota exceeded.",
			"final 451 4.7.0 rate limit, try again in 20 seconds", "final 421 4.7.28 Gmail has detected an unusual rate of mail originating from your IP address", "RCPT 452 4.5.3 Too many recipients",
		},
	},
	{
		words: words(`user unknown|unknown user|no such (?:user|mailbox|recipient)|(?:mailbox|user|recipient|account) (?:is )?(?:not found|unknown|unavailable|disabled|inactive)|account has been disabled or discontinued|does(?:n't| not) exist|does(?:n't| not) have an? .{0,40}account|no longer (?:valid|on server)|not our customer|invalid recipient|recipient (?:address )?rejected`), code: "5",
		means: gateway.Permanent, why: "no such recipient, in words", source: "Postfix, Exim, Exchange",
		examples: []string{
			"RCPT 550 No such user here", "RCPT 554 5.7.1 <kim@example.com>: Recipient address rejected: User unknown", "RCPT 550 5.5.0 Requested action not taken: mailbox unavailable", "RCPT 550 5.4.1 Recipient address rejected: Access denied", "RCPT 511 user unknown", "final 554 delivery error: dd This user doesn't have a yahoo.com account (kim@yahoo.com) [-9]",
			"RCPT 550-5.1.1 The email account that you tried to reach does not exist.\n5.1.1 Please try double-checking the recipient's email address",
		},
	},
})

// enhancedRules are those of RFC 3463 and the IANA registry of RFC 5248. The code's first digit must be the reply code's.
var enhancedRules = []rule{
	{enhanced: "5.1", means: gateway.Permanent, why: "addressing: no such mailbox or system, bad syntax, moved, null MX", source: "RFC 3463, RFC 7505", examples: []string{"RCPT 550 5.1.1 refused", "RCPT 550 5.1.2 Bad destination system", "RCPT 550 5.1.6 Mailbox has moved", "RCPT 556 5.1.10 null MX"}},
	{enhanced: "5.1.7", means: gateway.Provider, why: "our address as the sender: bad syntax", source: "RFC 3463", examples: []string{"MAIL 501 5.1.7 Bad syntax of the sender's address"}},
	{enhanced: "5.1.8", means: gateway.Provider, why: "our address as the sender: bad system", source: "RFC 3463", examples: []string{"MAIL 550 5.1.8 bad sender"}},
	{enhanced: "5.2", means: gateway.Permanent, why: "mailbox: disabled, list expansion, too long for it", source: "RFC 3463", examples: []string{"RCPT 550 5.2.1 Mailbox cannot be accessed", "final 552 5.2.3 Message length exceeds administrative limit"}},
	{enhanced: "5.2.0", means: gateway.PermanentDoubted, why: "\"other mailbox status\" says no more", source: "RFC 3463", examples: []string{"final 554 5.2.0 Failed to process message"}},
	{enhanced: "5.2.2", means: gateway.Temporary, why: "mailbox full: it may be emptied before the next try", source: "RFC 3463", examples: []string{"RCPT 552 5.2.2 out of storage"}},
	{enhanced: "5.3", means: gateway.TemporaryDoubted, why: "mail system: full, not accepting, misconfigured", source: "RFC 3463", examples: []string{"final 554 5.3.0 Other mail system problem"}},
	{enhanced: "5.3.4", means: gateway.Permanent, why: "message too big for the system: another channel's is smaller", source: "RFC 3463", examples: []string{"final 552 5.3.4 refused for its size"}},
	{enhanced: "5.4", means: gateway.TemporaryDoubted, why: "network and routing", source: "RFC 3463", examples: []string{"final 554 5.4.6 Too many hops"}},
	{enhanced: "5.4.1", means: gateway.Permanent, why: "no answer from host; large hosts use it for \"no such recipient\"", source: "RFC 3463, Exchange Online", examples: []string{"RCPT 550 5.4.1 All recipient addresses rejected : Access denied"}},
	{enhanced: "5.4.4", means: gateway.Permanent, why: "unable to route: no such domain", source: "RFC 3463", examples: []string{"RCPT 550 5.4.4 Unable to route"}},
	{enhanced: "5.5", means: gateway.TemporaryDoubted, why: "protocol", source: "RFC 3463", examples: []string{"DATA 554 5.5.1 no valid recipients"}},
	{enhanced: "5.6", means: gateway.Content, why: "media and conversion", source: "RFC 3463", examples: []string{"final 554 5.6.0 the content is refused"}},
	{enhanced: "5.6.7", means: gateway.Permanent, why: "non-ASCII address where none is allowed", source: "RFC 6531", examples: []string{"RCPT 553 5.6.7 Non-ASCII addresses not permitted"}},
	{enhanced: "5.7", means: gateway.ProviderDoubted, why: "security, where no line of its own says more", source: "RFC 3463", examples: []string{"final 550 5.7.0 Refused", "final 550 5.7.509 Access denied"}},
	{enhanced: "5.7.1", means: gateway.PermanentDoubted, why: "\"not authorized\": about sender and recipient, or about us; another channel is open", source: "RFC 3463", examples: []string{"RCPT 550 5.7.1 Delivery not authorized, message refused", "RCPT 554 5.7.1 Access denied"}},
	{enhanced: "5.7.2", means: gateway.Permanent, why: "list expansion prohibited", source: "RFC 3463", examples: []string{"RCPT 550 5.7.2 Mailing list expansion prohibited"}},
	{enhanced: "5.7.8", means: gateway.Provider, why: "our login", source: "RFC 4954", examples: []string{"AUTH 535 5.7.8 invalid"}},
	{enhanced: "5.7.12", means: gateway.Permanent, why: "the recipient's organization takes no mail from outside", source: "Exchange Online", examples: []string{"RCPT 550 5.7.12 Sender was not authenticated by organization"}},
	{enhanced: "5.7.133", means: gateway.Permanent, why: "the recipient's group takes no mail from outside", source: "Exchange Online", examples: []string{"RCPT 550 5.7.133 Sender not authenticated for group"}},
	{enhanced: "5.7.134", means: gateway.Permanent, why: "the recipient's mailbox takes no mail from outside", source: "Exchange Online", examples: []string{"RCPT 550 5.7.134 Sender was not authenticated for mailbox"}},
	{enhanced: "5.7.13", means: gateway.ProviderDoubted, why: "the account that has logged in is disabled: ours", source: "RFC 5248", examples: []string{"RCPT 525 5.7.13 refused"}},
	{enhanced: "5.7.17", means: gateway.Permanent, why: "the mailbox has another owner", source: "RFC 7293", examples: []string{"RCPT 550 5.7.17 Mailbox owner has changed"}},
	{enhanced: "5.7.18", means: gateway.Permanent, why: "the domain has another owner", source: "RFC 7293", examples: []string{"RCPT 550 5.7.18 Domain owner has changed"}},
	{enhanced: "5.7.26", means: gateway.Provider, why: "several of our authentication checks failed", source: "RFC 7372", examples: []string{"final 550 5.7.26 multiple checks failed"}},
	{enhanced: "5.7.28", means: gateway.ThrottledAll, why: "mail flood detected", source: "RFC 3463 registry", examples: []string{"final 550 5.7.28 Mail flood detected"}},
	{enhanced: "5.7.124", means: gateway.Permanent, why: "the recipient takes mail from listed senders alone", source: "Exchange Online", examples: []string{"RCPT 550 5.7.124 Sender not in allowed-senders list"}},
	{enhanced: "4.1", means: gateway.Temporary, why: "addressing", source: "RFC 3463", examples: []string{"RCPT 450 4.1.2 Domain not resolved now"}},
	{enhanced: "4.3", means: gateway.TemporaryDoubted, why: "mail system", source: "RFC 3463", examples: []string{"RCPT 452 4.3.1 Insufficient system storage", "final 451 4.3.5 Server configuration error"}},
	{enhanced: "4.4", means: gateway.TemporaryDoubted, why: "network and routing", source: "RFC 3463", examples: []string{"final 451 4.4.1 No answer from host"}},
	{enhanced: "4.5", means: gateway.TemporaryDoubted, why: "protocol", source: "RFC 3463", examples: []string{"final 451 4.5.0 protocol"}},
	{enhanced: "4.6", means: gateway.Temporary, why: "media", source: "RFC 3463", examples: []string{"final 451 4.6.0 media"}},
	{enhanced: "4.7", means: gateway.ThrottledAll, why: "limits and reputation: not now", source: "RFC 3463", examples: []string{"final 451 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints", "final 451 4.7.500 Server busy. Please try again later"}},
}

// codeRules are those of the reply codes, where no enhanced code says more. The last two hold for every other digit: a
// reply 4yz or 5yz means that the message was not accepted.
var codeRules = []rule{
	{code: "421", means: gateway.ThrottledAll, why: "the server closes the channel", source: "RFC 5321", examples: []string{"MAIL 421 Service not available, closing transmission channel", "final 421 4.3.2 shutting down"}},
	{code: "432", means: gateway.ThrottledAll, why: "a limit, or a password that has to be changed", source: "RFC 4954, Exchange Online", examples: []string{"final 432 later"}},
	{code: "450", means: gateway.Temporary, why: "mailbox busy", source: "RFC 5321", examples: []string{"RCPT 450 Requested mail action not taken"}},
	{code: "451", means: gateway.TemporaryDoubted, why: "an error on their side", source: "RFC 5321", examples: []string{"final 451 Requested action aborted: local error in processing"}},
	{code: "452", means: gateway.TemporaryDoubted, why: "storage short", source: "RFC 5321", examples: []string{"RCPT 452 Requested action not taken: insufficient system storage"}},
	{code: "500", means: gateway.ProviderDoubted, why: "syntax", source: "RFC 5321", examples: []string{"RCPT 500 Syntax error, command unrecognized"}},
	{code: "501", means: gateway.ProviderDoubted, why: "syntax", source: "RFC 5321", examples: []string{"MAIL 501 Syntax error in parameters"}},
	{code: "502", means: gateway.ProviderDoubted, why: "not implemented", source: "RFC 5321", examples: []string{"DATA 502 Command not implemented"}},
	{code: "503", means: gateway.ProviderDoubted, why: "bad sequence", source: "RFC 5321", examples: []string{"RCPT 503 Bad sequence of commands"}},
	{code: "504", means: gateway.ProviderDoubted, why: "parameter not implemented", source: "RFC 5321", examples: []string{"RCPT 504 Command parameter not implemented"}},
	{code: "521", means: gateway.PermanentDoubted, why: "the host accepts no mail", source: "RFC 7504", examples: []string{"RCPT 521 Host does not accept mail"}},
	{code: "530", means: gateway.Provider, why: "log in, or encrypt, first", source: "RFC 4954, RFC 3207", examples: []string{"MAIL 530 first things first"}},
	{code: "534", means: gateway.Provider, why: "a stronger login is asked for", source: "RFC 4954", examples: []string{"AUTH 534 mechanism is too weak"}},
	{code: "535", means: gateway.Provider, why: "the login is refused", source: "RFC 4954", examples: []string{"AUTH 535 no"}},
	{code: "538", means: gateway.Provider, why: "encryption is asked for", source: "RFC 4954", examples: []string{"AUTH 538 encryption required for this mechanism"}},
	{code: "551", means: gateway.Permanent, why: "user not local", source: "RFC 5321", examples: []string{"RCPT 551 User not local; please try elsewhere"}},
	{code: "552", means: gateway.Temporary, why: "storage exceeded", source: "RFC 5321", examples: []string{"final 552 Requested mail action aborted: exceeded storage allocation"}},
	{code: "553", means: gateway.Permanent, why: "mailbox name not allowed", source: "RFC 5321", examples: []string{"RCPT 553 mailbox name not allowed"}},
	{code: "554", means: gateway.TemporaryDoubted, why: "\"transaction failed\" says no more", source: "RFC 5321", examples: []string{"final 554 Transaction failed", "GREETING 554 No SMTP service here"}},
	{code: "555", means: gateway.ProviderDoubted, why: "parameters not recognized", source: "RFC 5321", examples: []string{"MAIL 555 parameters not recognized"}},
	{code: "556", means: gateway.Permanent, why: "the domain accepts no mail", source: "RFC 7504", examples: []string{"RCPT 556 Domain does not accept mail"}},
	{code: "4", means: gateway.TemporaryDoubted, why: "not accepted: the first digit says so, and no more", source: "RFC 5321, 4.2.1", examples: []string{"final 499 later", "final 454 later"}},
	{code: "5", means: gateway.PermanentDoubted, why: "not accepted: the first digit says so, and no more", source: "RFC 5321, 4.2.1", examples: []string{"RCPT 511 refused", "RCPT 599 what", "final 599 no", "RCPT 550 go away"}},
}
