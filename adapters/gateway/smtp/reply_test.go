package smtp

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

func TestFinalRepliesByTheirCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code    int
		text    string
		verdict port.Verdict
		class   attempt.FailureClass
	}{
		{550, "5.1.1 no such user", port.CallRefused, attempt.Permanent},
		{550, "5.1.10 null MX", port.CallRefused, attempt.Permanent},
		{550, "5.1.8 bad sender", port.CallRefused, attempt.Temporary},
		{550, "5.2.1 disabled", port.CallRefused, attempt.Permanent},
		{552, "5.2.2 mailbox full", port.CallRefused, attempt.Temporary},
		{552, "5.3.4 too big", port.CallRefused, attempt.Permanent},
		{554, "5.6.0 refused", port.CallRefused, attempt.Content},
		{550, "5.7.1 not authorized", port.CallRefused, attempt.Permanent},
		{550, "5.7.26 unauthenticated mail", port.CallRefused, attempt.Temporary},
		{550, "5.7.28 flood", port.CallThrottled, ""},
		{550, "no such user", port.CallRefused, attempt.Permanent},
		{550, "4.1.1 class and code differ", port.CallRefused, attempt.Permanent},
		{450, "5.1.1 class and code differ", port.CallRefused, attempt.Temporary},
		{550, "5.9.9 no such subject", port.CallRefused, attempt.Permanent},
		{554, "transaction failed", port.CallRefused, attempt.Temporary},
		{451, "4.2.1 mailbox not ready", port.CallRefused, attempt.Temporary},
		{451, "4.7.0 later", port.CallThrottled, ""},
		{451, "Too many messages", port.CallThrottled, ""},
		{454, "Throttling failure: Daily message quota exceeded.", port.CallThrottled, ""},
		{421, "4.3.2 shutting down", port.CallThrottled, ""},
		{452, "4.3.1 disk full", port.CallRefused, attempt.Temporary},
		{251, "user not local", port.CallUnknown, ""},
		{299, "perhaps", port.CallUnknown, ""},
		{354, "continue", port.CallUnknown, ""},
		{499, "4.2.1 no such code", port.CallUnknown, ""},
		{599, "5.1.1 no such code", port.CallUnknown, ""},
		{0, "", port.CallUnknown, ""},
	} {
		reply := smtpReply(stageFinal, c.code, c.text)
		if reply.Verdict != c.verdict || reply.Class != c.class {
			t.Errorf("%d %s: got %s %s, want %s %s", c.code, c.text, reply.Verdict, reply.Class, c.verdict, c.class)
		}
	}
}

func TestTheReadmeShowsTheAllowLists(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for code, rule := range smtpRefusals {
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s |", code, rule.means, rule.why))
	}
	for code, rule := range basicRefusals {
		lines = append(lines, fmt.Sprintf("| `%d` | %s | %s |", code, rule.means, rule.why))
	}
	slices.Sort(lines)
	for _, line := range lines {
		if !strings.Contains(string(readme), line+"\n") {
			t.Errorf("README.md lacks: %s", line)
		}
	}
	if shown := strings.Count(string(readme), "\n| `"); shown != len(lines) {
		t.Errorf("README.md shows %d codes, the lists have %d", shown, len(lines))
	}
}

func TestEnhancedCodes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"5.1.1 x": "5.1", "5.1.1": "5.1", "5.1.1\nmore": "5.1", "5.7.509 x": "5.7",
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
	for code := range basicRefusals {
		for enhanced := range smtpRefusals {
			f.Add(code, enhanced+".1 words", uint8(code%4))
		}
	}
	f.Add(250, "2.0.0 queued as x", uint8(3))
	f.Fuzz(func(t *testing.T, code int, text string, at uint8) {
		where := stage(at % 4)
		reply := smtpReply(where, code, text)
		checkRefusal(t, reply)
		if _, listed := basicRefusals[code]; !listed && (reply.Verdict == port.CallRefused || reply.Verdict == port.CallThrottled) {
			t.Errorf("%d is on no list, and yet %s", code, reply.Verdict)
		}
		if where == stageFinal && reply.Verdict == port.CallNotMade {
			t.Error("the message was sent, and yet no call was made")
		}
		if where != stageFinal && reply.Verdict == port.CallUnknown {
			t.Error("no byte of the message was sent, and yet the outcome is unknown")
		}
		if reply.Verdict == port.CallRefused && (code < 400 || code > 599) {
			t.Errorf("%d is a refusal", code)
		}
		queueID(text)
	})
}

func checkRefusal(t *testing.T, reply port.Reply) {
	t.Helper()
	switch reply.Verdict {
	case port.CallRefused, port.CallThrottled, port.CallNotMade, port.CallUnknown:
	default:
		t.Errorf("the verdict is %q", reply.Verdict)
	}
	if (reply.Class != "") != (reply.Verdict == port.CallRefused) {
		t.Errorf("%s with the class %q", reply.Verdict, reply.Class)
	}
	if reply.NotBefore < 0 || reply.NotBefore > gateway.MaxWait || (reply.NotBefore > 0 && reply.Verdict != port.CallThrottled) {
		t.Errorf("%s with a wait of %s", reply.Verdict, reply.NotBefore)
	}
}
