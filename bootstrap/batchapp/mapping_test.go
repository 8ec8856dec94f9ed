package batchapp

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
)

// shapes are files as people have them.
const shapes = "../../application/importing/testdata/shapes"

func TestTheMappingThatALookWritesIsReadAsWhatTheLookShowed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(shapes + "/*.csv")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		answers := mapping.Answers{Set: map[string]string{"due_date": "2026-12-25", "currency": "EUR", "dates": "dmy", "decimal": "point", "language": "en", "zone": "Europe/London"}, Columns: map[string]string{}}
		l, err := importing.Look(bytes.NewReader(data), importing.File{Name: "x.csv"}, importing.LookOptions{Table: mapping.ShippedNames(), Answers: answers})
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if len(l.Proposal.Questions) > 0 { // a column that only a person knows
			l.Proposal.Mapping.Apply(mapping.Answers{Columns: map[string]string{"customer_number": l.Names[0]}})
		}
		text := l.Proposal.Text("x.csv")
		read, err := parseMapping("x.mapping.yaml", text, mapping.Answers{})
		if err != nil {
			t.Fatalf("%s: %v\n%s", path, err, text)
		}
		want := l.Proposal.Mapping
		want.Dates, want.Decimal, want.File.HeaderRows = "dmy", "point", l.HeaderRows
		if want.OneBill == "" {
			want.OneBill = "row"
		}
		if !reflect.DeepEqual(read.Mapping, want) {
			t.Errorf("%s: read is\n%+v, written was\n%+v\n%s", path, read.Mapping, want, text)
		}
	}
}

func TestErrorsOfAMappingNameFileLineAndField(t *testing.T) {
	t.Parallel()
	const good = "version: 1\nconstants:\n  currency: KRW\ncolumns:\n  - from: 고객번호\n    to: customer_number\n  - from: 금액\n    to: amount\n  - from: 납기\n    to: due_date\n"
	if _, err := parseMapping("m.yaml", []byte(good), mapping.Answers{}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{
		good + "colums: 1\n":                                 {"m.yaml:11: there is no key colums"},
		good + "dates: dym\n":                                {`m.yaml:11: dates: is "dym" and none of ymd, dmy, mdy or excel`},
		good + "dates: \"?\"\n":                              {"m.yaml:11: dates: is not known", "--set dates="},
		strings.Replace(good, "to: amount", "to: amout", 1):  {`m.yaml:8: columns[2].to: "amout" is no column`, "m.yaml:4: columns: nothing makes the column amount"},
		strings.Replace(good, "KRW", "\"?\"", 1):             {"m.yaml:3: constants.currency: is not known"},
		strings.Replace(good, "from: 금액", "from: [a: b]", 1): {"m.yaml:7:"},
		good + "version: 1\n":                                {"m.yaml:", "already defined"},
		good + "  - from: x\n    to: fields.a b\n":           {`m.yaml:12: columns[4].to: "a b" is no name for templates`},
		"\t":             {"m.yaml:1:"},
		"a: &a [*a, *a]": {"m.yaml:1:"},
		"":               {"m.yaml:1: version"},
	} {
		_, err := parseMapping("m.yaml", []byte(text), mapping.Answers{})
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v; want %q", text, err, part)
			}
		}
	}
}

// FuzzParseMapping: whatever a mapping file is, reading it ends, and what can be used says the same again as JSON.
func FuzzParseMapping(f *testing.F) {
	f.Add([]byte("version: 1\nconstants:\n  currency: KRW\ncolumns:\n  - from: [a, b]\n    to: customer_number\n    join: \"\"\n"))
	f.Add([]byte("a: &a [*a]\nitems:\n  - {name: x, amount: y}\nskip_rows: {a: [b]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseMapping("m.yaml", text, mapping.Answers{})
		if err != nil {
			return
		}
		if _, err := json.Marshal(m.Mapping); err != nil {
			t.Fatal(err)
		}
		m.Fingerprint()
	})
}

func look(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, said bytes.Buffer
	if got := cli.Run(t.Context(), NewCommand(), append([]string{"import", "--look"}, args...), &out, &said); got != code {
		t.Fatalf("exit code %d, want %d: %s", got, code, &said)
	}
	return out.String(), said.String()
}

