package batchapp

import (
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

func TestUndoSaysWhichBillsStayAndWhichFilesNamedThoseThatAreGone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	first := port.ImportRecord{ID: 2, File: "november.csv", Inserted: 10}
	records := []port.ImportRecord{
		{ID: 1, File: "early.csv", Unchanged: 4},
		first,
		{ID: 3, File: "again.csv", Unchanged: 10},
		{ID: 5, File: "taken-back.csv", Inserted: 1, Unchanged: 7, UndoneAt: at, Undone: 1},
		{ID: 10, File: "corrected.csv", Corrected: 1},
	}
	month, _ := key.ParseMonth("2026-11")
	var out strings.Builder
	newUndoDocument(month, importing.Undone{Record: first, Removed: 9}, records).print(&out)
	want := "import 2 of 2026-11 (november.csv) is taken back: 9 bills were removed; 1 stays: corrected by import 10\n" +
		"import 3 (again.csv) had 10 rows that the month had already: where those were bills of import 2, they are gone too; import its file again\n"
	if out.String() != want {
		t.Errorf("said was\n%s\nwant\n%s", out.String(), want)
	}
	for text, want := range map[string]port.RejectedRow{"november.csv:12": {File: "november.csv", Line: 12}, "a:b.csv:3": {File: "a:b.csv", Line: 3}, "november.csv": {}, ":3": {}, "a.csv:0": {}, "a.csv:x": {}} {
		if got, err := parseRow(text); got != want || (err != nil) != (want == port.RejectedRow{}) {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
}
