package restorecheck

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Report is what a check found, and with Apply what it did.
type Report struct {
	RestoredTo time.Time `json:"restored_to"`
	Applied    bool      `json:"applied"`
	Complete   bool      `json:"complete"` // it came to its end: nothing was refused, nothing failed
	Running    []string  `json:"running"`  // who was seen at work
	logReport
	Imports         []ImportReport         `json:"imports"`          // of bills, between the restore and the first check that wrote
	Acts            []ActReport            `json:"acts"`             // of people, between the restore and the end of the first check
	Rows            map[attempt.State]int  `json:"rows"`             // ledger rows that were written, or would be
	Moved           int                    `json:"moved"`            // targets that took a higher key
	Held            int                    `json:"held"`             // of them, PAUSED(restored)
	HeldNew         int                    `json:"held_new"`         // bills of new customers that were imported again: PAUSED(restored)
	HeldImplausible int                    `json:"held_implausible"` // bills that an implausible message names: PAUSED(restored)
	WithoutPolicy   int                    `json:"without_policy"`   // targets that wait for a policy version
	Targets         map[billing.Status]int `json:"targets"`          // that changed, by what they are now
	Policies        []policy.Ref           `json:"-"`                // versions that events name and the database does not have
	PolicyNames     []string               `json:"policies"`         // the same, as text
	Months          []MonthReport          `json:"missing"`          // months with targets that the database does not have
	HighestUserID   int64                  `json:"highest_user_id"`  // of an event
}

// logReport is what was read of the event log.
type logReport struct {
	Topics []TopicReport `json:"topics"`
	// From is the instant since which no request and no result is missing from the log; zero: none was ever removed.
	From time.Time `json:"log_from,omitzero"`
	Gap  bool      `json:"gap"` // the log begins after RestoredTo
	// Removed is what the first reading found and the second one, which writes, did not; From is since when nothing is missing now.
	Removed     []TopicReport `json:"removed"`
	RemovedGap  bool          `json:"removed_gap"` // the log begins after RestoredTo now
	Undecodable int           `json:"undecodable"` // messages that name no delivery
	Implausible int           `json:"implausible"` // messages that name a delivery which cannot be: they are not believed
}

// TopicReport is what was read of a topic.
type TopicReport struct {
	Topic    port.Topic `json:"topic"`
	Messages int64      `json:"messages"`
	From     time.Time  `json:"from,omitzero"` // since when nothing is missing
}

// ImportReport is an import that may have given user ids away that were given before.
type ImportReport struct {
	Month     key.Month `json:"month"`
	ID        int64     `json:"import"`
	File      string    `json:"file"`
	StartedAt time.Time `json:"started_at"`
}

// ActReport counts the acts of a kind that closed delivery keys before the event log could tell of them.
type ActReport struct {
	Action  port.Action `json:"action"`
	Acts    int         `json:"acts"`
	Subject string      `json:"subject"` // of the first one
	At      time.Time   `json:"at"`      // of the first one
}

func (i ImportReport) compare(o ImportReport) int {
	return cmp.Or(i.StartedAt.Compare(o.StartedAt), cmp.Compare(i.ID, o.ID))
}

// MonthReport counts what events name in a month and the database does not have.
type MonthReport struct {
	Month  key.Month `json:"month"`
	Bills  int       `json:"bills"`
	Copies int       `json:"copies"`
}

// finish completes the report.
func (r *run) finish() Report {
	report := r.report
	report.Rows = r.would.rows
	report.Months = slices.SortedFunc(maps.Values(r.missing.months), func(a, b MonthReport) int { return cmp.Compare(a.Month, b.Month) })
	slices.SortFunc(report.Policies, func(a, b policy.Ref) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version)) })
	for _, ref := range report.Policies {
		report.PolicyNames = append(report.PolicyNames, ref.String())
	}
	report.HighestUserID = r.highest
	return report
}

func count[K comparable](counts map[K]int, k K) map[K]int {
	if counts == nil {
		counts = map[K]int{}
	}
	counts[k]++
	return counts
}
