package importing_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/port"
)

// refuse imports a file and returns its rejects.csv.
func (b *bundle) refuse(t testing.TB, file string, o call) (importing.Summary, string) {
	t.Helper()
	var rejects bytes.Buffer
	o.Rejects = &rejects
	return b.load(t, file, o), rejects.String()
}

func named(name string) call {
	o := options()
	o.File.Name = name
	return o
}

const rejectHeader = "\ufeffreject_file,reject_line,reject_field,reject_reason,reject_row,reject_customer,"

func TestRefusedRowsKeepTheirPlaceThroughEveryRoundAndComeInWhenCorrected(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lines := strings.SplitAfter(file(good(), with("customer_number", "C-2", "amount", "nobody"), with("customer_number", "C-3")), "\n")
	lines[3] = strings.Replace(lines[3], "kim@example.com", `"kim@example.com`, 1)
	whole := strings.Join(lines, "")
	for round := range 3 { // refused rows that are refused again keep their form
		summary, rejects := b.refuse(t, whole, named(fmt.Sprintf("round-%d.csv", round)))
		if summary.Rejected != 2 {
			t.Fatalf("round %d: %+v", round, summary)
		}
		rows, err := csv.NewReader(strings.NewReader(rejects)).ReadAll()
		if err != nil || !strings.HasPrefix(rejects, rejectHeader+strings.Join(importing.Columns, ",")+"\n") || len(rows) != 3 {
			t.Fatalf("round %d: %v\n%s", round, err, rejects)
		}
		for i, want := range []string{"round-0.csv 3", "round-0.csv 4"} {
			if got := strings.Join(rows[i+1][:2], " "); got != want {
				t.Errorf("round %d: row %d stood at %q, want %q", round, i, got, want)
			}
		}
		if rows[1][6] != "C-2" || rows[2][3] != "text follows a closing quote" && round == 0 {
			t.Errorf("round %d: %q", round, rows)
		}
		whole = rejects
	}
	if r := b.store.Rejects(november); len(r) != 2 || r[0].File != "round-0.csv" || r[0].Customer != "C-2" {
		t.Errorf("noted are %+v", r)
	}
	resolved := strings.NewReplacer("nobody", "12300", `"""kim@example.com"`, "kim@example.com").Replace(whole)
	if got := b.load(t, resolved, named("resolved.csv")); got != (importing.Summary{Rows: 2, Inserted: 2}) {
		t.Errorf("resolved: %+v, %+v", got, b.store.Rejects(november))
	}
	if r := b.store.Rejects(november); len(r) != 0 {
		t.Errorf("still counted: %+v", r)
	}
}

