package demo

import (
	"testing"
	"time"
)

func TestTheDemoAlwaysRunsInDaytimeAndNeverTurnsItsClockBack(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Duration(0)
	for hour := range 24 * 9 {
		now := time.Date(2026, 11, 22, 0, 30, 0, 0, time.UTC).Add(time.Duration(hour) * 5 * time.Hour)
		after := shift(now, before, zone)
		if after < before {
			t.Fatalf("at %s the clock went back from %s to %s", now, before, after)
		}
		if shown := now.Add(after).In(zone).Hour(); shown < firstHour || shown >= lastHour {
			t.Fatalf("at %s the demo's clock shows %d o'clock", now, shown)
		}
		before = after
	}
}
