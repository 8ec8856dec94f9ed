package porttest

import (
	"crypto/sha256"
	"reflect"
	"testing"

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
