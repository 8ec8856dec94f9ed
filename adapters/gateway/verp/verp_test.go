package verp_test

import (
	"errors"
	"fmt"
	"math"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/verp"
	"github.com/balsong/balsong/domain/key"
)

const (
	first  = "first-secret-of-32-characters-or-more"
	second = "second-secret-of-32-characters-or-so"
)

func tokens(t testing.TB, installation string, secrets ...string) *verp.Tokens {
	t.Helper()
	made, err := verp.New(installation, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func delivery(t testing.TB, text string) key.Delivery {
	t.Helper()
	d, err := key.ParseDelivery(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAnAddressNamesItsDeliveryKeyWhateverServersMakeOfIt(t *testing.T) {
	t.Parallel()
	own := tokens(t, "prod42", first)
	pattern, err := verp.ParsePattern("bounces+{key}@bounces.example.com")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"2026-11/4711/0/0", "2026-11/3000000004711/2/7", "0001-01/1/0/0", fmt.Sprintf("9999-12/%d/%d/%d", int64(math.MaxInt64), math.MaxInt16, math.MaxInt16),
	} {
		d := delivery(t, text)
		address := pattern.Address(own.Token(d))
		local, _, _ := strings.Cut(address, "@")
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || len(local) > 64 {
			t.Errorf("%s: %s is no address (%v)", text, address, err)
		}
		for name, received := range map[string]string{
			"as it was": address, "in capitals": strings.ToUpper(address), "another domain": local + "@mx.example.net", "no domain": local,
			"another form":      "b-" + own.Token(d) + "-x@example.com",
			"a part alone":      own.Token(d) + "@example.com",
			"rewritten by SRS":  "SRS0=Zx1+=AB=example.com=" + local + "@forwarder.example",
			"quoted":            `"` + local + `"@example.com`,
			"a letter in front": "a" + own.Token(d) + "@example.com",
		} {
			if read, err := own.Read(received); err != nil || read != d {
				t.Errorf("%s, %s (%s): read %s (%v)", text, name, received, read, err)
			}
		}
	}
}

func TestAnAddressThatIsNotOursNamesNothing(t *testing.T) {
	t.Parallel()
	own := tokens(t, "prod42", first)
	d := delivery(t, "2026-11/4711/0/1")
	month, _ := key.NewMonth(2026, time.November)
	token := own.Token(d)
	for name, address := range map[string]string{
		"empty": "", "no token": "bounces@example.com", "short": "bounces+" + token[1:] + "@example.com", "in the domain": "bounces@" + token + ".example.com",
		"another installation": tokens(t, "trial7", first).Token(d), "another secret": tokens(t, "prod42", second).Token(d),
		"a test's":         own.Token(key.Delivery{Month: month}), // send-test uses the user id 0
		"no key's":         own.Token(key.Delivery{}),
		"unsigned":         strings.Repeat("a", 40),
		"a line end in it": token[:20] + "\r\n" + token[20:], "line ends alone": strings.Repeat("\r\n", 20),
		"very long": strings.Repeat(token[:39]+"-", 10) + token + "@example.com",
	} {
		if read, err := own.Read(address); !errors.Is(err, verp.ErrForeign) {
			t.Errorf("%s: %s is read as %s (%v)", name, address, read, err)
		}
	}
	for i := range token { // each of its 200 bits counts
		for _, other := range "abcdefghijklmnopqrstuvwxyz234567" {
			changed := token[:i] + string(other) + token[i+1:]
			if read, err := own.Read(changed); changed != token && err == nil {
				t.Fatalf("%s is read as %s", changed, read)
			}
		}
	}
}

func TestASecretIsChangedWhileBouncesOfTheLastOneArrive(t *testing.T) {
	t.Parallel()
	d := delivery(t, "2026-11/4711/0/0")
	before, during, after := tokens(t, "i", first), tokens(t, "i", second, first), tokens(t, "i", second)
	if read, err := during.Read(before.Token(d)); err != nil || read != d {
		t.Errorf("what the last secret signed: %s (%v)", read, err)
	}
	if read, err := after.Read(during.Token(d)); err != nil || read != d {
		t.Errorf("the new secret does not sign: %s (%v)", read, err)
	}
	if _, err := after.Read(before.Token(d)); !errors.Is(err, verp.ErrForeign) {
		t.Errorf("what a removed secret signed: %v", err)
	}
}

func TestSecretsAndPatternsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{nil, {""}, {"short"}, {first, "short"}, {strings.Repeat(" ", 40)}} {
		if _, err := verp.New("i", secrets...); !errors.Is(err, verp.ErrSecret) || strings.Contains(err.Error(), "short") {
			t.Errorf("%q: %v", secrets, err)
		}
	}
	for pattern, ok := range map[string]bool{
		"bounces+{key}@example.com": true, "bounces-{key}@example.com": true, "{key}@bounces.example.com": true, "b.{key}.x@example.com": true,
		strings.Repeat("b", 24) + "{key}@example.com": true, strings.Repeat("b", 25) + "{key}@example.com": false,
		"bounces@example.com": false, "bounces@{key}.example.com": false, "{key}{key}@example.com": false, "{key}": false, "{key}@": false, "": false,
		"b {key}@example.com": false, "Bounces <b+{key}@example.com>": false, "b+{key}@example.com\r\nX: y": false, "b+{key}@a@example.com": false,
	} {
		if _, err := verp.ParsePattern(pattern); (err == nil) != ok || err != nil && !errors.Is(err, verp.ErrPattern) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	own, other := tokens(f, "prod42", first, second), tokens(f, "trial7", first, second)
	d := delivery(f, "2026-11/4711/2/1")
	f.Add("bounces+"+own.Token(d)+"@example.com", int64(4711), int16(2), int16(1))
	f.Add(strings.ToUpper(own.Token(d)), int64(1), int16(0), int16(0))
	f.Add("bounces+"+other.Token(d)+"@example.com", int64(math.MaxInt64), int16(math.MaxInt16), int16(math.MaxInt16))
	f.Add("", int64(0), int16(-1), int16(-1))
	f.Add("İ"+own.Token(d), int64(-1), int16(0), int16(0))
	f.Add(own.Token(d)[:20]+"\n"+own.Token(d)[20:], int64(1), int16(0), int16(0))
	f.Fuzz(func(t *testing.T, address string, user int64, attempt, round int16) {
		if read, err := own.Read(address); err == nil && !strings.Contains(strings.ToLower(address), own.Token(read)) {
			t.Errorf("%q is read as %s, whose token is not in it", address, read)
		}
		written := key.Delivery{Month: d.Month, UserID: user, Attempt: attempt, Round: round}
		read, err := own.Read("b" + own.Token(written) + "b")
		valid := user > 0 && attempt >= 0 && round >= 0
		if valid && (err != nil || read != written) || !valid && err == nil {
			t.Errorf("%+v is read as %s (%v)", written, read, err)
		}
		if _, err := other.Read(own.Token(written)); err == nil {
			t.Errorf("another installation reads %+v", written)
		}
	})
}

func BenchmarkToken(b *testing.B) {
	own := tokens(b, "prod42", first)
	d := delivery(b, "2026-11/4711/2/1")
	b.ReportAllocs()
	for b.Loop() {
		_ = own.Token(d)
	}
}
