package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// teller tells to a buffer, by a clock that goes on when it is told to.
func teller(terminal bool) (Teller, *bytes.Buffer, *time.Time) {
	var out bytes.Buffer
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	return Teller{out: &out, terminal: terminal, now: func() time.Time { return now }}, &out, &now
}

func TestWithoutATerminalALineComesEveryFewSecondsWithRateAndTimeLeft(t *testing.T) {
	t.Parallel()
	tell, out, now := teller(false)
	work := tell.Begin("render", "bills", 500_000)
	work.Set(1000)
	if out.Len() != 0 {
		t.Fatalf("told at once: %q", out)
	}
	*now = now.Add(Every)
	work.Set(20_000)
	work.Set(20_001)
	*now = now.Add(Every)
	work.Set(600_000)
	work.End()
	want := "render: 20,000 of 500,000 bills (4%), 4,000 a second, 2m0s left\nrender: 600,000 bills, 60,000 a second\n"
	if out.String() != want {
		t.Fatalf("got\n%swant\n%s", out, want)
	}
}

func TestWhereNobodyKnowsHowMuchThereIsNoTimeLeftIsTold(t *testing.T) {
	t.Parallel()
	tell, out, now := teller(false)
	work := tell.Begin("import", "rows", 0)
	*now = now.Add(2 * Every)
	work.Set(70_000)
	if got := out.String(); got != "import: 70,000 rows, 7,000 a second\n" {
		t.Fatalf("got %q", got)
	}
	work.All(140_000)
	*now = now.Add(Every)
	work.Set(105_000)
	if got := out.String(); !strings.HasSuffix(got, "import: 105,000 of 140,000 rows (75%), 7,000 a second, 5s left\n") {
		t.Fatalf("got %q", got)
	}
}

func TestOnATerminalOneLineIsRedrawnAndGoesInTheEnd(t *testing.T) {
	t.Parallel()
	tell, out, _ := teller(true)
	work := tell.Begin("render", "bills", 100)
	work.Set(40)
	work.Say("a pack was slow")
	work.Set(200) // more than was thought: the bar stays until the work says that it is over
	work.End()
	text := out.String()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "a pack was slow\n") || !strings.Contains(text, "\r") || strings.Contains(text, "\x1b[3") {
		t.Fatalf("the terminal got %q", text)
	}
	if last := text[strings.LastIndex(strings.TrimRight(text, "\r"), "\r")+1:]; strings.TrimSpace(last) != "" {
		t.Fatalf("%q stays on the line", last)
	}
}

func TestOnATerminalWorkOfUnknownLengthIsDrawnOnlyWhenItTells(t *testing.T) {
	t.Parallel()
	tell, out, _ := teller(true)
	work := tell.Begin("import", "rows", 0)
	work.Set(10)
	if !strings.Contains(out.String(), "import") {
		t.Fatalf("the terminal got %q", out)
	}
	work.End()
	work.Set(20) // what comes after the end is not told
	drawn := out.String()
	if strings.Count(drawn, "\n") != 0 || strings.TrimSpace(drawn[strings.LastIndex(strings.TrimRight(drawn, "\r"), "\r")+1:]) != "" {
		t.Fatalf("the terminal got %q", drawn)
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 7043: "7,043", 1_000_000: "1,000,000", -7043: "-7,043"} {
		if got := Thousands(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

func TestNoRateIsShownOverLessThanASecond(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]string{
		0: "in 0.0 s", 5 * time.Nanosecond: "in 0.0 s", 999 * time.Millisecond: "in 1.0 s", 2 * time.Second: "in 2.0 s, 500 a second",
	} {
		if got := Took(1000, took); got != want {
			t.Errorf("1,000 in %s: %q, want %q", took, got, want)
		}
	}
}
