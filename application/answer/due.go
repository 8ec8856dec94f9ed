package answer

import (
	"context"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Due is what may go out in a run, as far as it is known before.
type Due struct {
	Months       []DueMonth     `json:"months"`
	Policy       string         `json:"policy"` // the ACTIVE version; "": none
	Route        []channel.Kind `json:"route"`  // its channels, each once, in its order
	Suppressions int            `json:"suppressions"`
	Suppressed   time.Time      `json:"suppressed_at,omitzero"` // when the suppression list changed last; zero: never
}

// DueMonth counts the bills of a month that have not come to an end, copies with them.
type DueMonth struct {
	Month key.Month `json:"month"`
	Bills int       `json:"bills"`
}

// Bills counts those of all months.
func (d Due) Bills() (n int) {
	for _, m := range d.Months {
		n += m.Bills
	}
	return n
}

// Due returns what may go out of the given months, or, if none is given, of every open one. ErrNotFound if a month was never opened.
func (a *Answers) Due(ctx context.Context, months []key.Month) (Due, error) {
	s, err := a.Status(ctx, months, 0)
	if err != nil {
		return Due{}, err
	}
	due := Due{Months: []DueMonth{}, Policy: s.Policy, Route: []channel.Kind{}, Suppressions: s.Suppressions}
	for _, m := range s.Months {
		if m.Open || len(months) > 0 {
			due.Months = append(due.Months, DueMonth{m.Month, m.Waiting() + waiting(m.Copies)})
		}
	}
	if s.Policy != "" {
		for _, kind := range s.active.Steps("") {
			if !slices.Contains(due.Route, kind) {
				due.Route = append(due.Route, kind)
			}
		}
	}
	for _, action := range []port.Action{port.ActionSuppress, port.ActionSuppressAds, port.ActionUnsuppress} {
		last, err := a.Audit.List(ctx, port.AuditFilter{Action: action}, 1)
		if err != nil {
			return due, err
		}
		if len(last) > 0 && last[0].By.At.After(due.Suppressed) {
			due.Suppressed = last[0].By.At
		}
	}
	return due, nil
}
