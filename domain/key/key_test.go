package key_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/key"
	"pgregory.net/rapid"
)

func month(t *rapid.T) key.Month {
	m, err := key.NewMonth(rapid.IntRange(1, 9999).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func delivery(t *rapid.T) key.Delivery {
	return key.Delivery{
		Month:   month(t),
		UserID:  rapid.Int64Range(1, 1<<63-1).Draw(t, "user"),
		Attempt: rapid.Int16Range(0, 1<<15-1).Draw(t, "attempt"),
		Round:   rapid.Int16Range(0, 1<<15-1).Draw(t, "round"),
	}
}

func TestAKeyReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := delivery(t)
		parsed, err := key.ParseDelivery(d.String())
		if err != nil || parsed != d {
			t.Fatalf("%s reads back as %s (%v)", d, parsed, err)
		}
		if !strings.HasPrefix(d.String(), d.Target().String()+"/") {
			t.Fatalf("%s does not begin with its target %s", d, d.Target())
		}
	})
}

func TestAMonthReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := month(t)
		text, err := json.Marshal(m)
		var back key.Month
		if err != nil || json.Unmarshal(text, &back) != nil || back != m {
			t.Fatalf("%s reads back as %s (%v)", m, back, err)
		}
		if start := m.Start(time.UTC); start.Year() != m.Year() || start.Month() != m.Month() || start.Day() != 1 {
			t.Fatalf("%s starts at %s", m, start)
		}
		if next := m.Next().Start(time.UTC); !next.Equal(m.Start(time.UTC).AddDate(0, 1, 0)) {
			t.Fatalf("the month after %s starts at %s", m, next)
		}
	})
}

func TestTheFormOfAKeyIsTheOneOfTheContract(t *testing.T) {
	t.Parallel()
	m, err := key.NewMonth(2026, time.November)
	if err != nil {
		t.Fatal(err)
	}
	if got := (key.Delivery{Month: m, UserID: 4711, Attempt: 1, Round: 20}).String(); got != "2026-11/4711/1/20" {
		t.Errorf("got %s", got)
	}
}

func TestWhatIsNoKeyIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "/", "2026-11", "2026-11/4711", "2026-11/4711/0", "2026-11/4711/0/0/0", "2026-11/4711/0/", "2026-11//0/0",
		"2026-13/4711/0/0", "2026-00/4711/0/0", "0000-01/4711/0/0", "26-11/4711/0/0", "2026-1/4711/0/0", "2026/11/4711/0/0",
		"2026-11/0/0/0", "2026-11/-1/0/0", "2026-11/+1/0/0", "2026-11/01/0/0", "2026-11/1/00/0", "2026-11/1/0/-0",
		"2026-11/1/32768/0", "2026-11/1/0/32768", "2026-11/9223372036854775808/0/0", " 2026-11/1/0/0", "2026-11/1/0/0 ",
		"2026-11/1/0/0\n", "2026-11/1_0/0/0", "2026-11/0x1/0/0", "2026-11/١/0/0", "２０２６-11/1/0/0",
	} {
		if d, err := key.ParseDelivery(text); !errors.Is(err, key.ErrMalformed) {
			t.Errorf("%q is read as %s (%v)", text, d, err)
		}
	}
	for _, year := range []int{0, -1, 10_000} {
		if m, err := key.NewMonth(year, time.May); !errors.Is(err, key.ErrMalformed) {
			t.Errorf("the year %d is read as %s (%v)", year, m, err)
		}
	}
}

func TestWhoeverTypesNoMonthIsToldWhatOneLooksLike(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "11", "2026-13", "2026/11", "November"} {
		_, err := key.ParseMonth(text)
		if !errors.Is(err, key.ErrMalformed) || !strings.Contains(err.Error(), strconv.Quote(text)) || !strings.Contains(err.Error(), "as in 2026-11") || strings.Contains(err.Error(), "key") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestKeysAreOrderedAsLocksAre(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		small := func(name string) int16 { return rapid.Int16Range(0, 2).Draw(t, name) }
		draw := rapid.Custom(func(t *rapid.T) key.Delivery {
			return key.Delivery{Month: key.Month(24_000 + int32(small("m"))), UserID: int64(small("u")) + 1, Attempt: small("a"), Round: small("r")}
		})
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		want := slices.Compare(
			[]int64{int64(a.Month), a.UserID, int64(a.Attempt), int64(a.Round)},
			[]int64{int64(b.Month), b.UserID, int64(b.Attempt), int64(b.Round)})
		if got := a.Compare(b); got != want || (got == 0) != (a == b) || b.Compare(a) != -got {
			t.Fatalf("%s against %s: %d, want %d", a, b, got, want)
		}
	})
}

func FuzzParseDelivery(f *testing.F) {
	for _, seed := range []string{"2026-11/4711/0/0", "0001-01/1/0/0", "9999-12/9223372036854775807/32767/32767", "2026-11/01/0/0", "////"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := key.ParseDelivery(text)
		switch {
		case err == nil && d.String() != text:
			t.Errorf("%q is read, and written as %q", text, d)
		case err != nil && !errors.Is(err, key.ErrMalformed):
			t.Errorf("%q: %v", text, err)
		case err != nil && d != (key.Delivery{}):
			t.Errorf("%q is refused, and yet %s is returned", text, d)
		}
	})
}
