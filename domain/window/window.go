// Package window computes when a customer must not be disturbed and when a bill may first go out. It works on the
// instants that it is given and never reads a clock.
package window

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors of this package's constructors; each is wrapped with what was wrong.
var (
	ErrMinute  = errors.New("not a time of day by the minute")
	ErrNoHours = errors.New("quiet hours need From and To to differ")
	ErrZone    = errors.New("unknown time zone")
	ErrSendDay = errors.New("not a day of a month")
)

// Minute is a time of day: minutes since midnight, 0 to 1439.
type Minute int16

// ParseMinute reads a time of day such as "21:00". Midnight is "00:00"; "24:00" is refused.
func ParseMinute(s string) (Minute, error) {
	if len(s) == 5 && s[2] == ':' {
		t, err := time.Parse("15:04", s)
		if err == nil {
			return Minute(t.Hour()*60 + t.Minute()), nil
		}
	}
	return 0, fmt.Errorf("%w: %q is not of the form 21:00", ErrMinute, s)
}

// String writes "21:00".
func (m Minute) String() string { return fmt.Sprintf("%02d:%02d", int(m)/60, int(m)%60) }

// Zone finds an IANA time zone ("Asia/Seoul"). The empty name and "Local" are refused: a zone is never guessed.
func Zone(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, fmt.Errorf("%w: %q (want an IANA name such as Asia/Seoul)", ErrZone, name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %q (want an IANA name such as Asia/Seoul)", ErrZone, name)
	}
	return zone, nil
}

// Forbidden is the forbidden window (발송 금지 시간대): from From, inclusive, until To, exclusive, every day,
// by the wall clock of a zone. From after To wraps midnight (21:00–08:00). The zero value forbids nothing.
type Forbidden struct {
	from, to Minute
	zone     *time.Location
}

// NewForbidden returns the window. From = To is refused: it could mean never or always.
func NewForbidden(from, to Minute, zone *time.Location) (Forbidden, error) {
	for _, m := range []Minute{from, to} {
		if m < 0 || m >= 24*60 {
			return Forbidden{}, fmt.Errorf("%w: %d minutes after midnight", ErrMinute, m)
		}
	}
	if from == to {
		return Forbidden{}, fmt.Errorf("%w: both are %s", ErrNoHours, from)
	}
	if zone == nil {
		return Forbidden{}, fmt.Errorf("%w: none given", ErrZone)
	}
	return Forbidden{from: from, to: to, zone: zone}, nil
}

// IsZero reports whether the window forbids nothing.
func (w Forbidden) IsZero() bool { return w.zone == nil }

// From returns when the window begins.
func (w Forbidden) From() Minute { return w.from }

// To returns when the window ends.
func (w Forbidden) To() Minute { return w.to }

// Zone returns the zone whose wall clock counts; nil for the zero value.
func (w Forbidden) Zone() *time.Location { return w.zone }

// String writes "21:00–08:00 Asia/Seoul".
func (w Forbidden) String() string {
	if w.IsZero() {
		return "none"
	}
	return fmt.Sprintf("%s–%s %s", w.from, w.to, w.zone)
}

// Contains reports whether an instant lies inside the window.
func (w Forbidden) Contains(at time.Time) bool {
	if w.IsZero() {
		return false
	}
	local := at.In(w.zone)
	minute := Minute(local.Hour()*60 + local.Minute())
	if w.from < w.to {
		return w.from <= minute && minute < w.to
	}
	return minute >= w.from || minute < w.to
}

// NextOpening returns the earliest instant, not before at, that lies outside the window; at itself if it does. If the
// clocks jump forward over To, the window opens at the jump. If they show To twice, it opens the first time; what the
// wall clock then shows inside the window again is forbidden again.
func (w Forbidden) NextOpening(at time.Time) time.Time {
	if !w.Contains(at) {
		return at
	}
	// The wall clock decides, and it may jump. So unless the guess is certain, go through the real minutes. A window is
	// shorter than a day and a zone's jump is at most a day (Samoa skipped 2011-12-30), so two days suffice.
	opening := at.Truncate(time.Minute)
	if guess := w.guess(at); guess.After(at) && !w.Contains(guess) && w.Contains(guess.Add(-time.Nanosecond)) && w.unbroken(at, guess) {
		return guess
	}
	for range 2 * 24 * 60 {
		opening = opening.Add(time.Minute)
		if !w.Contains(opening) {
			return opening
		}
	}
	return opening
}

