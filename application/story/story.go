// Package story explains one bill in sentences: where it came from, what was decided by which rule, each try
// with the gateway's words, what people did, and what happens next. It is a pure function of facts, so that the command
// line, a console and a test show the same words. Destinations are masked before they get here.
package story

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

// Facts is everything that is known about one bill.
type Facts struct {
	Customer     string
	Target       billing.Target
	Rows         []attempt.Row   // sorted by key
	Reports      []report.Report // of providers, about the rows' keys
	Inquiries    []port.Inquiry  // that were made
	Origin       port.Origin
	Trace        port.TraceID            // under which its steps are recorded, where they are
	Pack         string                  // the object that holds the statement; "": not known here
	Destinations map[channel.Kind]string // masked; without those that could not be opened
	Run          port.Run                // the run that dispatched it last; ID 0: none
	Notes        []port.AuditEntry       // what people did to it, oldest first
	Suppressions []port.Suppression
	Month        port.MonthState
	Halt         port.Halt
	ChannelHalts []port.ChannelHalt
	Policies     []policy.Version // ACTIVE and RETIRED ones
	Now          time.Time
	DatabaseNow  time.Time // the database's clock, by which leases go
}

// Line is one sentence of a story.
type Line struct {
	At    time.Time `json:"at,omitzero"` // when it happened; zero: it has no time
	About string    `json:"about"`       // import, render, customer, try, report, inquiry, act, decision, state, month, halt
	Text  string    `json:"text"`
}

// Next is what happens next.
type Next struct {
	Text     string    `json:"text"`
	At       time.Time `json:"at,omitzero"` // the earliest time; zero: at once, or not known
	WaitsFor WaitsFor  `json:"waits_for"`
}

// WaitsFor is what a bill waits for.
type WaitsFor string

// What a bill can wait for.
const (
	ForNothing    WaitsFor = "nothing"
	ForTime       WaitsFor = "time"
	ForBatch      WaitsFor = "batch"
	ForDispatcher WaitsFor = "dispatcher"
	ForDelivery   WaitsFor = "delivery"
	ForSettlement WaitsFor = "settlement"
	ForPerson     WaitsFor = "person"
	ForAnswer     WaitsFor = "answer" // of the provider that is asked
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
	Trace    string              `json:"trace_id"`                // in hexadecimal digits; whether anything is recorded under it is not known here
	Zone     string              `json:"zone"`                    // of the times in the sentences
	Own      string              `json:"customer_zone,omitempty"` // the customer's, where it is another one
	Headline string              `json:"headline"`
	Lines    []Line              `json:"lines"`
	Next     Next                `json:"next"`
	Copy     int                 `json:"copy,omitempty"`   // the number of a copy
	Copies   []Story             `json:"copies,omitempty"` // of a bill
	// OtherMonths are those in which the customer has a bill too, the latest first; empty where a month was asked for.
	OtherMonths []OtherMonth `json:"other_months,omitempty"`
}

// OtherMonth is another month in which a customer has a bill.
type OtherMonth struct {
	Month    key.Month      `json:"month"`
	Dispatch billing.Status `json:"dispatch_status"`
}

// builder collects one story.
type builder struct {
	Facts
	s        billing.State
	zone     *time.Location // in which times are shown: the ACTIVE policy's; UTC without one
	own      *time.Location // the customer's
	versions map[policy.Ref]policy.Version
	active   policy.Version
	rows     []attempt.Row // effective: as the ledger and the reports say together
	gone     bool          // a policy version that decides about a report is gone, so rows are those of the ledger
	lines    []Line
}

