package batchapp

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/bootstrap/progress"
)

// importReport shows how an import goes.
type importReport struct {
	work    *progress.Work
	refused int
	result  *importResult
}

// importResult is what an import came to, beside its summary.
type importResult struct {
	remarks map[importing.RemarkKind]int
	totals  []importing.Total
}

// kinds lists how many remarks of each kind there are, the most frequent first.
func (r importResult) kinds() string {
	kinds := slices.SortedFunc(maps.Keys(r.remarks), func(a, b importing.RemarkKind) int {
		return cmp.Or(cmp.Compare(r.remarks[b], r.remarks[a]), cmp.Compare(a, b))
	})
	said := make([]string, len(kinds))
	for i, kind := range kinds {
		said[i] = fmt.Sprintf("%s %d", kind, r.remarks[kind])
	}
	return strings.Join(said, ", ")
}

// Note implements importing.Reporter.
func (r *importReport) Note(text string) { r.work.Say("note: %s", text) }

// Refused implements importing.Reporter: the first refused rows are shown.
func (r *importReport) Refused(row importing.Refusal) {
	if r.refused++; r.refused <= saidRefusals {
		r.work.Say("%s", refusalText(row))
	}
}

// Remarked implements importing.Reporter: remarks are counted.
func (r *importReport) Remarked(remark importing.Remark) {
	if r.result.remarks == nil {
		r.result.remarks = map[importing.RemarkKind]int{}
	}
	r.result.remarks[remark.Kind]++
}

// Totals implements importing.Reporter.
func (r *importReport) Totals(totals []importing.Total) { r.result.totals = totals }

// Progress implements importing.Reporter.
func (r *importReport) Progress(p importing.Progress) {
	r.work.All(p.All)
	r.work.Set(p.Bytes)
}

// refusalText says which row was not taken and why.
func refusalText(r importing.Refusal) string {
	text := fmt.Sprintf("line %d", r.Line)
	if r.Customer != "" {
		text += fmt.Sprintf(", customer %q", r.Customer)
	}
	return text + ": " + r.Text()
}
