package importing_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/mapping"
)

// lookAt looks at a text with the shipped table of names.
func lookAt(t *testing.T, text string, answers mapping.Answers) importing.Looked {
	t.Helper()
	l, err := importing.Look(strings.NewReader(text), importing.File{Name: "x.csv"}, importing.LookOptions{Table: mapping.ShippedNames(), Answers: answers})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// made are the rows of billing data that the look's mapping makes of a text.
func made(t *testing.T, text string, l importing.Looked) string {
	t.Helper()
	if problems := importing.CheckMapping(l.Proposal.Mapping); len(problems) > 0 || len(l.Proposal.Questions) > 0 {
		t.Fatalf("after the look there are %v, %+v", problems, l.Proposal.Questions)
	}
	rows, err := importing.Mapped(strings.NewReader(text), importing.File{Name: "x.csv", Mapping: &l.Proposal.Mapping, AllowUnterminated: true})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// has fails where a text lacks parts.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

// While the currency is open, each remark was counted twice.
func TestALookCountsARemarkOnceWhileTheCurrencyIsOpen(t *testing.T) {
	t.Parallel()
	l := lookAt(t, "Customer No,Mobile,Amount,Due Date\n1,02-123-4567,100,2026-11-25\n2,02-123-4568,200,2026-11-26\n", mapping.Answers{})
	if len(l.Remarks) == 0 || l.Good != 2 {
		t.Fatalf("%d of %d, %+v, %v, %v", l.Good, l.Rows, l.Proposal, l.Faults, l.Remarks)
	}
	for _, r := range l.Remarks {
		if r.Rows != 2 {
			t.Errorf("%+v", r)
		}
	}
}

func TestALookAtACorrectionCountsTheAddressesThatItLacks(t *testing.T) {
	t.Parallel()
	text := "customer_number,email,phone,currency,amount,due_date\n1,kim@example.com,,KRW,100,2026-11-25\n2,,,KRW,200,2026-11-26\n"
	counted := func(correct bool) map[string]int {
		l, err := importing.Look(strings.NewReader(text), importing.File{Name: "x.csv"}, importing.LookOptions{Table: mapping.ShippedNames(), Correct: correct})
		if err != nil {
			t.Fatal(err)
		}
		rows := map[string]int{}
		for _, r := range l.Remarks {
			column, _, lacks := strings.Cut(r.Text, " has no address")
			if lacks {
				rows[column] = r.Rows
			}
		}
		return rows
	}
	lacks := counted(true)
	if lacks["email"] != 1 || lacks["phone"] != 2 || lacks["push_token"] != 2 || len(counted(false)) > 0 {
		t.Errorf("the look counts %v, and of an import that corrects nothing %v", lacks, counted(false))
	}
}

// The rows of one bill with two numbers were good in the look, and refused by the import.
func TestALookTakesNoBillForGoodWhoseRowsDifferInAnAddress(t *testing.T) {
	t.Parallel()
	text := "고객번호,휴대폰,항목명,항목금액,납기일\n1,010-1111-2222,통화료,\"1,000\",2026.11.25\n1,010-1111-3333,기본료,\"2,000\",2026.11.25\n"
	l := lookAt(t, text, mapping.Answers{})
	if l.Rows != 1 || l.Good != 0 || len(l.Faults) != 1 || !strings.Contains(l.Faults[0], "differs between the rows of one bill") {
		t.Errorf("%d of %d, %q", l.Good, l.Rows, l.Faults)
	}
}

// Such a header needed no mapping, and every row was refused.
func TestALookJudgesTheValuesUnderACanonicalHeader(t *testing.T) {
	t.Parallel()
	const text = "customer_number,name,phone,currency,amount,due_date,fields.kwh\n" +
		"1,김하나,010 1111 2222,원,\"₩12,300\",2026.11.25,350\n2,이둘,010-3333-4444,KRW,\"4,500\",2026-11-26,12\n"
	l := lookAt(t, text, mapping.Answers{})
	if l.Canonical || l.Good != 2 || len(l.Remarks) != 0 {
		t.Errorf("%d of %d, %+v, %v, %v", l.Good, l.Rows, l.Proposal, l.Faults, l.Remarks)
	}
	has(t, made(t, text, l), "phone=01011112222", "currency=KRW", "amount=12300", "due_date=2026-11-25", "amount=4500", "fields.kwh=350")
	for what, rows := range map[string]string{
		"good values":        "1,a,010-1111-2222,KRW,12300,2026-11-25,\n",
		"what no mapping is": "1,a,010-1111-2222,KRW,x,2026-11-25,\n2,a,02-111-2222,KRW,1,2026-11-25,\n",
	} {
		if l := lookAt(t, text[:strings.Index(text, "\n")+1]+rows, mapping.Answers{}); !l.Canonical || len(l.Proposal.Mapping.Columns) > 0 {
			t.Errorf("%s: %+v", what, l.Proposal)
		}
	}
	asked := lookAt(t, "customer_number,currency,amount,due_date\n1,KRW,1,03/04/2026\n", mapping.Answers{})
	if asked.Canonical || len(asked.Proposal.Questions) != 1 || asked.Proposal.Questions[0].About != "dates" {
		t.Errorf("%+v", asked.Proposal)
	}
}

// The header's line and the rows of a file were counted from its first line, whatever stood there.
func TestBlankRowsChangeNeitherTheLineOfTheHeaderNorTheRows(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		text      string
		line      int
		canonical bool
	}{
		"empty lines":            {"\n\r\n\ncustomer_number,currency,amount,due_date\n\n1,KRW,100,2026-11-25\n,,,\n2,KRW,x,2026-11-25\n\n", 4, true},
		"rows of nothing":        {",,,\n ,\u00a0,,\ncustomer_number,currency,amount,due_date\n1,KRW,100,2026-11-25\n\n\n2,KRW,x,2026-11-25\n,,,\n", 3, true},
		"and names of our own":   {",,,\n\n고객번호,통화,청구금액,납기일\n\n1,KRW,\"1,000\",2026.11.25\n\n2,KRW,x,2026.11.25\n,,,\n\n", 3, false},
		"with a line in a field": {"\n고객번호,통화,청구금액,납기일,주민등록번호\n\n\n1,KRW,\"1,000\",2026.11.25,\"a\nb\"\n2,KRW,x,2026.11.25,c\n", 2, false},
	} {
		l := lookAt(t, c.text, mapping.Answers{})
		rows, exact := l.About()
		if l.Canonical != c.canonical || l.HeaderLine != c.line || l.HeaderRows != 1 || rows != 2 || !exact || l.Rows != 2 || l.Good != 1 {
			t.Errorf("%s: header on line %d, %d rows, %d of %d are good", what, l.HeaderLine, rows, l.Good, l.Rows)
		}
		o := options()
		if !c.canonical {
			o.File.Mapping = &l.Proposal.Mapping
		}
		_, refused := setup(t).refuseFile(t, c.text, o)
		line := strings.Count(c.text[:strings.LastIndex(c.text, "2,KRW")], "\n") + 1
		has(t, refused, fmt.Sprintf("november.csv,%d,amount", line))
		if !c.canonical {
			tried, err := importing.Look(strings.NewReader(c.text), importing.File{Name: "x.csv"}, importing.LookOptions{Mapping: &l.Proposal.Mapping})
			if rows, _ := tried.About(); err != nil || tried.HeaderLine != c.line || rows != 2 {
				t.Errorf("%s, with its mapping: header on line %d, %d rows, %v", what, tried.HeaderLine, rows, err)
			}
		}
	}
}

// A header behind more than 60 lines was not found.
func TestAHeaderIsFoundBehindALongPreface(t *testing.T) {
	t.Parallel()
	preface := strings.Repeat("Hinweis: die Daten sind vertraulich, bitte nicht weitergeben\n", 300)
	const table = "고객번호;성명;청구금액;납기일\n1;김하나;\"1,000\";2026.11.25\n2;이둘;\"2,000\";2026.11.25\n"
	l := lookAt(t, preface+table, mapping.Answers{})
	if l.HeaderLine != 301 || l.Separator != "semicolon" || l.Good != 2 || l.Rows != 2 {
		t.Errorf("line %d, %s", l.HeaderLine, l.Separator)
		t.Errorf("%d of %d, %+v, %v, %v", l.Good, l.Rows, l.Proposal, l.Faults, l.Remarks)
	}
	has(t, made(t, preface+table, l), "line 302", "amount=1000", "amount=2000")
	_, err := importing.Look(strings.NewReader(strings.Repeat(preface, 4)+table), importing.File{Name: "x.csv"}, importing.LookOptions{Table: mapping.ShippedNames()})
	if !errors.Is(err, importing.ErrHeader) || !strings.Contains(err.Error(), "none of its first 1000 rows names columns: put one line with names directly above the data, and remove what else is above it") {
		t.Errorf("%v", err)
	}
	data := lookAt(t, table+strings.Repeat("3;Name;\"3,000\";2026.11.25\n", 80)+"Name;Amount;Total;Due Date\n", mapping.Answers{})
	if data.HeaderLine != 1 {
		t.Errorf("a row of words far below is taken for the header: line %d", data.HeaderLine)
	}
}

// Numbers with hyphens were not seen as Korean ones, and the note said twice that they cannot be used.
func TestALookGivesExcelsLostZeroBackWhateverSeparatesTheDigits(t *testing.T) {
	t.Parallel()
	head := "Customer No,Currency,Mobile,Amount,Due Date\n"
	text := head + "1,KRW,10-1111-2222,100,2026-11-25\n2,KRW,010-1111-3333,100,2026-11-25\n3,KRW,1011114444,100,2026-11-25\n4,KRW,10 1111 5555,100,2026-11-25\n"
	l := lookAt(t, text, mapping.Answers{})
	if l.Proposal.Mapping.CallingCode != "82" || len(l.Remarks) > 0 {
		t.Errorf("%q, %q, %v", l.Proposal.Mapping.CallingCode, l.Proposal.Notes, l.Remarks)
	}
	has(t, made(t, text, l), "phone=01011112222", "phone=010-1111-3333", "phone=01011114444", "phone=01011115555")
	l = lookAt(t, strings.ReplaceAll(text, "KRW", "USD"), mapping.Answers{})
	said := strings.Join(l.Proposal.Notes, "\n")
	if has(t, said, `4 of 4 sample numbers in "Mobile" have no calling code, and cannot be used so: if all are of one country, --set calling_code=82`); strings.Count(said, "cannot be used") != 1 {
		t.Error(said)
	}
}

func TestALookDoesNotTakeNumbersBesideThoseOfAnotherCountryForKorean(t *testing.T) {
	t.Parallel()
	l := lookAt(t, "Kundennummer;Mobil;Betrag (EUR);Fällig\n1;0171 2345678;1,50;25.12.2026\n2;+49 172 9998877;2,50;25.12.2026\n", mapping.Answers{})
	has(t, strings.Join(l.Proposal.Notes, "\n"), `1 of 2 sample numbers in "Mobil" have no calling code`, "--set calling_code=1 (or 49, …)")
}
