package destination

import (
	"strings"
	"testing"
)

// FuzzDestinations: what is taken for an address or a number has nothing in it that breaks a header or a request.
func FuzzDestinations(f *testing.F) {
	for _, text := range []string{"kim@example.com", "Kim <kim@example.com>", "010-1234-5678", "+821012345678", "a@b.c\r\nBcc: x@y.z", "t0ken", "", "@", "010-\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		odd := func(s string) bool {
			return strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f }) || s == ""
		}
		if address, err := parseEmail(text); err == nil && (address != text || odd(text) || strings.Count(text, "@") != 1 || strings.ContainsAny(text, "<>,;:\"")) {
			t.Fatalf("%q is taken for the e-mail address %q", text, address)
		}
		if number, err := parsePhone(text); err == nil {
			if again, err := parsePhone(number); err != nil || again != number || strings.Trim(number, "+-0123456789") != "" {
				t.Fatalf("%q is taken for the number %q, and that for %q (%v)", text, number, again, err)
			}
		}
		if token, err := parsePushToken(text); text != "" && err == nil && (token != text || odd(text)) {
			t.Fatalf("%q is taken for the push token %q", text, token)
		}
	})
}
