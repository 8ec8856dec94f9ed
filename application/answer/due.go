package answer

import (
	"context"
	"encoding/json"
	"maps"
	"path"
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
	Halted       bool           `json:"halted"`
	HaltedOn     []channel.Kind `json:"halted_channels"`
	Suppressions int            `json:"suppressions"`
	Suppressed   time.Time      `json:"suppressed_at,omitzero"` // when the suppression list changed last; zero: never
}

// DueMonth counts the bills of a month that have not come to an end, copies with them.
type DueMonth struct {
	Month     key.Month `json:"month"`
	Bills     int       `json:"bills"`
	Templates string    `json:"templates,omitempty"` // the newest set with which they were rendered; "": none is
	// AlimTalk has the providers for which each approved template of the set has a code.
	AlimTalk []string `json:"alimtalk"`
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
	s, err := a.status(ctx, months, 0, false)
	if err != nil {
		return Due{}, err
	}
	due := Due{Months: []DueMonth{}, Policy: s.Policy, Route: []channel.Kind{}, Halted: s.Halted, HaltedOn: []channel.Kind{}, Suppressions: s.Suppressions}
	for _, h := range s.HaltedChannels {
		due.HaltedOn = append(due.HaltedOn, h.Channel)
	}
	for _, m := range s.Months {
		if m.Open || len(months) > 0 {
			month := DueMonth{Month: m.Month, Bills: m.Waiting() + waiting(m.Copies), AlimTalk: []string{}}
			sets, err := a.TemplateSets.Of(ctx, m.Month)
			if err != nil {
				return due, err
			}
			if binding := port.Binding(sets); len(binding) > 0 {
				newest := binding[len(binding)-1]
				month.Templates, month.AlimTalk = newest.String(), withCodes(newest.Files)
			}
			due.Months = append(due.Months, month)
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

// withCodes returns the providers for which each approved AlimTalk template among the files of a set has a code. What cannot be read has
// none: the set was checked when the bills were rendered.
func withCodes(files map[string]string) []string {
	codes, templates := map[string]int{}, 0
	for name, text := range files {
		if path.Base(name) != "alimtalk.json" {
			continue
		}
		templates++
		var written struct {
			Codes map[string]string `json:"codes"`
		}
		if json.Unmarshal([]byte(text), &written) != nil {
			continue
		}
		for provider, code := range written.Codes {
			if code != "" {
				codes[provider]++
			}
		}
	}
	maps.DeleteFunc(codes, func(_ string, n int) bool { return n < templates })
	return append([]string{}, slices.Sorted(maps.Keys(codes))...)
}
