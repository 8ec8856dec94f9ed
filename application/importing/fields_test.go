package importing_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
)

func TestABillKeepsItsColumnsForTemplates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	head := "customer_number,currency,amount,due_date,Fields.kWh,fields.사용량,fields.not a name\n"
	got := b.load(t, head+"C-1,KRW,1,2026-11-25,350,많음,x\nC-2,KRW,1,2026-11-25,,,\nC-3,KRW,1,2026-11-25,"+strings.Repeat("x", 401)+",,\n", options())
	if got.Inserted != 2 || got.Rejected != 1 {
		t.Fatalf("%+v: %+v", got, b.store.Rejects(november))
	}
	if rejects := b.store.Rejects(november); rejects[0].Field != "fields.kwh" || rejects[0].Reason != "has more than 400 bytes" {
		t.Errorf("%+v", rejects)
	}
	for customer, want := range map[string]map[string]string{"C-1": {"kwh": "350", "사용량": "많음"}, "C-2": nil} {
		found, err := bill.Find(t.Context(), b.store.Renders(), b.cipher, november, customer)
		if err != nil || !maps.Equal(found.Fields, want) {
			t.Errorf("%s: %+v, %v", customer, found, err)
		}
	}
	// Another value is another bill.
	if again := b.load(t, head+"C-1,KRW,1,2026-11-25,351,많음,x\n", options()); again.Conflicts != 1 {
		t.Errorf("%+v", again)
	}
	many := "customer_number,currency,amount,due_date"
	for i := range 51 {
		many += fmt.Sprintf(",fields.f%d", i)
	}
	if _, err := b.importRows(t.Context(), strings.NewReader(many+"\n"), options()); err == nil || !strings.Contains(err.Error(), "more than 50 columns fields.NAME") {
		t.Errorf("too many: %v", err)
	}
}

func TestARefusedRowOfAMappedFileIsCorrectedInItsCanonicalForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := named("export.csv")
	m := someMapping()
	o.File.Mapping = &m
	got, rejects := b.refuseFile(t, "번호;금액;납기;kWh\nA;1.234,50;25.12.2026;3\nB;12x;25.12.2026;4\nC;1,5;soon;5\n", o)
	if got != (importing.Summary{Rows: 3, Inserted: 1, Rejected: 2}) {
		t.Fatalf("%+v: %s", got, rejects)
	}
	if !strings.Contains(rejects, "amount is no number such as 12.300,50") && !strings.Contains(rejects, "is no number such as 12.300,50") {
		t.Errorf("%s", rejects)
	}
	// 1.23 could mean something in the form of billing data; in this file it is no number.
	untouched, kept := b.refuseFile(t, "번호;금액;납기;kWh\nD;1.23;25.12.2026;6\n", options0(o, "more.csv"))
	if edited := strings.Replace(kept, "D,", "D1,", 1); untouched.Rejected != 1 || b.load(t, strings.TrimPrefix(edited, "\ufeff"), named("edited.csv")).Rejected != 1 {
		t.Errorf("a doubtful amount came in: %s", edited)
	}
	corrected := strings.NewReplacer("12x?", "12.50", "soon?", "2026-12-25").Replace(rejects)
	if got := b.load(t, strings.TrimPrefix(corrected, "\ufeff"), named("rejects.csv")); got != (importing.Summary{Rows: 2, Inserted: 2}) {
		t.Errorf("%+v\n%s", got, corrected)
	}
	found, err := bill.Find(t.Context(), b.store.Renders(), b.cipher, november, "B")
	if err != nil || found.Amount != 1250 || found.DueDate != "2026-12-25" || found.Fields["kwh"] != "4" {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestAMonthKeepsItsMappingAndAnotherOneNeedsAWord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := someMapping()
	o := named("first.csv")
	o.File.Mapping, o.File.MappingName, o.File.MappingText = &m, "a.mapping.yaml", "version: 1 # …"
	const head = "번호;금액;납기;kWh\n"
	importIt := func(o call, row string) error {
		_, err := b.importFile(t.Context(), strings.NewReader(head+row), o)
		return err
	}
	if err := importIt(o, "A;1,5;25.12.2026;3\n"); err != nil {
		t.Fatal(err)
	}
	if err := importIt(o, "B;1,5;25.12.2026;3\n"); err != nil {
		t.Fatalf("the same mapping again: %v", err)
	}
	other := someMapping()
	other.Decimal = "point"
	o.File.Mapping, o.File.MappingName = &other, "b.mapping.yaml"
	err := importIt(o, "C;1.5;25.12.2026;3\n")
	if !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "another mapping: a.mapping.yaml") || !strings.Contains(err.Error(), "--allow-mapping") {
		t.Fatalf("another mapping: %v", err)
	}
	if _, err := bill.Find(t.Context(), b.store.Renders(), b.cipher, november, "C"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("and its row: %v", err)
	}
	var notes []string
	o.Rules.AllowMapping, o.Reporter = true, listener{note: func(text string) { notes = append(notes, text) }}
	if err := importIt(o, "C;1.5;25.12.2026;3\n"); err != nil || len(notes) != 1 || !strings.Contains(notes[0], "another mapping") {
		t.Fatalf("with a word: %v, %q", err, notes)
	}
	kept, err := b.store.Mappings().Of(t.Context(), november)
	if err != nil || len(kept) != 2 || kept[0].Text != "version: 1 # …" || kept[0].Fingerprint != m.Fingerprint() || kept[1].Name != "b.mapping.yaml" {
		t.Errorf("%+v, %v", kept, err)
	}
	records, err := b.store.Report().Imports(t.Context(), november)
	if err != nil || len(records) != 3 || records[0].Mapping != m.Fingerprint() || records[2].Mapping != other.Fingerprint() {
		t.Errorf("%+v, %v", records, err)
	}
	if canonical := b.load(t, "customer_number,currency,amount,due_date\nD,EUR,1,2026-12-25\n", named("rejects.csv")); canonical.Inserted != 1 {
		t.Errorf("without a mapping: %+v", canonical)
	}
}
