package importing

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// seen is a record as a test compares it.
type seen struct {
	Line    int
	Fields  []string
	Problem bool
}

// readAll reads a file as an import does: the first record tells how many fields the others have.
func readAll(t testing.TB, from io.Reader) []seen {
	t.Helper()
	s := newSplitter(from)
	var all []seen
	for {
		r, err := s.next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		one := seen{Line: r.line, Problem: r.problem != ""}
		for _, field := range r.fields {
			one.Fields = append(one.Fields, string(field))
		}
		if s.want == 0 {
			s.want = len(one.Fields)
		}
		all = append(all, one)
	}
}

func ok(line int, fields ...string) seen  { return seen{Line: line, Fields: fields} }
func bad(line int, fields ...string) seen { return seen{Line: line, Fields: fields, Problem: true} }

func TestRecordsAreSplit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file string
		want []seen
	}{
		"plain":                    {"a,b\n1,2\n", []seen{ok(1, "a", "b"), ok(2, "1", "2")}},
		"no newline at the end":    {"a,b\n1,2", []seen{ok(1, "a", "b"), ok(2, "1", "2")}},
		"CRLF and empty lines":     {"a,b\r\n\r\n1,2\r\n\n3,4\r\n", []seen{ok(1, "a", "b"), ok(3, "1", "2"), ok(5, "3", "4")}},
		"empty fields":             {"a,b\n,\n\"\",\n", []seen{ok(1, "a", "b"), ok(2, "", ""), ok(3, "", "")}},
		"quotes":                   {"a,b\n\"x,\"\"y\"\"\",z\n", []seen{ok(1, "a", "b"), ok(2, `x,"y"`, "z")}},
		"a line break in quotes":   {"a,b\n1,\"x\ny\"\n3,4\n", []seen{ok(1, "a", "b"), ok(2, "1", "x\ny"), ok(4, "3", "4")}},
		"a stray quote":            {"a,b\n1,\"x\n3,4\n", []seen{ok(1, "a", "b"), bad(2, "1", `"x`), ok(3, "3", "4")}},
		"a stray quote, later one": {"a,b\n1,\"x\n3,\"y\"\n5,6\n", []seen{ok(1, "a", "b"), bad(2, "1", `"x`), ok(3, "3", "y"), ok(4, "5", "6")}},
		"two stray quotes":         {"a,b\n1,\"x\n\"y,2\n5,6\n", []seen{ok(1, "a", "b"), bad(2, "1", `"x`), bad(3, `"y`, "2"), ok(4, "5", "6")}},
		"a quote inside":           {"a,b\n1,x\"y\n3,4\n", []seen{ok(1, "a", "b"), bad(2, "1", `x"y`), ok(3, "3", "4")}},
		"text behind a quote":      {"a,b\n1,\"x\"y\n3,4\n", []seen{ok(1, "a", "b"), bad(2, "1", `"x"y`), ok(3, "3", "4")}},
		"a lone carriage return":   {"a,b\n1,x\ry\n3,4\n", []seen{ok(1, "a", "b"), bad(2, "1", "x\ry"), ok(3, "3", "4")}},
		"a quote open at the end":  {"a,b\n1,\"", []seen{ok(1, "a", "b"), bad(2, "1", `"`)}},
		"several lines, too many fields": {
			"a,b\n1,\"x\ny\",z\n3,4\n",
			[]seen{ok(1, "a", "b"), bad(2, "1", `"x`), bad(3, `y"`, "z"), ok(4, "3", "4")},
		},
		// A name with line breaks in it must not become a record of its own.
		"a smuggled record": {"a,b\n1,\"x\n9,9\ny\"\n3,4\n", []seen{ok(1, "a", "b"), ok(2, "1", "x\n9,9\ny"), ok(5, "3", "4")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for how, from := range map[string]io.Reader{
				"at once": strings.NewReader(c.file), "byte by byte": iotest.OneByteReader(strings.NewReader(c.file)),
				"with the end": iotest.DataErrReader(strings.NewReader(c.file)),
			} {
				if got := readAll(t, from); !reflect.DeepEqual(got, c.want) {
					t.Errorf("%s:\n got %+v\nwant %+v", how, got, c.want)
				}
			}
		})
	}
}

