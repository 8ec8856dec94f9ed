package window_test

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata" // the tests' zones, wherever they run

	"github.com/balsong/balsong/domain/window"
	"pgregory.net/rapid"
)

// odd are zones whose clocks do what others' do not: jumps of half an hour, at midnight, of a whole day.
var odd = []string{
	"Asia/Seoul", "UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Santiago",
	"America/Havana", "Asia/Kathmandu", "Africa/Casablanca", "Asia/Pyongyang", "America/Caracas", "Antarctica/Troll",
	"Asia/Beirut", "America/Sao_Paulo", "Pacific/Chatham", "Asia/Tehran", "America/St_Johns", "Pacific/Kwajalein",
}

// jumps are days on which such a clock jumped.
var jumps = map[string][]string{
	"America/New_York":    {"2026-03-08T06:30:00Z", "2026-11-01T05:30:00Z"},
	"Europe/Berlin":       {"2026-03-29T00:30:00Z", "2026-10-25T00:30:00Z"},
	"Australia/Lord_Howe": {"2026-04-04T14:00:00Z", "2026-10-03T15:00:00Z"},
	"Pacific/Apia":        {"2011-12-30T09:00:00Z"},
	"America/Santiago":    {"2022-09-11T03:30:00Z", "2026-04-05T02:30:00Z", "2026-09-06T03:30:00Z"},
	"America/Havana":      {"2026-03-08T04:30:00Z", "2026-11-01T04:30:00Z"},
	"Asia/Beirut":         {"2026-03-28T21:30:00Z", "2026-10-24T20:30:00Z"},
	"America/Caracas":     {"2007-12-09T06:30:00Z", "2016-05-01T06:30:00Z"},
	"Asia/Pyongyang":      {"2018-05-04T14:00:00Z"},
	"Antarctica/Troll":    {"2026-03-29T00:30:00Z"},
	"Pacific/Kwajalein":   {"1993-08-21T11:00:00Z"},
}

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := window.Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func minute(t interface{ Fatal(...any) }, text string) window.Minute {
	m, err := window.ParseMinute(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func drawZone(t *rapid.T) *time.Location {
	return zone(t, rapid.SampledFrom(odd).Draw(t, "zone"))
}

// drawInstant prefers the days around a jump.
func drawInstant(t *rapid.T, z *time.Location) time.Time {
	base := time.Unix(rapid.Int64Range(315_532_800, 2_208_988_800).Draw(t, "unix"), 0) // 1980 to 2040
	if near := jumps[z.String()]; len(near) > 0 && rapid.IntRange(0, 3).Draw(t, "near a jump") > 0 {
		at, err := time.Parse(time.RFC3339, rapid.SampledFrom(near).Draw(t, "jump"))
		if err != nil {
			t.Fatal(err)
		}
		base = at.Add(time.Duration(rapid.Int64Range(-50*3600, 50*3600).Draw(t, "seconds from the jump")) * time.Second)
	}
	return base.Add(time.Duration(rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")))
}

func drawWindow(t *rapid.T, z *time.Location) window.Forbidden {
	from := rapid.IntRange(0, 1439).Draw(t, "from")
	to := rapid.IntRange(0, 1439).Filter(func(m int) bool { return m != from }).Draw(t, "to")
	w, err := window.NewForbidden(window.Minute(from), window.Minute(to), z)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// forbidden walks the day's minutes from From until To, and looks whether the clock's minute is among them.
func forbidden(w window.Forbidden, at time.Time) bool {
	local := at.In(w.Zone())
	shown := local.Hour()*60 + local.Minute()
	for m := int(w.From()); m != int(w.To()); m = (m + 1) % 1440 {
		if m == shown {
			return true
		}
	}
	return false
}

func TestAWindowHoldsTheMinutesFromItsStartToItsEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		z := drawZone(t)
		w, at := drawWindow(t, z), drawInstant(t, z)
		if got, want := w.Contains(at), forbidden(w, at); got != want {
			t.Fatalf("%s contains %s: %v, want %v", w, at.In(z), got, want)
		}
	})
}

func TestTheNextOpeningIsTheFirstMinuteOutside(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		z := drawZone(t)
		w, at := drawWindow(t, z), drawInstant(t, z)
		want := at
		for forbidden(w, want) {
			want = want.Truncate(time.Minute).Add(time.Minute)
		}
		got := w.NextOpening(at)
		if !got.Equal(want) {
			t.Fatalf("%s from %s: opens %s, want %s", w, at.In(z), got.In(z), want.In(z))
		}
		if again := w.NextOpening(got); !again.Equal(got) {
			t.Fatalf("%s: the opening %s is not open", w, got.In(z))
		}
	})
}

