package schedule

import (
	"strings"
	"time"
)

// days chooses days by one of the fields day of month and day of week; the other one is "?".
type days struct {
	ofMonth set
	ofWeek  set // 1 is Sunday
	last    bool
	nearest int // the day of the month whose nearest weekday it is; 0: no such
	nth     int // of the weekday in ofWeek; -1: the last one; 0: each
}

func parseDays(ofMonth, ofWeek string) (days, error) {
	switch {
	case (ofMonth == "?") == (ofWeek == "?"):
		return days{}, wrong("day of month %q and day of week %q: want ? in exactly one of them", ofMonth, ofWeek)
	case ofWeek == "?":
		return parseDaysOfMonth(ofMonth)
	}
	return parseDaysOfWeek(ofWeek)
}

// parseDaysOfMonth reads the field day of month: a list, L (the last day) or 15W (the weekday nearest to the 15th).
func parseDaysOfMonth(text string) (d days, err error) {
	if text == "L" {
		return days{last: true}, nil
	}
	if day, weekday := strings.CutSuffix(text, "W"); weekday {
		d.nearest, err = dayField.value(day)
		return d, err
	}
	d.ofMonth, err = dayField.values(text)
	return d, err
}

// parseDaysOfWeek reads the field day of week: a list, L (the last day of the week), 6L (the month's last Friday) or 3#2 (its
// second Tuesday).
func parseDaysOfWeek(text string) (d days, err error) {
	day, count, counted := strings.Cut(text, "#")
	if text == "L" {
		day = "SAT"
	} else if weekday, last := strings.CutSuffix(text, "L"); last {
		day, d.nth = weekday, -1
	}
	if counted {
		if d.nth, err = number(count); err != nil || d.nth < 1 || d.nth > 5 {
			return days{}, weekdayField.wrong(text, "one day and its number in the month from 1 to 5, as in 3#2")
		}
	}
	if d.nth != 0 {
		one, err := weekdayField.value(day)
		d.ofWeek = set{one: true}
		return d, err
	}
	d.ofWeek, err = weekdayField.values(day)
	return d, err
}

// hold reports whether a day is among them.
func (d days) hold(day time.Time) bool {
	final := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	switch {
	case d.last:
		return day.Day() == final
	case d.nearest > 0:
		return d.nearest <= final && day.Day() == nearestWeekday(day, d.nearest, final)
	case d.ofMonth != nil:
		return d.ofMonth[day.Day()]
	case !d.ofWeek[int(day.Weekday())+1]:
		return false
	case d.nth < 0:
		return day.Day() > final-7
	case d.nth > 0:
		return (day.Day()+6)/7 == d.nth
	}
	return true
}

// nearestWeekday is the day of the same month, Monday to Friday, that is nearest to one of its days.
func nearestWeekday(in time.Time, day, final int) int {
	weekday := time.Date(in.Year(), in.Month(), day, 0, 0, 0, 0, time.UTC).Weekday()
	switch {
	case weekday == time.Saturday && day == 1:
		return 3
	case weekday == time.Saturday:
		return day - 1
	case weekday == time.Sunday && day == final:
		return day - 2
	case weekday == time.Sunday:
		return day + 1
	}
	return day
}
