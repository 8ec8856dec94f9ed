package leaktest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"mime/quotedprintable"
	"net/url"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/e2e/leaktest"
)

func searcher(t *testing.T, secrets ...string) *leaktest.Searcher {
	t.Helper()
	s, err := leaktest.NewSearcher(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestADestinationIsFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	const address, phone, token = "Kim.Hana+bills@private.example", "+821012345678", "push/token:AbCdEf=1234"
	s := searcher(t, address, phone, token)
	quoted := func(text string) string {
		var b bytes.Buffer
		w := quotedprintable.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
		return b.String()
	}
	for _, secret := range []string{address, phone, token} {
		around := "before " + secret + " behind"
		cases := map[string]struct {
			text string
			form leaktest.Form
		}{
			"clear":          {around, leaktest.Clear},
			"upper case":     {strings.ToUpper(around), leaktest.Clear},
			"hex":            {hex.EncodeToString([]byte(around)), leaktest.Hex},
			"HEX":            {fmt.Sprintf("%X", around), leaktest.Hex},
			"percent":        {"q=" + url.QueryEscape(secret) + "&", leaktest.URLEncoded},
			"binary, before": {"\x00\xff\xfe" + secret + "\x80", leaktest.Clear},
		}
		for shift := range 3 {
			text := strings.Repeat("x", shift) + secret + "behind"
			cases[fmt.Sprintf("base64 %d", shift)] = struct {
				text string
				form leaktest.Form
			}{base64.StdEncoding.EncodeToString([]byte(text)), leaktest.Base64}
			cases[fmt.Sprintf("base64url %d", shift)] = struct {
				text string
				form leaktest.Form
			}{base64.RawURLEncoding.EncodeToString([]byte(text)), leaktest.Base64}
		}
		for name, c := range cases {
			if !found(s.In([]byte(c.text)), secret, c.form) {
				t.Errorf("%s as %s is not found", secret, name)
			}
		}
		if got := s.In([]byte(quoted(strings.Repeat("ö", 10) + around))); len(got) == 0 {
			t.Errorf("%s in quoted-printable is not found", secret)
		}
		if got := s.In([]byte(secret[:10] + "=\r\n" + strings.ReplaceAll(secret[10:], "=", "=3D"))); len(got) == 0 {
			t.Errorf("%s over a soft line break is not found", secret)
		}
	}
	for _, spelling := range []string{"01012345678", "010-1234-5678", "821012345678"} {
		if !found(s.In([]byte("to "+spelling)), phone, leaktest.Clear) {
			t.Errorf("%s is not found as %s", phone, spelling)
		}
	}
}

func found(findings []leaktest.Finding, secret string, form leaktest.Form) bool {
	for _, f := range findings {
		if f.Secret == secret && (f.Form == form || f.Form == leaktest.Clear) {
			return true
		}
	}
	return false
}

func TestWhatIsMaskedOrAnotherIsNotFound(t *testing.T) {
	t.Parallel()
	s := searcher(t, "kim.hana@private.example", "+821012345678")
	for _, text := range []string{"", "k***@private.example", "kim.hana@private.exam", "010-****-5678", "+821012345679", strings.Repeat("a", 100)} {
		if got := s.In([]byte(text)); len(got) > 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
	if _, err := leaktest.NewSearcher([]string{"short"}); !errors.Is(err, leaktest.ErrShort) {
		t.Errorf("a short secret: %v", err)
	}
}

func FuzzIn(f *testing.F) {
	f.Add([]byte("x"), []byte("kim.hana@private.example"))
	f.Fuzz(func(t *testing.T, before, secret []byte) {
		s, err := leaktest.NewSearcher([]string{string(secret)})
		if err != nil {
			return
		}
		text := append(bytes.Clone(before), secret...)
		for _, written := range []string{string(text), hex.EncodeToString(text), base64.StdEncoding.EncodeToString(append(bytes.Clone(text), before...))} {
			if len(s.In([]byte(written))) == 0 && bytes.Equal(bytes.ToLower(secret), []byte(strings.ToLower(string(secret)))) && isASCII(secret) {
				t.Fatalf("%q is not found in %q", secret, written)
			}
		}
	})
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
