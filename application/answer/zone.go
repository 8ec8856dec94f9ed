package answer

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// Zone returns the zone of every time that people are shown, which is named beside it: the ACTIVE policy's; UTC without one. What
// programs read is in UTC.
func (a *Answers) Zone(ctx context.Context) (*time.Location, error) {
	records, err := a.Policies.List(ctx)
	return ZoneOf(records), err
}

// Bound is an end of a time range as people write it: a day of the shown zone, or an instant. The zero one bounds nothing.
type Bound struct {
	at    time.Time // an instant, or midnight of the day in UTC
	isDay bool
}

// ParseBound reads a day (2026-11-01) or an instant (2026-11-01T09:00:00+09:00).
func ParseBound(text string) (Bound, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return Bound{at: day, isDay: true}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return Bound{at: at}, nil
	}
	return Bound{}, fmt.Errorf("%q is neither a day (2026-11-01) nor an instant (2026-11-01T09:00:00+09:00)", text)
}

// first is the first instant of a range that begins with the bound.
func (b Bound) first(zone *time.Location) time.Time {
	if !b.isDay {
		return b.at
	}
	return midnight(b.at, zone)
}

// end is the first instant after a range that ends with the bound: the day is within it, an instant is not.
func (b Bound) end(zone *time.Location) time.Time {
	if !b.isDay {
		return b.at
	}
	return midnight(b.at.AddDate(0, 0, 1), zone)
}

// midnight is the beginning of a day in a zone.
func midnight(day time.Time, zone *time.Location) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
}

// ZoneOf returns the zone of the ACTIVE one of some policy versions; UTC without one.
func ZoneOf(records []port.PolicyRecord) *time.Location {
	for _, r := range records {
		if r.Version.Status() == policy.Active {
			return r.Version.Zone()
		}
	}
	return time.UTC
}
