// Package importing turns files of billing data into bills: it reads the canonical CSV (docs/contract/billing-csv.md), checks
// each row, and stores a bill for each good one.
package importing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/wording"
)

// chunkRows is how many rows are stored in one transaction.
const chunkRows = 1000

// Ports are the driven ports that an import uses.
type Ports struct {
	Months      port.Months
	Imports     port.Imports
	Past        port.PastImports
	Corrections port.Corrections
	Mappings    port.Mappings
	Cipher      port.Cipher
	Clock       port.Clock
	Watch       *outage.Watch // waits while the database is down

	Installation port.Installation // may be nil without a Tracer
	Tracer       *trace.Tracer     // nil: no spans
}

// Importer imports billing data. Safe for concurrent use.
type Importer struct{ ports Ports }

// New returns an importer.
func New(ports Ports) *Importer { return &Importer{ports: ports} }

// Import opens the month and reads the source to its end, chunk by chunk. Bad rows are refused and recorded; the others
// are stored; new ones only while dispatch of the month has not begun, unless the rules allow it. It may be repeated
// after any error, and run at the same time as other imports of the month if the rules allow that: what is stored stays
// as it is. ErrHeader if the source is not canonical CSV; billfile.ErrChanged if its file changes meanwhile; ErrInvalid if
// the month is closed or a parameter is missing; billing.ErrRefused while another import of the month is running. The
// summary says what was done, also with an error.
func (i *Importer) Import(ctx context.Context, source *Source, options Options) (Summary, error) {
	run, err := newRun(i.ports, source, options)
	if err != nil {
		return Summary{}, err
	}
	first, err := run.look(ctx)
	if err != nil {
		return Summary{}, fmt.Errorf("import %s for %s: %w", source.file.Name, run.rules.Month, err)
	}
	release, err := run.begin(ctx)
	if err == nil {
		defer release()
		err = run.finish(ctx, run.chunks(ctx, first))
		if err == nil {
			err = run.remarkAlike(ctx)
		}
		run.reporter.Totals(run.totals.list())
	}
	if err != nil {
		return run.summary, fmt.Errorf("import %s for %s, after row %d: %w", source.file.Name, run.rules.Month, run.summary.Rows, err)
	}
	if run.summary.Blank > 0 {
		run.reporter.Note(fmt.Sprintf("blank rows are skipped: %s nothing in any field", wording.Count(run.summary.Blank, "has", "have")))
	}
	if n := run.lines.skipped; n > 0 {
		run.reporter.Note(fmt.Sprintf("rows that are no bills according to skip_rows of the mapping: %d, left out", n))
	}
	if run.summary.Rows == 0 {
		run.reporter.Note("the file has a header and no rows")
	}
	return run.summary, source.file.Unchanged()
}

// run is one import under way.
type run struct {
	ports    Ports
	source   *Source
	rules    Rules
	by       port.Act
	reporter Reporter
	workers  int

	zones       port.Zones
	lines       *billRows
	header      header
	rejects     *rejectFile // nil: not asked for
	remarks     *remarkFile // nil: not asked for
	record      port.ImportRecord
	audited     []port.AuditEntry // in the transaction that begins the record
	closedToNew bool              // bills of customers whom the month does not have stay out
	saidAlike   bool              // whether the month has numbers that look like such ones was looked for
	hadBills    bool              // the month had bills before this import

	installation string // for the ids of traces; "" where nothing is recorded

	firstLines firstLines
	summary    Summary
	totals     totals
}

// exceptContacts says of columns that a correction lacks which of them it does not take away.
func (r *run) exceptContacts(absent []string) string {
	if r.rules.RemoveContacts || !slices.ContainsFunc(absent, func(name string) bool { return slices.Contains(destinationColumns(), name) }) {
		return ""
	}
	return "; of a bill that has an address there it is refused"
}

// newRun checks the options and reads the header.
func newRun(ports Ports, source *Source, options Options) (*run, error) {
	options, err := options.checked()
	if err != nil {
		return nil, err
	}
	r := &run{
		ports: ports, source: source, rules: options.Rules, by: options.By, reporter: options.Reporter, workers: options.Workers,
		totals: totals{},
	}
	for _, note := range source.notes {
		r.reporter.Note(note)
	}
	if options.Control != nil {
		if err := options.Control.check(source); err != nil {
			return nil, fmt.Errorf("import %s: %w", source.file.Name, err)
		}
	}
	r.lines = newRows(source)
	if r.header, err = r.lines.header(source.file.Encoding); err != nil {
		return nil, fmt.Errorf("import %s: %w", source.file.Name, err)
	}
	if len(r.header.unknown) > 0 {
		r.reporter.Note("unknown columns are ignored: " + r.header.ignored())
	}
	if absent := r.header.absentContent(); r.rules.Correct && len(absent) > 0 {
		r.reporter.Note(fmt.Sprintf("a correction replaces the whole bill, and the file has no column %s: what a corrected bill had there is gone%s", strings.Join(absent, ", "), r.exceptContacts(absent)))
	}
	if options.Rejects != nil {
		r.rejects = newRejectFile(options.Rejects, r.header)
	}
	if options.Remarks != nil {
		r.remarks = newRemarkFile(options.Remarks, source.file.Name)
	}
	return r, nil
}
