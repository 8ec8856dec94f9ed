package importing_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/domain/key"
)

var (
	november, _ = key.ParseMonth("2026-11")
	seoul, _    = time.LoadLocation("Asia/Seoul")
	opening     = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
)

// bundle is everything that an import works with, in memory.
type bundle struct {
	clock    *memory.Clock
	store    *memory.Store
	cipher   *memory.Cipher
	log      *memory.Log
	importer *importing.Importer
}

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{clock: memory.NewClock(opening), cipher: memory.NewCipher(), log: &memory.Log{}}
	b.store = memory.NewStore(b.clock)
	b.importer = importing.New(importing.Ports{
		Months: b.store.Months(), Imports: b.store.Imports(), Past: b.store.PastImports(), Corrections: b.store.Corrections(), Mappings: b.store.Mappings(),
		Cipher: b.cipher, Clock: b.clock, Watch: outage.New(b.clock, b.log),
	})
	return b
}

// call is what one import is called with.
type call struct {
	File importing.File
	importing.Options
}

func options() call {
	return call{importing.File{Name: "november.csv"}, importing.Options{Rules: importing.Rules{Month: november, NotBefore: opening, Zone: seoul}}}
}

// listener is a reporter that calls what is there.
type listener struct {
	importing.Silent
	note     func(string)
	refused  func(importing.Refusal)
	progress func(importing.Progress)
	remarked func(importing.Remark)
	totals   func([]importing.Total)
}

func (l listener) Note(text string) {
	if l.note != nil {
		l.note(text)
	}
}

func (l listener) Refused(r importing.Refusal) {
	if l.refused != nil {
		l.refused(r)
	}
}

func (l listener) Remarked(r importing.Remark) {
	if l.remarked != nil {
		l.remarked(r)
	}
}

func (l listener) Totals(totals []importing.Total) {
	if l.totals != nil {
		l.totals(totals)
	}
}

func (l listener) Progress(p importing.Progress) {
	if l.progress != nil {
		l.progress(p)
	}
}

func (b *bundle) importRows(ctx context.Context, rows io.Reader, o call) (importing.Summary, error) {
	return b.importer.Import(ctx, importing.NewSource(o.File, rows), o.Options)
}

func (b *bundle) importFile(ctx context.Context, file io.ReadSeeker, o call) (importing.Summary, error) {
	source, err := importing.Open(file, o.File)
	if err != nil {
		return importing.Summary{}, err
	}
	return b.importer.Import(ctx, source, o.Options)
}

func (b *bundle) load(t testing.TB, file string, o call) importing.Summary {
	t.Helper()
	summary, err := b.importRows(t.Context(), strings.NewReader(file), o)
	if err != nil {
		t.Fatal(err)
	}
	if summary.Rows != summary.Inserted+summary.Unchanged+summary.Corrected+summary.Conflicts+summary.Rejected+summary.Resolved {
		t.Errorf("the summary does not add up: %+v", summary)
	}
	return summary
}

// good is a row in which every field is in order.
func good() map[string]string {
	return map[string]string{
		"customer_number": "C-1", "name": "김하나", "email": "kim@example.com", "phone": "010-0000-1234", "push_token": "t0ken", "language": "ko",
		"currency": "KRW", "amount": "12300", "due_date": "2026-11-25", "items": `[{"name":"통화","amount":"10000"},{"name":"문자","amount":2300}]`,
		"quiet_from": "21:00", "quiet_to": "08:00", "zone": "Asia/Seoul", "send_day": "25", "channel_wish": "SMS",
	}
}

// file writes rows as canonical CSV.
func file(rows ...map[string]string) string {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Write(importing.Columns)
	for _, row := range rows {
		fields := make([]string, len(importing.Columns))
		for i, column := range importing.Columns {
			fields[i] = row[column]
		}
		w.Write(fields)
	}
	w.Flush()
	return out.String()
}

func with(changes ...string) map[string]string {
	row := good()
	for i := 0; i < len(changes); i += 2 {
		row[changes[i]] = changes[i+1]
	}
	return row
}
