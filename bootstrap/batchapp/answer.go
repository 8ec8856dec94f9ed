package batchapp

import (
	"strings"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/domain/key"
)

// importDocument is what an import came to, for programs.
type importDocument struct {
	Month     key.Month `json:"month"`
	File      string    `json:"file"`
	Rows      int       `json:"rows"`
	Inserted  int       `json:"inserted"`
	Unchanged int       `json:"unchanged"`
	Corrected int       `json:"corrected"`
	Conflicts int       `json:"conflicts"`
	Rejected  int       `json:"rejected"`
	Resolved  int       `json:"resolved_since"`
	Blank     int       `json:"blank"`
	Rejects   string    `json:"rejects_file,omitempty"`

	Remarks     map[importing.RemarkKind]int `json:"remarks,omitempty"`
	RemarksFile string                       `json:"remarks_file,omitempty"`
	Totals      []totalDocument              `json:"totals,omitempty"`

	Memory int64 `json:"peak_memory_bytes"` // of the process, until now
}

// totalDocument is what the rows of one currency come to. Amounts are decimals, in texts.
type totalDocument struct {
	Currency   string `json:"currency"`
	FileRows   int    `json:"file_rows"`
	FileTotal  string `json:"file_total"`
	MonthRows  int    `json:"month_rows"`
	MonthTotal string `json:"month_total"`
}

// answer is the document of one file.
func (f *importedFile) answer() importDocument {
	d := f.importArguments.answer(f.options.Rules.Month, f.summary)
	d.Remarks = f.result.remarks
	if f.summary.Remarks > 0 {
		d.RemarksFile = f.remarks
	}
	plain := func(text string) string { return strings.ReplaceAll(text, ",", "") }
	for _, t := range f.result.totals {
		d.Totals = append(d.Totals, totalDocument{t.Currency, t.File.Rows, plain(t.Text(t.File)), t.Month.Rows, plain(t.Text(t.Month))})
	}
	return d
}

func (a *importArguments) answer(month key.Month, s importing.Summary) importDocument {
	d := importDocument{
		Month: month, File: a.file, Rows: s.Rows, Inserted: s.Inserted, Unchanged: s.Unchanged,
		Corrected: s.Corrected, Conflicts: s.Conflicts, Rejected: s.Rejected, Resolved: s.Resolved, Blank: s.Blank, Memory: observe.PeakMemory(),
	}
	if s.Rejected+s.Conflicts > 0 {
		d.Rejects = a.rejects
	}
	return d
}

// renderDocument is what a rendering came to, for programs.
type renderDocument struct {
	Month    key.Month `json:"month"`
	Rendered int       `json:"rendered"`
	Failed   int       `json:"failed"`
	Changed  int       `json:"changed_meanwhile"`
	Packs    int       `json:"packs"`
	Requests int       `json:"requests"`
	Bytes    int64     `json:"bytes"`
	Memory   int64     `json:"peak_memory_bytes"` // of the process, until now
}

func renderAnswer(month key.Month, s rendering.Summary) renderDocument {
	return renderDocument{
		Month: month, Rendered: s.Rendered, Failed: s.Failed, Changed: s.Changed, Packs: s.Packs, Requests: s.Requests, Bytes: s.Bytes,
		Memory: observe.PeakMemory(),
	}
}
