package importing_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

func TestRemarksAreWrittenWithLineCustomerFieldAndKind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var out bytes.Buffer
	o := options()
	o.Remarks = &out
	got := b.load(t, file(
		with("customer_number", "=C-1", "email", "nobody"), with("customer_number", "C-2", "phone", "02-123-4567"), with("customer_number", "C\u200b-3", "email", "kim@example.com;lee@example.com"),
		with("customer_number", "c-2"), with("customer_number", "C-5", "email", "x", "phone", "", "push_token", ""), with("customer_number", "C-6", "amount", "x", "email", "x"),
		with("customer_number", "C-2", "email", "x"), with("customer_number", "1.9E+18", "amount", "-5", "due_date", "2026-10-25"),
	), o)
	if got.Inserted != 6 || got.Rejected != 2 || got.Remarks != 10 {
		t.Errorf("%+v: %+v", got, b.store.Rejects(november))
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var short []string
	for _, row := range rows {
		short = append(short, strings.Join(row[:5], " "))
		if len(row) != 6 || row[5] == "" {
			t.Errorf("%q says nothing", row)
		}
	}
	if !strings.HasPrefix(out.String(), "\ufefffile,") {
		t.Errorf("a spreadsheet would not read it as UTF-8: %q", out.String()[:10])
	}
	want := []string{
		"file line customer_number field kind",
		"november.csv 2 '=C-1 email contact_left_out",
		"november.csv 3 C-2 phone no_mobile_number",
		"november.csv 4 C-3 customer_number customer_normalized",
		"november.csv 4 C-3 email several_addresses",
		"november.csv 5 c-2 customer_number customer_looks_alike",
		"november.csv 6 C-5 email contact_left_out",
		"november.csv 6 C-5  no_channel_left",
		"november.csv 9 1.9E+18 customer_number customer_spreadsheet",
		"november.csv 9 1.9E+18 amount credit_note",
		"november.csv 9 1.9E+18 due_date due_before_month",
	}
	if strings.Join(short, "\n") != strings.Join(want, "\n") {
		t.Errorf("the remarks are\n%s\nwant\n%s", strings.Join(short, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheNameOfAFileIsNoFormulaInItsRemarks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var out bytes.Buffer
	o := options()
	o.File.Name, o.Remarks = "=1+1.csv", &out
	b.load(t, file(with("email", "nobody")), o)
	if !strings.Contains(out.String(), "\n'=1+1.csv,2,") {
		t.Errorf("the remarks are\n%s", out.String())
	}
}

func TestOfSeveralAddressesTheFirstIsUsedWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{false, true} {
		b := setup(t)
		o := options()
		o.Rules.FirstAddress = first
		var kinds []importing.RemarkKind
		o.Reporter = listener{remarked: func(r importing.Remark) { kinds = append(kinds, r.Kind) }}
		b.load(t, file(with("email", "kim@example.com, lee@example.com", "phone", "010-1234-5678/010-1234-5679")), o)
		target, _ := b.store.Target(key.Target{Month: november, UserID: 1})
		want, reachable := importing.SeveralAddresses, 1
		if first {
			want, reachable = importing.FirstAddressTaken, len(channel.All)
		}
		if len(kinds) != 2 || kinds[0] != want || kinds[1] != want || len(target.State().Reachable.Kinds()) != reachable {
			t.Errorf("first %t: %v, reachable %v", first, kinds, target.State().Reachable.Kinds())
		}
	}
}

// One customer whose number comes with an invisible character one month is the same customer.
func TestInvisibleCharactersAndWidthsNeverMakeTwoCustomersOfOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(good()), options())
	for _, variant := range []string{"C-1\u00a0", "C\u200b-1", "\u3164C-1", "C-\ufeff1", "C\u00ad-1", "Ｃ-１"} {
		if got := b.load(t, file(with("customer_number", variant)), options()); got.Unchanged != 1 {
			t.Errorf("%+q: %+v", variant, got)
		}
	}
}
