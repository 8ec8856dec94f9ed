package window

import (
	"strings"
	"time"
)

// Union is up to two forbidden windows that bind together: what either of them forbids is forbidden. The zero value
// forbids nothing.
type Union [2]Forbidden

// IsZero reports whether the union forbids nothing.
func (u Union) IsZero() bool { return u[0].IsZero() && u[1].IsZero() }

// Contains reports whether an instant lies inside one of the windows.
func (u Union) Contains(at time.Time) bool { return u[0].Contains(at) || u[1].Contains(at) }

// longestClosed bounds how long NextOpening looks ahead. Two windows that leave a minute of the day open do so within a
// day; a zone's jump can hide one day's open minutes (Samoa skipped a whole day).
const longestClosed = 3 * 24 * time.Hour

// NextOpening returns the earliest instant, not before at, that lies in none of the windows. If they leave no minute of
// the day open, it returns an instant inside them, days later: ask again then.
func (u Union) NextOpening(at time.Time) time.Time {
	opening := at
	for u.Contains(opening) && opening.Sub(at) <= longestClosed {
		opening = u[1].NextOpening(u[0].NextOpening(opening))
	}
	return opening
}

// NextClosing returns the earliest instant, not before at, that lies in one of the windows; the zero time where nothing is forbidden.
func (u Union) NextClosing(at time.Time) time.Time {
	first, second := u[0].NextClosing(at), u[1].NextClosing(at)
	if second.IsZero() || !first.IsZero() && first.Before(second) {
		return first
	}
	return second
}

// String writes "21:00–08:00 Asia/Seoul and 12:00–13:00 Asia/Seoul".
func (u Union) String() string {
	var texts []string
	for _, w := range u {
		if !w.IsZero() {
			texts = append(texts, w.String())
		}
	}
	if len(texts) == 0 {
		return Forbidden{}.String()
	}
	return strings.Join(texts, " and ")
}

// In returns the same hours by the wall clock of another zone; the window itself if zone is nil or it forbids nothing.
func (w Forbidden) In(zone *time.Location) Forbidden {
	if zone != nil && !w.IsZero() {
		w.zone = zone
	}
	return w
}
