package bounce

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/operations/bounces.md anew")

func TestTheBouncesPageIsFresh(t *testing.T) {
	t.Parallel()
	const path = "../../../docs/operations/bounces.md"
	var want bytes.Buffer
	page(&want)
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is stale (%v): run `make docs`", path, err)
	}
}

func TestEachRuleReadsItsExample(t *testing.T) {
	t.Parallel()
	for _, r := range slices.Concat(formats, automatic, phrases) {
		if got := Parse(spoken(r)); got.Rule != r.name || got.Reports[0].Kind != r.kind || got.Reports[0].Definitive != r.definitive {
			t.Errorf("%q is read by the rule %q as %+v, want %q", r.example, got.Rule, got.Reports, r.name)
		}
	}
}

// spoken is the example of a rule as a mail: of a mail system, or of a person.
func spoken(r rule) []byte {
	from := "MAILER-DAEMON@mx.example.net"
	if r.kind == AutoReply {
		from = "kim@example.com"
	}
	return []byte("From: " + from + "\nSubject: About your mail\n\n" + r.example + "\n")
}

// page writes docs/operations/bounces.md.
func page(w io.Writer) {
	fmt.Fprint(w, `# Bounces and complaints that come by mail

Written from the rules of `+"`adapters/gateway/bounce`"+`; a test fails when it is stale. [ADR 0062](../adr/0062-bounces-are-read-by-rules-of-our-own.md) says why they are ours.

The [feedback service](../providers/README.md#learn-what-became-of-messages) takes such mail by LMTP and reads it by these rules.

What is read of each recipient: what became of the message, whether that is **definitive** (the reporter's own, unambiguous word that nothing more will be tried), the failure class, the enhanced status code,
the server's words without addresses; and of the message, as far as it is quoted: Message-ID, envelope sender, ENVID, when it arrived. A class is looked up in [the table of replies](answers.md), as if the server
had said it to us; a throttled message that was given up is temporary. A definitive report is no proof that it is about a message of ours: anybody can write one.

At most 1 MiB of a mail is read, 8 parts deep, 64 parts, 16 KiB of a text, 100 recipients. Texts may be in any charset, named, wrongly named or not: UTF-8, EUC-KR, ISO-2022-KR, Shift_JIS, EUC-JP, ISO-2022-JP and those of the WHATWG's list.

## What a mail can say

| Kind | What it means | 의미 | Definitive |
|---|---|---|---|
`)
	for _, k := range meanings {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", k.kind, k.means, k.korean, k.definitive)
	}
	fmt.Fprint(w, "\n## Delivery status notifications (RFC 3464)\n\nThe action decides; the status has to fit it. Without an action a status says the same, and is not definitive.\n\n| Fields | Kind | Definitive | Class |\n|---|---|---|---|\n")
	for _, example := range statuses {
		got := Parse([]byte("Content-Type: multipart/report; boundary=B\n\n--B\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; kim@example.com\n" + example + "\n--B--\n")).Reports[0]
		shown := string(got.Class)
		if got.Doubtful {
			shown += " ?"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", strings.ReplaceAll(example, "\n", "` `"), got.Kind, yes(got.Definitive), orNone(shown))
	}
	fmt.Fprint(w, `
- Where Original-Recipient and Final-Recipient differ the mail was forwarded: both are told.
- A report about a report (a multipart/report within another, or a returned message with a null sender) is no report: Balsong sends none. So are read receipts (RFC 8098), and a report that a person forwards.
- A report that was cut off before its action and status is read by its words.

## Abuse reports (RFC 5965)

Each is a complaint, of an unknown type too, but `+"`not-spam` (RFC 6430) and `auth-failure`"+` (RFC 6591), which are no report. Many name no recipient.

## Mails without a delivery status

Of the sentences that fit, the first counts, in this order. Recipients are the addresses that begin a line behind the sentence, else any; never the mail's own sender and recipient, and none of the message that it returns.

| Rule | Example | Kind | Definitive | Counts in |
|---|---|---|---|---|
`)
	for _, group := range []struct {
		rules []rule
		in    string
	}{{formats, "mails of a mail system"}, {automatic, "the subject; the text where no mail system is the sender"}, {phrases, "the same, and mails with a null sender or a subject that says so"}} {
		for _, r := range group.rules {
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", r.name, r.example, r.kind, yes(r.definitive), group.in)
		}
	}
	fmt.Fprint(w, `
A mail is a mail system's where its sender is called so (MAILER-DAEMON, postmaster, …), or where it is a multipart/report or has X-Failed-Recipients. The sentence of a known server counts without that too where the sender is
null or the subject says that something was not delivered (and is no reply), but nothing is definitive then. A mail with the fields of RFC 3834 and its forerunners (`+"`Auto-Submitted: auto-replied`, `Precedence: auto_reply`,\n`X-Autoreply`"+`) is a vacation reply unless a mail system sent it.

## Against what others gathered

`+"`make bounces-check`"+` installs two collections and compares each mail with what its own tests expect. It fails where a mail is read otherwise than this page says.

| Collection | Mails with an expectation | Read as expected | Not, because theirs is wrong | ours | it is ambiguous |
|---|---:|---:|---:|---:|---:|
`)
	for _, c := range []corpus{flufl, bounceParser} {
		count := map[string]int{}
		for _, d := range c.rest {
			count[d.who]++
		}
		fmt.Fprintf(w, "| %s (%s) | %d | %d (%d%%) | %d | %d | %d |\n", c.name, c.from, c.mails, c.mails-len(c.rest), c.share(), count[theirs], count[ours], count[ambiguous])
	}
	fmt.Fprint(w, "\n| Collection | Mail | Wrong is | Why |\n|---|---|---|---|\n")
	for _, c := range []corpus{flufl, bounceParser} {
		for _, name := range slices.Sorted(maps.Keys(c.rest)) {
			fmt.Fprintf(w, "| %s | `%s` | %s | %s |\n", c.name, name, c.rest[name].who, c.rest[name].why)
		}
	}
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func orNone(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

var meanings = []struct {
	kind                      Kind
	means, korean, definitive string
}{
	{Undelivered, "it did not reach the recipient", "수신자에게 전달되지 않음", "a delivery status that says `failed`, or a known server's sentence that it has given up"},
	{Delayed, "it has not reached the recipient so far; the server goes on trying", "지연됨. 서버가 계속 시도함", "never"},
	{Delivered, "it is in the mailbox, or was handed to a mailing list", "메일함(또는 메일링 리스트)에 전달됨", "yes, where the status fits"},
	{Relayed, "it was handed on to where nothing more is said, or to several addresses", "결과를 알려 주지 않는 곳으로 넘겨졌거나 여러 주소로 전달됨", "never"},
	{Complaint, "it was delivered, and the recipient calls it abuse", "전달되었으나 수신자가 스팸으로 신고함", "yes"},
	{AutoReply, "a vacation reply, an out-of-office reply, or a challenge that asks for a confirmation", "부재중 자동 회신 또는 발신자 확인 요청", "–"},
	{NoReport, "anything else", "그 밖의 메일", "–"},
}

var statuses = []string{
	"Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown",
	"Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 No such user here",
	"Action: failed\nDiagnostic-Code: smtp; 550 mailbox full",
	"Action: failed\nStatus: 4.4.7\nDiagnostic-Code: smtp; 451 4.3.0 try again later",
	"Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org",
	"Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 554 5.7.1 it contains a virus",
	"Action: failed\nStatus: 2.0.0",
	"Status: 5.1.1",
	"Action: delayed\nStatus: 4.4.1",
	"Action: delayed\nStatus: 5.1.1",
	"Action: delivered\nStatus: 2.0.0",
	"Action: relayed\nStatus: 2.0.0",
	"Action: expanded\nStatus: 2.0.0",
}
