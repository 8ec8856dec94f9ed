package gateway

import (
	"strings"
	"testing"
	"unicode"
)

func TestDetailsNameNobody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ words, destination, want string }{
		{"", "a@b.kr", ""},
		{"550 5.1.1 <Kim.Chulsoo@Example.com>: user unknown", "kim.chulsoo@example.com", "550 5.1.1 <[masked]>: user unknown"},
		{"no mailbox kim.chulsoo here", "kim.chulsoo@example.com", "no mailbox [masked] here"},
		{"forward to other@host.example, please", "kim@example.com", "forward to [masked], please"},
		{"number +82 (10) 1234-5678 is off", "01012345678", "number [masked] is off"},
		{"010.1234.5678, or 10/1234/5678", "01012345678", "0[masked], or [masked]"},
		{"550 5.7.509 access denied", "kim@example.com", "550 5.7.509 access denied"},
		{"token " + strings.Repeat("aB3_", 10) + " is gone", "x", "token [masked] is gone"},
		{"451 4.7.1 try again in 300 seconds", "kim@example.com", "451 4.7.1 try again in 300 seconds"},
		{"line\r\nbreak\x00\u202e", "", "line  break"},
	} {
		if got := Redact(c.words, c.destination); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.words, got, c.want)
		}
	}
}

func FuzzDetailsNameNobody(f *testing.F) {
	f.Add("550 no such user ", " here", "kim.chulsoo@example.com")
	f.Add("\xff\r\n", "\x00", "010-1234-5678")
	f.Fuzz(func(t *testing.T, before, after, destination string) {
		got := Redact(before+destination+after, destination)
		if len(got) > maxDetail || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("the detail is %q", got)
		}
		if strings.Contains(destination, "@") && len(before)+len(destination) < maxDetail && strings.Contains(got, destination) {
			t.Errorf("%q is in %q", destination, got)
		}
	})
}
