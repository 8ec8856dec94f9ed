package porttest

import (
	"errors"
	"slices"
	"testing"

	"github.com/balsong/balsong/application/port"
)

// RefusedRows runs the suite of port.RefusedRows.
func RefusedRows(t *testing.T, open OpenStorage) { Run(t, RefusedRowsChecks(), open) }

// RefusedRowsChecks are the promises of port.RefusedRows.
func RefusedRowsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("lists the rows that wait, page by page", refusedRowsWaiting),
		onStage("dismisses a row, audits it once, and does not open it again", refusedRowsDismissed),
	}
}

func refusedRowsWaiting(s *stage) {
	rows := []port.Reject{
		{File: "a.csv", Line: 3, Field: "amount", Reason: "is empty", Customer: customer(1), Import: 7},
		{File: "a.csv", Line: 12, Field: "customer_number", Reason: "is the same as on line 11"},
		{File: "b.csv", Line: 2, Field: "amount", Reason: "is empty", Customer: customer(2)},
		{File: "가.csv", Line: 2, Field: "amount", Reason: "is empty", Customer: customer(3)},
	}
	s.rejecting(november, rows)
	s.rejecting(december, rows[:1])
	s.imported(november, 3) // customers 0 to 2: it resolves the first and the third
	var got []port.Reject
	for after := (port.RejectedRow{}); ; {
		page := given(s.RefusedRows.Waiting(s.ctx, november, after, 1))(s)
		if got = append(got, page...); len(page) == 0 {
			break
		}
		after = port.RejectedRow{File: page[0].File, Line: page[0].Line}
	}
	if want := []port.Reject{rows[1], rows[3]}; !slices.Equal(got, want) {
		s.Errorf("waiting are %+v, want %+v", got, want)
	}
}

func refusedRowsDismissed(s *stage) {
	refused := []port.Reject{{File: "a.csv", Line: 3, Field: "amount", Reason: "is empty", Customer: customer(5)}, {File: "a.csv", Line: 4, Reason: "has 3 fields"}}
	s.rejecting(november, refused)
	row := port.RejectedRow{File: "a.csv", Line: 3}
	for range 2 {
		s.must(s.RefusedRows.Dismiss(s.ctx, november, row, act))
	}
	s.refusedAre("after one of two was dismissed", 1, 1)
	entries := given(s.Audit.About(s.ctx, []string{november.String()}))(s)
	if len(entries) != 1 || entries[0].Action != "dismiss refused row: a.csv, line 3" || entries[0].By.Reason != act.Reason {
		s.Errorf("audited is %+v", entries)
	}
	s.store(december, bill(december, 5, noon)) // the customer is known, and has no bill in November
	id, _ := s.brought("wrong.csv", 0)
	if _, err := s.undo(id); err != nil {
		s.Fatal(err)
	}
	s.refusedAre("after another import was taken back", 1, 1)
	if again := given(s.Imports.Reject(s.ctx, november, refused[:1]))(s); !slices.Equal(again, []port.RejectedRow{row}) {
		s.Errorf("the file was imported again, and resolved since are %+v", again)
	}
	if err := s.RefusedRows.Dismiss(s.ctx, november, port.RejectedRow{File: "a.csv", Line: 9}, act); !errors.Is(err, port.ErrNotFound) {
		s.Errorf("dismissing what was not refused: %v, want ErrNotFound", err)
	}
	allow := s.RefuseAudit(s)
	if err := s.RefusedRows.Dismiss(s.ctx, november, port.RejectedRow{File: "a.csv", Line: 4}, act); err == nil {
		s.Error("a row was dismissed without its audit entry")
	}
	allow()
	s.refusedAre("after an act that could not be audited", 1, 1)
}