func copied(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shapes, name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestALookShowsTheFileAndWritesAMappingOnce(t *testing.T) {
	t.Parallel()
	path := copied(t, "korean-excel.csv")
	said, _ := look(t, core.ExitOK, path)
	for _, part := range []string{"euc-kr (guessed", "header on lines 4 and 5", "68,200 → 68200", "2026.11.25 → 2026-11-25", "1000001234 → 01000001234", "3 rows, 3 of them make bills", "--mapping"} {
		if !strings.Contains(said, part) {
			t.Errorf("%q is missing in\n%s", part, said)
		}
	}
	if n := strings.Count(said, "\n"); n > 40 {
		t.Errorf("%d lines are more than a screen", n)
	}
	written := strings.TrimSuffix(path, ".csv") + ".mapping.yaml"
	first, err := os.ReadFile(written)
	if err != nil || strings.Contains(string(first), "김하나") || strings.Contains(string(first), "1000001234") {
		t.Fatalf("a mapping holds no data of customers: %v\n%s", err, first)
	}
	again, _ := look(t, core.ExitOK, "--mapping", written, path)
	if after, err := os.ReadFile(written); err != nil || !bytes.Equal(first, after) || strings.Contains(again, "the mapping is in") || !strings.Contains(again, "3 rows, 3 of them") {
		t.Errorf("trying a mapping changed it or said\n%s", again)
	}
	if more, _ := look(t, core.ExitOK, path); !strings.Contains(more, "mapping-2.yaml") {
		t.Errorf("a second look said\n%s", more)
	}
	document, _ := look(t, core.ExitOK, "--output", "json", "--mapping", written, path)
	var d lookDocument
	if err := json.Unmarshal([]byte(document), &d); err != nil || d.Encoding != "euc-kr" || d.Good != 3 || len(d.Columns) == 0 || d.Columns[0].Samples[0][0] == "" {
		t.Errorf("%v: %s", err, document)
	}
}

func TestALookAsksWhereTheFileCannotSay(t *testing.T) {
	t.Parallel()
	path := copied(t, "excel-europe.csv")
	said, _ := look(t, core.ExitOK, path)
	if !strings.Contains(said, "to decide: dates: 03/04/2026 can be 2026-04-03 or 2026-03-04\n    --set dates=dmy   or   --set dates=mdy") {
		t.Errorf("said was\n%s", said)
	}
	written := strings.TrimSuffix(path, ".csv") + ".mapping.yaml"
	var a importArguments
	a.mapping = written
	var file importing.File
	if err := a.readMapping(t.Context(), &file); err == nil || !strings.Contains(err.Error(), "dates: is not known") {
		t.Errorf("an import with an open question: %v", err)
	}
	tried, _ := look(t, core.ExitOK, "--mapping", written, "--set", "dates=dmy", "--column", "payment_method=E-Mail-Adresse", "--set", "language=de", "--set", "zone=Europe/Berlin", path)
	if want := "--mapping " + written + " --set dates=dmy --set language=de --set zone=Europe/Berlin --column "; !strings.Contains(tried, want) {
		t.Errorf("next is not the import with the same answers (%s):\n%s", want, tried)
	}
	text, err := os.ReadFile(written)
	if err == nil {
		err = os.WriteFile(written, bytes.TrimRight(text, "\n"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.set = []string{"dates=dmy", "calling_code=49", "language=de", "zone=Europe/Berlin"}
	if err := a.readMapping(t.Context(), &file); err != nil || file.Mapping.Dates != "dmy" || file.Mapping.CallingCode != "49" ||
		!strings.HasSuffix(file.MappingText, "\n# changed by the import: --set \"dates=dmy\"\n# changed by the import: --set \"calling_code=49\"\n# changed by the import: --set \"language=de\"\n# changed by the import: --set \"zone=Europe/Berlin\"\n") {
		t.Errorf("%+v, %v", file, err)
	}
}

func TestTheHintHowToImportRejectsSaysWhatDiffers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mapping string
		asked   billfile.Encoding
		says    string
	}{
		{"", billfile.Detected, ""},
		{"", billfile.EUCKR, "with --encoding euc-kr"},
		{"", billfile.UTF16, "without --encoding"},
		{"", billfile.Western, "without --encoding"},
		{"m.yaml", billfile.EUCKR, "without --mapping and --encoding"},
	} {
		var a importArguments
		a.mapping = c.mapping
		if got := a.again(c.asked); !strings.Contains(got, c.says) || (got == "") != (c.says == "") {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestALookNamesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, says string }{
		"book.xlsx":  {"PK\x03\x04....", "save it as CSV UTF-8"},
		"empty.csv":  {"", "it is empty"},
		"page.csv":   {"<html><body>", "HTML"},
		"binary.csv": {strings.Repeat("\x01\x02,\x03\n", 100), "no header"},
		"data.csv":   {"1,2,3\n4,5,6\n", "no header"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, said := look(t, core.ExitRefused, path); !strings.Contains(said, c.says) {
			t.Errorf("%s: %s", name, said)
		}
	}
	if _, said := look(t, core.ExitUsage, filepath.Join(dir, "data.csv"), filepath.Join(dir, "page.csv")); !strings.Contains(said, "one file") {
		t.Error(said)
	}
}

func TestWhatAFileSaysNeverControlsTheTerminal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hostile.csv")
	text := "고객번호,성명,청구금액,납기일,\x1b[2J\n1,\x1b]0;owned\x07,\"1,000\",2026-11-25,\u202ex\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	said, _ := look(t, core.ExitOK, path)
	if strings.ContainsAny(said, "\x1b\x07\u202e") {
		t.Errorf("%q", said)
	}
}

func TestALookTakesMoreNamesOfColumns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, names := filepath.Join(dir, "own.csv"), filepath.Join(dir, "names.txt")
	for file, text := range map[string]string{
		path:  "Kunde,Wer,Summe,Bis\n1,Kim,100,2026-11-25\n",
		names: "# ours\ncustomer_number: Kunde\nname: Wer\namount: Summe\ndue_date: Bis\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said, _ := look(t, core.ExitOK, "--names", names, "--set", "currency=EUR", path); !strings.Contains(said, "1 row, 1 of them makes a bill") {
		t.Error(said)
	}
	if err := os.WriteFile(names, []byte("customer_number Kunde\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said := look(t, core.ExitUsage, "--names", names, path); !strings.Contains(said, "names.txt: line 1") {
		t.Error(said)
	}
}

func TestTheRecordsOfNoMonthAreAMistakeOfUse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"mappings"}, {"import", "list"}, {"templates", "list"}} {
		var out, said bytes.Buffer
		if got := cli.Run(t.Context(), NewCommand(), args, &out, &said); got != core.ExitUsage || !strings.Contains(said.String(), "month") {
			t.Errorf("%v: exit code %d: %s", args, got, &said)
		}
	}
}
