package porttest

import (
	"crypto/sha256"
	"slices"
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
	}
}

func mappingsOfMonths(s *stage) {
	made := func(name, text string, at time.Time) port.MonthMapping {
		return port.MonthMapping{Fingerprint: sha256.Sum256([]byte(text)), Name: name, Text: text, AddedAt: at}
	}
	first, second := made("청구.yaml", "version: 1\n# 고객번호", noon), made("b.yaml", "version: 1", noon.Add(time.Hour))
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
			s.Errorf("%s has\n%+v, want\n%+v", month, got, want)
		}
	}
}
