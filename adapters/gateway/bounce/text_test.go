package bounce_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/gateway/bounce"
	"github.com/balsong/balsong/domain/attempt"
)

func TestAutomaticRepliesAreNoReports(t *testing.T) {
	t.Parallel()
	for name, mail := range map[string]string{
		"out of office":             "From: kim@example.com\nSubject: Out of Office: Your bill\n\nI am not in. Mail to me cannot be delivered to my phone.\n",
		"vacation by its fields":    "From: kim@example.com\nSubject: Re: Your bill\nAuto-Submitted: auto-replied\n\nI will read your mail in June.\n",
		"vacation in Korean":        "From: kim@example.com\nSubject: =?utf-8?B?" + base64.StdEncoding.EncodeToString([]byte("[자동 회신] 부재중입니다")) + "?=\n\n휴가 중입니다. 메일을 전달하지 못했습니다.\n",
		"vacation in Japanese":      "From: kim@example.com\nSubject: =?utf-8?B?" + base64.StdEncoding.EncodeToString([]byte("自動応答: 不在です")) + "?=\n\n休暇中です。\n",
		"vacation of a null sender": "Return-Path: <>\nFrom: kim@example.com\nSubject: Automatic reply: Your bill\nAuto-Submitted: auto-replied\nX-Auto-Response-Suppress: All\n\nThe address does not exist any more, write to lee@example.com.\n",
		"vacation of a null sender whose subject says nothing": "Return-Path: <>\nFrom: kim@example.com\nSubject: Re: Your bill\nAuto-Submitted: auto-replied\n\nThe address does not exist any more, write to lee@example.com.\n",
		"challenge in a delivery status":                       strings.Replace(dsn("Final-Recipient: rfc822; kim@example.com\nAction: delayed\nStatus: 4.7.0\nDiagnostic-Code: smtp; Sender not pre-approved"), "See below.", "Please confirm that you are human.", 1),
		"challenge":                                            "From: kim@example.com\nSubject: Re: Your bill\n\nTo deliver your message, please confirm that you are human.\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said(t, mail, bounce.Report{Kind: bounce.AutoReply})
		})
	}
}

// Somebody who is away may write as a server does, and be called as one: that is no server's last word.
func TestAReplyOfWhoIsAwayIsNeverDefinitive(t *testing.T) {
	t.Parallel()
	const qmail = "Hi. This is the qmail-send program at mx.example.com.\n\n<kim@example.com>:\nno mailbox here by that name (#5.1.1)\n"
	for name, mail := range map[string]string{
		"who writes as qmail does":                   "Return-Path: <>\nFrom: Mail Administrator <kim@example.com>\nSubject: Your bill\n\nHi. This is the mailbox of Kim. I am on vacation, mail to <kim@example.com> cannot be delivered.\n",
		"who writes all that qmail does":             "Return-Path: <>\nFrom: postmaster@example.com\nSubject: Your bill\n\n" + qmail + "I am out of the office until Monday.\n",
		"whose subject says so":                      "Return-Path: <>\nFrom: postmaster@example.com\nSubject: Out of office: Your bill\n\n" + qmail,
		"who says so behind a server's sentence":     "From: Mail Service <kim@example.com>\nSubject: Your bill\n\nA message that you sent could not be delivered to one or more of its recipients: I am on holiday.\n\n<kim@example.com>\n",
		"whose subject alone is a server's sentence": "From: Mail Service <kim@example.com>\nSubject: Delivery has failed to these recipients\n\nThis is an automatic reply. I am away.\n\n<kim@example.com>\n",
		"who begins as qmail does, and says no more": "Return-Path: <>\nFrom: postmaster@example.com\nSubject: Your bill\n\nHi. This is the right place. Mail for kim@example.com is undeliverable.\n",
	} {
		for _, r := range bounce.Parse([]byte(mail)).Reports {
			if r.Definitive {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
	if all := bounce.Parse([]byte("From: MAILER-DAEMON@example.com\nSubject: failure notice\n\n" + qmail)).Reports; len(all) != 1 || !all[0].Definitive || all[0].Recipient != "kim@example.com" {
		t.Errorf("qmail's own: %+v", all)
	}
}

func TestWhatIsNoReportSaysNothing(t *testing.T) {
	t.Parallel()
	for name, mail := range map[string]string{
		"nothing":                                "",
		"a person's mail":                        "From: kim@example.com\nSubject: My bill\n\nYour last mail was undeliverable, user unknown, 550 5.1.1 <kim@example.com>.\n",
		"a person's reply to a bounce":           "From: kim@example.com\nSubject: Re: Undelivered Mail Returned to Sender\n\nWhat is this?\n> I'm sorry to have to inform you that your message could not be delivered to one or more recipients.\n> <kim@example.com>: 550 5.1.1 User unknown\n",
		"a person at a domain that is called so": "From: kim@mailserver.example.com\nSubject: What is this?\n\n> I'm sorry to have to inform you that your message could not be delivered to one or more recipients.\n> <kim@example.com>: 550 5.1.1 User unknown\n",
		"a read receipt":                         "From: kim@example.com\nSubject: Read: Your bill\nContent-Type: multipart/report; report-type=disposition-notification; boundary=R\n\n--R\n\nRead.\n--R\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; kim@example.com\nDisposition: manual-action/MDN-sent-manually; displayed\n--R--\n",
		"a forwarded DSN":                        "From: kim@example.com\nSubject: Fwd: look\nContent-Type: multipart/mixed; boundary=M\n\n--M\n\nLook at this.\n--M\nContent-Type: message/rfc822\n\n" + dsn("Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.1.1") + "\n--M--\n",
		"bytes":                                  "\x00\xff\xfe\x1b$B\x1b$)C\x0e\x00",
		"only boundaries":                        "Content-Type: multipart/report; boundary=B\n\n--B\n--B\n--B--\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said(t, mail, bounce.Report{Kind: bounce.NoReport})
		})
	}
}

func TestWhatIsBrokenIsReadAsFarAsItGoes(t *testing.T) {
	t.Parallel()
	whole := dsn("Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.1.1")
	want := failed(status("5.1.1", ""))
	for name, mail := range map[string]string{
		"lines that are no fields":    "From MAILER-DAEMON Mon Nov 30 10:00:00 2026\n kept in a mailbox\n" + strings.Replace(whole, "MIME-Version", "no field\nMIME-Version", 1),
		"cut off after the status":    whole[:strings.Index(whole, "\n\n--B\nContent-Type: message/rfc822")],
		"no last boundary":            strings.Replace(whole, "--B--", "", 1),
		"a broken content type":       strings.Replace(whole, `multipart/report; report-type=delivery-status;`, `multipart/report; report-type=delivery-status; =x;`, 1),
		"an encoding that is unknown": strings.Replace(whole, "Content-Type: message/delivery-status", "Content-Transfer-Encoding: x-none\nContent-Type: message/delivery-status", 1),
		"too large":                   whole + strings.Repeat("A line of the bill.\n", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said(t, mail, want)
		})
	}
	// Before the status it says nothing that is certain.
	head := whole[:strings.Index(whole, "\nAction")]
	said(t, strings.Replace(head, "See below.", "It could not be delivered to <kim@example.com>.", 1),
		failed(kind(bounce.Undelivered, false), class(attempt.Permanent, true), status("", "")))
}

