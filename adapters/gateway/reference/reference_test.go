package reference_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/domain/key"
)

const (
	first  = "first-secret-of-32-characters-or-more"
	second = "second-secret-of-32-characters-or-so"
)

func references(t testing.TB, installation string, secrets ...string) *reference.References {
	t.Helper()
	made, err := reference.New(installation, secrets...)
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
	own := references(t, "prod42", first)
	for _, text := range []string{
		"2026-11/4711/0/0", "2026-11/3000000004711/2/7", "0001-01/1/0/0", fmt.Sprintf("9999-12/%d/%d/%d", int64(math.MaxInt64), math.MaxInt16, math.MaxInt16),
	} {
		d := delivery(t, text)
		address := "bounces+" + own.To(d) + "@bounces.example.com"
		local, _, _ := strings.Cut(address, "@")
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || len(local) > 64 {
			t.Errorf("%s: %s is no address (%v)", text, address, err)
		}
		for name, received := range map[string]string{
			"as it was": address, "in capitals": strings.ToUpper(address), "another domain": local + "@mx.example.net", "no domain": local,
			"another form":      "b-" + own.To(d) + "-x@example.com",
			"a part alone":      own.To(d) + "@example.com",
			"rewritten by SRS":  "SRS0=Zx1+=AB=example.com=" + local + "@forwarder.example",
			"quoted":            `"` + local + `"@example.com`,
			"a letter in front": "a" + own.To(d) + "@example.com",
		} {
			if read, err := own.Read(received); err != nil || read != d {
				t.Errorf("%s, %s (%s): read %s (%v)", text, name, received, read, err)
			}
		}
	}
}

func TestAnAddressThatIsNotOursNamesNothing(t *testing.T) {
	t.Parallel()
	own := references(t, "prod42", first)
	d := delivery(t, "2026-11/4711/0/1")
	month, _ := key.NewMonth(2026, time.November)
	token := own.To(d)
	for name, address := range map[string]string{
		"empty": "", "no token": "bounces@example.com", "short": "bounces+" + token[1:] + "@example.com", "in the domain": "bounces@" + token + ".example.com",
		"another installation": references(t, "trial7", first).To(d), "another secret": references(t, "prod42", second).To(d),
		"a test's":         own.To(key.Delivery{Month: month}), // send-test uses the user id 0
		"no key's":         own.To(key.Delivery{}),
		"unsigned":         strings.Repeat("a", 40),
		"a line end in it": token[:20] + "\r\n" + token[20:], "line ends alone": strings.Repeat("\r\n", 20),
		"very long": strings.Repeat(token[:39]+"-", 10) + token + "@example.com",
	} {
		if read, err := own.Read(address); !errors.Is(err, reference.ErrForeign) {
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
	before, during, after := references(t, "i", first), references(t, "i", second, first), references(t, "i", second)
	if read, err := during.Read(before.To(d)); err != nil || read != d {
		t.Errorf("what the last secret signed: %s (%v)", read, err)
	}
	if read, err := after.Read(during.To(d)); err != nil || read != d {
		t.Errorf("the new secret does not sign: %s (%v)", read, err)
	}
	if _, err := after.Read(before.To(d)); !errors.Is(err, reference.ErrForeign) {
		t.Errorf("what a removed secret signed: %v", err)
	}
}

func TestSecretsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{nil, {""}, {"short"}, {first, "short"}, {strings.Repeat(" ", 40)}} {
		if _, err := reference.New("i", secrets...); !errors.Is(err, reference.ErrSecret) || strings.Contains(err.Error(), "short") {
			t.Errorf("%q: %v", secrets, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	own, other := references(f, "prod42", first, second), references(f, "trial7", first, second)
	d := delivery(f, "2026-11/4711/2/1")
	f.Add("bounces+"+own.To(d)+"@example.com", int64(4711), int16(2), int16(1))
	f.Add(strings.ToUpper(own.To(d)), int64(1), int16(0), int16(0))
	f.Add("bounces+"+other.To(d)+"@example.com", int64(math.MaxInt64), int16(math.MaxInt16), int16(math.MaxInt16))
	f.Add("", int64(0), int16(-1), int16(-1))
	f.Add("İ"+own.To(d), int64(-1), int16(0), int16(0))
	f.Add(own.To(d)[:20]+"\n"+own.To(d)[20:], int64(1), int16(0), int16(0))
	f.Fuzz(func(t *testing.T, address string, user int64, attempt, round int16) {
		if read, err := own.Read(address); err == nil && !strings.Contains(strings.ToLower(address), own.To(read)) {
			t.Errorf("%q is read as %s, whose token is not in it", address, read)
		}
		written := key.Delivery{Month: d.Month, UserID: user, Attempt: attempt, Round: round}
		read, err := own.Read("b" + own.To(written) + "b")
		valid := user > 0 && attempt >= 0 && round >= 0
		if valid && (err != nil || read != written) || !valid && err == nil {
			t.Errorf("%+v is read as %s (%v)", written, read, err)
		}
		if _, err := other.Read(own.To(written)); err == nil {
			t.Errorf("another installation reads %+v", written)
		}
	})
}

func BenchmarkReference(b *testing.B) {
	own := references(b, "prod42", first)
	d := delivery(b, "2026-11/4711/2/1")
	b.ReportAllocs()
	for b.Loop() {
		_ = own.To(d)
	}
}

// installation is one with an id, which may not be known.
type installation struct {
	id    string
	err   error
	asked int
}

func (i *installation) ID(context.Context) (string, error) {
	i.asked++
	return i.id, i.err
}

func TestASourceAsksForItsInstallationOnce(t *testing.T) {
	t.Parallel()
	own := &installation{id: "prod42", err: errors.New("no database")}
	source, err := reference.NewSource(own, first)
	if err != nil {
		t.Fatal(err)
	}
	if err := source.Prepare(t.Context()); !errors.Is(err, own.err) || source.Known() != nil {
		t.Errorf("without an id there are references (%v)", err)
	}
	own.err = nil
	for range 2 {
		if err := source.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	d := delivery(t, "2026-11/4711/0/0")
	if read, err := references(t, "prod42", first).Read(source.Known().To(d)); err != nil || read != d || own.asked != 2 {
		t.Errorf("read %s (%v), asked %d times", read, err, own.asked)
	}
	if _, err := source.Known().Read(source.OfNobody()); !errors.Is(err, reference.ErrForeign) {
		t.Errorf("the reference to nobody: %v", err)
	}
	var none *reference.Source
	if none.Known() != nil || none.Prepare(t.Context()) != nil {
		t.Error("no source has references")
	}
}

func TestADeliveryKeyHasAReferenceOfEachSecretTheNewestFirst(t *testing.T) {
	t.Parallel()
	d := delivery(t, "2026-11/4711/0/1")
	all := references(t, "prod42", second, first).All(d)
	if want := []string{references(t, "prod42", second).To(d), references(t, "prod42", first).To(d)}; !slices.Equal(all, want) {
		t.Errorf("%v, want %v", all, want)
	}
}
