package deliver_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/window"
)

// A provider may keep a message for hours: it is told until when the customer may get it.
func TestAProviderIsToldWhenQuietHoursBeginOrTheDeadlinePasses(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, seoul) // the world's beginning
	evening := noon.Add(9 * time.Hour)
	for name, shown := range map[string]struct {
		quiet          bool
		deadline, want time.Time
	}{
		"neither":                     {false, time.Time{}, time.Time{}},
		"quiet hours":                 {true, time.Time{}, evening},
		"a deadline":                  {false, noon.Add(48 * time.Hour), noon.Add(48 * time.Hour)},
		"a deadline after them":       {true, noon.Add(48 * time.Hour), evening},
		"a deadline that comes first": {true, noon.Add(time.Hour), noon.Add(time.Hour)},
	} {
		w := newWorld(t, func(w *world) {
			quiet, err := window.NewForbidden(21*60, 8*60, seoul)
			if err != nil {
				t.Fatal(err)
			}
			if shown.quiet {
				w.spec.QuietHours, w.spec.QuietChannels = quiet, channel.NewSet(channel.Email, channel.SMS)
			}
		})
		w.bill(t, 1, func(s *memory.Seeded) { s.State.Deadline = shown.deadline })
		w.dispatch(t)
		w.start(t)
		w.awaitDrained(t)
		w.expectCalls(t, w.email, 1)
		if got := w.email.Calls()[0].Delivery.Until; !got.Equal(shown.want) {
			t.Errorf("%s: until %s, want %s", name, got, shown.want)
		}
	}
}
