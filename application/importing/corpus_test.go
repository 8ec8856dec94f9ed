package importing_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/billfile"
)

var update = flag.Bool("update", false, "write what testdata/billing is expected to come to")

const corpus = "testdata/billing"

const corpusHead = "customer_number,name,email,phone,currency,amount,due_date\n"

func corpusRow(customer, name string) string {
	return customer + "," + name + ",kim@example.com,,KRW,12300,2026-11-25\n"
}

// generated are the files that are too large to be kept.
var generated = map[string]func() string{
	"ten-megabyte-field": func() string {
		return corpusHead + corpusRow("C-1", strings.Repeat("x", 10<<20)) + corpusRow("C-9", "Lee")
	},
	"ten-megabytes-in-quotes": func() string {
		return corpusHead + corpusRow("C-1", `"`+strings.Repeat(strings.Repeat("x", 65_000)+"\n", 160)+`"`) + corpusRow("C-9", "Lee")
	},
	"hundred-thousand-fields": func() string {
		return corpusHead + strings.Repeat(",", 50_000) + "\n" + strings.Repeat(",", 100_000) + "\n" + corpusRow("C-9", "Lee")
	},
	"long-header": func() string { return strings.Repeat("name,", 100_000) + "\n" + corpusRow("C-9", "Lee") },
	"gzip-bomb": func() string {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		w.Write(make([]byte, 80<<20))
		w.Close()
		return out.String()
	},
	"zstd-bomb": func() string {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			panic(err)
		}
		return string(w.EncodeAll(make([]byte, 80<<20), nil))
	},
	"bad-rows-at-the-seams": func() string {
		var out strings.Builder
		out.WriteString(corpusHead)
		for i := range 2501 {
			row := corpusRow(fmt.Sprintf("C-%d", i), "Kim")
			if i%1000 == 0 || i%1000 == 999 {
				row = strings.Replace(row, "12300", "x", 1)
			}
			out.WriteString(row)
		}
		return out.String()
	},
	"every-row-bad": func() string {
		return corpusHead + strings.Repeat(corpusRow("C-1", "Kim\x00"), 1500)
	},
}

// told is how many refused rows an expectation names.
const told = 14

// comesTo imports a file as the command does and says what came of it.
func (b *bundle) comesTo(t testing.TB, file []byte, asked billfile.Encoding, name string) (said string, rejects []byte, summary importing.Summary) {
	t.Helper()
	var out strings.Builder
	var refused bytes.Buffer
	o := named(name)
	o.File.Encoding, o.Rejects = asked, &refused
	rows := 0
	o.Reporter = listener{
		note: func(text string) { fmt.Fprintln(&out, "note:", text) },
		refused: func(r importing.Refusal) {
			if rows++; rows <= told {
				fmt.Fprintf(&out, "line %d %q: %s\n", r.Line, r.Customer, r.Text())
			}
		},
	}
	remarks := 0
	report := o.Reporter.(listener)
	report.remarked = func(r importing.Remark) {
		if remarks++; remarks <= told {
			fmt.Fprintf(&out, "remark: line %d %q: %s: %s\n", r.Line, r.Customer, r.Kind, strings.TrimSpace(r.Field+" "+r.Text))
		}
	}
	o.Reporter = report
	summary, err := b.importFile(t.Context(), bytes.NewReader(file), o)
	if rows > told {
		fmt.Fprintf(&out, "… and %d more\n", rows-told)
	}
	if err != nil {
		fmt.Fprintln(&out, "refused:", err)
		if summary != (importing.Summary{}) || !errors.Is(err, billfile.ErrRefused) && !errors.Is(err, importing.ErrHeader) {
			t.Errorf("%+v, %v", summary, err)
		}
		return out.String(), nil, summary
	}
	s := summary
	fmt.Fprintf(&out, "rows %d: new %d, known %d, conflicts %d, rejected %d\n", s.Rows, s.Inserted, s.Unchanged, s.Conflicts, s.Rejected)
	if s.Rows != s.Inserted+s.Unchanged+s.Conflicts+s.Rejected+s.Resolved || rows != s.Conflicts+s.Rejected+s.Resolved || remarks != s.Remarks {
		t.Errorf("%+v, %d refusals", s, rows)
	}
	return out.String(), refused.Bytes(), s
}

// TestTheCorpusOfBadFiles imports every file of testdata/billing and compares what comes of it with the .want beside
// it: its first line says what the file is, the second may say which encoding is asked for, the rest is expected.
// Each file is imported a second time, which changes nothing, and its rejects.csv as it is, which is refused again.
func TestTheCorpusOfBadFiles(t *testing.T) {
	t.Parallel()
	wants, err := filepath.Glob(filepath.Join(corpus, "*.want"))
	if err != nil || len(wants) < 40 {
		t.Fatalf("%d expectations, %v", len(wants), err)
	}
	files, err := filepath.Glob(filepath.Join(corpus, "*"))
	if kept := len(wants) - len(generated); err != nil || len(files) != len(wants)+kept {
		t.Errorf("%d files and %d expectations, %d of generated ones: each file needs one", len(files)-len(wants), len(wants), len(generated))
	}
	for _, want := range wants {
		name := strings.TrimSuffix(filepath.Base(want), ".want")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expected, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			var data []byte
			if short, isGenerated := strings.CutPrefix(name, "generated-"); isGenerated {
				data = []byte(generated[short]())
			} else if data, err = os.ReadFile(filepath.Join(corpus, name)); err != nil {
				t.Fatal(err)
			}
			head, rest, _ := strings.Cut(string(expected), "\n")
			asked := billfile.Detected
			if line, more, _ := strings.Cut(rest, "\n"); strings.HasPrefix(line, "asked: ") {
				asked, rest = billfile.Encoding(strings.TrimPrefix(line, "asked: ")), more
				head += "\n" + line
			}
			b := setup(t)
			said, rejects, summary := b.comesTo(t, data, asked, name)
			if *update {
				if err := os.WriteFile(want, []byte(head+"\n"+said), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if said != rest {
				t.Errorf("%s\ncame to\n%swant\n%s", head, said, rest)
			}
			b.again(t, data, rejects, asked, summary)
		})
	}
}

// again imports a file and its rejects.csv once more.
func (b *bundle) again(t *testing.T, data, rejects []byte, asked billfile.Encoding, first importing.Summary) {
	t.Helper()
	if first == (importing.Summary{}) {
		return
	}
	_, _, second := b.comesTo(t, data, asked, "again.csv")
	if want := (importing.Summary{Rows: first.Rows, Unchanged: first.Inserted, Rejected: first.Rejected, Remarks: first.Remarks, Blank: first.Blank}); second != want {
		t.Errorf("imported again it came to %+v, want %+v", second, want)
	}
	if first.Rejected == 0 {
		if len(rejects) > 0 {
			t.Errorf("nothing was refused, and rejects.csv is %q", rejects)
		}
		return
	}
	if asked != billfile.EUCKR {
		asked = billfile.Detected
	}
	said, _, unresolved := b.comesTo(t, rejects, asked, "rejects.csv")
	// Where a later row of the same customer was good, the bad one is resolved.
	unresolved.Rejected, unresolved.Resolved = unresolved.Rejected+unresolved.Resolved, 0
	if want := (importing.Summary{Rows: first.Rejected, Rejected: first.Rejected}); unresolved != want {
		t.Errorf("rejects.csv as it is came to %+v, want %+v:\n%s%.1000s", unresolved, want, said, rejects)
	}
}
