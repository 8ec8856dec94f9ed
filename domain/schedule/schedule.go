// Package schedule reads the schedule expressions of Amazon EventBridge Scheduler and computes when they are due, as AWS documents
// it in "Schedule types in EventBridge Scheduler": rate(), cron() with six fields, and at(). What the documents do not say is
// refused rather than guessed.
package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ErrExpression is wrapped by every error about an expression; the text says what is wrong and what would be right.
var ErrExpression = errors.New("schedule expression")

// longest is the most characters that AWS takes.
const longest = 256

// Expression is a schedule expression. Parse makes one.
type Expression struct {
	rate time.Duration
	cron *cron
	once *time.Time // on the clock of the schedule's zone, kept in UTC
}

// Parse reads an expression as in rate(2 hours), cron(0 8 25 * ? *) or at(2026-12-25T08:00:00). ErrExpression.
func Parse(text string) (Expression, error) {
	kind, rest, found := strings.Cut(text, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if !found || !closed || len(text) > longest {
		return Expression{}, wrong("%.40q is not of the form rate(…), cron(…) or at(…)", text)
	}
	switch kind {
	case "rate":
		return parseRate(inner)
	case "cron":
		c, err := parseCron(inner)
		return Expression{cron: c}, err
	case "at":
		at, err := time.Parse("2006-01-02T15:04:05", inner)
		if err != nil || len(inner) != len("2006-01-02T15:04:05") {
			return Expression{}, wrong("at(%s): want at(yyyy-mm-ddThh:mm:ss)", inner)
		}
		return Expression{once: &at}, nil
	}
	return Expression{}, wrong("%.40q is neither rate(…) nor cron(…) nor at(…)", text)
}

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrExpression}, args...)...)
}

// rates is the form of what stands inside rate().
var rates = regexp.MustCompile(`^([0-9]{1,9}) (minute|hour|day)(s?)$`)

func parseRate(inner string) (Expression, error) {
	parts := rates.FindStringSubmatch(inner)
	if parts == nil {
		return Expression{}, wrong("rate(%s): want a number and minutes, hours or days, as in rate(2 hours)", inner)
	}
	n, _ := strconv.ParseInt(parts[1], 10, 64) // digits
	unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[parts[2]]
	switch {
	case n < 1:
		return Expression{}, wrong("rate(%s): the number must be at least 1", inner)
	case n > 1 && parts[3] == "":
		return Expression{}, wrong("rate(%s): want %ss", inner, parts[2])
	case n > int64(100*365*24*time.Hour/unit):
		return Expression{}, wrong("rate(%s): longer than a century", inner)
	}
	return Expression{rate: time.Duration(n) * unit}, nil
}

// IsRate reports whether it is due at intervals from its schedule's beginning on, whenever that was.
func (e Expression) IsRate() bool { return e.rate > 0 }

// Next returns the next instants after one, at most n and fewer where no more come. A rate begins at that instant, as a schedule
// without a start date does when it is created, and goes on by the clock's hours: a day is 24 of them. cron() and at() go by the
// clock of the zone: what falls into the hour that it skips is left out, and what falls into the hour that it repeats is due the
// first time alone.
func (e Expression) Next(after time.Time, zone *time.Location, n int) []time.Time {
	var due []time.Time
	switch {
	case n < 1:
	case e.rate > 0:
		for i := range n {
			due = append(due, after.Add(time.Duration(i)*e.rate).In(zone))
		}
	case e.once != nil:
		if at, exists, _ := Instant(*e.once, zone); exists && at.After(after) {
			due = append(due, at)
		}
	case e.cron != nil:
		e.cron.each(after.In(zone).AddDate(0, 0, -1), func(wall time.Time) bool {
			if at, exists, _ := Instant(wall, zone); exists && at.After(after) {
				due = append(due, at)
			}
			return len(due) < n
		})
	}
	return due
}

// At is the expression of one instant on the clock of its schedule's zone, to the minute.
func At(wall time.Time) string { return wall.Format("at(2006-01-02T15:04:00)") }

// Instant returns the instant at which a zone's clock shows the date and time of wall, whose own zone does not count: the first of
// two where the clock is set back. exists is false where the clock skips that time, twice true where it comes twice.
func Instant(wall time.Time, zone *time.Location) (at time.Time, exists, twice bool) {
	shows := func(t time.Time) bool { return clock(t).Equal(clock(wall)) }
	naive := clock(wall)
	for _, near := range []time.Duration{-36 * time.Hour, 36 * time.Hour} { // on both sides of a change
		_, offset := naive.Add(near).In(zone).Zone()
		candidate := naive.Add(-time.Duration(offset) * time.Second).In(zone)
		if !shows(candidate) {
			continue
		}
		if exists && !candidate.Equal(at) {
			twice = true
		}
		if !exists || candidate.Before(at) {
			at, exists = candidate, true
		}
	}
	if !exists { // between two changes within three days
		at = time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
		exists = shows(at)
	}
	return at, exists, twice
}

// clock is what a clock shows, as if it were of UTC.
func clock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}
