package window_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/domain/window"
	"pgregory.net/rapid"
)

func drawUnion(t *rapid.T) (window.Union, time.Time) {
	one, other := drawZone(t), drawZone(t)
	u := window.Union{drawWindow(t, one), drawWindow(t, other)}
	if rapid.IntRange(0, 4).Draw(t, "which is zero") == 0 {
		u[rapid.IntRange(0, 1).Draw(t, "the zero one")] = window.Forbidden{}
	}
	return u, drawInstant(t, one)
}

func eitherForbids(u window.Union, at time.Time) bool {
	for _, w := range u {
		if !w.IsZero() && forbidden(w, at) {
			return true
		}
	}
	return false
}

// It lies in none of the windows, and nothing earlier does.
func TestTheNextOpeningOfAUnionIsTheFirstMinuteOutsideEveryWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u, at := drawUnion(t)
		want := at
		for eitherForbids(u, want) && want.Sub(at) < 3*24*time.Hour {
			want = want.Truncate(time.Minute).Add(time.Minute)
		}
		got := u.NextOpening(at)
		if eitherForbids(u, want) { // no minute is open
			if !got.After(at.Add(2 * 24 * time.Hour)) {
				t.Fatalf("%s never opens: from %s it says %s", u, at, got)
			}
			return
		}
		if !got.Equal(want) || u.Contains(got) || u.Contains(at) != eitherForbids(u, at) {
			t.Fatalf("%s from %s: opens %s, want %s", u, at, got, want)
		}
	})
}

// FuzzUnionNextOpening: it ends, never goes back, and stays where it is once it is open.
func FuzzUnionNextOpening(f *testing.F) {
	f.Add(21*60, 8*60, "Asia/Seoul", 8*60, 21*60, "Asia/Seoul", int64(1_795_000_000))
	f.Add(21*60, 8*60, "Asia/Seoul", 22*60, 7*60, "America/New_York", int64(1_795_000_000))
	f.Add(0, 1, "Pacific/Apia", 1, 0, "Pacific/Apia", int64(1_325_200_000))
	f.Fuzz(func(t *testing.T, from, to int, name string, from2, to2 int, name2 string, unix int64) {
		if unix < 0 || unix > 4_000_000_000 {
			return
		}
		var u window.Union
		for i, h := range []struct {
			from, to int
			zone     string
		}{{from, to, name}, {from2, to2, name2}} {
			z, err := window.Zone(h.zone)
			if err != nil || h.from < 0 || h.from > 1439 || h.to < 0 || h.to > 1439 {
				return
			}
			if u[i], err = window.NewForbidden(window.Minute(h.from), window.Minute(h.to), z); err != nil {
				return
			}
		}
		at := time.Unix(unix, 0)
		opening := u.NextOpening(at)
		if opening.Before(at) || opening.Sub(at) > 7*24*time.Hour {
			t.Fatalf("%s from %s opens %s", u, at, opening)
		}
		if !u.Contains(opening) && !u.NextOpening(opening).Equal(opening) {
			t.Fatalf("%s: the opening %s is not kept", u, opening)
		}
	})
}

func TestAWindowInAnotherZoneHasItsHoursThere(t *testing.T) {
	t.Parallel()
	w, err := window.NewForbidden(minute(t, "21:00"), minute(t, "08:00"), zone(t, "Asia/Seoul"))
	if err != nil {
		t.Fatal(err)
	}
	there := w.In(zone(t, "America/New_York"))
	night := time.Date(2026, 11, 23, 2, 0, 0, 0, there.Zone()) // 16:00 in Seoul
	if w.Contains(night) || !there.Contains(night) {
		t.Errorf("at %s: %s %v, %s %v", night, w, w.Contains(night), there, there.Contains(night))
	}
	if none := (window.Forbidden{}).In(there.Zone()); !none.IsZero() || w.In(nil) != w {
		t.Error("the zero window, or no zone, changes the window")
	}
	for want, u := range map[string]window.Union{"none": {}, "21:00–08:00 Asia/Seoul": {{}, w}, "21:00–08:00 Asia/Seoul and 21:00–08:00 America/New_York": {w, there}} {
		if u.String() != want {
			t.Errorf("%s, want %s", u, want)
		}
	}
}
