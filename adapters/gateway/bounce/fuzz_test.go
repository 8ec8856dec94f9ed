package bounce_test

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/balsong/balsong/adapters/gateway/bounce"
	"github.com/balsong/balsong/domain/attempt"
)

var everyKind = []bounce.Kind{bounce.Undelivered, bounce.Delayed, bounce.Delivered, bounce.Relayed, bounce.Complaint, bounce.AutoReply, bounce.NoReport}

// checkMail holds for whatever comes in.
func checkMail(t *testing.T, got bounce.Mail) {
	t.Helper()
	if len(got.Reports) == 0 || len(got.Reports) > 100 || got.Rule == "" {
		t.Fatalf("%d reports by the rule %q", len(got.Reports), got.Rule)
	}
	for _, r := range got.Reports {
		none := r.Kind == bounce.NoReport || r.Kind == bounce.AutoReply
		late := r.Kind == bounce.Undelivered || r.Kind == bounce.Delayed
		switch {
		case !slices.Contains(everyKind, r.Kind):
			t.Errorf("the kind %q", r.Kind)
		case none && (len(got.Reports) != 1 || r.Recipient != "" || r.Definitive):
			t.Errorf("no report says %+v", got.Reports)
		case r.Definitive && (r.Kind == bounce.Delayed || r.Kind == bounce.Relayed):
			t.Errorf("%s is definitive", r.Kind)
		case late != (r.Class != ""):
			t.Errorf("%s has the class %q", r.Kind, r.Class)
		case r.Class == attempt.Throttled || r.Class == attempt.Suppressed:
			t.Errorf("the class %q", r.Class)
		case len(r.Diagnostic) > 200 || strings.Contains(r.Recipient, "@") && strings.Contains(r.Diagnostic, r.Recipient):
			t.Errorf("the words %q of %q", r.Diagnostic, r.Recipient)
		}
		for _, text := range []string{r.Recipient, r.Final, r.Status, r.Diagnostic, got.MessageID, got.EnvelopeFrom, got.EnvelopeID} {
			if len(text) > 320 || !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00") {
				t.Errorf("the text %q", text)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(dsn("Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <kim@example.com>: User unknown")))
	f.Add([]byte("From: MAILER-DAEMON@x\n\nHi. This is the qmail-send program\n\n<kim@example.com>:\nno (#5.1.1)\n--- Below this line is a copy\nMessage-ID: <a@b>"))
	f.Add([]byte("From: MAILER-DAEMON@x\nContent-Type: text/html\n\n<p>could not be delivered<br>kim@example.com"))
	f.Add([]byte("From: MAILER-DAEMON@x\nSubject: =?iso-2022-kr?B?GyQpQw5BPg8=?=\n\n\x1b$)C\x0e<T\x0f kim@example.com"))
	f.Add([]byte("Content-Type: multipart/report; boundary=\"B\"\n\n--B\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: <kim@example.com>\n--B--"))
	f.Fuzz(func(t *testing.T, raw []byte) { checkMail(t, bounce.Parse(raw)) })
}

// maxMade bounds what is made of a mail of which 1 MiB is read: each step on the way makes something of what it reads, and what is done
// again and again would make many times as much. Expressions alone make nothing, and take time in proportion to the text.
const maxMade = detector * (16 << 20)

func TestHostileMailsTakeBoundedWork(t *testing.T) { //nolint:paralleltest // what it measures is the whole process's
	const size = 50 << 20
	repeat := func(head, unit string) []byte { return []byte(head + strings.Repeat(unit, size/len(unit))) }
	nested := &strings.Builder{}
	for i := range 20_000 {
		boundary := strings.Repeat("b", 1+i%50)
		nested.WriteString("Content-Type: multipart/report; boundary=" + boundary + "\n\n--" + boundary + "\n")
	}
	status := "Content-Type: multipart/report; boundary=B\n\n--B\nContent-Type: message/delivery-status\n\n"
	daemon := "From: MAILER-DAEMON@x\nSubject: undeliverable\n\n"
	failed := &strings.Builder{}
	for i := range 900 {
		fmt.Fprintf(failed, "X-Failed-Recipients: kim%d@example.com, lee%d@example.com\n", i, i)
	}
	for name, raw := range map[string][]byte{
		"one line":             repeat("", "a"),
		"empty lines":          repeat("", "\n"),
		"fields":               repeat("", "a: b\n"),
		"a folded field":       repeat("Subject: a\n", " b\n"),
		"parts":                repeat("Content-Type: multipart/mixed; boundary=B\n\n", "--B\n\na\n"),
		"parts within parts":   []byte(nested.String()),
		"recipients":           repeat(status, "Final-Recipient: rfc822; kim@example.com\nAction: failed\n\n"),
		"addresses in words":   repeat(daemon, "kim@example.com\n"),
		"nearly an address":    repeat(daemon, "a.@"),
		"encoded words":        repeat("From: MAILER-DAEMON@x\nSubject: ", "=?utf-8?q?=?="),
		"angle brackets":       repeat("From: MAILER-DAEMON@x\nContent-Type: text/html\n\n", "<style"),
		"a sentence half said": repeat(daemon, "delivery of the "),
		"failed recipients":    []byte(failed.String() + "\nundeliverable"),
		"escapes":              repeat(daemon, "\x1b$B\x1b$)C\x0e"),
	} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // the same
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := bounce.Parse(raw)
			runtime.ReadMemStats(&after)
			checkMail(t, got)
			if made := after.TotalAlloc - before.TotalAlloc; made > maxMade {
				t.Errorf("%d MiB are made of it", made>>20)
			}
			if first := bounce.Parse(raw[:min(len(raw), 1<<20)]); !reflect.DeepEqual(got, first) {
				t.Errorf("more than the first MiB is read: %+v, of that %+v", got, first)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for name, mail := range map[string]string{
		"status": dsn("Final-Recipient: rfc822; kim@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <kim@example.com>: User unknown"),
		"words":  "From: MAILER-DAEMON@x\n\nHi. This is the qmail-send program\n\n<kim@example.com>:\nno (#5.1.1)\n--- Below this line is a copy\nMessage-ID: <a@b>\n" + strings.Repeat("A line of the bill.\n", 100),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				bounce.Parse([]byte(mail))
			}
		})
	}
}
