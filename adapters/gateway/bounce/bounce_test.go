package bounce_test

import (
	"encoding/base64"
	"fmt"
	"html"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"

	"github.com/balsong/balsong/adapters/gateway/bounce"
	"github.com/balsong/balsong/domain/attempt"
)

const kim = "kim@example.com"

// dsn is a mail with a delivery status: fields of the recipients, groups of them with empty lines between.
func dsn(recipients string) string {
	return `Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
To: bounces+key@bills.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

This is the mail system. See below.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Original-Envelope-Id: 2026-10/7/1/0
Arrival-Date: Mon, 30 Nov 2026 10:00:00 +0900

` + recipients + `

--B
Content-Type: message/rfc822

Return-Path: <bounces+key@bills.example>
Message-ID: <7.1@bills.example>
To: kim@example.com
Subject: Your bill

The bill.
--B--
`
}

func failed(changes ...func(*bounce.Report)) bounce.Report {
	r := bounce.Report{Recipient: kim, Kind: bounce.Undelivered, Definitive: true, Class: attempt.Permanent}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func status(code, words string) func(*bounce.Report) {
	return func(r *bounce.Report) { r.Status, r.Diagnostic = code, words }
}

func class(c attempt.FailureClass, doubtful bool) func(*bounce.Report) {
	return func(r *bounce.Report) { r.Class, r.Doubtful = c, doubtful }
}

func kind(k bounce.Kind, definitive bool) func(*bounce.Report) {
	return func(r *bounce.Report) {
		if r.Kind, r.Definitive = k, definitive; k != bounce.Undelivered && k != bounce.Delayed {
			r.Class, r.Doubtful = "", false
		}
	}
}

func recipient(as, final string) func(*bounce.Report) {
	return func(r *bounce.Report) { r.Recipient, r.Final = as, final }
}

func said(t *testing.T, mail string, want ...bounce.Report) bounce.Mail {
	t.Helper()
	got := bounce.Parse([]byte(strings.ReplaceAll(mail, "\n", "\r\n")))
	if !reflect.DeepEqual(got.Reports, want) {
		t.Errorf("by the rule %q:\n got %s\nwant %s", got.Rule, show(got.Reports), show(want))
	}
	if lf := bounce.Parse([]byte(mail)); !reflect.DeepEqual(lf, got) {
		t.Errorf("with other line ends it says %s", show(lf.Reports))
	}
	return got
}

func show(reports []bounce.Report) string {
	var b strings.Builder
	for _, r := range reports {
		fmt.Fprintf(&b, "\n\t%+v", r)
	}
	return b.String()
}

func TestADeliveryStatusSaysWhatBecameOfEachRecipient(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields string
		want   []bounce.Report
	}{
		"failed for good": {
			"Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <kim@example.com>: Recipient address rejected: User unknown",
			[]bounce.Report{failed(status("5.1.1", "550 5.1.1 <[masked]>: Recipient address rejected: User unknown"))},
		},
		"fields that are folded": {
			"Final-Recipient: rfc822;\n kim@example.com\nAction:\n\tfailed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550-5.1.1 The email account\n that you tried to reach does\n\tnot exist.",
			[]bounce.Report{failed(status("5.1.1", "550-5.1.1 The email account that you tried to reach does not exist."))},
		},
		"failed with 4.x.x: given up, and yet another try may succeed": {
			"Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 4.4.7\nDiagnostic-Code: smtp; 451 4.3.0 try again later",
			[]bounce.Report{failed(status("4.4.7", "451 4.3.0 try again later"), class(attempt.Temporary, true))},
		},
		"a full mailbox": {
			"Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 user over quota",
			[]bounce.Report{failed(status("5.2.2", "552 5.2.2 user over quota"), class(attempt.Temporary, false))},
		},
		"about us": {
			"Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
			[]bounce.Report{failed(status("5.7.1", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"), class(attempt.Provider, false))},
		},
		"the content": {
			"Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 554 5.7.1 The message was rejected because it contains a virus",
			[]bounce.Report{failed(status("5.7.1", "554 5.7.1 The message was rejected because it contains a virus"), class(attempt.Content, false))},
		},
		"slowed down until it was given up": {
			"Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 4.7.0\nDiagnostic-Code: smtp; 421 4.7.0 too many messages, slow down",
			[]bounce.Report{failed(status("4.7.0", "421 4.7.0 too many messages, slow down"), class(attempt.Temporary, true))},
		},
		"without an enhanced code": {
			"Final-Recipient: rfc822; kim@example.com\nAction: failed\nDiagnostic-Code: smtp; 550 No such user here",
			[]bounce.Report{failed(status("", "550 No such user here"))},
		},
		"without a diagnosis": {
			"Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.1.1",
			[]bounce.Report{failed(status("5.1.1", ""))},
		},
		"without an action it is nobody's last word": {
			"Final-Recipient: rfc822; kim@example.com\nStatus: 5.1.1",
			[]bounce.Report{failed(status("5.1.1", ""), kind(bounce.Undelivered, false))},
		},
		"an action that its status contradicts": {
			"Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 2.0.0",
			[]bounce.Report{failed(status("2.0.0", ""), kind(bounce.Undelivered, false), class(attempt.Permanent, true))},
		},
		"delayed is never definitive, whatever its status": {
			"Final-Recipient: rfc822; kim@example.com\nAction: delayed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\nWill-Retry-Until: Fri, 4 Dec 2026 10:00:00 +0900",
			[]bounce.Report{failed(status("5.1.1", "550 5.1.1 User unknown"), kind(bounce.Delayed, false))},
		},
		"delivered": {
			"Final-Recipient: rfc822; kim@example.com\nAction: delivered\nStatus: 2.1.5\nDiagnostic-Code: smtp; 250 2.1.5 OK",
			[]bounce.Report{failed(status("2.1.5", "250 2.1.5 OK"), kind(bounce.Delivered, true))},
		},
		"relayed and expanded say nothing of the mailbox": {
			"Final-Recipient: rfc822; kim@example.com\nAction: relayed\nStatus: 2.0.0\n\nFinal-Recipient: rfc822; all@example.com\nAction: expanded (to 3 members)\nStatus: 2.0.0",
			[]bounce.Report{failed(status("2.0.0", ""), kind(bounce.Relayed, false)), failed(status("2.0.0", ""), kind(bounce.Relayed, false), recipient("all@example.com", ""))},
		},
		"several recipients": {
			"Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; lee@example.com\nAction: delayed\nStatus: 4.2.2\n\nFinal-Recipient: rfc822; park@example.com\nAction: delivered\nStatus: 2.0.0",
			[]bounce.Report{
				failed(status("5.1.1", "")),
				failed(status("4.2.2", ""), kind(bounce.Delayed, false), class(attempt.Temporary, false), recipient("lee@example.com", "")),
				failed(status("2.0.0", ""), kind(bounce.Delivered, true), recipient("park@example.com", "")),
			},
		},
		"a different recipient than the message had: it was forwarded": {
			"Original-Recipient: rfc822;kim@example.com\nFinal-Recipient: rfc822; private@example.org\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 private@example.org: User unknown",
			[]bounce.Report{failed(status("5.1.1", "550 5.1.1 [masked] User unknown"), recipient(kim, "private@example.org"))},
		},
		"a recipient that is no address": {
			"Final-Recipient: X400; /C=KR/ADMD= /\nAction: failed\nStatus: 5.1.1",
			[]bounce.Report{failed(status("5.1.1", ""), recipient("", ""))},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := said(t, dsn(c.fields), c.want...)
			if got.MessageID != "<7.1@bills.example>" || got.EnvelopeFrom != "bounces+key@bills.example" || got.EnvelopeID != "2026-10/7/1/0" {
				t.Errorf("of the message it quotes %q, %q, %q", got.MessageID, got.EnvelopeFrom, got.EnvelopeID)
			}
			if want := time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC); !got.Arrived.Equal(want) {
				t.Errorf("it arrived at %s, want %s", got.Arrived, want)
			}
		})
	}
}

func TestABounceOfABounceIsNoReport(t *testing.T) {
	t.Parallel()
	inner := dsn("Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.1.1")
	outer := dsn("Final-Recipient: rfc822; bounces+key@bills.example\nAction: failed\nStatus: 5.1.1")
	head, _, _ := strings.Cut(outer, "Return-Path: <bounces+key@bills.example>")
	none := bounce.Report{Kind: bounce.NoReport}
	outerHead := strings.Replace(strings.ReplaceAll(head, "--B\n", "--OUTER\n"), `boundary="B"`, `boundary="OUTER"`, 1)
	said(t, outerHead+inner+"\n--OUTER--\n", none)
	// Within the report itself, not as the message that it returns.
	said(t, strings.TrimSuffix(outerHead, "Content-Type: message/rfc822\n\n")+inner+"\n--OUTER--\n", none)
}

func TestAReportIsReadInTheCharsetThatItIsWrittenIn(t *testing.T) {
	t.Parallel()
	korean22 := func(text string) string { return iso2022kr(t, text) }
	text := func(charset, transfer, body string) string {
		return "From: MAILER-DAEMON@mx.example.net\nTo: bounces+key@bills.example\nSubject: failure\nMIME-Version: 1.0\n" +
			"Content-Type: text/plain" + charset + "\nContent-Transfer-Encoding: " + transfer + "\n\n" + body
	}
	hangul := "아래 수신자에게 메일을 전달하지 못했습니다.\n\n<kim@example.com>: 550 5.1.1 수신자를 찾을 수 없음\n"
	kana := "以下のメールは配信できませんでした。\n\n<kim@example.com>: 550 5.1.1 宛先が見つかりません\n"
	inKorean := failed(status("5.1.1", "550 5.1.1 수신자를 찾을 수 없음"), kind(bounce.Undelivered, false))
	inJapanese := failed(status("5.1.1", "550 5.1.1 宛先が見つかりません"), kind(bounce.Undelivered, false))
	for name, c := range map[string]struct {
		mail string
		want bounce.Report
	}{
		"UTF-8":                                  {text("; charset=utf-8", "8bit", hangul), inKorean},
		"UTF-8 in base64":                        {text("; charset=utf-8", "base64", base64.StdEncoding.EncodeToString([]byte(hangul))), inKorean},
		"EUC-KR":                                 {text("; charset=euc-kr", "8bit", in(t, korean.EUCKR, hangul)), inKorean},
		"EUC-KR by its Windows name":             {text("; charset=ks_c_5601-1987", "8bit", in(t, korean.EUCKR, hangul)), inKorean},
		"EUC-KR that says it is UTF-8":           {text("; charset=utf-8", "8bit", in(t, korean.EUCKR, hangul)), inKorean},
		"EUC-KR that does not say so":            {text("", "8bit", in(t, korean.EUCKR, hangul)), inKorean},
		"ISO-2022-KR":                            {text("; charset=iso-2022-kr", "7bit", korean22(hangul)), inKorean},
		"ISO-2022-JP":                            {text("; charset=iso-2022-jp", "7bit", in(t, japanese.ISO2022JP, kana)), inJapanese},
		"Shift_JIS":                              {text("; charset=shift_jis", "8bit", in(t, japanese.ShiftJIS, kana)), inJapanese},
		"Shift_JIS that does not say so":         {text("", "8bit", in(t, japanese.ShiftJIS, kana)), inJapanese},
		"EUC-JP that does not say so":            {text("", "8bit", in(t, japanese.EUCJP, kana)), inJapanese},
		"EUC-KR of which only the begin is read": {text("; charset=euc-kr", "8bit", in(t, korean.EUCKR, hangul+"\n"+strings.Repeat("수신자님의 명세서입니다. \n", 2000))), inKorean},
		"EUC-KR with a broken letter":            {text("; charset=euc-kr", "8bit", in(t, korean.EUCKR, hangul)+"\n\xff\xff\n"), inKorean},
		"a page of one long line":                {strings.Replace(text("; charset=utf-8", "8bit", strings.Repeat("<span style=x></span>", 1500)+strings.ReplaceAll(strings.ReplaceAll(html.EscapeString(hangul), "\n", "<br>"), "&gt;:", "&gt;: ")), "text/plain", "text/html", 1), inKorean},
		"a charset that nobody knows":            {text("; charset=x-none", "8bit", hangul), inKorean},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said(t, c.mail, c.want)
		})
	}
}

