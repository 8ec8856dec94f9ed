package mapping

import (
	"slices"
	"strings"
	"testing"
)

func TestAmountsAreReadAsPeopleAndProgramsWriteThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		comma bool
		want  string // "": refused
	}{
		{"12300", false, "12300"},
		{"12,300", false, "12300"},
		{"₩12,300", false, "12300"},
		{"￦１２，３００", false, "12300"},
		{"12,300원", false, "12300"},
		{"KRW 12,300", false, "12300"},
		{"12,300 KRW", false, "12300"},
		{"(3,500)", false, "-3500"},
		{"$(3,500.25)", false, "-3500.25"},
		{"(₩3,500)", false, "-3500"},
		{"3,500-", false, "-3500"},
		{"△3,500", false, "-3500"},
		{"−3,500", false, "-3500"},
		{"-$1,234.50", false, "-1234.50"},
		{"$-1,234.50", false, "-1234.50"},
		{"1 234 567", false, "1234567"},
		{"1'234'567.80", false, "1234567.80"},
		{"12300.00", false, "12300"},
		{"17850.0", false, "17850"},
		{"1.234,50", true, "1234.50"},
		{"1.234,50 €", true, "1234.50"},
		{"89,00", true, "89"},
		{"1.234.567", true, "1234567"},
		{"1,5", true, "1.5"},
		{"0", false, "0"},
		{"-0.00", false, "0"},
		{"+5", false, "5"},
		{"1,23", false, ""},
		{"1,2345", false, ""},
		{"1234,567", false, ""},
		{",123", false, ""},
		{"1.2E+5", false, ""},
		{"12.", false, ""},
		{".5", false, ""},
		{"--5", false, ""},
		{"(-5", false, ""},
		{"", false, ""},
		{"12x", false, ""},
		{"1.234,50", false, ""},
		{"1.23", true, ""},
	} {
		got, _, reason := number([]byte(c.text), c.comma)
		if got != c.want || (reason == "") != (c.want != "") {
			t.Errorf("%q (comma %v) is %q, %q; want %q", c.text, c.comma, got, reason, c.want)
		}
	}
}

func TestDatesAreReadInTheOrderThatIsSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, form, want string }{
		{"2026-11-25", "dmy", "2026-11-25"},
		{"2026.11.25", "ymd", "2026-11-25"},
		{"2026. 11. 5.", "ymd", "2026-11-05"},
		{"2026년 11월 25일", "ymd", "2026-11-25"},
		{"2026/11/25(수)", "ymd", "2026-11-25"},
		{"２０２６／１１／２５", "ymd", "2026-11-25"},
		{"20261125", "ymd", "2026-11-25"},
		{"261125", "ymd", "2026-11-25"},
		{"26.11.25", "ymd", "2026-11-25"},
		{"25/12/2026", "dmy", "2026-12-25"},
		{"12/25/2026", "mdy", "2026-12-25"},
		{"3/4/26", "dmy", "2026-04-03"},
		{"25122026", "dmy", "2026-12-25"},
		{"25-Nov-2026", "mdy", "2026-11-25"},
		{"25 November 2026", "ymd", "2026-11-25"},
		{"Nov 25, 2026", "ymd", "2026-11-25"},
		{"2026-11-25 00:00:00", "ymd", "2026-11-25"},
		{"2026-11-25T00:00:00Z", "ymd", "2026-11-25"},
		{"2026.11.25 오전 9:00", "ymd", "2026-11-25"},
		{"12/1/2026 8:26", "mdy", "2026-12-01"},
		{"46351", "excel", "2026-11-25"},
		{"46351.0", "excel", "2026-11-25"},
		{"25/12/2026", "mdy", ""},
		{"2026-02-30", "ymd", "2026-02-30"}, // in the form of billing data: the row's check refuses it
		{"2026/02/30", "ymd", ""},
		{"2026-11-24T15:00:00Z", "ymd", ""},
		{"soon", "ymd", ""},
		{"", "ymd", ""},
		{"11", "ymd", ""},
		{"12", "excel", ""},
		{"8:26", "ymd", ""},
	} {
		got, reason := date([]byte(c.text), c.form)
		if got != c.want || (reason == "") != (c.want != "") {
			t.Errorf("%q as %s is %q, %q; want %q", c.text, c.form, got, reason, c.want)
		}
	}
}

