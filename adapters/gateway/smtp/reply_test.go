package smtp

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
)

// The first digit decides whether a message was accepted, whatever the other two: 2yz is, 4yz and 5yz are not. Everything
// that is no such code leaves the outcome unknown.
func TestTheFirstDigitDecidesWhetherAMessageWasAccepted(t *testing.T) {
	t.Parallel()
	for code := range 1000 {
		for _, text := range []string{"words", strconv.Itoa(code/100) + ".9.9 words", "5.1.1 words", ""} {
			reply := smtpReply(stageFinal, code, text)
			switch code / 100 {
			case 2:
				if reply.Verdict != port.CallAccepted {
					t.Errorf("%d %s: %+v", code, text, reply)
				}
			case 4, 5:
				if reply.Verdict != port.CallThrottled && (reply.Verdict != port.CallRefused || reply.Class == "") {
					t.Errorf("%d %s: %+v", code, text, reply)
				}
			default:
				if reply.Verdict != port.CallUnknown || !reply.Answered {
					t.Errorf("%d %s: %+v", code, text, reply)
				}
			}
		}
	}
}

// meanings are the right values of replies that were once read wrongly, and of those that are easily confused.
func TestRepliesByWhomTheyAreAbout(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		// About us, although each has a code that may be about the recipient.
		"final 554 5.7.1 Sending suspended": "provider", "final 554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException": "provider",
		"RCPT 550 5.4.5 Daily user sending quota exceeded": "provider", "RCPT 550 5.7.1 Relaying denied": "provider",
		"RCPT 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org": "provider",
		"RCPT 504 5.5.2 <balsong>: Helo command rejected: need fully-qualified hostname":             "provider", "AUTH 535 5.7.8 no": "provider",
		"final 550-5.7.1 first line\n5.7.1 Relaying denied":                             "provider", // the words of the second line
		"final 550-Requested action not taken\n5.1.1 the recipient":                     "permanent",
		"final 550-5.0.0 see below\n5.7.26 second line":                                 "provider", // the code of the second line
		"RCPT 550 5.1.8 <bills@example.com>: Sender address rejected: Domain not found": "provider",
		"RCPT 454 4.7.1 <kim@example.com>: Relay access denied":                         "provider",
		"final 550 5.7.26 unauthenticated mail":                                         "provider", "final 550 5.1.8 bad sender": "provider",
		// About the recipient, although the words speak of a quota or a rate.
		"RCPT 452 4.2.2 The email account that you tried to reach is over quota": "temporary", "final 552 5.2.2 mailbox full": "temporary",
		"RCPT 552 5.2.2 The email account that you tried to reach is over quota": "temporary", "final 552 5.2.2 The email account that you tried to reach is over quota and inactive.": "temporary",
		"RCPT 552 5.2.2 user quota exceeded": "temporary", "final 552 mailbox daily quota exceeded": "temporary",
		"RCPT 450 4.2.1 The user is receiving mail at a rate that prevents additional messages": "temporary",
		"RCPT 450 4.2.0 Greylisted": "throttled", "RCPT 511 refused": "permanent ?", "RCPT 599 what": "permanent ?",
		"RCPT 550 5.1.1 no such user": "permanent", "RCPT 550 no such user": "permanent", "RCPT 550 5.4.1 Recipient address rejected: Access denied": "permanent",
		"RCPT 554 5.7.1 <kim@example.com>: Recipient address rejected: User unknown": "permanent",
		// Whose account is closed: with words about us, about the recipient, and without any.
		"final 554 5.7.1 Account suspended": "provider ?", "final 554 5.7.1 Account disabled": "provider ?", "final 554 5.7.1 Account locked": "provider ?", "final 554 5.7.1 The account has been temporarily suspended": "provider ?",
		"RCPT 550 5.7.1 Your account is locked": "provider", "final 554 5.7.1 Your SMTP account has been deactivated": "provider", "RCPT 550 5.7.1 sender account disabled": "provider", "RCPT 550 Your user account is suspended": "provider",
		"final 554 5.7.1 <bills@example.com>: sender is suspended": "provider", "final 554 Account suspended": "provider ?", "RCPT 550 account disabled": "permanent ?", "final 525 5.7.13 User Account Disabled": "permanent",
		"RCPT 554 5.7.1 recipient account is disabled": "permanent", "RCPT 554 5.7.1 The recipient's account has been suspended": "permanent", "RCPT 554 5.7.1 mailbox disabled for this recipient": "permanent",
		"RCPT 554 5.7.1 <kim@example.com> user is suspended": "permanent", "RCPT 550 5.7.1 User suspended": "permanent", "RCPT 550 5.2.1 The email account that you tried to reach is disabled": "permanent",
		"RCPT 554 5.7.1 Account of this user has been locked": "permanent", "RCPT 554 5.2.1 account suspended": "permanent", "RCPT 550 5.1.1 account inactive": "permanent",
		"RCPT 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)": "provider ?", "RCPT 550 5.7.1 Sender blocked": "permanent ?",
		// What the words speak of is in the recipient's address: it says nothing about us.
		"RCPT 550 5.1.1 <dmarc@example.com>: Recipient address rejected: User unknown": "permanent", "RCPT 550 5.1.1 <kim@spamhaus.example>... User unknown": "permanent",
		"RCPT 552 5.2.2 helo@example.com is over quota": "temporary", "RCPT 450 4.2.1 <o'spf+rbl@dkim.example> busy": "temporary",
		// Nor does what a host is named say anything, a block list's aside.
		"RCPT 550 5.1.1 sending-suspended.example says no such mailbox": "permanent", "final 554 5.7.1 refused, see https://www.spamhaus.org/query/ip/192.0.2.1": "provider",
		"final 452 4.3.1 storage of quota.example.com": "temporary ?", "final 554 5.7.1 refused, see https://www.spamhaus.org.example/query": "permanent ?",
		"final 550 mailbox full.Try again": "temporary", // no host: a sentence that ends without a blank
		// In doubt.
		"final 550 5.7.1 not authorized": "permanent ?", "final 599 no": "permanent ?", "final 432 no": "throttled ?", "final 554 transaction failed": "temporary ?",
		// Not now.
		"final 451 Too many messages": "throttled ?", "final 454 Throttling failure: Daily message quota exceeded.": "throttled ?", "final 550 5.7.28 flood": "throttled ?",
		"final 421 4.3.2 shutting down": "throttled ?", "final 451 4.7.0 later": "throttled ?",
		// The class of the enhanced code is not the reply code's: it is not believed.
		"final 550 4.1.1 class and code differ": "permanent ?", "final 450 5.1.1 class and code differ": "temporary",
		// What the standards say.
		"final 550 5.1.1 no": "permanent", "final 550 5.1.10 null MX": "permanent", "final 550 5.2.1 disabled": "permanent", "final 552 5.3.4 too big": "permanent",
		"final 554 5.6.0 refused": "content", "final 451 4.2.1 mailbox not ready": "temporary", "final 452 4.3.1 disk full": "temporary ?",
		// Before a recipient is named, no refusal is about one.
		"MAIL 550 5.1.1 no such user": "provider ?", "GREETING 554 go away": "provider ?", "MAIL 451 later": "throttled ?",
	} {
		at, code, text := spoken(said)
		if got := smtpMeaning(at, code, text).means.String(); got != want {
			t.Errorf("%s: %s, want %s", said, got, want)
		}
	}
}

