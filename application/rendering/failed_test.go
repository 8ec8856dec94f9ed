package rendering_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/key"
)

// linked is a bill with a link, which html/template lets stand only where it is an address.
func (b *bundle) linked(t testing.TB, user int64, link string) {
	t.Helper()
	each := of("C-linked")
	each.Fields = map[string]string{"link": link}
	b.loadFor(t, key.Target{Month: november, UserID: user}, each, 7)
}

// withLink are templates that show the link; without its column it is an empty address.
func withLink(t testing.TB, attribute string) *rendering.Templates {
	t.Helper()
	return ours(t, "한강텔레콤", "layout.html.tmpl", "<p>{{.Amount}}</p>\n<a href=\""+attribute+"\">x</a>")
}

// The first set was kept although no bill was rendered with it, and the corrected one was refused as other templates.
func TestAMonthKeepsNoTemplatesWithWhichNoBillWasRendered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.linked(t, 1, "javascript:alert(1)")
	b.linked(t, 2, "javascript:alert(2)")
	summary, _, err := b.month(t, rendering.Options{Templates: withLink(t, "{{.Fields.link}}")})
	if err != nil || summary.Failed != 2 || summary.Templates != "" || len(b.sets(t)) != 0 {
		t.Fatalf("%+v, %v, %d sets", summary, err, len(b.sets(t)))
	}
	corrected := withLink(t, "https://example.com/?q={{.Fields.link}}")
	if summary, said, err := b.month(t, rendering.Options{Templates: corrected}); err != nil || summary.Rendered+summary.Failed != 0 || len(said) > 0 {
		t.Errorf("what failed was rendered without being asked for: %+v, %q, %v", summary, said, err)
	}
	summary, said, err := b.month(t, rendering.Options{Templates: corrected, Failed: true})
	if err != nil || summary.Rendered != 2 || len(said) > 0 || len(b.sets(t)) != 1 || len(b.store.Notes()) > 0 {
		t.Errorf("%+v, %q, %v, %d sets", summary, said, err, len(b.sets(t)))
	}
	if origin, err := b.store.Report().Origin(t.Context(), key.Target{Month: november, UserID: 2}); err != nil || origin.Templates != corrected.Set().String() {
		t.Errorf("%+v, %v", origin, err)
	}
}

// A run that takes the default learns after its first bills that another one has given the month its templates.
func TestBillsAreRenderedAnewWithTheTemplatesThatTheMonthGotMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, good())
	theirs := ours(t, "한강텔레콤", "ko/push.tmpl", "그들 {{.Amount}}")
	var met atomic.Bool
	b.store.Fail(func(op string) error {
		if op == "template_sets.add" && met.CompareAndSwap(false, true) {
			if summary, _, err := b.month(t, rendering.Options{Templates: theirs}); err != nil || summary.Rendered != 1 {
				t.Errorf("%+v, %v", summary, err)
			}
			b.later(t, 1) // the same bill again, corrected
		}
		return nil
	})
	summary, _, err := b.month(t, rendering.Options{Default: ours(t, "한강텔레콤", "ko/push.tmpl", "우리 {{.Amount}}").Named("usual")})
	if err != nil || summary.Rendered != 1 || summary.Templates != theirs.Set().String() || len(b.sets(t)) != 1 {
		t.Fatalf("%+v, %v", summary, err)
	}
	for _, v := range b.statement(t, key.Target{Month: november, UserID: 1}).Variants {
		if strings.Contains(v.Text, "우리") {
			t.Errorf("it was sent as %q", v.Text)
		}
	}
}
