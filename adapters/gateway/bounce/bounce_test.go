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
