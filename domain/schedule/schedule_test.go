package schedule_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/schedule"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// next returns the next instants as RFC 3339, in the zone.
func next(t *testing.T, expression, zoneName, after string, n int) []string {
	t.Helper()
	from, err := time.Parse(time.RFC3339, after)
	if err != nil {
		t.Fatal(err)
	}
	e, err := schedule.Parse(expression)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, at := range e.Next(from, zone(t, zoneName), n) {
		list = append(list, at.Format(time.RFC3339))
	}
	return list
}

type expectation struct {
	expression, zone, after string
	want                    []string
}

func check(t *testing.T, table []expectation) {
	t.Helper()
	for _, c := range table {
		if got := next(t, c.expression, c.zone, c.after, max(1, len(c.want))); !slices.Equal(got, c.want) {
			t.Errorf("%s in %s after %s:\n%v, want\n%v", c.expression, c.zone, c.after, got, c.want)
		}
	}
}

// The examples of "Schedule types in EventBridge Scheduler" and of "Setting a schedule pattern for scheduled rules".
func TestTheDocumentedExamplesAreDueWhenAWSSays(t *testing.T) {
	t.Parallel()
	const wednesday = "2022-06-01T00:00:00Z"
	check(t, []expectation{
		{"rate(5 minutes)", "UTC", wednesday, []string{"2022-06-01T00:00:00Z", "2022-06-01T00:05:00Z", "2022-06-01T00:10:00Z"}},
		{"rate(1 hour)", "UTC", wednesday, []string{"2022-06-01T00:00:00Z", "2022-06-01T01:00:00Z"}},
		{"rate(7 days)", "UTC", wednesday, []string{"2022-06-01T00:00:00Z", "2022-06-08T00:00:00Z"}},
		{"cron(15 10 ? * 6L 2022-2023)", "UTC", wednesday, []string{"2022-06-24T10:15:00Z", "2022-07-29T10:15:00Z"}},
		{"cron(15 10 ? * 6L 2022-2023)", "UTC", "2023-12-01T00:00:00Z", []string{"2023-12-29T10:15:00Z"}},
		{"cron(0 10 * * ? *)", "UTC", wednesday, []string{"2022-06-01T10:00:00Z", "2022-06-02T10:00:00Z"}},
		{"cron(15 12 * * ? *)", "UTC", wednesday, []string{"2022-06-01T12:15:00Z"}},
		{"cron(0 18 ? * MON-FRI *)", "UTC", "2022-06-03T00:00:00Z", []string{"2022-06-03T18:00:00Z", "2022-06-06T18:00:00Z"}},
		{"cron(0 8 1 * ? *)", "UTC", wednesday, []string{"2022-06-01T08:00:00Z", "2022-07-01T08:00:00Z"}},
		{"cron(0/15 * * * ? *)", "UTC", wednesday, []string{"2022-06-01T00:15:00Z", "2022-06-01T00:30:00Z", "2022-06-01T00:45:00Z", "2022-06-01T01:00:00Z"}},
		{"cron(1/10 0 * * ? *)", "UTC", wednesday, []string{"2022-06-01T00:01:00Z", "2022-06-01T00:11:00Z", "2022-06-01T00:21:00Z"}},
		{"cron(0/5 8-17 ? * MON-FRI *)", "UTC", "2022-06-03T17:50:00Z", []string{"2022-06-03T17:55:00Z", "2022-06-06T08:00:00Z"}},
		{"cron(0/30 20-2 ? * MON-FRI *)", "UTC", "2022-06-03T23:00:00Z", []string{"2022-06-03T23:30:00Z", "2022-06-06T00:00:00Z"}}, // Monday from midnight on
		{"cron(0 9 ? * 2#1 *)", "UTC", wednesday, []string{"2022-06-06T09:00:00Z", "2022-07-04T09:00:00Z"}},
		{"cron(0 9 ? * 3#2 *)", "UTC", wednesday, []string{"2022-06-14T09:00:00Z"}},
		{"cron(0 9 3W * ? *)", "UTC", "2022-07-01T00:00:00Z", []string{"2022-07-04T09:00:00Z", "2022-08-03T09:00:00Z", "2022-09-02T09:00:00Z"}},
		{"cron(0 9 1W * ? *)", "UTC", "2022-10-01T00:00:00Z", []string{"2022-10-03T09:00:00Z"}}, // the 1st is a Saturday: not into September
		{"cron(0 9 31W * ? *)", "UTC", "2022-07-01T00:00:00Z", []string{"2022-07-29T09:00:00Z", "2022-08-31T09:00:00Z", "2022-10-31T09:00:00Z"}},
		{"cron(0 9 L * ? *)", "UTC", "2024-02-01T00:00:00Z", []string{"2024-02-29T09:00:00Z", "2024-03-31T09:00:00Z", "2024-04-30T09:00:00Z"}},
		{"cron(0 9 ? * L *)", "UTC", wednesday, []string{"2022-06-04T09:00:00Z", "2022-06-11T09:00:00Z"}},
		{"cron(0 9 ? JAN,FEB,MAR TUE *)", "UTC", wednesday, []string{"2023-01-03T09:00:00Z"}},
		{"at(2022-11-20T13:00:00)", "UTC", wednesday, []string{"2022-11-20T13:00:00Z"}},
		{"at(2022-05-20T13:00:00)", "UTC", wednesday, nil},
	})
}

