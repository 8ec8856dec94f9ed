package porttest

import (
	"crypto/sha256"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// TemplateSets runs the suite of port.TemplateSets.
func TemplateSets(t *testing.T, open OpenStorage) { Run(t, TemplateSetsChecks(), open) }

// TemplateSetsChecks are the promises of port.TemplateSets.
func TemplateSetsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("keeps the template sets of each month whole, in the order of their numbers", templateSetsOfMonths),
		onStage("keeps and audits nothing under a number that the month has", templateSetsTwice),
		onStage("says of a set that it is gone once all bills were taken back that it may have rendered", templateSetsGone),
		onStage("lets each rendered bill name its template set", templateSetsOfBills),
	}
}

func templateSet(number int16, name string) port.TemplateSet {
	files := map[string]string{"ko/sms.tmpl": "\"" + name + "\" 청구\n<b>{{.Amount}}</b>\u2028\x00\\", "en/sms.tmpl": ""}
	return port.TemplateSet{Number: number, Fingerprint: sha256.Sum256([]byte(name)), Name: name, Files: files, AddedAt: noon}
}

func (s *stage) templateSetsAre(month key.Month, want ...port.TemplateSet) {
	s.Helper()
	got := given(s.TemplateSets.Of(s.ctx, month))(s)
	for i := range got {
		got[i].AddedAt = normal(got[i].AddedAt)
	}
	if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		s.Errorf("%s has\n%+v, want\n%+v", month, got, want)
	}
}

// add keeps a set and reports whether it was added.
func (s *stage) add(month key.Month, set port.TemplateSet, entries ...port.AuditEntry) bool {
	s.Helper()
	return given(s.TemplateSets.Add(s.ctx, month, set, entries...))(s)
}

func templateSetsOfMonths(s *stage) {
	first, second := templateSet(1, "words"), templateSet(2, "단어")
	if !s.add(november, second) || !s.add(november, first) || !s.add(december, first) {
		s.Error("a set of a new number was not added")
	}
	s.templateSetsAre(november, first, second)
	s.templateSetsAre(december, first)
	s.templateSetsAre(december.Next())
}

func templateSetsTwice(s *stage) {
	entry := func(detail string) port.AuditEntry {
		return port.AuditEntry{Action: port.ActionRenderOther.With(detail), Subject: november.String(), By: act}
	}
	first := templateSet(1, "words")
	if !s.add(november, first, entry("words")) {
		s.Error("the first one was not added")
	}
	if s.add(november, templateSet(1, "others"), entry("others")) {
		s.Error("two sets of one number")
	}
	s.templateSetsAre(november, first)
	s.auditIs([]port.AuditEntry{entry("words")}, november.String())
}

func templateSetsOfBills(s *stage) {
	keys := s.imported(november, 2)
	set := templateSet(2, "words")
	s.add(november, templateSet(1, "before"))
	s.add(november, set)
	s.must(second(s.Renders.Mark(s.ctx, []port.RenderedBill{{Target: keys[0], Version: s.versionOf(keys[0]), Statement: statementOf(keys[0])}}, 2, noon)))
	for i, want := range []string{set.String(), ""} {
		if got := given(s.Report.Origin(s.ctx, keys[i]))(s).Templates; got != want {
			s.Errorf("bill %d was rendered with %q, want %q", i, got, want)
		}
	}
	s.must(s.correct(corrected(0), takeCorrection))
	if got := given(s.Report.Origin(s.ctx, keys[0]))(s).Templates; got != "" {
		s.Errorf("a corrected bill, not rendered yet, was rendered with %q", got)
	}
}

func templateSetsGone(s *stage) {
	gone := func() (of []bool) {
		for _, set := range given(s.TemplateSets.Of(s.ctx, november))(s) {
			of = append(of, set.Gone)
		}
		return of
	}
	is := func(what string, want ...bool) {
		s.Helper()
		if got := gone(); !slices.Equal(got, want) {
			s.Errorf("%s: gone are %v, want %v", what, got, want)
		}
	}
	wrong, _ := s.brought("wrong.csv", 0, 1)
	s.end(wrong, port.ImportRecord{File: "wrong.csv", Inserted: 2})
	nothing, _ := s.brought("nothing.csv")
	s.end(nothing, port.ImportRecord{File: "nothing.csv", Unchanged: 2})
	first := templateSet(1, "words")
	first.AddedAt = noon.Add(time.Hour)
	s.add(november, first)
	is("with its bills", false)
	s.render(november)
	other, _ := s.brought("other.csv", 2)
	s.end(other, port.ImportRecord{File: "other.csv", Inserted: 1})
	s.must(second(s.undo(wrong)))
	is("while another import's bills may be rendered with it", false)
	s.must(second(s.undo(other)))
	is("after all were taken back", true)
	right := importing("right.csv")
	right.StartedAt = noon.Add(2 * time.Hour)
	id := given(s.Imports.Begin(s.ctx, right))(s)
	again := bill(november, 0, noon)
	again.Import = id
	s.store(november, again)
	is("with a bill that is not rendered", true)
	s.render(november)
	is("with a bill that was rendered", false)
}

// end ends an import that began at noon.
func (s *stage) end(id int64, record port.ImportRecord) {
	s.Helper()
	record.ID, record.Month, record.StartedAt, record.FinishedAt = id, november, noon, noon
	s.must(s.Imports.End(s.ctx, record))
}