// traps are names of hosts, pages and machines that no word rule may read.
var traps = []string{
	"quota.example.com", "suspended.example", "over-quota.mx.example.com", "OVERQUOTA.EXAMPLE.COM", "helo.example.net", "dmarc.example", "spam.example.kr", "rbl.example.com:25",
	"spamhaus.example", "greylist.example", "rate.example.com", "virus.example", "unauthenticated.example", "spf.한국", "quota.xn--3e0b707e", "rate.EXAMPLE.com",
	"https://help.example.com/spam?dkim=virus", "help.example.com/dmarc", "<helo>", "<dkim@spam.example>", `<"rbl spam"@example.com>`, "quota.example.com.",
}

func TestNoNameInAReplyDecidesItsClass(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"RCPT 550 5.1.1 refused by %", "RCPT 450 4.2.1 (%): busy", "final 554 transaction failed at %", "final 451 4.4.1 host %[192.0.2.1] did not answer", "RCPT 550 5.7.1 %: access denied",
		"final 452 4.3.1 storage of % is short", "final 550-see %\n5.7.0 policy", "MAIL 550 %", "GREETING 421 %", "final 599 %", "final 499 %", "RCPT 550 user unknown at %", "final 554 5.7.1 Sending suspended by %",
	} {
		at, code, text := spoken(said)
		want := smtpMeaning(at, code, strings.ReplaceAll(text, "%", "mx1.example.com"))
		for _, name := range traps {
			if got := smtpMeaning(at, code, strings.ReplaceAll(text, "%", name)); got.means != want.means || got.why != want.why {
				t.Errorf("%s, from %s: %s (%s), want %s (%s)", said, name, got.means, got.why, want.means, want.why)
			}
		}
	}
}

