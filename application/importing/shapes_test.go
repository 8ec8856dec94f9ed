package importing_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/mapping"
)

// answered are the answers that a person gives at the look at each file of testdata/shapes: what the file itself cannot say.
var answered = map[string]mapping.Answers{
	"korean-excel":          {},
	"korean-electricity":    {},
	"korean-numbered-items": {},
	"korean-repeated-rows":  {},
	"korean-full-width":     {},
	"korean-apartment":      {},
	"canonical-human":       {},
	"us-items":              {Set: map[string]string{"currency": "USD", "calling_code": "1", "language": "en", "zone": "America/New_York"}},
	"datev-credits":         {Columns: map[string]string{"customer_number": "Konto"}, Set: map[string]string{"language": "en", "zone": "Europe/Berlin"}},
	"commerzbank": {
		Columns: map[string]string{"customer_number": "Buchungstext"}, Set: map[string]string{"due_date": "2026-12-25", "language": "en", "zone": "Europe/London"},
	},
	"datev":             {Columns: map[string]string{"customer_number": "Konto"}, Set: map[string]string{"language": "en", "zone": "Europe/London"}},
	"uci-online-retail": {Set: map[string]string{"currency": "GBP", "due_date": "2026-12-25", "language": "en", "zone": "Europe/London"}},
	"chinook":           {Set: map[string]string{"currency": "USD", "due_date": "2026-12-25", "language": "en", "zone": "Europe/London"}},
	"northwind":         {Set: map[string]string{"currency": "EUR", "due_date": "2026-12-25", "language": "en", "zone": "Europe/London"}},
	"hmt-25k":           {Columns: map[string]string{"customer_number": "Transaction Number", "due_date": "Date"}, Set: map[string]string{"language": "en", "zone": "Europe/London"}},
	"gla-250":           {Columns: map[string]string{"customer_number": "Vendor ID", "due_date": "Clearing Date"}, Set: map[string]string{"language": "en", "zone": "Europe/London"}},
	"excel-europe":      {Set: map[string]string{"dates": "dmy", "calling_code": "49", "language": "en", "zone": "Europe/London"}},
	"us-utility":        {Set: map[string]string{"currency": "USD", "calling_code": "1", "language": "en", "zone": "Europe/London"}},
}

// TestEachShapeOfFileNeedsOneLookAndOneImport looks at files of many shapes, imports each with the mapping that came of the look,
// and compares the rows of billing data that came of it with the .want beside it.
func TestEachShapeOfFileNeedsOneLookAndOneImport(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/shapes/*.csv")
	if err != nil || len(files) != len(answered) || len(files) < 12 {
		t.Fatalf("%d files, %d with answers, %v", len(files), len(answered), err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".csv")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			l, err := importing.Look(bytes.NewReader(data), importing.File{Name: name}, importing.LookOptions{Table: mapping.ShippedNames(), Answers: answered[name]})
			if err != nil {
				t.Fatal(err)
			}
			if problems := importing.CheckMapping(l.Proposal.Mapping); len(problems) > 0 || len(l.Proposal.Questions) > 0 {
				t.Fatalf("after the look there are %v, %+v", problems, l.Proposal.Questions)
			}
			said := fmt.Sprintf("%s, %s, header on line %d (%d), %d of %d rows make bills %q %v\n", l.Sample.Encoding, l.Separator, l.HeaderLine, l.HeaderRows, l.Good, l.Rows, l.Faults, l.Remarks)
			made, err := importing.Mapped(bytes.NewReader(data), importing.File{Name: name, Mapping: &l.Proposal.Mapping})
			if err != nil {
				t.Fatal(err)
			}
			said += made
			b := setup(t)
			o := named(name + ".csv")
			o.File.Mapping = &l.Proposal.Mapping
			o.Rules.AllowWrongMonth, o.By = true, why // the shapes are of many months
			summary, err := b.importFile(t.Context(), bytes.NewReader(data), o)
			if err != nil || summary.Rows != l.Rows || summary.Inserted != l.Good {
				t.Errorf("the look says %d of %d rows make bills, the import %+v, %v", l.Good, l.Rows, summary, err)
			}
			want, _ := os.ReadFile(path + ".want")
			if *update {
				if err := os.WriteFile(path+".want", []byte(said), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if said != string(want) {
				t.Errorf("%s came to\n%s\nwant\n%s", name, said, want)
			}
		})
	}
}

func options0(o call, name string) call {
	o.File.Name = name
	return o
}

func TestAMappingsFileWithoutItsColumnsIsRefusedWithAllOfThem(t *testing.T) {
	t.Parallel()
	m := mapping.Mapping{
		Version: 1, Constants: map[string]string{"currency": "KRW"},
		Columns: []mapping.Column{{From: mapping.Names{"고객번호"}, To: "customer_number"}, {From: mapping.Names{"청구금액"}, To: "amount"}, {From: mapping.Names{"납기일"}, To: "due_date"}},
	}
	b := setup(t)
	o := options()
	o.File.Mapping = &m
	_, err := b.importFile(t.Context(), strings.NewReader("11월\n고객번호,청구금액(원),납기\nA,1,2026-11-25\n"), o)
	for _, part := range []string{`"청구금액" (did you mean "청구금액(원)"?)`, `"납기일" (did you mean "납기"?)`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v; want %q", err, part)
		}
	}
}

// someMapping is the mapping of files with a semicolon, a decimal comma and dates as day, month, year.
func someMapping() mapping.Mapping {
	return mapping.Mapping{
		Version: 1, File: mapping.Format{Separator: "semicolon"}, Decimal: "comma", Dates: "dmy", Constants: map[string]string{"currency": "EUR"},
		Columns: []mapping.Column{
			{From: mapping.Names{"번호"}, To: "customer_number"},
			{From: mapping.Names{"금액"}, To: "amount"},
			{From: mapping.Names{"납기"}, To: "due_date"},
			{From: mapping.Names{"kWh"}, To: "fields.kwh"},
		},
	}
}

// refuseFile imports a file and returns its refused rows.
func (b *bundle) refuseFile(t *testing.T, text string, o call) (importing.Summary, string) {
	t.Helper()
	var rejects bytes.Buffer
	o.Rejects = &rejects
	got, err := b.importFile(t.Context(), strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return got, rejects.String()
}
