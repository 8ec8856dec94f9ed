package mapping

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// hostile is a mapping that uses everything; FuzzTranslate begins with it.
const hostile = `{"version":1,"decimal":"comma","dates":"dmy","calling_code":"82","one_bill":"customer",
"columns":[{"from":["a"],"to":"customer_number","digits":12},{"from":["b","c"],"to":"name","join":"-"},{"from":["c"],"to":"email","split":";","part":-1},
{"from":["sum of items"],"to":"amount"},{"from":["d"],"to":"due_date","dates":"excel"},{"from":["b"],"to":"phone","values":{"x":"0101"},"default":"1"},{"from":["d"],"to":"fields.kwh"}],
"items":[{"name":"b","amount":"c","times":"d","skip_zero":true},{"text":"t","amount":"d"}],"constants":{"currency":"KRW"},"skip_rows":{"a":["합계",""]}}`

// FuzzTranslate: whatever a mapping says that passes the check, and whatever the rows of a bill are, translating ends with a value for
// each column, changes nothing of the rows and comes to the same again.
func FuzzTranslate(f *testing.F) {
	f.Add(hostile, "a,b,c,d", "1,Kim,12.300,46351\n1,x,(3.500),9", uint8(2))
	f.Add(hostile, "a,b,c,d", "₩,=\"0\",-,1E9\n", uint8(1))
	f.Add(`{"version":1,"columns":[{"from":["a","a"],"to":"amount"}]}`, "a", "1\n\n", uint8(3))
	f.Fuzz(func(t *testing.T, said, header, text string, together uint8) {
		var m Mapping
		if len(said)+len(header)+len(text) > 16<<10 || json.Unmarshal([]byte(said), &m) != nil || len(m.Check(canonicalForTest, nil)) > 0 {
			return
		}
		made, err := m.Bind(HeaderNames(strings.Split(header, ",")))
		if err != nil {
			return
		}
		var rows [][][]byte
		for line := range strings.Lines(text) {
			rows = append(rows, bytes.Split([]byte(strings.TrimRight(line, "\r\n")), []byte(",")))
		}
		before := strings.Clone(text)
		for bill := range slices.Chunk(rows, max(1, int(together%4))) {
			made.Skips(bill[0])
			made.Customer(bill[0])
			fields, faults := made.Translate(bill...)
			if len(fields) != len(made.Columns()) {
				t.Fatalf("%d values of %d columns", len(fields), len(made.Columns()))
			}
			for _, fault := range faults {
				if !slices.Contains(made.Columns(), fault.Column) || fault.Reason == "" {
					t.Fatalf("the fault %+v", fault)
				}
			}
			for at := range fields {
				made.Before(at, bill[0])
			}
			again, also := made.Translate(bill...)
			if !reflect.DeepEqual(fields, again) || !slices.Equal(faults, also) {
				t.Fatalf("%q %v, and then %q %v", fields, faults, again, also)
			}
		}
		var after []string
		for _, row := range rows {
			after = append(after, string(bytes.Join(row, []byte(","))))
		}
		var want []string
		for line := range strings.Lines(before) {
			want = append(want, strings.TrimRight(line, "\r\n"))
		}
		if !slices.Equal(after, want) {
			t.Fatalf("the rows became %q", after)
		}
	})
}

// proposed proposes a mapping for the rows of a text, where it has a header.
func proposed(text string, table *NameTable) (h Header, rows []Row, p Proposal, ok bool) {
	for line := range strings.Lines(text) {
		rows = append(rows, Row{Line: len(rows) + 1, Fields: strings.Split(strings.TrimRight(line, "\r\n"), ",")})
	}
	if h, ok = FindHeader(rows, table); ok {
		p = Propose(h, rows[h.Row+h.Rows:], Format{HeaderRows: h.Rows}, table, []string{"customer_number", "currency", "amount", "due_date"}, Answers{})
		p.Text("fuzz.csv")
	}
	return h, rows, p, ok
}

// FuzzNameTable: whatever a file of names says, a look with it ends.
func FuzzNameTable(f *testing.F) {
	f.Add("customer_number: 번호\njoin name \" \": a + b, + \nvalue currency KRW: 원\ntotal_row: 합계\nnever: pin\nitem: x\nitem_name: b", "번호,a,b\n1,2,3\n합계,,")
	f.Add("join amount:\n", ",\n,")
	f.Add("a b c d: e", "e")
	f.Fuzz(func(t *testing.T, names, text string) {
		table := ShippedNames()
		if len(names)+len(text) > 4<<10 || table.Add(names) != nil {
			return
		}
		if _, _, p, ok := proposed(text, table); ok {
			p.Mapping.Check(canonicalForTest, nil)
		}
	})
}

func TestAMappingCannotMakeARowGrowWithoutBounds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxText+1)
	for what, column := range map[string]Column{
		"from":      {From: slices.Repeat(Names{"a"}, maxFrom+1)},
		"join":      {From: Names{"a"}, Join: &long},
		"split":     {From: Names{"a"}, Split: long, Part: 1},
		"default":   {From: Names{"a"}, Default: long},
		"values.no": {From: Names{"a"}, Values: map[string]string{"no": long}},
	} {
		column.To = "name"
		m := Mapping{Version: 1, Columns: []Column{column}}
		if problems := m.Check(canonicalForTest, nil); len(problems) != 1 || !strings.HasPrefix(problems[0].String(), "columns[1]."+what+": ") {
			t.Errorf("%s: %v", what, problems)
		}
	}
	m := Mapping{Version: 1, Items: []Item{{Text: long, Amount: "a"}}}
	if problems := m.Check(canonicalForTest, nil); len(problems) != 1 || !strings.HasPrefix(problems[0].String(), "items[1].text: ") {
		t.Errorf("%v", problems)
	}
}
