package answer

import (
	"context"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// Zone returns the zone of the times that people are shown wherever they concern no single customer: the ACTIVE policy's; UTC
// without one.
func (a *Answers) Zone(ctx context.Context) (*time.Location, error) {
	records, err := a.Policies.List(ctx)
	return ZoneOf(records), err
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
