package mapping

import (
	"slices"
	"strings"
	"testing"
)

// An amount with the mark of a credit beside it was taken for one that is charged.
func TestAnAmountThatAnotherColumnMarksAsCreditIsNegative(t *testing.T) {
	t.Parallel()
	required := []string{"customer_number", "currency", "amount", "due_date"}
	propose := func(mark string, marks ...string) Proposal {
		rows := []Row{{Line: 1, Fields: []string{"Kundennummer", "Betrag (€)", mark, "Fällig"}}}
		for i, m := range marks {
			rows = append(rows, Row{Line: i + 2, Fields: []string{strings.Repeat("1", i+1), "1.000,50", m, "2026-12-25"}})
		}
		h, ok := FindHeader(rows, ShippedNames())
		if !ok {
			t.Fatal("no header")
		}
		return Propose(h, rows[1:], Format{HeaderRows: 1}, ShippedNames(), required, Answers{Set: map[string]string{"language": "de", "zone": "Europe/Berlin"}})
	}
	p := propose("Soll/Haben-Kennzeichen", "S", "H")
	if problems := p.Mapping.Check(append(required, "language", "zone"), required); len(problems) > 0 {
		t.Fatal(problems)
	}
	made, err := p.Mapping.Bind([]string{"Kundennummer", "Betrag (€)", "Soll/Haben-Kennzeichen", "Fällig"})
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(made.Columns(), "amount")
	for row, want := range map[string]string{
		"1;1.000,50;S;2026-12-25": "1000.50", "1;1.000,50;H;2026-12-25": "-1000.50", "1;-3;H;2026-12-25": "3", "1;0;H;2026-12-25": "0", "1;x;H;2026-12-25": "x?",
		"1;$12;S;2026-12-25": "$12?", "1;$12;H;2026-12-25": "$12?",
	} {
		var fields [][]byte
		for _, field := range strings.Split(row, ";") {
			fields = append(fields, []byte(field))
		}
		if got, _ := made.Translate(fields); string(got[at]) != want {
			t.Errorf("%s: %q, want %q", row, got[at], want)
		}
	}
	for _, c := range []struct{ name, marks, credits string }{
		{"S/H", "S S", "H"}, // a credit may come later in the file
		{"Debit/Credit", "DR CR", "CR"},
		{"S/H", "S x", ""},
		{"Status", "S H", ""},
	} {
		p := propose(c.name, strings.Fields(c.marks)...)
		if got := strings.Join(p.Mapping.Columns[p.place("amount")].MinusWhere[c.name], " "); got != c.credits {
			t.Errorf("%s with %s: %q", c.name, c.marks, got)
		}
	}
	m := Mapping{Version: 1, Columns: []Column{{From: Names{"a"}, To: "name", MinusWhere: map[string][]string{"b": {"H"}}, CallingCodeFrom: "c"}}}
	if problems := m.Check(canonicalForTest, nil); len(problems) != 2 {
		t.Errorf("%v", problems)
	}
}

// place is where the proposal makes a column.
func (p Proposal) place(to string) int {
	return slices.IndexFunc(p.Mapping.Columns, func(c Column) bool { return c.To == to })
}

// An item of "-" refused the whole bill, and a column with some of them was no item.
func TestAHyphenIsAnItemOfNothing(t *testing.T) {
	t.Parallel()
	m := Mapping{Version: 1, Columns: []Column{{From: Names{"a"}, To: "customer_number"}}, Items: []Item{{Text: "x", Amount: "b", Skip0: true}, {Text: "y", Amount: "c"}}}
	made, err := m.Bind([]string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	fields, faults := made.Translate([][]byte{[]byte("1"), []byte(" - "), []byte("–")})
	if len(faults) > 0 || string(fields[1]) != `[{"name":"y","amount":"0"}]` {
		t.Errorf("%q, %v", fields, faults)
	}
}