func TestALineThatIsTooLongCostsNothingButItself(t *testing.T) {
	t.Parallel()
	for _, size := range []int{maxRecord - 2, maxRecord + 1, 5 * maxRecord, 1 << 20} {
		got := readAll(t, strings.NewReader("a,b\n1,"+strings.Repeat("x", size)+"\n3,4\n5,"+strings.Repeat("y", size)))
		if len(got) != 4 || got[1].Problem != (size+2 > maxRecord) || !reflect.DeepEqual(got[2], ok(3, "3", "4")) || got[3].Line != 4 {
			t.Errorf("%d bytes: %d records, %v", size, len(got), got[len(got)-1].Line)
		}
	}
	// A quote that opens and closes only beyond the bound is a stray one.
	got := readAll(t, strings.NewReader("a,b\n1,\"x\n"+strings.Repeat("3,4\n", maxRecord/4)+"z\"\n5,6\n"))
	if len(got) != maxRecord/4+4 || !got[1].Problem || !reflect.DeepEqual(got[len(got)-1], ok(maxRecord/4+4, "5", "6")) {
		t.Errorf("%d records", len(got))
	}
}

func TestALineThatAReadErrorCutsOffIsNotTaken(t *testing.T) {
	t.Parallel()
	s := newSplitter(io.MultiReader(strings.NewReader("a,b\n1,2\n3,4"), iotest.ErrReader(errors.New("disk"))))
	for range 2 {
		if _, err := s.next(); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := s.next(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("half a line was taken as a record: %+v, %v", r, err)
	}
}

// FuzzSplitter: a file that encoding/csv reads is read alike; any file is read to its end, with every line accounted
// for; and no line, whatever it is, keeps a good line behind it from being read.
func FuzzSplitter(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "a,b\n\"x\ny\",2\n", "a\n\"\"\"\"\n", "\"a\n\n\"\n", "a,b\r\n\"\r\n", "\xef\xbb\xbfa\n", "a,b\n1,\"x\"\"\n\",\n", ",,\n\",\",\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		records := readAll(t, bytes.NewReader(file))
		last := 0
		for _, r := range records {
			if r.Line <= last {
				t.Fatalf("line %d behind line %d", r.Line, last)
			}
			last = r.Line
		}
		if lines := bytes.Count(file, []byte{'\n'}) + 1; last > lines {
			t.Fatalf("line %d of %d", last, lines)
		}
		compareWithStandard(t, file, records)
		if line := bytes.ReplaceAll(file, []byte{'\n'}, nil); len(line) < maxRecord {
			around := append(append([]byte("a,b\n"), line...), "\ngood,row\n"...)
			got := readAll(t, bytes.NewReader(around))
			if end := got[len(got)-1]; !reflect.DeepEqual(end, ok(3, "good", "row")) {
				t.Fatalf("%q ate the line behind it: %+v", line, got)
			}
		}
	})
}

func compareWithStandard(t *testing.T, file []byte, records []seen) {
	t.Helper()
	if bytes.IndexByte(file, '\r') >= 0 || len(file) >= maxRecord {
		return // encoding/csv turns \r\n in quotes into \n; and it has no bound
	}
	want, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil || len(want) == 0 || strings.Contains(strings.Join(want[0], ""), "\n") || len(want[0]) > maxFields {
		return
	}
	if len(want) != len(records) {
		t.Fatalf("%d records, encoding/csv reads %d", len(records), len(want))
	}
	for i, r := range records {
		if r.Problem || !reflect.DeepEqual(r.Fields, want[i]) {
			t.Fatalf("record %d: %+v, encoding/csv reads %q", i, r, want[i])
		}
	}
}
