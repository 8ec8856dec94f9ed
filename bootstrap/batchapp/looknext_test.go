package batchapp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/bootstrap/core"
)

// looked looks at a file and returns what was found.
func looked(t *testing.T, args ...string) (d lookDocument) {
	t.Helper()
	said, _ := look(t, core.ExitOK, append([]string{"--output", "json"}, args...)...)
	if err := json.Unmarshal([]byte(said), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// opens reads the flags of a printed command as the shell and batch import do, and opens the file with them.
func opens(t *testing.T, next string) error {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-c", `for word in `+strings.TrimPrefix(strings.Replace(next, "MONTH", "2026-11", 1), "batch import ")+`; do printf '%s\0' "$word"; done`)
	words, err := shell.Output()
	if err != nil {
		t.Fatalf("%s: %v", next, err)
	}
	var a importArguments
	cmd := &cobra.Command{}
	cmd.SetContext(t.Context())
	a.flags(cmd)
	if err := cmd.ParseFlags(strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00")); err != nil {
		t.Fatalf("%s: %v", next, err)
	}
	files, err := a.named(t.Context(), cmd.Flags().Args())
	if err != nil {
		return err
	}
	data, err := os.ReadFile(files[0].file)
	if err != nil {
		return err
	}
	if _, err = importing.Open(bytes.NewReader(data), files[0].named); err != nil || files[0].named.Mapping == nil {
		return err
	}
	_, err = importing.Look(bytes.NewReader(data), files[0].named, importing.LookOptions{Mapping: files[0].named.Mapping})
	return err
}

// answersOf are flags with which a file of the shapes leaves no question open.
func answersOf(d lookDocument) (flags []string) {
	for _, q := range d.Questions {
		text := q.Answer[0]
		if q.About == "currency" {
			text = "--set currency=EUR"
		}
		flag, value, _ := strings.Cut(text, " ")
		flags = append(flags, flag, strings.ReplaceAll(value, `"`, ""))
	}
	return flags
}

func TestTheCommandThatALookPrintsWorksForEachShapeOfFile(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(shapes + "/*.csv")
	if err != nil || len(paths) < 12 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, shape := range paths {
		t.Run(filepath.Base(shape), func(t *testing.T) {
			t.Parallel()
			path := copied(t, filepath.Base(shape))
			answers := answersOf(looked(t, path))
			answers = append(answers, answersOf(looked(t, append(answers, path)...))...) // an answer can ask anew
			d := looked(t, append(answers, path)...)
			if len(d.Questions) > 0 {
				t.Fatalf("after %q there are %+v", answers, d.Questions)
			}
			if err := opens(t, d.Next); err != nil && !strings.Contains(err.Error(), "sort the file") {
				t.Errorf("%s: %v", d.Next, err)
			}
			// The same mapping for UTF-8: the look was told the encoding, or found it, and so the import has to be told.
			text, err := os.ReadFile(d.Mapping)
			if err != nil {
				t.Fatal(err)
			}
			utf8 := filepath.Join(t.TempDir(), "my mapping.yaml")
			if err := os.WriteFile(utf8, bytes.Replace(text, []byte("encoding: "+d.Encoding), []byte("encoding: utf-8"), 1), 0o600); err != nil {
				t.Fatal(err)
			}
			tried := looked(t, "--encoding", d.Encoding, "--zone", "UTC", "--first-address", "--mapping", utf8, path)
			if err := opens(t, tried.Next); err != nil && !strings.Contains(err.Error(), "sort the file") {
				t.Errorf("%s: %v", tried.Next, err)
			}
			if !strings.Contains(tried.Next, "--zone UTC") || !strings.Contains(tried.Next, "--first-address=true") {
				t.Errorf("flags of the look are missing in %s", tried.Next)
			}
		})
	}
}

func TestALookShowsLanguageAndZoneAndAsksWhereBillsAreNotInWon(t *testing.T) {
	t.Parallel()
	korean := looked(t, copied(t, "korean-excel.csv"))
	if korean.Settings["language"] != "ko" || korean.Settings["zone"] != "Asia/Seoul" || len(korean.Questions) != 0 {
		t.Errorf("%+v, %+v", korean.Settings, korean.Questions)
	}
	path := copied(t, "us-utility.csv")
	asked := map[string]bool{}
	for _, q := range looked(t, path).Questions {
		asked[q.About] = true
	}
	if !asked["language"] || !asked["zone"] {
		t.Errorf("asked was %v", asked)
	}
	d := looked(t, "--set", "currency=USD", "--set", "language=en", "--set", "zone=America/Chicago", path)
	if len(d.Questions) != 0 {
		t.Errorf("after the answers: %+v", d.Questions)
	}
}

func TestALookAsksAboutColumnsThatLookLikeContacts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "own.csv")
	if err := os.WriteFile(path, []byte("고객번호,금액,납기일,Erreichbar\n1,\"1,000\",2026-11-25,0171/1234567\n2,\"2,000\",2026-11-25,(030) 123-4567\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := looked(t, path)
	if len(d.Questions) != 1 || d.Questions[0].About != "phone" || d.Questions[0].Answer[0] != `--column phone="Erreichbar"` {
		t.Errorf("%+v", d.Questions)
	}
	if d := looked(t, "--column", "phone=Erreichbar", path); len(d.Questions) != 0 {
		t.Errorf("%+v", d.Questions)
	}
	if d := looked(t, "--set", "phone=", path); len(d.Questions) != 0 {
		t.Errorf("%+v", d.Questions)
	}
	names := filepath.Join(t.TempDir(), "names.csv")
	if err := os.WriteFile(names, []byte("Account #,Betrag,Fällig am,Mobil\n1,100,2026-11-25,+491711234567\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	from := map[string]string{}
	for _, c := range looked(t, names).Columns {
		from[c.To] = c.From
	}
	if from["customer_number"] != "Account #" || from["phone"] != "Mobil" {
		t.Errorf("%v", from)
	}
}

func TestAKeptMappingIsReadAsItsImportChangedIt(t *testing.T) {
	t.Parallel()
	const text = "version: 1\nfile:\n  encoding: euc-kr\nskip_rows:\n  a: [x]\nconstants:\n  currency: KRW\ncolumns:\n  - from: a\n    to: customer_number\n  - from: b\n    to: amount\n  - from: c\n    to: due_date\n"
	first, err := parseKept(text)
	if err != nil {
		t.Fatal(err)
	}
	other, err := parseKept(strings.Replace(strings.Replace(text, "euc-kr", "utf-8", 1), "skip_rows:\n  a: [x]\n", "", 1) + changedBy + "set \"dates=dmy\"\n" + changedBy + "column \"amount=d\"\n")
	if err != nil || other.Dates != "dmy" {
		t.Fatalf("%+v, %v", other, err)
	}
	if got := strings.Join(first.Differences(other), " "); got != "dates amount" {
		t.Errorf("they differ in %q", got)
	}
	same := first
	same.File, same.SkipRows, same.Decimal = mapping.Format{}, nil, "point"
	if first.Fingerprint() != same.Fingerprint() || first.Fingerprint() == other.Fingerprint() {
		t.Error("what the file is written in counts, or what bills are made of it does not")
	}
}

// Dates of a column that only the import named were taken as year, month, day: with most other orders each row was refused, and
// 03/04/05 was another day.
func TestAnImportAsksInWhichOrderTheDatesAreThatOnlyItsFlagsName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mapped := filepath.Join(dir, "m.yaml")
	const text = "version: 1\nfile:\n  separator: semicolon\ndates: ymd\nconstants:\n  currency: EUR\n  due_date: \"2026-12-25\"\ncolumns:\n  - from: Nr\n    to: customer_number\n  - from: Summe\n    to: amount\n"
	if err := os.WriteFile(mapped, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		dates, amounts []string
		set            []string
		order, decimal string
		refused        string
	}{
		"which cannot be told":     {[]string{"03/04/2026", "05/06/2026"}, []string{"1", "2"}, nil, "", "", "how they are written cannot be told by the dates alone: say --set dates=dmy or --set dates=mdy"},
		"which was said":           {[]string{"03/04/2026", "05/06/2026"}, []string{"1", "2"}, []string{"dates=mdy"}, "mdy", "", ""},
		"which one of them tells":  {[]string{"03/04/2026", "25/06/2026"}, []string{"1", "2"}, nil, "dmy", "", ""},
		"with the year in front":   {[]string{"2026-04-03", "2026/06/05"}, []string{"1", "2"}, nil, "", "", ""},
		"amounts that can be both": {[]string{"2026-04-03", "2026-06-05"}, []string{"1.234", "2"}, nil, "", "", "told by the amounts alone: say --set decimal=point or --set decimal=comma"},
		"amounts with a comma":     {[]string{"2026-04-03", "2026-06-05"}, []string{"1.234,50", "2"}, nil, "", "comma", ""},
	} {
		var a importArguments
		a.mapping, a.set, a.columns = mapped, c.set, []string{"due_date=Bis", "amount=Betrag"}
		var file importing.File
		if err := a.readMapping(t.Context(), &file); err != nil {
			t.Fatal(err)
		}
		rows := "Nr;Summe;Bis;Betrag\n"
		for i := range c.dates {
			rows += fmt.Sprintf("%d;9;%s;%s\n", i, c.dates[i], c.amounts[i])
		}
		from := strings.NewReader(rows)
		err := a.settle(from, &file)
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) || err != nil && strings.Contains(err.Error(), c.dates[0]) {
			t.Errorf("%s: %v", what, err)
		}
		if err != nil {
			path := filepath.Join(dir, "rows.csv")
			if err := os.WriteFile(path, []byte(rows), 0o600); err != nil {
				t.Fatal(err)
			}
			if d := looked(t, "--mapping", mapped, "--column", "due_date=Bis", "--column", "amount=Betrag", path); len(d.Questions) != 1 {
				t.Errorf("%s: the look asks %+v", what, d.Questions)
			}
			continue
		}
		kept, err := parseKept(file.MappingText)
		if err != nil || from.Len() != len(rows) || strings.TrimPrefix(kept.Dates, "ymd") != c.order || strings.TrimPrefix(kept.Decimal, "point") != c.decimal || kept.Fingerprint() != file.Mapping.Fingerprint() {
			t.Errorf("%s: %q, %q, %v", what, kept.Dates, kept.Decimal, err)
		}
	}
}