func TestTheStatusOfADeliveryIsReadInTheCharsetOfItsMail(t *testing.T) {
	t.Parallel()
	mail := strings.Replace(dsn("Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 수신자 없음"), "charset=us-ascii\n\nThis", "charset=euc-kr\n\n배달 실패. This", 1)
	said(t, in(t, korean.EUCKR, mail), failed(status("5.1.1", "550 수신자 없음")))
	words := "=?ISO-2022-JP?B?" + base64.StdEncoding.EncodeToString([]byte(in(t, japanese.ISO2022JP, "宛先不明"))) + "?="
	said(t, dsn("Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 "+words), failed(status("5.1.1", "550 宛先不明")))
}

func in(t *testing.T, charset encoding.Encoding, text string) string {
	t.Helper()
	out, err := charset.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// iso2022kr encodes as RFC 1557 says.
func iso2022kr(t *testing.T, text string) string {
	out, shifted := "\x1b$)C\n", false
	for _, c := range []byte(in(t, korean.EUCKR, text)) {
		if high := c >= 0x80; high != shifted {
			shifted = high
			out += map[bool]string{true: "\x0e", false: "\x0f"}[high]
		}
		out += string(rune(c & 0x7f))
	}
	return out
}

func TestAnAbuseReportIsAComplaint(t *testing.T) {
	t.Parallel()
	arf := func(fields string) string {
		return `From: <feedback@isp.example>
Subject: FW: Your bill
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="F"

--F
Content-Type: text/plain

This is an abuse report.
--F
Content-Type: message/feedback-report

` + fields + `
--F
Content-Type: text/rfc822-headers

Message-ID: <7.1@bills.example>
--F--
`
	}
	complaint := func(who string) bounce.Report {
		return bounce.Report{Recipient: who, Kind: bounce.Complaint, Definitive: true, Diagnostic: "abuse"}
	}
	got := said(t, arf("Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nOriginal-Mail-From: <bounces+key@bills.example>\nOriginal-Rcpt-To: <kim@example.com>\nOriginal-Rcpt-To: lee@example.com\nArrival-Date: Mon, 30 Nov 2026 10:00:00 +0900"), complaint(kim), complaint("lee@example.com"))
	if got.MessageID != "<7.1@bills.example>" || got.EnvelopeFrom != "bounces+key@bills.example" || got.Arrived.IsZero() {
		t.Errorf("of the message it quotes %q, %q, %s", got.MessageID, got.EnvelopeFrom, got.Arrived)
	}
	said(t, arf("Feedback-Type: abuse"), complaint(""))
	said(t, arf("Feedback-Type: not-spam\nOriginal-Rcpt-To: <kim@example.com>"), bounce.Report{Kind: bounce.NoReport})
	said(t, arf("Feedback-Type: auth-failure\nOriginal-Rcpt-To: <kim@example.com>"), bounce.Report{Kind: bounce.NoReport})
	said(t, arf("Version: 1"), bounce.Report{Kind: bounce.NoReport})
}

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
