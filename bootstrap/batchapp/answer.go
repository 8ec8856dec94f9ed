package batchapp

import (
	"strings"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/domain/key"
)

// importDocument is the result of an import, for programs.
type importDocument struct {
	Month key.Month `json:"month"`
	File  string    `json:"file"`
	importing.Summary
	Rejects string `json:"rejects_file,omitempty"`

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
	d := f.importArguments.answer(f.summary)
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

func (a *importArguments) answer(s importing.Summary) importDocument {
	d := importDocument{Month: a.month, File: a.file, Summary: s, Memory: observe.PeakMemory()}
	if s.Rejected+s.Conflicts > 0 {
		d.Rejects = a.rejects
	}
	return d
}

// renderDocument is the result of a rendering, for programs.
type renderDocument struct {
	Month key.Month `json:"month"`
	rendering.Summary
	Memory int64 `json:"peak_memory_bytes"` // of the process, until now
}