// Whatever a row was refused for, rejects.csv as it is is refused again, with the reason that it had.
func TestARowThatWasNotCorrectedIsRefusedAgain(t *testing.T) {
	t.Parallel()
	row := "%s,%s,kim@example.com,KRW,12300,2026-11-25%s\n"
	const head = "customer_number,name,email,currency,amount,due_date,note\n"
	for name, bad := range map[string]string{
		"a stray quote in a name":      fmt.Sprintf(row, "C-1", `"Kim`, ","),
		"a quote inside a name":        fmt.Sprintf(row, "C-1", `Kim "Jo" Hana`, ","),
		"text behind a quote":          fmt.Sprintf(row, "C-1", `"Kim" Hana`, ","),
		"a lone CR in an unknown one":  fmt.Sprintf(row, "C-1", "Kim", ",a\rb"),
		"a stray quote in an unknown":  fmt.Sprintf(row, "C-1", "Kim", `,"a`),
		"too few fields":               fmt.Sprintf(row, "C-1", "Kim", ""),
		"too many fields":              fmt.Sprintf(row, "C-1", "Kim", ",a,b"),
		"a formula and a wrong amount": strings.Replace(fmt.Sprintf(row, "C-1", "=1+1", ","), "12300", "x", 1),
		"a NUL byte":                   fmt.Sprintf(row, "C-1", "Kim\x00", ","),
		"bytes that are no UTF-8":      fmt.Sprintf(row, "C-1", "Kim\xff", ","),
		"a customer twice":             fmt.Sprintf(row, "C-0", "Kim", ",other"),
		"far too long":                 fmt.Sprintf(row, "C-1", "Kim", ","+strings.Repeat("x", 70_000)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			first, rejects := b.refuse(t, head+fmt.Sprintf(row, "C-0", "Lee", ",")+bad, named("first.csv"))
			if first != (importing.Summary{Rows: 2, Inserted: 1, Rejected: 1}) {
				t.Fatalf("%+v: %+v", first, b.store.Rejects(november))
			}
			for round := range 2 {
				again, still := b.refuse(t, rejects, named("again.csv"))
				if again != (importing.Summary{Rows: 1, Rejected: 1}) {
					t.Fatalf("round %d: %+v of\n%.2000s", round, again, rejects)
				}
				if round == 1 && still != rejects {
					t.Errorf("the third rejects.csv is\n%.400s, the second was\n%.400s", still, rejects)
				}
				rejects = still
			}
			if r := b.store.Rejects(november); len(r) != 1 || r[0].File != "first.csv" || r[0].Line != 3 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestARowIsTakenAsItIsWhereSomebodySaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, rejects := b.refuse(t, strings.Replace(file(good()), "김하나", `"김하나`, 1), options())
	rows, err := csv.NewReader(strings.NewReader(rejects)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows[1][4] = ""
	var insisted bytes.Buffer
	if err := csv.NewWriter(&insisted).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if got := b.load(t, insisted.String(), named("insisted.csv")); got.Inserted != 1 {
		t.Errorf("%+v: %+v", got, b.store.Rejects(november))
	}
}

func TestFormulasAreTakenAsTextAndGuardedWhereASpreadsheetWouldRunThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got, rejects := b.refuse(t, file(with("customer_number", "=C-0"), with("customer_number", "-C-1", "name", "=1+1", "phone", "+821000001234", "amount", "-5x")), options())
	if got != (importing.Summary{Rows: 2, Inserted: 1, Rejected: 1}) {
		t.Fatalf("%+v", got)
	}
	for _, guarded := range []string{"'-C-1,'=1+1,", "'+821000001234", "'-5x"} {
		if !strings.Contains(rejects, guarded) {
			t.Errorf("%s is missing in %s", guarded, rejects)
		}
	}
	if got := b.load(t, strings.Replace(rejects, "'-5x", "5", 1), named("rejects.csv")); got.Inserted != 1 {
		t.Fatalf("resolved: %+v, %+v", got, b.store.Rejects(november))
	}
	if _, _, err := b.store.Report().Find(t.Context(), november, "-C-1"); err != nil {
		t.Errorf("the customer number has kept its guard: %v", err)
	}
}

func TestRejectsKeepTheEncodingOfTheirFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	whole := string(billfile.EUCKR.Bytes("고객," + file(with("amount", "nobody"), with("customer_number", "C-2", "name", "똠방각하"))))
	whole = strings.ReplaceAll(whole, "\nC-", "\n?,C-")
	o := named("청구.csv")
	o.File.Encoding = billfile.EUCKR
	got, rejects := b.refuse(t, whole, o)
	if got != (importing.Summary{Rows: 2, Inserted: 1, Rejected: 1}) {
		t.Fatalf("%+v: %+v", got, b.store.Rejects(november))
	}
	text, ok := billfile.EUCKR.Text([]byte(rejects))
	if !ok || !strings.Contains(text, "고객") || !strings.Contains(text, "김하나") || !strings.Contains(text, "청구.csv") {
		t.Errorf("rejects.csv is %q", rejects)
	}
	if got := b.load(t, strings.Replace(rejects, "nobody", "12300", 1), o); got.Inserted != 1 || len(b.store.Rejects(november)) != 0 {
		t.Errorf("resolved: %+v, %+v", got, b.store.Rejects(november))
	}
}

func TestARowThatNobodyCorrectedIsRefusedAgainInTheEncodingOfASpreadsheet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, rejects := b.refuse(t, "customer_number,name,currency,amount,due_date\nC-1,김 \"하\" 나,KRW,12300,2026-11-25\n", named("november.csv"))
	o := named("saved.csv")
	o.File.Encoding = billfile.EUCKR
	saved := string(billfile.EUCKR.Bytes(strings.TrimPrefix(rejects, "\ufeff")))
	if got := b.load(t, saved, o); got != (importing.Summary{Rows: 1, Rejected: 1}) {
		t.Errorf("%+v of %q", got, rejects)
	}
}

func TestARowThatFillsItsBoundsCanBeCorrected(t *testing.T) {
	t.Parallel()
	b := setup(t)
	head, row := "note,"+strings.Join(importing.Columns, ",")+"\n", strings.SplitAfter(file(with("amount", "nobody", "customer_number", "C-1")), "\n")[1]
	note := strings.Repeat(`""`, (64<<10-len(row)-4)/2)
	got, rejects := b.refuse(t, head+`"`+note+`",`+row, options())
	if got.Rejected != 1 || len(rejects) <= 64<<10 || b.store.Rejects(november)[0].Field != "amount" {
		t.Fatalf("%+v, %+v", got, b.store.Rejects(november))
	}
	if got := b.load(t, strings.Replace(rejects, "nobody", "12300", 1), options()); got.Inserted != 1 {
		t.Errorf("%+v, %+v", got, b.store.Rejects(november))
	}
}