func TestEachRuleOfTheTableHoldsForItsExamples(t *testing.T) {
	t.Parallel()
	for _, list := range [][]rule{wordRules, enhancedRules, codeRules} {
		for _, r := range list {
			if r.why == "" || r.source == "" || len(r.examples) == 0 {
				t.Errorf("a rule lacks its reason, source or examples: %+v", r)
			}
			for _, said := range r.examples {
				at, code, text := spoken(said)
				if found := findRule(code, text); found.why != r.why {
					t.Errorf("%s: by the rule %q, want %q", said, found.why, r.why)
				}
				if reply := smtpReply(at, code, text); reply.Detail == "" || reply.Verdict == port.CallUnknown {
					t.Errorf("%s: %+v", said, reply)
				}
			}
		}
	}
}

func TestAWaitOfTheProviderHoldsEveryCall(t *testing.T) {
	t.Parallel()
	if reply := smtpReply(stageFinal, 451, "4.7.0 rate limit, try again in 20 seconds"); reply.Hold != 20*time.Second || reply.NotBefore != 20*time.Second {
		t.Errorf("a rate limit: %+v", reply)
	}
	if reply := smtpReply(stageRcpt, 450, "4.2.0 Greylisted, try again in 300 seconds"); reply.Hold != 0 || reply.NotBefore != 300*time.Second {
		t.Errorf("a grey list is one recipient's: %+v", reply)
	}
}

func TestEnhancedCodes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"5.1.1 x": "5.1", "5.1.1": "5.1", "5.1.1\nmore": "5.1", "5.7.509 x": "5.7",
		"first line\n5.1.1 x": "5.1", "5.0.0 x\n5.7.1 y": "5.7", "5.0.0 x": "5.0",
		"4.1.1 x": "", "5.1 x": "", "5.1.1.1 x": "", "5.01.1 x": "", "5.1.1000 x": "", "5.-1.1": "", "x 5.1.1": "", "": "",
	} {
		if got, _ := enhanced(550, text); got != want {
			t.Errorf("%q: subject %q, want %q", text, got, want)
		}
	}
}

func TestWaitsInWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"4.7.0 rate limit, try again in 12 seconds": 12 * time.Second, "in 1 sec.": time.Second, "in 999999s": gateway.MaxWait,
		"greylisted for 300 seconds": 0, "in 5 minutes": 0, "in 12 servers": 0, "": 0,
	} {
		if got := waitInWords(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestServersTellTheirOwnIDs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2.0.0 Ok: queued as 4RfX1k2Zz":             "4RfX1k2Zz",
		"OK: queued as <EMAIL-17>":                  "EMAIL-17",
		"OK id=1rAbCd-0001":                         "1rAbCd-0001",
		"Ok 0102018c-000000":                        "0102018c-000000",
		"2.0.0 OK  1700000 x9-20020a - gsmtp":       "",
		"2.6.0 <a@b.example> [Internal=1] Queued":   "",
		"Ok kim@example.com":                        "",
		"fine":                                      "",
		"queued as " + strings.Repeat("a", 201):     "",
		"nothing on line one\nqueued as 4RfX1k2Zz2": "",
	} {
		if got := queueID(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzSMTPReply(f *testing.F) {
	for _, list := range [][]rule{wordRules, enhancedRules, codeRules} {
		for _, r := range list {
			for _, said := range r.examples {
				at, code, text := spoken(said)
				f.Add(code, text, uint8(at))
			}
		}
	}
	f.Add(250, "2.0.0 queued as x", uint8(3))
	f.Fuzz(func(t *testing.T, code int, text string, at uint8) {
		where := stage(at % 4)
		reply := smtpReply(where, code, text)
		refused := code >= 400 && code <= 599
		switch reply.Verdict {
		case port.CallRefused, port.CallThrottled:
			if !refused {
				t.Errorf("%d is a refusal", code)
			}
		case port.CallAccepted:
			if where != stageFinal || code < 200 || code > 299 {
				t.Errorf("%d at %d is an acceptance", code, where)
			}
		case port.CallNotMade:
			if where == stageFinal {
				t.Error("the message was sent, and yet no call was made")
			}
		case port.CallUnknown:
			if where != stageFinal || refused {
				t.Errorf("%d at %d is unknown", code, where)
			}
		default:
			t.Errorf("the verdict is %q", reply.Verdict)
		}
		if (reply.Class != "") != (reply.Verdict == port.CallRefused) {
			t.Errorf("%s with the class %q", reply.Verdict, reply.Class)
		}
		name := traps[int(at/4)%len(traps)]
		if got, want := smtpMeaning(where, code, text+" "+name), smtpMeaning(where, code, text+" mx.example.com"); refused && got.why != want.why {
			t.Errorf("%d %s %s: %s, want %s", code, text, name, got.why, want.why)
		}
		if reply.NotBefore < 0 || reply.NotBefore > gateway.MaxWait || reply.Hold > reply.NotBefore {
			t.Errorf("%s with a wait of %s and %s", reply.Verdict, reply.NotBefore, reply.Hold)
		}
	})
}