func TestTheNextClosingIsTheFirstMinuteInside(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		z := drawZone(t)
		w, at := drawWindow(t, z), drawInstant(t, z)
		want := at
		for !forbidden(w, want) {
			want = want.Truncate(time.Minute).Add(time.Minute)
		}
		if got := w.NextClosing(at); !got.Equal(want) {
			t.Fatalf("%s from %s: closes %s, want %s", w, at.In(z), got.In(z), want.In(z))
		}
		u := window.Union{w, drawWindow(t, z)}
		if other := u[1].NextClosing(at); other.Before(want) {
			want = other
		}
		if got := u.NextClosing(at); !got.Equal(want) {
			t.Fatalf("%s from %s: closes %s, want %s", u, at.In(z), got.In(z), want.In(z))
		}
	})
	if got := (window.Union{}).NextClosing(time.Date(2026, time.November, 20, 9, 0, 0, 0, time.UTC)); !got.IsZero() {
		t.Errorf("without windows it closes %s", got)
	}
}

func TestOpeningsAtJumpsOfTheClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, zone, from, to, at, want string }{
		{"the clock jumps over the end", "America/New_York", "21:00", "02:30", "2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z"},
		{"the clock shows the end twice: the first counts", "America/New_York", "21:00", "01:30", "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z"},
		{"and is inside again after it has gone back", "America/New_York", "21:00", "01:30", "2026-11-01T06:10:00Z", "2026-11-01T06:30:00Z"},
		{"half an hour is skipped", "Australia/Lord_Howe", "22:00", "02:15", "2026-10-03T14:00:00Z", "2026-10-03T15:30:00Z"},
		{"a whole day is skipped", "Pacific/Apia", "21:00", "08:00", "2011-12-30T09:00:00Z", "2011-12-30T18:00:00Z"},
		{"midnight is skipped", "America/Santiago", "21:00", "00:00", "2022-09-11T03:00:00Z", "2022-09-11T04:00:00Z"},
	} {
		w, err := window.NewForbidden(minute(t, c.from), minute(t, c.to), zone(t, c.zone))
		if err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse(time.RFC3339, c.at)
		want, _ := time.Parse(time.RFC3339, c.want)
		if got := w.NextOpening(at); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", c.name, got.UTC(), want)
		}
	}
}

// The system before never matched a window that wraps midnight.
func TestQuietHoursOverMidnightMatch(t *testing.T) {
	t.Parallel()
	seoul := zone(t, "Asia/Seoul")
	w, err := window.NewForbidden(minute(t, "21:00"), minute(t, "08:00"), seoul)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"20:59:59": false, "21:00:00": true, "23:00:00": true, "00:00:00": true, "07:59:59": true, "08:00:00": false, "12:00:00": false,
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-11-03 "+text, seoul)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Contains(at.UTC()); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	late := time.Date(2026, 11, 3, 21, 1, 0, 0, seoul)
	if got, want := w.NextOpening(late), time.Date(2026, 11, 4, 8, 0, 0, 0, seoul); !got.Equal(want) {
		t.Errorf("after 21:01 it opens %s, want %s", got, want)
	}
}

func TestTheZeroWindowForbidsNothing(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 3, 23, 0, 0, 0, time.UTC)
	var w window.Forbidden
	if !w.IsZero() || w.Contains(at) || !w.NextOpening(at).Equal(at) || w.String() != "none" {
		t.Errorf("%s forbids something", w)
	}
}

func TestWindowsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to window.Minute
		zone     *time.Location
		want     error
	}{
		{600, 600, time.UTC, window.ErrNoHours},
		{0, 0, time.UTC, window.ErrNoHours},
		{-1, 600, time.UTC, window.ErrMinute},
		{600, 1440, time.UTC, window.ErrMinute},
		{600, 700, nil, window.ErrZone},
	} {
		if _, err := window.NewForbidden(c.from, c.to, c.zone); !errors.Is(err, c.want) {
			t.Errorf("%d to %d: %v, want %v", c.from, c.to, err, c.want)
		}
	}
	for _, text := range []string{"", "8:00", "24:00", "12:60", "12.30", "12:3", "noon!", "-1:00"} {
		if m, err := window.ParseMinute(text); !errors.Is(err, window.ErrMinute) {
			t.Errorf("%q is read as %s", text, m)
		}
	}
	for _, name := range []string{"", "Local", "local", "Asia/Nowhere", "../etc/passwd"} {
		if _, err := window.Zone(name); !errors.Is(err, window.ErrZone) {
			t.Errorf("the zone %q is taken: %v", name, err)
		}
	}
}

func TestAMinuteReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	for m := range window.Minute(1440) {
		if minute(t, m.String()) != m {
			t.Errorf("%d is written %s", m, m)
		}
	}
}

// The send day is found the slow way: step by step until the calendar shows it.
func TestTheSendDayIsTheFirstOfThatNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		z := drawZone(t)
		opening, day := drawInstant(t, z), rapid.IntRange(1, 31).Draw(t, "day")
		got, err := window.SendDay(opening, day, z)
		if err != nil {
			t.Fatal(err)
		}
		want := opening
		for !arrived(want, day, z) {
			today := date(want, z)
			for date(want, z).Equal(today) {
				want = want.Truncate(15 * time.Minute).Add(15 * time.Minute) // where clocks jump since 1980
			}
		}
		if !got.Equal(want) {
			t.Fatalf("the %d. from %s on: %s, want %s", day, opening.In(z), got.In(z), want.In(z))
		}
	})
}

// date is the calendar's day in a zone, as midnight UTC.
func date(at time.Time, z *time.Location) time.Time {
	y, m, d := at.In(z).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// arrived reports whether an instant's day is the send day, or the day after a send day that never was: Samoa had no
// 2011-12-30.
func arrived(at time.Time, day int, z *time.Location) bool {
	today, before := date(at, z), at
	if isSendDay(today, day) {
		return true
	}
	for date(before, z).Equal(today) {
		before = before.Add(-15 * time.Minute)
	}
	yesterday := today.AddDate(0, 0, -1)
	return date(before, z).Before(yesterday) && isSendDay(yesterday, day)
}

// isSendDay reports whether the calendar shows the day, or the last one of a month that is too short for it.
func isSendDay(local time.Time, day int) bool {
	last := time.Date(local.Year(), local.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return local.Day() == min(day, last)
}

func TestTheSendDayIsClampedToShortMonths(t *testing.T) {
	t.Parallel()
	seoul := zone(t, "Asia/Seoul")
	for _, c := range []struct {
		opening time.Time
		day     int
		want    time.Time
	}{
		{time.Date(2026, 11, 1, 9, 0, 0, 0, seoul), 31, time.Date(2026, 11, 30, 0, 0, 0, 0, seoul)},
		{time.Date(2027, 2, 3, 9, 0, 0, 0, seoul), 30, time.Date(2027, 2, 28, 0, 0, 0, 0, seoul)},
		{time.Date(2028, 2, 3, 9, 0, 0, 0, seoul), 30, time.Date(2028, 2, 29, 0, 0, 0, 0, seoul)},
		{time.Date(2027, 1, 31, 9, 0, 0, 0, seoul), 30, time.Date(2027, 2, 28, 0, 0, 0, 0, seoul)},
		{time.Date(2026, 12, 31, 9, 0, 0, 0, seoul), 5, time.Date(2027, 1, 5, 0, 0, 0, 0, seoul)},
		{time.Date(2026, 11, 5, 9, 30, 0, 0, seoul), 5, time.Date(2026, 11, 5, 9, 30, 0, 0, seoul)},
	} {
		if got, err := window.SendDay(c.opening, c.day, seoul); err != nil || !got.Equal(c.want) {
			t.Errorf("the %d. from %s on: %s, want %s (%v)", c.day, c.opening, got, c.want, err)
		}
	}
	for zoneName, want := range map[string]string{"America/Havana": "2026-03-08T05:00:00Z", "America/Santiago": "2026-09-06T04:00:00Z"} {
		at, _ := time.Parse(time.RFC3339, want) // midnight is skipped
		local := at.In(zone(t, zoneName))
		got, err := window.SendDay(at.AddDate(0, 0, -3), local.Day(), local.Location())
		if err != nil || !got.Equal(at) {
			t.Errorf("%s: %s, want %s (%v)", zoneName, got.UTC(), want, err)
		}
	}
	for _, day := range []int{0, -1, 32} {
		if _, err := window.SendDay(time.Unix(0, 0), day, seoul); !errors.Is(err, window.ErrSendDay) {
			t.Errorf("day %d: %v", day, err)
		}
	}
}