// Of returns the story of a bill.
func Of(f Facts) Story {
	b := newBuilder(f)
	b.origin()
	b.rendering()
	b.customer()
	b.chronicle()
	b.decision()
	b.standing()
	s := b.s
	told := Story{
		Customer: f.Customer, Month: s.Key.Month, Key: s.Key.String(), Batch: s.Batch, Dispatch: s.Dispatch, Pause: s.Pause,
		Attempt: s.Attempt, Round: s.Round, Step: s.Step, Trace: hex.EncodeToString(f.Trace[:]), Zone: b.zone.String(),
		Headline: b.headline(), Lines: b.lines, Next: b.named(b.next()), Copy: s.Key.CopyNumber(),
	}
	if b.own.String() != told.Zone {
		told.Own = b.own.String()
	}
	return told
}

func newBuilder(f Facts) *builder {
	b := &builder{Facts: f, s: f.Target.State(), versions: map[policy.Ref]policy.Version{}}
	for _, v := range f.Policies {
		b.versions[v.Ref()] = v
		if v.Status() == policy.Active {
			b.active = v
		}
	}
	b.zone = time.UTC
	if b.active.Status() == policy.Active {
		b.zone = b.active.Zone()
	}
	b.own = b.zone
	if b.s.Zone != nil {
		b.own = b.s.Zone
	}
	if !b.s.Quiet.IsZero() {
		b.own = b.s.Quiet.Zone()
	}
	b.rows = f.Rows
	if rows, err := f.Target.Effective(f.Rows, f.Reports, b.version); err == nil {
		b.rows = rows
	} else {
		b.gone = true
	}
	return b
}

// version returns a policy version that was activated.
func (b *builder) version(ref policy.Ref) (policy.Version, bool) {
	v, ok := b.versions[ref]
	return v, ok
}

// bound returns the policy version that decides about the bill: the one it is bound to, or else the ACTIVE one.
func (b *builder) bound() (policy.Version, bool) {
	if b.s.Policy.IsZero() {
		return b.active, b.active.Status() == policy.Active
	}
	return b.version(b.s.Policy)
}

// add adds a sentence.
func (b *builder) add(at time.Time, about, format string, args ...any) {
	b.lines = append(b.lines, Line{At: at, About: about, Text: fmt.Sprintf(format, args...)})
}

// when writes an instant in the zone that is shown, and behind it the customer's time where their clock differs.
func (b *builder) when(at time.Time) string {
	const layout = "2006-01-02 15:04:05 MST"
	text, own := at.In(b.zone).Format(layout), at.In(b.own)
	if offsetOf(own) == offsetOf(at.In(b.zone)) {
		return text
	}
	return text + " (" + own.Format(layout) + " for the customer)"
}

// offsetOf is the offset of an instant's zone, in seconds east of UTC.
func offsetOf(at time.Time) int {
	_, offset := at.Zone()
	return offset
}

func (b *builder) origin() {
	o := b.Origin
	if o.File == "" && o.Line == 0 {
		return
	}
	text := fmt.Sprintf("Imported from %s, line %d", o.File, o.Line)
	if o.Import.ID != 0 {
		text += b.importedBy(o.Import)
	}
	if o.Version > 1 {
		text += fmt.Sprintf(": version %d of its data", o.Version)
		if b.corrected() {
			text += ", a correction"
		}
	}
	b.add(o.Import.StartedAt, "import", "%s.", text)
}

// noted is the last of what people did to the bill that is a certain action; nil where nobody did it.
func (b *builder) noted(action port.Action) *port.AuditEntry {
	for i, note := range slices.Backward(b.Notes) {
		if note.Action == action {
			return &b.Notes[i]
		}
	}
	return nil
}

// corrected reports whether the data was corrected: an earlier version may also have been taken back with its import.
func (b *builder) corrected() bool {
	return b.noted(port.ActionCorrect) != nil || slices.ContainsFunc(b.Rows, func(row attempt.Row) bool { return row.Reason == attempt.ReasonCorrect })
}

func (b *builder) importedBy(record port.ImportRecord) string {
	text := ""
	if record.By.Actor != "" {
		text = ", by " + record.By.Actor
	}
	text += " on " + b.when(record.StartedAt) + " ("
	if record.By.Reason != "" {
		text += record.By.Reason + "; "
	}
	return text + fmt.Sprintf("import %d)", record.ID)
}