// A spreadsheet takes the zeros of a customer number away, or writes it as 1.23E+10: the bill would be another customer's.
func TestARefusedRowDoesNotComeBackAsAnotherCustomers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ was, now, refused string }{
		{"00300002", "300002", "had 00300002"},
		{"00300002", "0300002", "had 00300002"},
		{"12345678901", "1.23457E+10", "had 12345678901"},
		{"DE-501", "de501", "had DE-501"},
		{"00300002", "00300002", ""},
		{"00300002", "C-7", ""},
		{"300002", "00300002", ""},
	} {
		b := setup(t)
		_, rejects := b.refuse(t, file(with("customer_number", c.was, "amount", "nobody")), named("first.csv"))
		if strings.HasPrefix(c.was, "00") && !strings.Contains(rejects, ",'"+c.was) {
			t.Errorf("a spreadsheet would change %s in\n%s", c.was, rejects)
		}
		edited := strings.NewReplacer(",'"+c.was+",", ","+c.now+",", ","+c.was+",", ","+c.now+",", "nobody", "12300").Replace(rejects)
		summary, refused, _ := b.told(t, edited, named("rejects.csv"))
		if want := c.refused == ""; want != (summary.Inserted == 1) || !want && !strings.Contains(refused[0].Reason, c.refused) || want != (len(b.store.Rejects(november)) == 0) {
			t.Errorf("%s came back as %s: %+v, %+v", c.was, c.now, summary, refused)
		}
		if c.refused == "" {
			continue
		}
		if summary := b.load(t, strings.Replace(edited, "was "+c.was, "", 1), named("insisted.csv")); summary.Inserted != 1 {
			t.Errorf("%s as %s, with an empty reject_customer: %+v", c.was, c.now, summary)
		}
	}
}

func TestANumberThatWasItselfWrongMayBecomeOneThatLooksLikeIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(with("customer_number", "DE-501")), options())
	o := named("corrected.csv")
	o.Rules.Correct, o.By = true, why
	_, rejects := b.refuse(t, file(with("customer_number", "de-501", "amount", "7")), o)
	if got := b.load(t, strings.Replace(rejects, ",de-501,", ",DE-501,", 1), o); got.Corrected != 1 {
		t.Errorf("%+v of\n%s", got, rejects)
	}
}

func TestACorrectedAmountMayBeWrittenAsPeopleDo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, rejects := b.refuse(t, file(with("amount", "nobody", "items", "")), named("first.csv"))
	for text, want := range map[string]int{"₩22,00O": 0, "$22,000": 0, "22.0,00": 0, "₩22,000": 1} {
		if got := b.load(t, strings.Replace(rejects, "nobody", `"`+text+`"`, 1), named("rejects.csv")); got.Inserted != want && text != "₩22,000" || text == "₩22,000" && got.Inserted+got.Unchanged != 1 {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestEveryRefusalIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(good()), options())
	var told []importing.Refusal
	o := options()
	o.Reporter = listener{refused: func(r importing.Refusal) { told = append(told, r) }}
	b.load(t, file(with("customer_number", "C-2", "amount", "x"), with("amount", "7")), o)
	if len(told) != 2 || told[0].Customer != "C-2" || told[0].Field != "amount" || told[0].Line != 2 || told[0].Conflict ||
		told[1].Customer != "C-1" || !told[1].Conflict || told[1].Line != 3 {
		t.Errorf("%+v", told)
	}
}

// FuzzRejects: whatever a row is, its rejects.csv is well-formed, is refused again as long as nobody corrects it, and keeps
// its bytes and its place.
func FuzzRejects(f *testing.F) {
	head := "customer_number,currency,amount,due_date,name,note\n"
	for _, row := range []string{
		"C,KRW,x,2026-11-25,Kim,", `C,KRW,1,2026-11-25,"Kim,`, "C,KRW,1,2026-11-25,K\rim,", "=C,KRW,1,2026-11-25,'=1,\x00\"", "C,KRW,1,2026-11-25", ",,,,,,,,",
		"C,KRW,1,2026-11-25,\"K\nim\",", "C,KRW,1,2026-11-25,Kim,\xff", "\"C\"x,KRW",
	} {
		f.Add([]byte(row), false)
		f.Add([]byte(row+"\n"+row+"\n"), true)
	}
	f.Fuzz(func(t *testing.T, rows []byte, korean bool) {
		o := named("first.csv")
		o.Rules.AllowWrongMonth, o.By = true, why // the dates are of any month
		if korean {
			o.File.Encoding = billfile.EUCKR
		}
		b := setup(t)
		first, rejects := b.refuse(t, head+string(rows), o)
		if first.Rejected == 0 {
			return
		}
		noted := b.store.Rejects(november)
		reader := csv.NewReader(strings.NewReader(rejects))
		reader.FieldsPerRecord = -1
		if all, err := reader.ReadAll(); err != nil || len(all) != first.Rejected+1 {
			t.Fatalf("%d refused, %d rows in rejects.csv (%v): %q", first.Rejected, len(all), err, rejects)
		}
		o.File.Name = "again.csv"
		again, still := b.refuse(t, rejects, o)
		// A customer's bad row is resolved by a good one, and by nothing else.
		if again.Rejected+again.Resolved != first.Rejected || again.Resolved > 0 && first.Inserted == 0 || again.Rows != first.Rejected || again.Inserted != 0 {
			t.Fatalf("again: %+v after %+v of %q", again, first, rejects)
		}
		if after := b.store.Rejects(november); !sameRows(noted, after) {
			t.Fatalf("noted were %+v, and then %+v", noted, after)
		}
		if again.Rejected == 0 {
			return
		}
		if _, third := b.refuse(t, still, o); third != still {
			t.Fatalf("the third rejects.csv is %q, the second was %q", third, still)
		}
	})
}

func sameRows(a, b []port.Reject) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