func TestAServerThatRefusesByAReceiptOfItsOwnIsABounce(t *testing.T) {
	t.Parallel()
	said(t, "From: Mail Delivery Subsystem <postmaster@example.com>\nSubject: Rejected\nContent-Type: multipart/report; report-type=disposition-notification; boundary=R\n\n--R\n\nYour message to <kim@example.com> was automatically rejected:\nQuota exceeded\n"+
		"--R\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; kim@example.com\nDisposition: automatic-action/MDN-sent-automatically; deleted\n--R--\n",
		failed(kind(bounce.Undelivered, false), class(attempt.Permanent, true), status("", "was automatically rejected: Quota exceeded")))
}

func TestTheSentenceOfAKnownServerIsDefinitiveWhereAMailSystemSaysIt(t *testing.T) {
	t.Parallel()
	const words = "\n\nI'm sorry to have to inform you that your message could not be delivered to one or more recipients.\n\n<kim@example.com>: 550 5.1.1 User unknown\n"
	want := failed(status("5.1.1", "550 5.1.1 User unknown"))
	said(t, "From: MAILER-DAEMON@mx.example.net\nSubject: Hello"+words, want)
	want.Definitive = false
	said(t, "From: gateway@mx.example.net\nSubject: Undeliverable: Your bill"+words, want)
	said(t, "Return-Path: <>\nFrom: gateway@mx.example.net\nSubject: Hello"+words, want)
}

func TestWhoIsNamedAsASenderIsNoRecipient(t *testing.T) {
	t.Parallel()
	said(t, "From: MAILER-DAEMON@mx.example.net\nTo: bounces+key@bills.example\nSubject: failure\n\nYour mail to bounces+key@bills.example could not be delivered because they are not accepting mail from bills@other.example:\n\tkim\n",
		failed(recipient("", ""), kind(bounce.Undelivered, false), class(attempt.Permanent, true), status("", "could not be delivered because they are not accepting mail from [masked] kim")))
}

func TestABounceInWordsQuotesItsMessage(t *testing.T) {
	t.Parallel()
	got := said(t, "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n"+
		"<kim@example.com>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n<lee@example.com>:\nUser is over the quota. (#5.2.2)\n\n--- Below this line is a copy of the message.\n\n"+
		"Return-Path: <bounces+key@bills.example>\nReceived: from x\nMessage-ID: <7.1@bills.example>\nTo: park@example.com\n",
		failed(status("5.1.1", "Sorry, no mailbox here by that name. (#5.1.1)")),
		failed(status("5.2.2", "User is over the quota. (#5.2.2)"), class(attempt.Temporary, false), recipient("lee@example.com", "")))
	if got.MessageID != "<7.1@bills.example>" || got.EnvelopeFrom != "bounces+key@bills.example" {
		t.Errorf("of the message it quotes %q, %q", got.MessageID, got.EnvelopeFrom)
	}
}