func TestTheTwentyFifthAtEightInSeoul(t *testing.T) {
	t.Parallel()
	check(t, []expectation{
		{"cron(0 8 25 * ? *)", "Asia/Seoul", "2026-11-30T00:00:00Z", []string{"2026-12-25T08:00:00+09:00", "2027-01-25T08:00:00+09:00", "2027-02-25T08:00:00+09:00"}},
		{"cron(0 8 25 * ? *)", "Asia/Seoul", "2026-12-24T22:59:59Z", []string{"2026-12-25T08:00:00+09:00"}},
		{"cron(0 8 25 * ? *)", "Asia/Seoul", "2026-12-24T23:00:00Z", []string{"2027-01-25T08:00:00+09:00"}}, // not again at the instant itself
		{"at(2026-12-25T08:00:00)", "Asia/Seoul", "2026-11-30T00:00:00Z", []string{"2026-12-25T08:00:00+09:00"}},
	})
}

func TestTheTwentyNinthOfFebruaryComesInLeapYears(t *testing.T) {
	t.Parallel()
	check(t, []expectation{
		{"cron(0 8 29 2 ? *)", "Asia/Seoul", "2026-01-01T00:00:00Z", []string{"2028-02-29T08:00:00+09:00", "2032-02-29T08:00:00+09:00"}},
		{"cron(0 8 29 2 ? *)", "UTC", "2096-03-01T00:00:00Z", []string{"2104-02-29T08:00:00Z"}}, // 2100 is none
		{"cron(0 8 30 2 ? *)", "UTC", "2026-01-01T00:00:00Z", nil},
		{"cron(0 8 ? 2 1#5 *)", "UTC", "2026-01-01T00:00:00Z", []string{"2032-02-29T08:00:00Z"}},
	})
}

// "When time shifts forward in the Spring, if a cron expression falls on a non-existent date and time, your schedule invocation is
// skipped. When time shifts backwards in the Fall, your schedule runs only once and does not repeat its invocation." A rate goes by
// hours that pass.
func TestTheHourThatIsSkippedIsLeftOutAndTheRepeatedOneComesOnce(t *testing.T) {
	t.Parallel()
	check(t, []expectation{
		{"cron(30 2 * * ? *)", "America/New_York", "2026-03-07T00:00:00Z", []string{"2026-03-07T02:30:00-05:00", "2026-03-09T02:30:00-04:00"}},
		{"cron(30 * 8 3 ? 2026)", "America/New_York", "2026-03-08T05:00:00Z", []string{"2026-03-08T00:30:00-05:00", "2026-03-08T01:30:00-05:00", "2026-03-08T03:30:00-04:00"}},
		{"cron(30 1 * * ? *)", "America/New_York", "2026-10-31T12:00:00Z", []string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		{"cron(30 1 * * ? *)", "America/New_York", "2026-11-01T05:45:00Z", []string{"2026-11-02T01:30:00-05:00"}}, // between the two
		{"cron(0 * 1 11 ? 2026)", "America/New_York", "2026-11-01T04:30:00Z", []string{"2026-11-01T01:00:00-04:00", "2026-11-01T02:00:00-05:00"}},
		{"cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-30T02:30:00+02:00"}},
		{"cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-03-01T00:00:00Z", nil},
		{"at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-10-01T00:00:00Z", []string{"2026-10-25T02:30:00+02:00"}},
		{"rate(1 day)", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-28T13:00:00+01:00", "2026-03-29T14:00:00+02:00"}},
	})
}

func TestAnInstantIsFoundOnAnyClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, wall, want string
		exists, twice    bool
	}{
		{"Asia/Seoul", "2026-12-25T08:00:00", "2026-12-25T08:00:00+09:00", true, false},
		{"America/New_York", "2026-11-01T01:30:00", "2026-11-01T01:30:00-04:00", true, true},
		{"America/New_York", "2026-03-08T02:30:00", "", false, false},
		{"Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-05T01:45:00+11:00", true, true}, // by half an hour
		{"Pacific/Apia", "2011-12-30T12:00:00", "", false, false},                               // a whole day
		{"Pacific/Apia", "2011-12-31T12:00:00", "2011-12-31T12:00:00+14:00", true, false},
	} {
		wall, err := time.Parse("2006-01-02T15:04:05", c.wall)
		if err != nil {
			t.Fatal(err)
		}
		at, exists, twice := schedule.Instant(wall, zone(t, c.zone))
		if exists != c.exists || twice != c.twice || exists && at.Format(time.RFC3339) != c.want {
			t.Errorf("%s in %s: %s, %t, %t", c.wall, c.zone, at.Format(time.RFC3339), exists, twice)
		}
	}
}

