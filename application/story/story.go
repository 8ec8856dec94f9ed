// Package story tells the story of one bill in sentences: where it came from, what was decided by which rule, each try
// with the gateway's words, what people did, and what happens next. It is a pure function of facts, so that the command
// line, a console and a test show the same words. Destinations are masked before they get here.
package story

import (
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Facts is everything that is known about one bill.
type Facts struct {
	Customer     string
	Target       billing.Target
	Rows         []attempt.Row // sorted by key
	Origin       port.Origin
	Pack         string                  // the object that holds the statement; "": not known here
	Destinations map[channel.Kind]string // masked; without those that could not be opened
	Run          port.Run                // the run that dispatched it last; ID 0: none
	Notes        []port.Note             // what people did to it, oldest first
	Suppressions []port.Suppression
	Month        port.MonthState
	Halt         port.Halt
	Policies     []policy.Version // ACTIVE and RETIRED ones
	Now          time.Time
	DatabaseNow  time.Time // the database's clock, by which leases go
}

// Line is one sentence of a story.
type Line struct {
	At    time.Time `json:"at,omitzero"` // when it happened; zero: it has no time
	About string    `json:"about"`       // import, render, customer, try, act, decision, state, month, halt
	Text  string    `json:"text"`
}

// Next is what happens next.
type Next struct {
	Text     string    `json:"text"`
	At       time.Time `json:"at,omitzero"` // the earliest time; zero: at once, or not known
	WaitsFor string    `json:"waits_for"`   // nothing, time, batch, dispatcher, delivery, settlement, person
}

// What a bill can wait for.
const (
	ForNothing    = "nothing"
	ForTime       = "time"
	ForBatch      = "batch"
	ForDispatcher = "dispatcher"
	ForDelivery   = "delivery"
	ForSettlement = "settlement"
	ForPerson     = "person"
)

// Story is the story of one bill.
type Story struct {
	Customer string              `json:"customer"`
	Month    key.Month           `json:"month"`
	Key      string              `json:"key"`
	Batch    billing.BatchStatus `json:"batch_status"`
	Dispatch billing.Status      `json:"dispatch_status"`
	Pause    billing.PauseReason `json:"pause_reason,omitempty"`
	Attempt  int16               `json:"attempt"`
	Round    int16               `json:"round"`
	Step     int16               `json:"step"`
	Zone     string              `json:"zone"` // of the times in the sentences
	Headline string              `json:"headline"`
	Told     []Line              `json:"told"`
	Next     Next                `json:"next"`
}

// teller puts one story together.
type teller struct {
	Facts
	s        billing.State
	zone     *time.Location
	versions map[policy.Ref]policy.Version
	active   policy.Version
	lines    []Line
}

// Tell tells the story.
func Tell(f Facts) Story {
	t := newTeller(f)
	t.origin()
	t.rendering()
	t.customer()
	t.chronicle()
	t.decision()
	t.standing()
	s := t.s
	return Story{
		Customer: f.Customer, Month: s.Key.Month, Key: s.Key.String(), Batch: s.Batch, Dispatch: s.Dispatch, Pause: s.Pause,
		Attempt: s.Attempt, Round: s.Round, Step: s.Step, Zone: t.zone.String(),
		Headline: t.headline(), Told: t.lines, Next: t.next(),
	}
}

func newTeller(f Facts) *teller {
	t := &teller{Facts: f, s: f.Target.State(), versions: map[policy.Ref]policy.Version{}}
	for _, v := range f.Policies {
		t.versions[v.Ref()] = v
		if v.Status() == policy.Active {
			t.active = v
		}
	}
	t.zone = time.UTC
	if v, ok := t.bound(); ok {
		t.zone = v.Zone()
	}
	if !t.s.Quiet.IsZero() {
		t.zone = t.s.Quiet.Zone()
	}
	return t
}

// bound returns the policy version that decides about the bill: the one it is bound to, or else the ACTIVE one.
func (t *teller) bound() (policy.Version, bool) {
	if t.s.Policy.IsZero() {
		return t.active, t.active.Status() == policy.Active
	}
	v, ok := t.versions[t.s.Policy]
	return v, ok
}

// say adds a sentence.
func (t *teller) say(at time.Time, about, format string, args ...any) {
	t.lines = append(t.lines, Line{At: at, About: about, Text: fmt.Sprintf(format, args...)})
}

// when formats an instant in the customer's time zone.
func (t *teller) when(at time.Time) string { return at.In(t.zone).Format("2006-01-02 15:04:05 MST") }

func (t *teller) origin() {
	o := t.Origin
	if o.File == "" && o.Line == 0 {
		return
	}
	text := fmt.Sprintf("Imported from %s, line %d", o.File, o.Line)
	if o.Import.ID != 0 {
		text += t.importedBy(o.Import)
	}
	if o.Version > 1 {
		text += fmt.Sprintf(": version %d of its data, a correction", o.Version)
	}
	t.say(o.Import.StartedAt, "import", "%s.", text)
}

func (t *teller) importedBy(record port.ImportRecord) string {
	text := ""
	if record.By.Actor != "" {
		text = ", by " + record.By.Actor
	}
	text += " on " + t.when(record.StartedAt) + " ("
	if record.By.Reason != "" {
		text += record.By.Reason + "; "
	}
	return text + fmt.Sprintf("import %d)", record.ID)
}

func (t *teller) rendering() {
	switch {
	case t.s.Batch == billing.RenderFailed:
		t.say(t.Origin.RenderedAt, "render", "Its statement could not be rendered: %s.", orNot(t.Origin.RenderError))
	case t.s.Batch != billing.Rendered:
		t.say(time.Time{}, "render", "Its statement is not rendered yet.")
	case t.Origin.RenderedAt.IsZero():
		t.say(time.Time{}, "render", "Its statement is rendered.")
	case t.Pack != "":
		t.say(t.Origin.RenderedAt, "render", "Its statement was rendered on %s into the pack %s.", t.when(t.Origin.RenderedAt), t.Pack)
	default:
		t.say(t.Origin.RenderedAt, "render", "Its statement was rendered on %s.", t.when(t.Origin.RenderedAt))
	}
}

// customer tells how the customer can be reached, and wishes to be.
func (t *teller) customer() {
	var ways []string
	for _, kind := range t.s.Reachable.Kinds() {
		way := name(kind)
		if masked := t.Destinations[kind]; masked != "" {
			way += " (" + masked + ")"
		}
		ways = append(ways, way)
	}
	text := "The customer can be reached by " + listed(ways, "and")
	if len(ways) == 0 {
		text = "The customer has no destination on any channel"
	}
	if t.s.Wished != "" {
		text += "; wishes to be reached by " + name(t.s.Wished) + " first"
	}
	if !t.s.Quiet.IsZero() {
		text += "; own quiet hours " + t.s.Quiet.String()
	}
	t.say(time.Time{}, "customer", "%s.", text)
	for _, entry := range t.Suppressions {
		t.say(entry.Since, "customer", "On the suppression list for %s since %s: %s.", name(entry.Channel), t.when(entry.Since), orNot(entry.Reason))
	}
}

// chronicle tells the tries and what people did, in order of time.
func (t *teller) chronicle() {
	var events []Line
	for _, row := range t.Rows {
		events = append(events, Line{At: began(row), About: "try", Text: t.try(row)})
	}
	for _, note := range t.Notes {
		events = append(events, Line{At: note.By.At, About: "act", Text: t.act(note)})
	}
	slices.SortStableFunc(events, func(a, b Line) int { return a.At.Compare(b.At) })
	t.lines = append(t.lines, events...)
}

// began returns when a ledger row came into being.
func began(row attempt.Row) time.Time {
	for _, at := range []time.Time{row.ClaimedAt, row.FinishedAt} {
		if !at.IsZero() {
			return at
		}
	}
	return row.ChangedAt
}

func (t *teller) act(n port.Note) string {
	text := fmt.Sprintf("%s: %s, by %s: %s", t.when(n.By.At), n.What, n.By.Actor, n.By.Reason)
	if n.By.ApprovedBy != "" {
		text += " (approved by " + n.By.ApprovedBy + ")"
	}
	return text + "."
}
