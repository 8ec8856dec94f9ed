package archdoc

import (
	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/wording"
)

// reasonsPage lists every code that is stored or given to programs, with what it means.
func reasonsPage(p *printer, _ Sources) error {
	p.line("A code is stored, counted and given to programs, and stays as it is; its text is only shown. Both come from one table for each kind of code.\n")
	p.line("## Rules of a run\n\nBy which a run decides about a candidate; each leads to one decision (%s). The counters of a run record and of its metric are by rule.\n",
		p.link("table", "domain/billing/reason.go"))
	codes(p, billing.RuleTable, "Decision", func(r billing.Rule) string { return "`" + string(r.Kind()) + "`" })
	p.line("## Skipped channels\n\nWhy a channel of the route is passed over.\n")
	codes(p, billing.SkipReasonTable, "", nil)
	p.line("## Pause reasons\n\nWhy a target is PAUSED, and what a person can do.\n")
	codes(p, billing.PauseReasonTable, "What to do", story.Remedy)
	p.line("## Reasons of ledger rows\n\nWhy a row is NOT_SENT, UNKNOWN, FAILED or REVOKED (%s).\n", p.link("table", "domain/attempt/reason.go"))
	codes(p, attempt.ReasonTable, "", nil)
	p.line("## Failure classes\n\nWhat a refusal means for the next try: \"refused …\".\n")
	codes(p, attempt.FailureClassTable, "", nil)
	return nil
}

// codes writes a table of codes, with one more column if more is not nil.
func codes[C ~string](p *printer, table wording.Table[C], column string, more func(C) string) {
	head := []string{"Code", "English", "한국어"}
	if more != nil {
		head = append(head, column)
	}
	var rows [][]string
	for _, e := range table {
		row := []string{"`" + string(e.Code) + "`", e.English, e.Korean}
		if more != nil {
			row = append(row, more(e.Code))
		}
		rows = append(rows, row)
	}
	p.table(head, rows)
}