func TestWhatTheDocumentsDoNotSayIsRefused(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		"", "cron", "cron()", "daily", "0 8 25 * ? *", "cron(0 8 25 * ? *", "cron(0 8 25 * ?)", "cron(0 8 25 * ? * *)", "CRON(0 8 25 * ? *)", " cron(0 8 25 * ? *)",
		"cron(0 8 25 * * *)", "cron(0 8 ? * ? *)", "cron(0 8 * * * *)", "cron(0 8 25 * MON *)", "cron(60 8 25 * ? *)", "cron(0 24 25 * ? *)", "cron(0 8 0 * ? *)", "cron(0 8 32 * ? *)",
		"cron(0 8 25 13 ? *)", "cron(0 8 25 0 ? *)", "cron(0 8 ? * 0 *)", "cron(0 8 ? * 8 *)", "cron(0 8 25 * ? 1969)", "cron(0 8 25 * ? 2200)", "cron(0 8 25 * ? 2030-2026)",
		"cron(-1 8 25 * ? *)", "cron(+1 8 25 * ? *)", "cron(0,,5 8 25 * ? *)", "cron(0/0 8 25 * ? *)", "cron(/5 8 25 * ? *)", "cron(0/ 8 25 * ? *)", "cron(0 8 L,15 * ? *)", "cron(0 8 15W,L * ? *)",
		"cron(0 8 LW * ? *)", "cron(0 8 L-3 * ? *)", "cron(0 8 32W * ? *)", "cron(0 8 ? * 3#6 *)", "cron(0 8 ? * 3#0 *)", "cron(0 8 ? * 3#1,6#3 *)", "cron(0 8 ? * MON/2 *)", "cron(0 8 ? * *L *)",
		"cron(0 8 25 january ? *)", "cron(L 8 25 * ? *)", "cron(0 ? 25 * ? *)", "cron(0 8 25 * ? ?)", "cron(99999999999999999999 8 25 * ? *)",
		"rate(0 minutes)", "rate(-5 minutes)", "rate(5 minute)", "rate(5 seconds)", "rate(5)", "rate(5  minutes)", "rate(1.5 hours)", "rate(999999999 days)", "rate(99999999999999999999 days)",
		"at(2026-12-25)", "at(2026-12-25T08:00)", "at(2026-12-25 08:00:00)", "at(2026-02-29T08:00:00)", "at(2026-12-25T08:00:00Z)", "at(2026-12-25T08:00:00.5)", "at(2026-12-25T24:00:00)",
	} {
		if _, err := schedule.Parse(expression); !errors.Is(err, schedule.ErrExpression) {
			t.Errorf("%q is taken: %v", expression, err)
		}
	}
}

func TestTheExpressionOfAnInstantIsReadBack(t *testing.T) {
	t.Parallel()
	text := schedule.At(time.Date(2026, 12, 25, 8, 0, 31, 0, time.UTC))
	if got := next(t, text, "Asia/Seoul", "2026-11-30T00:00:00Z", 2); !slices.Equal(got, []string{"2026-12-25T08:00:00+09:00"}) {
		t.Errorf("%s: %v", text, got)
	}
}

// Whatever an expression is, parsing ends, and what comes next is later, in order, and on the minute.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"cron(0 8 25 * ? *)", "cron(0/15 20-2 ? JAN-MAR MON#1 2026-2030/2)", "cron(1,2 * 15W 2/3 ? *)", "cron(0 0 L * ? *)", "cron(0 0 ? * 6L *)", "rate(2 hours)", "at(2026-12-25T08:00:00)"} {
		f.Add(seed)
	}
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"America/New_York", "Europe/Berlin", "Asia/Seoul"} {
		if z, err := time.LoadLocation(name); err == nil {
			zones = append(zones, z)
		}
	}
	after := time.Date(2026, 3, 7, 23, 59, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := schedule.Parse(text)
		if err != nil {
			if !errors.Is(err, schedule.ErrExpression) {
				t.Fatal(err)
			}
			return
		}
		for _, z := range zones {
			before := after.Add(-1)
			for _, at := range e.Next(after, z, 5) {
				if !at.After(before) || at.Second() != 0 && text[0] == 'c' {
					t.Fatalf("%s comes after %s", at, before)
				}
				before = at
			}
		}
	})
}