// NextClosing returns the earliest instant, not before at, that lies inside the window; at itself if it does. The zero time where
// nothing is forbidden.
func (w Forbidden) NextClosing(at time.Time) time.Time {
	if w.IsZero() {
		return time.Time{}
	}
	if w.Contains(at) {
		return at
	}
	local := at.In(w.zone)
	day := local.Day()
	if Minute(local.Hour()*60+local.Minute()) >= w.from {
		day++
	}
	guess := time.Date(local.Year(), local.Month(), day, int(w.from)/60, int(w.from)%60, 0, 0, w.zone)
	if guess.After(at) && w.Contains(guess) && !w.Contains(guess.Add(-time.Nanosecond)) && w.unbroken(at, guess) {
		return guess
	}
	closing := at.Truncate(time.Minute) // as in NextOpening
	for range 3 * 24 * 60 {
		closing = closing.Add(time.Minute)
		if w.Contains(closing) {
			break
		}
	}
	return closing
}

// guess returns the opening if no clock jumps before it.
func (w Forbidden) guess(at time.Time) time.Time {
	local := at.In(w.zone)
	minute := Minute(local.Hour()*60 + local.Minute())
	day := local.Day()
	if minute >= w.to {
		day++
	}
	return time.Date(local.Year(), local.Month(), day, int(w.to)/60, int(w.to)%60, 0, 0, w.zone)
}

// unbroken reports whether the zone's offset is the same at both instants, so that the wall clock ran evenly.
func (w Forbidden) unbroken(from, to time.Time) bool {
	_, a := from.In(w.zone).Zone()
	_, b := to.In(w.zone).Zone()
	return a == b
}

// SendDay returns the first instant, not before the opening, of a day in zone whose number in its month is day (1 to
// 31): the opening itself if it lies on such a day, else the start of the next one. In a month that is too short the
// last day counts: 31 means the 30th in April. ErrSendDay.
func SendDay(opening time.Time, day int, zone *time.Location) (time.Time, error) {
	if day < 1 || day > 31 {
		return time.Time{}, fmt.Errorf("%w: %d", ErrSendDay, day)
	}
	local := opening.In(zone)
	candidate := clamped(local.Year(), local.Month(), day, zone)
	today := startOfDay(local.Year(), local.Month(), local.Day(), zone)
	switch {
	case candidate.Equal(today):
		return opening, nil
	case candidate.Before(today):
		next := time.Date(local.Year(), local.Month()+1, 1, 12, 0, 0, 0, zone)
		return clamped(next.Year(), next.Month(), day, zone), nil
	default:
		return candidate, nil
	}
}

// clamped returns the start of a day, or of the month's last day if the month is shorter.
func clamped(year int, month time.Month, day int, zone *time.Location) time.Time {
	last := time.Date(year, month+1, 0, 12, 0, 0, 0, time.UTC).Day()
	return startOfDay(year, month, min(day, last), zone)
}

// startOfDay returns the first instant of a day by the clocks of a zone. time.Date does not promise that: the clocks of
// some zones jump over midnight (Havana, Santiago: it may return the evening before), show midnight twice, or skip a
// whole day (Samoa; the start of the next day is returned).
func startOfDay(year int, month time.Month, day int, zone *time.Location) time.Time {
	begun := func(at time.Time) bool {
		y, m, d := at.In(zone).Date()
		return cmp.Or(cmp.Compare(y, year), cmp.Compare(m, month), cmp.Compare(d, day)) >= 0
	}
	start := time.Date(year, month, day, 0, 0, 0, 0, zone)
	for range 24 * 60 {
		if begun(start) {
			break
		}
		start = start.Add(time.Minute)
	}
	for range 24 * 60 {
		if !begun(start.Add(-time.Minute)) {
			break
		}
		start = start.Add(-time.Minute)
	}
	return start
}