func TestPhoneNumbersGetTheirZeroAndTheirCallingCode(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"1012345678", "82", "01012345678"},
		{"010-1234-5678", "82", "010-1234-5678"},
		{"010.1234.5678", "82", "01012345678"},
		{"０１０－１２３４－５６７８", "82", "01012345678"},
		{"+82-10-1234-5678", "82", "+821012345678"},
		{"+82 (0)10-1234-5678", "82", "+821012345678"},
		{"821012345678", "82", "+821012345678"},
		{"02-123-4567", "82", "021234567"},
		{"+1 (514) 721-4711", "", "+15147214711"},
		{"001 514 721 4711", "", "+15147214711"[:1] + "15147214711"},
		{"(415) 555-0101", "1", "+14155550101"},
		{"14155550101", "1", "+14155550101"},
		{"0151 00000001", "49", "+4915100000001"},
		{"0044 20 7946 0958", "49", "+442079460958"},
		{"(5) 555-0100", "", "(5) 555-0100"},
		{"555-0100 ext 12", "1", "555-0100 ext 12"},
		{"8.21012E+11", "82", "8.21012E+11"},
		{"", "82", ""},
	} {
		if got := phone([]byte(c[0]), c[1]); got != c[2] {
			t.Errorf("%q with %q is %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestExactSumsAndProducts(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{{"2.55", "6", "15.3"}, {"0.1", "3", "0.3"}, {"-1.5", "2", "-3"}, {"0.05", "0.1", "0.005"}, {"0", "5", "0"}} {
		a, _ := parseDecimal(c[0])
		b, _ := parseDecimal(c[1])
		if got := a.times(b).String(); got != c[2] {
			t.Errorf("%s × %s is %s", c[0], c[1], got)
		}
	}
	a, _ := parseDecimal("1.25")
	b, _ := parseDecimal("-0.5")
	if got := a.plus(b).String(); got != "0.75" {
		t.Error(got)
	}
}

// FuzzValues: whatever a value is, what is made of it is in the form of billing data or refused, the reason does not hold it, and
// reading it again changes nothing.
func FuzzValues(f *testing.F) {
	for _, text := range []string{"₩12,300", "(3,500)", "1.234,50 €", "2026.11.25", "25/12/2026", "Nov 25, 2026", "+1 (514) 721-4711", "1012345678", "０１０", "", "-", "="} {
		f.Add(text, true, uint8(1))
	}
	f.Fuzz(func(t *testing.T, text string, comma bool, form uint8) {
		if quick, signs, ok := quickNumber(nil, []byte(text), comma); ok {
			if made, also, reason := number([]byte(text), comma); reason != "" || made != string(quick) || !slices.Equal(signs, also) {
				t.Fatalf("%q is quickly %q %q, and %q %q %q", text, quick, signs, made, also, reason)
			}
		}
		if quick, ok := quickDate([]byte(text)); ok {
			if made, reason := date([]byte(text), "dmy"); reason != "" || made != string(quick) {
				t.Fatalf("%q is quickly %q, and %q %q", text, quick, made, reason)
			}
		}
		if made, _, reason := number([]byte(text), comma); reason == "" {
			if again, _, _ := number([]byte(made), false); again != made || !isDecimal([]byte(made)) {
				t.Fatalf("%q is %q, and that is %q", text, made, again)
			}
		} else if len(text) > 8 && strings.Contains(reason, text) {
			t.Fatalf("the reason holds %q", text)
		}
		if made, reason := date([]byte(text), dateForms[int(form)%len(dateForms)]); reason == "" {
			if again, wrong := date([]byte(made), "ymd"); again != made || wrong != "" || len(made) != 10 {
				t.Fatalf("%q is %q", text, made)
			}
		} else if len(text) > 12 && strings.Contains(reason, text) {
			t.Fatalf("the reason holds %q", text)
		}
		for _, code := range []string{"", "1", "82"} {
			made := phone([]byte(text), code)
			if again := phone([]byte(made), code); again != made && code != "1" {
				t.Fatalf("%q is %q, and that is %q", text, made, again)
			}
		}
	})
}

func TestANumberOfAnotherCountryIsNotTakenForOneOfKorea(t *testing.T) {
	t.Parallel()
	for currency, want := range map[string]string{"KRW": "82", "EUR": ""} {
		rows := []Row{
			{Line: 1, Fields: []string{"Kundennummer", "Name", "Mobil", "currency", "amount", "due_date"}},
			{Line: 2, Fields: []string{"D-1", "Meyer", "0171 1234567", currency, "12", "2026-12-25"}},
		}
		h, ok := FindHeader(rows, ShippedNames())
		if !ok {
			t.Fatal("no header")
		}
		p := Propose(h, rows[1:], Format{HeaderRows: 1}, ShippedNames(), []string{"customer_number", "currency", "amount", "due_date"}, Answers{})
		if p.Mapping.CallingCode != want {
			t.Errorf("in %s: calling code %q, want %q", currency, p.Mapping.CallingCode, want)
		}
	}
}

// FuzzPropose: whatever the first rows of a file are, looking at them ends, and a proposal that leaves nothing open can be used.
func FuzzPropose(f *testing.F) {
	table := ShippedNames()
	f.Add("고객번호,성명,청구금액(원),납기일\n1,김,\"12,300\",2026.11.25")
	f.Add("a,,b,\n고객번호,성명,,합계\n1,김,1.234,5\n합계,,,")
	f.Add("CustomerID,Description,Quantity,UnitPrice\nA,x,1,2\nA,y,2,3")
	f.Add("항목1,금액1,항목2,금액2,고객번호")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		h, rows, p, ok := proposed(text, table)
		if !ok {
			return
		}
		open := len(p.Questions) > 0
		problems := p.Mapping.Check(canonicalForTest, nil)
		if !open && len(problems) > 0 {
			t.Fatalf("%v in %+v", problems, p.Mapping)
		}
		if open {
			return
		}
		made, err := p.Mapping.Bind(h.Names)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			fields := make([][]byte, len(row.Fields))
			for i, field := range row.Fields {
				fields[i] = []byte(field)
			}
			made.Translate(fields, fields)
		}
	})
}

var canonicalForTest = []string{
	"customer_number", "name", "email", "phone", "push_token", "language", "currency", "amount", "billed_before", "due_date", "items",
	"quiet_from", "quiet_to", "zone", "send_day", "channel_wish", "payment_method", "unsubscribe_url",
}

func TestAFieldForTemplatesIsInLowerCaseAsBillsKeepIt(t *testing.T) {
	t.Parallel()
	m := Mapping{Version: 1, Columns: []Column{{From: Names{"a"}, To: "fields.KWh"}}}
	if problems := m.Check(nil, nil); len(problems) != 1 || !strings.Contains(problems[0].String(), `columns[1].to: "KWh" has capital letters`) {
		t.Errorf("%v", problems)
	}
	m.Columns[0].To = "fields.kwh"
	if problems := m.Check(nil, nil); len(problems) != 0 {
		t.Errorf("%v", problems)
	}
}
