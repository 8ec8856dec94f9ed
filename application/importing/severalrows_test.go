package importing_test

import (
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/mapping"
)

// itemRows is the mapping of files with one row for each item of a bill.
func itemRows() mapping.Mapping {
	return mapping.Mapping{
		Version: 1, OneBill: "customer", Constants: map[string]string{"currency": "KRW", "due_date": "2026-11-25"},
		Columns: []mapping.Column{{From: mapping.Names{"id"}, To: "customer_number"}, {From: mapping.Names{mapping.SumOfItems}, To: "amount"}},
		Items:   []mapping.Item{{Name: "item", Amount: "price"}},
	}
}

func TestAFileOfSeveralRowsABillIsRefusedWhereTheyAreNotNextToEachOther(t *testing.T) {
	t.Parallel()
	m := itemRows()
	if problems := importing.CheckMapping(m); len(problems) > 0 {
		t.Fatal(problems)
	}
	b := setup(t)
	o := options()
	o.File.Mapping = &m
	_, err := b.importFile(t.Context(), strings.NewReader("id,item,price\nA,x,1\nB,y,2\nA,z,3\n"), o)
	if err == nil || !strings.Contains(err.Error(), "line 2 are not next to each other: more come on line 4") {
		t.Errorf("%v", err)
	}
	got, err := b.importFile(t.Context(), strings.NewReader("id,item,price\nA,x,1\nA,z,3\nB,y,2\n"), o)
	if err != nil || got.Inserted != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	long := "id,item,price\n" + strings.Repeat("A,x,1\n", 201) + "B,y,2\n"
	got, err = b.importFile(t.Context(), strings.NewReader(long), options0(o, "long.csv"))
	if err != nil || got.Rejected != 1 || got.Unchanged != 1 {
		t.Errorf("a bill of too many rows: %+v, %v", got, err)
	}
}

// Whoever is billed must not get a bill without one of its rows: its total would be wrong.
func TestABillIsRefusedWhereARowBesideItMayBeAPartOfIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows               string
		inserted, rejected int
		says               string
	}{
		"malformed, between rows of one bill": {"A,x,1\nA,\"y,2\nA,z,3\nB,x,1\n", 1, 3, "line 3 beside it is of no known customer"},
		"malformed, before the first row":     {"A,x\nA,z,3\nB,x,1\n", 1, 2, "line 2 beside it is of no known customer"},
		"malformed, behind the last row":      {"B,x,1\nA,x,1\nA,z,3,,4\n", 1, 2, "line 4 beside it is of no known customer"},
		"without a customer number":           {"A,x,1\n,y,2\nB,x,1\nC,x,1\n", 1, 3, "line 3 beside it is of no known customer"},
		"blank":                               {"A,x,1\n , ,\nA,z,3\n,,\nB,x,1\n", 2, 0, ""},
	} {
		m := itemRows()
		o := named(name + ".csv")
		o.File.Mapping = &m
		got, rejects := setup(t).refuseFile(t, "id,item,price\n"+c.rows, o)
		if got.Inserted != c.inserted || got.Rejected != c.rejected || !strings.Contains(rejects, c.says) || name == "blank" && got.Blank != 2 {
			t.Errorf("%s: %+v\n%s", name, got, rejects)
		}
	}
}

func TestTheRowsOfABillAreFoundByTheNumberThatTheMappingMakes(t *testing.T) {
	t.Parallel()
	m := itemRows()
	m.Columns[0].Split, m.Columns[0].Part, m.Columns[0].Digits = "/", 1, 3
	b := setup(t)
	o := options()
	o.File.Mapping = &m
	got, err := b.importFile(t.Context(), strings.NewReader("id,item,price\n7/1,x,1\n007/2,y,2\n8/1,x,5\n"), o)
	if err != nil || got.Inserted != 2 || got.Rejected != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = b.importFile(t.Context(), strings.NewReader("id,item,price\n7/1,x,1\n8/1,x,5\n7/2,y,2\n"), options0(o, "b.csv"))
	if err == nil || !strings.Contains(err.Error(), "line 2 are not next to each other: more come on line 4") {
		t.Errorf("%v", err)
	}
}
