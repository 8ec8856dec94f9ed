package window_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/domain/window"
)

// FuzzParseMinute: a time of day that is taken is written as it was given, and a zone that is found has that name.
func FuzzParseMinute(f *testing.F) {
	for _, text := range []string{"21:00", "24:00", "9:00", "2100", "Asia/Seoul", "Local", "../etc/localtime", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := window.ParseMinute(text); err == nil && (m.String() != text || m < 0 || m >= 24*60) {
			t.Fatalf("%q is %d minutes, %s", text, m, m)
		}
		if zone, err := window.Zone(text); err == nil && (zone == time.Local || zone.String() != text) {
			t.Fatalf("%q is the zone %s", text, zone)
		}
	})
}
