package importing_test

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/korean"

	"github.com/balsong/balsong/application/importing/mapping"
)

// A backslash, which is how EUC-KR shows the won, was asked about, and so were units in the names of columns; EUR was proposed
// without a reason.
func TestALookKnowsTheCurrencyByItsSignAndByTheUnitInAName(t *testing.T) {
	t.Parallel()
	won, err := korean.EUCKR.NewEncoder().String("Customer No,성명,Amount,Due Date\n1,김하나,\"\\12,300\",2026-11-25\n")
	if err != nil {
		t.Fatal(err)
	}
	l := lookAt(t, won, mapping.Answers{})
	if l.Proposal.Mapping.Constants["currency"] != "KRW" || l.Good != 1 {
		t.Errorf("%q, %d good, %v", l.Proposal.Mapping.Constants, l.Good, l.Faults)
	}
	has(t, made(t, won, l), "amount=12300", "currency=KRW")
	for name, c := range map[string]struct{ currency, answers string }{
		"Amount £":             {"GBP", ""},
		"Amount£":              {"GBP", ""},
		"£ Amount":             {"GBP", ""},
		"Betrag (€)":           {"EUR", ""},
		"Betrag in EUR":        {"EUR", ""},
		"Amount (in USD)":      {"USD", ""},
		"금액(원)":                {"KRW", ""},
		"금액 (단위: 원)":           {"KRW", ""},
		"Amount CHF":           {"CHF", ""},
		"Amount ($)":           {mapping.Unknown, "--set currency=USD --set currency=CAD --set currency=AUD"},
		"Amount":               {mapping.Unknown, "--set currency=CODE --column currency=NAME"},
		"Total Amount Due":     {mapping.Unknown, "--set currency=CODE --column currency=NAME"},
		"Amount Payable (net)": {mapping.Unknown, "--set currency=CODE --column currency=NAME"},
	} {
		l := lookAt(t, "Customer No,"+name+",Due Date\n1,100,2026-11-25\n", mapping.Answers{})
		answers := ""
		for _, q := range l.Proposal.Questions {
			if q.About == "currency" {
				answers = strings.Join(q.Answer, " ")
			}
		}
		if got := l.Proposal.Mapping.Constants["currency"]; got != c.currency || answers != c.answers || l.Good != 1 {
			t.Errorf("%s: %q, %q, %d good", name, got, answers, l.Good)
		}
	}
	thousands := lookAt(t, "고객번호,청구금액(천원),납기일\n1,100,2026-11-25\n", mapping.Answers{})
	has(t, strings.Join(thousands.Proposal.Notes, "\n"), `"청구금액(천원)" is in 천원, and a mapping does not multiply`)
}

// What people call a column was not known where it was missing.
func TestAColumnThatIsMissingIsFoundByTheTableOfNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.importFile(t.Context(), strings.NewReader("customer_no,curr,청구금액,due\n1,KRW,1,2026-11-25\n"), options())
	if err == nil {
		t.Fatal("imported")
	}
	has(t, err.Error(), `customer_number (did you mean it with "customer_no"?)`, `currency (did you mean it with "curr"?)`, `amount (did you mean it with "청구금액"?)`, `due_date (did you mean it with "due"?)`)
	var notes []string
	o := options()
	o.Reporter = listener{note: func(text string) { notes = append(notes, text) }}
	if _, err := b.importFile(t.Context(), strings.NewReader("customer_number,currency,amount,due_date,휴대폰,E-Mail,namme,color\n1,KRW,1,2026-11-25,,,,\n"), o); err != nil {
		t.Fatal(err)
	}
	if has(t, strings.Join(notes, "\n"), `"휴대폰" (did you mean phone?)`, `"E-Mail" (did you mean email?)`, `"namme" (did you mean name?)`, `"color"`); strings.Contains(strings.Join(notes, ""), `"color" (`) {
		t.Error(notes)
	}
	m := someMapping()
	o.File.Mapping = &m
	_, err = b.importFile(t.Context(), strings.NewReader("Kundennummer;금액(원);납기;kwh\n1;1;2026-11-25;2\n"), o)
	if err == nil {
		t.Fatal("imported")
	}
	if m.Columns[0].From[0] = "고객번호"; !strings.Contains(err.Error(), `"금액" (did you mean "금액(원)"?)`) {
		t.Error(err)
	}
	_, err = b.importFile(t.Context(), strings.NewReader("Kundennummer;금액;납기;kwh\n1;1;2026-11-25;2\n"), o)
	if err == nil || !strings.Contains(err.Error(), `"고객번호" (did you mean "Kundennummer"?)`) {
		t.Error(err)
	}
}

func TestALookJoinsAndCutsWhatStandsInPartsElsewhere(t *testing.T) {
	t.Parallel()
	text := "Customer No,Surname,Given Name,Country Code,Mobile,E-Mail,Street,House Number,Currency,Amount,Due Date\n" +
		"1,Meyer,Anna,+49,0171 1234567,a.meyer@example.com,Hauptstraße,12,EUR,10.50,2026-11-25\n" +
		"2,김,하나,82,010-1111-2222,hana@example.com,세종대로,1,KRW,12300,2026-11-25\n" +
		"3,Roe,Jo,001,(415) 555-0100,jo@example.com,Main St,7,USD,1,2026-11-25\n"
	abroad := mapping.Answers{Set: map[string]string{"language": "en", "zone": "Europe/London"}}
	l := lookAt(t, text, abroad)
	if l.Good != 3 || len(l.Remarks) > 0 {
		t.Errorf("%d good, %v, %v, %v", l.Good, l.Faults, l.Remarks, l.Proposal.Notes)
	}
	has(t, made(t, text, l), "name=Anna Meyer", "phone=+491711234567", "phone=010-1111-2222", "phone=+14155550100", "fields.street=Hauptstraße", "fields.house_number=12")
	has(t, string(l.Proposal.Text("x.csv")), "    calling_code_from: Country Code")
	m := l.Proposal.Mapping
	m.Columns = append(m.Columns, mapping.Column{From: mapping.Names{"Street", "House Number"}, To: "fields.address"})
	l.Proposal.Mapping = m
	has(t, made(t, text, l), "fields.address=Hauptstraße 12")

	text = "고객번호,수신인 주소,청구금액,납기일\n1,김하나 <hana@example.com>,\"1,000\",2026.11.25\n2,\"\"\"이, 둘\"\" <dul@example.com>\",\"2,000\",2026.11.25\n"
	l = lookAt(t, text, mapping.Answers{})
	if l.Good != 2 || len(l.Remarks) > 0 {
		t.Errorf("%d good, %v, %v", l.Good, l.Faults, l.Remarks)
	}
	has(t, made(t, text, l), "name=김하나", "email=hana@example.com", "name=이, 둘", "email=dul@example.com")
	text = strings.Replace(text, "김하나 <hana@example.com>", "hana@example.com", 1)
	if l = lookAt(t, text, mapping.Answers{}); strings.Contains(made(t, text, l), "name=") {
		t.Error("an address is taken for a name")
	}
}
