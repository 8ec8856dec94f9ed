package porttest

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Mappings runs the suite of port.Mappings.
func Mappings(t *testing.T, open OpenStorage) { Run(t, MappingsChecks(), open) }

// MappingsChecks are the promises of port.Mappings.
func MappingsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("keeps the mappings of each month, each once, in their order", mappingsOfMonths),
		onStage("leaves out a mapping whose imports were all taken back", mappingsOfUndone),
		onStage("leaves out a mapping whose imports came to no bills", mappingsWithoutBills),
	}
}

func mappingsOfMonths(s *stage) {
	made := func(name, text string, at time.Time) port.MonthMapping {
		return port.MonthMapping{Fingerprint: sha256.Sum256([]byte(text)), Name: name, Text: text, AddedAt: at}
	}
	long := "version: 1\n" + strings.Repeat("# 고객번호\n", 10_000)
	first, second := made("청구.yaml", long, noon), made("b.yaml", "version: 1", noon.Add(time.Hour))
	other := first
	other.Name, other.AddedAt = "renamed.yaml", noon.Add(2*time.Hour)
	for _, m := range []port.MonthMapping{first, second, other} {
		s.must(s.Mappings.Add(s.ctx, november, m))
	}
	s.must(s.Mappings.Add(s.ctx, december, second))
	for month, want := range map[key.Month][]port.MonthMapping{november: {first, second}, december: {second}} {
		got := given(s.Mappings.Of(s.ctx, month))(s)
		for i := range got {
			got[i].AddedAt = normal(got[i].AddedAt)
		}
		for i := range want {
			want[i].AddedAt = normal(want[i].AddedAt)
		}
		if !slices.Equal(got, want) {
			s.Errorf("%s has other mappings than were added, or the text of one was changed", month)
		}
	}
}

func mappingsOfUndone(s *stage) {
	m := port.MonthMapping{Fingerprint: sha256.Sum256([]byte("version: 1")), Name: "a.yaml", Text: "version: 1", AddedAt: noon}
	s.must(s.Mappings.Add(s.ctx, november, m))
	there := func(what string, want int) {
		s.Helper()
		if got := given(s.Mappings.Of(s.ctx, november))(s); len(got) != want {
			s.Errorf("%s: %d mappings, want %d", what, len(got), want)
		}
	}
	begin := func(file string, n int) int64 {
		s.Helper()
		record := importing(file)
		record.Mapping = m.Fingerprint
		record.ID = given(s.Imports.Begin(s.ctx, record))(s)
		b := bill(november, n, noon)
		b.Import, b.File = record.ID, file
		s.store(november, b)
		record.FinishedAt, record.Rows, record.Inserted = noon, 1, 1
		s.must(s.Imports.End(s.ctx, record))
		return record.ID
	}
	first := begin("a.csv", 0)
	_, err := s.PastImports.BeginUndo(s.ctx, november, first, act)
	s.must(err)
	there("its bills are not removed yet", 1)
	if n, err := s.undo(first); err != nil || n != 1 {
		s.Fatalf("%d removed, %v", n, err)
	}
	there("taken back", 0)
	second := begin("b.csv", 1)
	there("used again", 1)
	if n, err := s.undo(second); err != nil || n != 1 {
		s.Fatalf("%d removed, %v", n, err)
	}
	there("taken back again", 0)
}

func mappingsWithoutBills(s *stage) {
	m := port.MonthMapping{Fingerprint: sha256.Sum256([]byte("version: 1")), Name: "a.yaml", Text: "version: 1", AddedAt: noon}
	s.must(s.Mappings.Add(s.ctx, november, m))
	ended := func(what string, want int, change func(*port.ImportRecord)) {
		s.Helper()
		record := importing("a.csv")
		record.Mapping = m.Fingerprint
		record.ID = given(s.Imports.Begin(s.ctx, record))(s)
		if got := given(s.Mappings.Of(s.ctx, november))(s); len(got) != 1 {
			s.Errorf("while it runs it may have bills: %d mappings", len(got))
		}
		record.FinishedAt, record.Rows, record.Rejected = noon, 2, 2
		change(&record)
		s.must(s.Imports.End(s.ctx, record))
		if got := given(s.Mappings.Of(s.ctx, november))(s); len(got) != want {
			s.Errorf("%s: %d mappings, want %d", what, len(got), want)
		}
	}
	ended("all its rows were refused", 0, func(*port.ImportRecord) {})
	ended("it ended with an error, and may have bills", 1, func(r *port.ImportRecord) { r.Error = "the database went away" })
	ended("another one had bills", 1, func(r *port.ImportRecord) { r.Unchanged = 1 })
}
