package importing_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/port"
)

const sums = `customer_number,currency,amount,due_date
C-1,KRW,12300,2026-11-25
C-2,KRW,-300,2026-11-25
C-3,USD,29.85,2026-11-25
,,,
C-4,KRW,x,2026-11-25
C-5,KRW,1000,25.11.2026
C-1,KRW,7,2026-11-25
`

func expect(t *testing.T, rows int, totals ...string) *importing.Control {
	t.Helper()
	control := &importing.Control{Rows: rows, Totals: map[string]*big.Int{}}
	for _, text := range totals {
		currency, amount, err := importing.ParseTotal(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		control.Totals[currency] = amount
	}
	return control
}

func TestAFileThatDiffersFromItsControlSumsIsRefusedBeforeItsFirstRow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		control *importing.Control
		says    []string // none: it is imported
	}{
		{expect(t, 6, "KRW=13,007", "USD=29.85"), nil},
		{expect(t, 6), nil},
		{expect(t, 0, "KRW=13007", "usd=29.850"), nil},
		{expect(t, 7), []string{"7 rows were expected, and it has 6"}},
		{expect(t, 6, "KRW=13008", "USD=29.85"), []string{"a total of KRW 13,008 was expected, and it has 13,007", "of 1 row the total cannot be read"}},
		{expect(t, 5, "KRW=13007", "EUR=1"), []string{"5 rows were expected", "no total of USD was expected", "EUR 1.00 was expected, and no row has one"}},
	} {
		b := setup(t)
		o := options()
		o.Control = c.control
		got, err := b.importFile(t.Context(), strings.NewReader(sums), o)
		if len(c.says) == 0 {
			if err != nil || got.Rows != 6 || got.Inserted != 3 {
				t.Errorf("%+v: %+v, %v", c.control, got, err)
			}
			continue
		}
		for _, part := range c.says {
			if !errors.Is(err, billfile.ErrRefused) || !strings.Contains(err.Error(), part) || got != (importing.Summary{}) {
				t.Errorf("%+v: %+v, %v, want %q", c.control, got, err, part)
			}
		}
		if months, _ := b.store.Months().List(t.Context()); len(months) != 0 {
			t.Errorf("%+v: the months %v were opened", c.control, months)
		}
	}
	o := options()
	o.Control = expect(t, 1)
	if _, err := setup(t).importRows(t.Context(), strings.NewReader(sums), o); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("a source that can be read once: %v", err)
	}
}

func TestAnExpectedTotalIsReadExactly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"KRW=123,456": "123456", "USD=-1,234.5": "-123450", "jpy=12.00": "12", "KWD=1": "1000", "KRW=9,223,372,036,854,775,808": "9223372036854775808", "KRW=₩172,995": "172995", "EUR=5.057,64": "505764", "EUR=€1,057.64": "105764"} {
		if _, amount, err := importing.ParseTotal(text, nil); err != nil || amount.String() != want {
			t.Errorf("%s: %s, %v", text, amount, err)
		}
	}
	for _, text := range []string{"", "KRW", "KRW=", "123", "KRW=12.5", "WON=1", "USD=1.234", "KRW=+5", "KRW=1_000", "KRW=0x10", "USD=.", "KRW=-", "KRW=$5", "172,995"} {
		if _, amount, err := importing.ParseTotal(text, nil); err == nil {
			t.Errorf("%s is %s", text, amount)
		}
	}
}

func TestAnExpectedTotalIsReadAsTheMappingReadsAmounts(t *testing.T) {
	t.Parallel()
	m := someMapping() // a decimal comma, and EUR for all bills
	for text, want := range map[string]string{"5.057,64": "505764", "EUR=5.057": "505700", "EUR=5,5": "550", "1234.56": "123456"} {
		if currency, amount, err := importing.ParseTotal(text, &m); err != nil || currency != "EUR" || amount.String() != want {
			t.Errorf("%s: %s %s, %v", text, currency, amount, err)
		}
	}
	if _, _, err := importing.ParseTotal("KRW=12,5x", &m); err == nil || !strings.Contains(err.Error(), "as KRW=123456") {
		t.Errorf("%v", err)
	}
}

func TestRowsThatTheMappingLeavesOutAreNamedWhereAFileHasOtherRows(t *testing.T) {
	t.Parallel()
	m := someMapping()
	m.SkipRows = map[string][]string{"번호": {"합계"}}
	o := options()
	o.File.Mapping, o.Control = &m, &importing.Control{Rows: 3}
	_, err := setup(t).importFile(t.Context(), strings.NewReader("번호;금액;납기;kWh\nA;1,5;25.12.2026;3\nB;1,5;25.12.2026;3\n합계;3;25.12.2026;\n"), o)
	if err == nil || !strings.Contains(err.Error(), "3 rows were expected, and it has 2, and 1 was left out by skip_rows") {
		t.Errorf("%v", err)
	}
}

func TestAnImportSaysWhatItsRowsComeToInEachCurrency(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var told []importing.Total
	o := options()
	o.Reporter = listener{totals: func(totals []importing.Total) { told = totals }}
	check := func(what string, want ...string) {
		t.Helper()
		for i, total := range told {
			if got := strings.Join([]string{total.Currency, total.Text(total.File), total.Text(total.Month)}, " "); got != want[i] {
				t.Errorf("%s: %q, want %q", what, got, want[i])
			}
		}
		if len(told) != len(want) {
			t.Errorf("%s: %+v", what, told)
		}
	}
	b.load(t, sums, o)
	check("new bills", "KRW 13,007 12,000", "USD 29.85 29.85")
	b.load(t, strings.Replace(sums, "12300", "5", 1), o)
	check("one in conflict", "KRW 712 -300", "USD 29.85 29.85")
	huge := strings.Repeat("1", 1) + "000000000000000"
	var many strings.Builder
	many.WriteString("customer_number,currency,amount,due_date\n")
	for n := range 10_001 {
		many.WriteString("H-" + strings.Repeat("x", n%7) + big.NewInt(int64(n)).String() + ",JPY," + huge + ",2026-11-25\n")
	}
	b.load(t, many.String(), o)
	check("more than 64 bits hold", "JPY 10,001,000,000,000,000,000 10,001,000,000,000,000,000")
}

// A chunk has 1,000 rows.
func TestControlSumsReachOverEveryChunk(t *testing.T) {
	t.Parallel()
	for total, is := range map[string]error{"KRW=30750000": nil, "KRW=30737700": billfile.ErrRefused} {
		o := options()
		o.Control = expect(t, 2500, total)
		if _, err := setup(t).importFile(t.Context(), strings.NewReader(bills(2500, "2026-11-25")), o); !errors.Is(err, is) {
			t.Errorf("%s: %v", total, err)
		}
	}
}

func TestControlSumsNeedASourceThatCanBeReadTwice(t *testing.T) {
	t.Parallel()
	o := options()
	o.Control = expect(t, 6)
	if _, err := setup(t).importRows(t.Context(), strings.NewReader(sums), o); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("said is %v", err)
	}
}