func (b *builder) rendering() {
	switch {
	case b.s.Batch == billing.RenderFailed:
		b.add(b.Origin.RenderedAt, "render", "Its statement could not be rendered: %s.", orNot(b.Origin.RenderError))
	case b.s.Batch != billing.Rendered:
		b.add(time.Time{}, "render", "Its statement is not rendered yet.")
	case b.Origin.RenderedAt.IsZero():
		b.add(time.Time{}, "render", "Its statement is rendered.")
	case b.Pack != "":
		b.add(b.Origin.RenderedAt, "render", "Its statement was rendered on %s%s into the pack %s%s.", b.when(b.Origin.RenderedAt), b.anew(), b.Pack, b.templates())
	default:
		b.add(b.Origin.RenderedAt, "render", "Its statement was rendered on %s%s.", b.when(b.Origin.RenderedAt), b.templates())
	}
}

// templates says with which templates the statement was rendered, if that is known.
func (b *builder) templates() string {
	if b.Origin.Templates == "" {
		return ""
	}
	return ", with the templates " + b.Origin.Templates
}

// anew says of a copy how it came by its statement.
func (b *builder) anew() string {
	if b.s.Key.CopyNumber() == 0 {
		return ""
	}
	return " for the bill, and stored once more for the copy"
}

// customer says how the customer can be reached, and which channel is preferred.
func (b *builder) customer() {
	var ways []string
	for _, kind := range b.s.Reachable.Kinds() {
		way := name(kind)
		if masked := b.Destinations[kind]; masked != "" {
			way += " (" + masked + ")"
		}
		ways = append(ways, way)
	}
	text := "The customer can be reached by " + listed(ways)
	if b.s.Key.CopyNumber() > 0 {
		text = "It goes by " + listed(ways)
	}
	if len(ways) == 0 {
		text = "The customer has no destination on any channel"
	}
	if b.s.Wished != "" {
		text += "; prefers " + name(b.s.Wished)
	}
	if !b.s.Quiet.IsZero() {
		text += "; own quiet hours " + b.s.Quiet.String()
	}
	if b.s.Zone != nil {
		text += "; lives by the clock of " + b.s.Zone.String()
	}
	b.add(time.Time{}, "customer", "%s.", text)
	for _, entry := range b.Suppressions {
		b.add(entry.Since, "customer", "On the suppression list for %s since %s: %s.", suppressed(entry), b.when(entry.Since), orNot(entry.Reason))
	}
}

// suppressed says what an entry keeps back.
func suppressed(entry port.Suppression) string {
	if entry.Scope == policy.ScopeAdvertising {
		return "advertising by " + name(entry.Channel)
	}
	return name(entry.Channel)
}

// chronicle says the tries, what the providers said of them later, and what people did, in order of time.
func (b *builder) chronicle() {
	var events []Line
	for _, row := range b.Rows {
		events = append(events, Line{At: began(row), About: "try", Text: b.try(row)})
	}
	for _, r := range b.Reports {
		events = append(events, Line{At: r.StoredAt, About: "report", Text: b.reported(r)})
	}
	for _, q := range b.Inquiries {
		events = append(events, Line{At: q.AskedAt, About: "inquiry", Text: b.asked(q)})
	}
	for _, note := range b.Notes {
		events = append(events, Line{At: note.By.At, About: "act", Text: b.act(note)})
	}
	slices.SortStableFunc(events, func(a, b Line) int { return a.At.Compare(b.At) })
	b.lines = append(b.lines, events...)
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

func (b *builder) act(n port.AuditEntry) string {
	text := fmt.Sprintf("%s: %s, by %s: %s", b.when(n.By.At), n.Action, n.By.Actor, n.By.Reason)
	if n.By.ApprovedBy != "" {
		text += " (noted as approved by " + n.By.ApprovedBy + ")"
	}
	return text + "."
}
