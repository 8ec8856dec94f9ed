package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/balsong/balsong/bootstrap/observe"
)

// The demo's day: whatever the hour is, the demo's clock shows one at which customers may be reached.
const (
	zoneName  = "Asia/Seoul"
	firstHour = 9
	lastHour  = 19
)

// clockState is how far the demo's clock has been put ahead. It is never put back: what was deferred would wait again.
type clockState struct {
	Shift time.Duration `json:"shift"`
}

// openClock returns the demo's clock: the real one put ahead, as little as possible and not less than at the last run,
// so that it shows between 09:00 and 19:00 in Seoul.
func openClock(dir string, now time.Time) (observe.Clock, error) {
	path := filepath.Join(dir, "clock.json")
	var state clockState
	content, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(content, &state)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return observe.Clock{}, fmt.Errorf("the demo's clock in %s cannot be read (delete it, or begin anew with --fresh): %w", path, err)
	}
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return observe.Clock{}, err
	}
	state.Shift = shift(now, state.Shift, zone)
	content, err = json.Marshal(state)
	if err != nil {
		return observe.Clock{}, err
	}
	return observe.Clock{Shift: state.Shift}, os.WriteFile(path, content, 0o600)
}

func shift(now time.Time, before time.Duration, zone *time.Location) time.Duration {
	local := now.Add(before).In(zone)
	if hour := local.Hour(); hour >= firstHour && hour < lastHour {
		return before
	}
	morning := time.Date(local.Year(), local.Month(), local.Day(), firstHour, 0, 0, 0, zone)
	if local.Hour() >= lastHour {
		morning = time.Date(local.Year(), local.Month(), local.Day()+1, firstHour, 0, 0, 0, zone)
	}
	return before + morning.Sub(local)
}
