package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cron is what stands inside cron(): which minutes, hours, days, months and years.
type cron struct {
	minutes, hours, months, years set
	days                          days
}

// set holds the values of a field.
type set map[int]bool

// field is one of the six, with its values. names are those of its values from the first one on.
type field struct {
	name        string
	first, last int
	names       []string
	steps       bool // whether it takes the character /
}

var (
	minuteField  = field{"minutes", 0, 59, nil, true}
	hourField    = field{"hours", 0, 23, nil, true}
	dayField     = field{"day of month", 1, 31, nil, true}
	monthField   = field{"month", 1, 12, []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}, true}
	weekdayField = field{"day of week", 1, 7, []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}, false}
	yearField    = field{"year", 1970, 2199, nil, true}
)

func parseCron(inner string) (*cron, error) {
	fields := strings.Fields(inner)
	if len(fields) != 6 {
		return nil, wrong("cron(%s) has %d fields: want minutes, hours, day of month, month, day of week and year, as in cron(0 8 25 * ? *)", inner, len(fields))
	}
	var c cron
	for _, of := range []struct {
		field
		text string
		to   *set
	}{{minuteField, fields[0], &c.minutes}, {hourField, fields[1], &c.hours}, {monthField, fields[3], &c.months}, {yearField, fields[5], &c.years}} {
		values, err := of.values(of.text)
		if err != nil {
			return nil, err
		}
		*of.to = values
	}
	var err error
	if c.days, err = parseDays(fields[2], fields[4]); err != nil {
		return nil, err
	}
	return &c, nil
}

// values reads a list of values, ranges and steps: 1,10-20,30/5,*.
func (f field) values(text string) (set, error) {
	all := set{}
	for _, part := range strings.Split(text, ",") {
		span, step, stepped := strings.Cut(part, "/")
		by := 1
		if stepped {
			n, err := number(step)
			if err != nil || n < 1 || n > f.last || !f.steps {
				return nil, f.wrong(part, "a step like 0/5 with a number from 1 on; not in day of week")
			}
			by = n
		}
		from, to, err := f.span(span, stepped)
		if err != nil {
			return nil, err
		}
		if to < from { // past the field's end: 20-2 in hours is 20 to 23, and 0 to 2
			to += f.last - f.first + 1
		}
		for v := from; v <= to; v += by {
			all[f.first+(v-f.first)%(f.last-f.first+1)] = true
		}
	}
	return all, nil
}

// span reads *, one value or a range. With a step, one value is the first of a range to the field's end.
func (f field) span(text string, stepped bool) (from, to int, err error) {
	if text == "*" {
		return f.first, f.last, nil
	}
	low, high, ranged := strings.Cut(text, "-")
	if from, err = f.value(low); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		to, err = f.value(high)
	case stepped:
		to = f.last
	default:
		to = from
	}
	if err == nil && to < from && f.name == yearField.name {
		err = f.wrong(text, "a range from the smaller to the greater")
	}
	return from, to, err
}

// value reads a number or a name.
func (f field) value(text string) (int, error) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.first + i, nil
	}
	n, err := number(text)
	if err != nil || n < f.first || n > f.last {
		want := fmt.Sprintf("%d to %d", f.first, f.last)
		if len(f.names) > 0 {
			want += ", or " + f.names[0] + " to " + f.names[len(f.names)-1]
		}
		return 0, f.wrong(text, want)
	}
	return n, nil
}

// number reads digits without a sign.
func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err
}

func (f field) wrong(text, want string) error { return wrong("%s %q: want %s", f.name, text, want) }

// each calls do with each date and time from the beginning of a day on, until it returns false.
func (c *cron) each(from time.Time, do func(wall time.Time) bool) {
	minutes, hours := sorted(c.minutes), sorted(c.hours)
	day := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, time.UTC)
	for day.Year() <= yearField.last {
		switch {
		case !c.years[day.Year()]:
			day = time.Date(day.Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC)
			continue
		case !c.months[int(day.Month())]:
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case c.days.hold(day):
			for _, hour := range hours {
				for _, minute := range minutes {
					if !do(day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)) {
						return
					}
				}
			}
		}
		day = day.AddDate(0, 0, 1)
	}
}

func sorted(s set) []int {
	var list []int
	for v := range s {
		list = append(list, v)
	}
	slices.Sort(list)
	return list
}
