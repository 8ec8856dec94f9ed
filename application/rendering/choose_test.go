package rendering_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// ours are the shipped templates under a sender identity of our own, changed by pairs of name and content.
func ours(t testing.TB, sender string, pairs ...string) *rendering.Templates {
	t.Helper()
	identity := fmt.Sprintf(`{"ko": {"sender": %[1]q, "contact": "02-123-4567"}, "en": {"sender": %[1]q}}`, sender)
	templates, err := rendering.LoadTemplates(changed(append([]string{"sender-identity.json", identity}, pairs...)...))
	if err != nil {
		t.Fatal(err)
	}
	return templates.Named("words")
}

// notes is a reporter that keeps what is noted.
type notes struct {
	rendering.Silent
	list []string
}

func (n *notes) Note(text string) { n.list = append(n.list, text) }

// month renders the month of a bundle.
func (b *bundle) month(t testing.TB, o rendering.Options) (rendering.Summary, []string, error) {
	t.Helper()
	said := &notes{}
	o.Reporter = said
	summary, err := b.withoutAWord(b.packs, o).Render(t.Context(), november)
	return summary, said.list, err
}

func (b *bundle) sets(t testing.TB) []port.TemplateSet {
	t.Helper()
	sets, err := b.store.TemplateSets().Of(t.Context(), november)
	if err != nil {
		t.Fatal(err)
	}
	return sets
}

// later loads one more bill, as one that was corrected.
func (b *bundle) later(t testing.TB, user int64) {
	t.Helper()
	b.loadFor(t, key.Target{Month: november, UserID: user}, of("C-more"), 7)
}

func TestABillOfARenderedMonthIsNotRenderedWithOtherWords(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		options rendering.Options
		says    []string
	}{
		"another template": {
			rendering.Options{Templates: ours(t, "한강텔레콤", "ko/push.tmpl", "청구 {{.Amount}}").Named("others")},
			[]string{"2026-11 was rendered with other templates, words (", "others (", "differs in ko/push.tmpl:", "--allow-templates --reason"},
		},
		"another sender identity": {
			rendering.Options{Templates: ours(t, "강남텔레콤")},
			[]string{`ko.sender of the sender identity ("강남텔레콤" instead of "한강텔레콤")`, "en.sender of the sender identity"},
		},
		"another sender by flag": {rendering.Options{Sender: "강남텔레콤"}, []string{`ko.sender of the sender identity ("강남텔레콤"`}},
		"the shipped ones, with a word for the sample alone": {
			rendering.Options{Templates: rendering.ShippedTemplates(), AllowSample: true}, []string{"shipped (", `"발송" instead of "한강텔레콤"`},
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.load(t, good())
			if _, said, err := b.month(t, rendering.Options{Templates: ours(t, "한강텔레콤")}); err != nil || len(said) > 0 {
				t.Fatalf("%v, %q", err, said)
			}
			b.later(t, 2)
			summary, _, err := b.month(t, c.options)
			if !errors.Is(err, billing.ErrRefused) || summary.Rendered+summary.Failed > 0 {
				t.Fatalf("%+v, %v", summary, err)
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("it does not say %q: %v", want, err)
				}
			}
			if sets := b.sets(t); len(sets) != 1 || len(b.store.Notes()) > 0 {
				t.Errorf("the month has %d sets, %+v is audited", len(sets), b.store.Notes())
			}
		})
	}
}

func TestOtherWordsAreAllowedWithAReasonAndAuditedAndThenTheMonthKnowsBoth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := ours(t, "한강텔레콤"), ours(t, "강남텔레콤").Named("new")
	b.load(t, good())
	if _, _, err := b.month(t, rendering.Options{Templates: first}); err != nil {
		t.Fatal(err)
	}
	b.later(t, 2)
	by := port.Act{Actor: "kim", Reason: "the company has a new name"}
	summary, said, err := b.month(t, rendering.Options{Templates: second, AllowOther: true, By: by})
	if err != nil || summary.Rendered != 1 || len(said) != 1 || !strings.Contains(summary.Templates, "new (") {
		t.Fatalf("%+v, %q, %v", summary, said, err)
	}
	sets, audited := b.sets(t), b.store.Notes()
	if len(sets) != 2 || sets[0].Name != "words" || sets[1].Name != "new" || sets[0].Number != 1 || sets[1].Number != 2 {
		t.Fatalf("%+v", sets)
	}
	if len(audited) != 1 || audited[0].Action != port.ActionRenderOther.With(sets[1].String()+" after "+sets[0].String()) ||
		audited[0].Subject != "2026-11" || audited[0].By.Actor != "kim" || audited[0].By.Reason != by.Reason {
		t.Errorf("%+v", audited)
	}
	for i, templates := range []*rendering.Templates{first, second} {
		b.later(t, int64(3+i))
		if summary, said, err := b.month(t, rendering.Options{Templates: templates}); err != nil || summary.Rendered != 1 || len(said) > 0 {
			t.Errorf("rendering with a set that the month has: %+v, %q, %v", summary, said, err)
		}
		if origin, err := b.store.Report().Origin(t.Context(), key.Target{Month: november, UserID: int64(3 + i)}); err != nil || origin.Templates != sets[i].String() {
			t.Errorf("%+v, %v", origin, err)
		}
	}
	if n := len(b.store.Notes()); n != 1 || len(b.sets(t)) != 2 {
		t.Errorf("%d acts, %d sets", n, len(b.sets(t)))
	}
}

// The advice of status and why names no templates: `batch render --month 2026-11`.
func TestWithoutTemplatesAMonthIsRenderedWithThoseThatItHas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, good())
	if _, _, err := b.month(t, rendering.Options{Templates: ours(t, "한강텔레콤", "ko/push.tmpl", "우리 {{.Amount}}")}); err != nil {
		t.Fatal(err)
	}
	one := b.statement(t, key.Target{Month: november, UserID: 1})
	for i, o := range []rendering.Options{{}, {Default: ours(t, "강남텔레콤").Named("usual")}} {
		user := int64(2 + i)
		b.loadFor(t, key.Target{Month: november, UserID: user}, good(), 7)
		_, said, err := b.month(t, o)
		if err != nil || len(said) != 1 || !strings.Contains(said[0], "2026-11 is rendered with the templates that it has, words (") {
			t.Fatalf("%q, %v", said, err)
		}
		if o.Default != nil && !strings.Contains(said[0], `and not with usual (`) {
			t.Errorf("%q", said)
		}
		if again := b.statement(t, key.Target{Month: november, UserID: user}); !reflect.DeepEqual(one.Variants, again.Variants) {
			t.Errorf("the kept copy makes\n%+v, want\n%+v", again.Variants, one.Variants)
		}
	}
	if n := len(b.sets(t)); n != 1 {
		t.Errorf("%d sets", n)
	}
}

func TestOfTwoRunsThatBeginAMonthWithDifferentWordsOneIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, good())
	var met atomic.Bool
	b.store.Fail(func(op string) error {
		if op == "template_sets.add" && met.CompareAndSwap(false, true) {
			// The first run has found none: the second one overtakes it here.
			if summary, _, err := b.month(t, rendering.Options{Templates: ours(t, "강남텔레콤")}); err != nil || summary.Rendered != 1 {
				t.Errorf("%+v, %v", summary, err)
			}
			b.later(t, 2)
		}
		return nil
	})
	summary, _, err := b.month(t, rendering.Options{Templates: ours(t, "한강텔레콤")})
	if !errors.Is(err, billing.ErrRefused) || summary.Rendered > 0 || len(b.sets(t)) != 1 {
		t.Errorf("%+v, %v, %d sets", summary, err, len(b.sets(t)))
	}
	if summary, _, err := b.month(t, rendering.Options{Templates: ours(t, "강남텔레콤")}); err != nil || summary.Rendered != 1 {
		t.Errorf("%+v, %v", summary, err)
	}
}

func TestTheSampleSenderIsNotRenderedWithoutAWord(t *testing.T) {
	t.Parallel()
	half := ours(t, "한강텔레콤")
	identity := `{"ko": {"sender": "한강텔레콤"}, "en": {"sender": "Balsong"}}`
	english, err := rendering.LoadTemplates(changed("sender-identity.json", identity))
	if err != nil {
		t.Fatal(err)
	}
	for what, templates := range map[string]*rendering.Templates{"the shipped ones": nil, "one language forgotten": english} {
		b := setup(t)
		b.load(t, good())
		summary, _, err := b.month(t, rendering.Options{Templates: templates})
		if !errors.Is(err, billing.ErrRefused) || summary.Rendered > 0 || !strings.Contains(err.Error(), "sample") || len(b.sets(t)) > 0 {
			t.Errorf("%s: %+v, %v", what, summary, err)
		}
		if summary, _, err = b.month(t, rendering.Options{Templates: templates, AllowSample: true}); err != nil || summary.Rendered != 1 {
			t.Errorf("%s, with a word: %+v, %v", what, summary, err)
		}
		b.later(t, 2)
		if summary, _, err = b.month(t, rendering.Options{}); err != nil || summary.Rendered != 1 {
			t.Errorf("%s, again: %+v, %v", what, summary, err)
		}
	}
	korean, err := rendering.LoadTemplates(changed("sender-identity.json", `{"ko": {"sender": "발송"}, "en": {"sender": "Hangang Telecom"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for templates, want := range map[*rendering.Templates]string{
		half: " ", rendering.ShippedTemplates(): "Balsong en", korean: "발송 ko", rendering.ShippedTemplates().WithSender("한강텔레콤"): " ",
	} {
		if name, language := templates.SampleSender(); name+" "+language != want {
			t.Errorf("%s %s, want %s", name, language, want)
		}
	}
}

func TestAFingerprintIsThatOfTheTextsAndNotOfTheFiles(t *testing.T) {
	t.Parallel()
	base := ours(t, "한강텔레콤").Set()
	same := rendering.ShippedTemplates()
	for what, pairs := range map[string][]string{
		"another order and other spaces": {"sender-identity.json", "{\n\"en\":{\"sender\":\"한강텔레콤\"},\n\"country\":\"KR\",\"ko\":{\"contact\":\"02-123-4567\",\"sender\":\" 한강텔레콤\"}}"},
		"line breaks of Windows":         {"ko/sms.tmpl", strings.ReplaceAll(base.Files["ko/sms.tmpl"], "\n", "\r\n")},
		"a byte order mark":              {"ko/sms.tmpl", "\ufeff" + base.Files["ko/sms.tmpl"]},
		"a file that is not used":        {"README.md", "words"},
	} {
		if set := ours(t, "한강텔레콤", pairs...).Named("elsewhere").Set(); set.Fingerprint != base.Fingerprint {
			t.Errorf("%s: another fingerprint", what)
		}
	}
	seen := map[[32]byte]string{base.Fingerprint: "the base", same.Set().Fingerprint: "shipped"}
	for name, content := range base.Files {
		if name == "sender-identity.json" {
			continue
		}
		set := ours(t, "한강텔레콤", name, content+"{{/* */}} ").Set()
		if other, twice := seen[set.Fingerprint]; twice {
			t.Errorf("%s changed has the fingerprint of %s", name, other)
		}
		seen[set.Fingerprint] = name
	}
}

// A sender identity that says something of everything is kept with all of it, and each of its lines counts.
func TestASetKeepsEveryLineOfTheSenderIdentity(t *testing.T) {
	t.Parallel()
	full := map[string]any{"country": "US", "logo": rendering.Logo{URL: "https://example.com/logo.png", Width: 123, Height: 45}}
	for _, language := range rendering.Languages {
		texts := reflect.New(reflect.TypeFor[rendering.SenderTexts]()).Elem()
		for i := range texts.NumField() {
			texts.Field(i).SetString(language + " " + texts.Type().Field(i).Name)
		}
		full[language] = texts.Interface()
	}
	content, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	load := func(identity string) port.TemplateSet {
		t.Helper()
		templates, err := rendering.LoadTemplates(changed("sender-identity.json", identity))
		if err != nil {
			t.Fatal(err)
		}
		return templates.Set()
	}
	set := load(string(content))
	if n := reflect.TypeFor[rendering.SenderIdentity]().NumField(); n != 3 {
		t.Errorf("the sender identity has %d fields: does encode know all of them?", n)
	}
	lines := []string{"https://example.com/logo.png", "123", "45"}
	for _, part := range full {
		if texts, is := part.(rendering.SenderTexts); is {
			for i := range reflect.TypeOf(texts).NumField() {
				lines = append(lines, reflect.ValueOf(texts).Field(i).String())
			}
		}
	}
	for _, line := range append(lines, `"US"`) {
		if !strings.Contains(set.Files["sender-identity.json"], line) {
			t.Errorf("%s is not kept:\n%s", line, set.Files["sender-identity.json"])
		}
		instead := strings.ToUpper(line)
		if line == "123" || line == "45" {
			instead = line[1:]
		}
		if other := load(strings.Replace(string(content), line, instead, 1)); line != `"US"` && other.Fingerprint == set.Fingerprint {
			t.Errorf("%s does not count", line)
		}
	}
}

func TestWhatAMonthKeepsIsLoadedAsItWas(t *testing.T) {
	t.Parallel()
	set := ours(t, "한강 <&> \"텔레콤\"").Set()
	again, err := rendering.LoadSet(set)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Set(); !reflect.DeepEqual(got, set) {
		t.Errorf("%+v, want %+v", got, set)
	}
	files := fstest.MapFS{} // as somebody writes them to a directory
	for name, content := range set.Files {
		files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	written, err := rendering.LoadTemplates(files)
	if err != nil || written.Set().Fingerprint != set.Fingerprint {
		t.Errorf("written out it is another set: %v", err)
	}
	var shipped []string
	_ = fs.WalkDir(rendering.ShippedFiles(), ".", func(name string, entry fs.DirEntry, err error) error {
		if !entry.IsDir() {
			shipped = append(shipped, name)
		}
		return err
	})
	if slices.Sort(shipped); !slices.Equal(slices.Sorted(maps.Keys(set.Files)), shipped) {
		t.Errorf("a set has %v", slices.Sorted(maps.Keys(set.Files)))
	}
	delete(set.Files, "ko/sms.tmpl")
	if _, err := rendering.LoadSet(set); err == nil || !strings.Contains(err.Error(), set.String()) || !strings.Contains(err.Error(), "ko/sms.tmpl: is missing") {
		t.Errorf("%v", err)
	}
}

// imported stores a bill as an import brings it, and returns the import.
func (b *bundle) imported(t testing.TB, customer string, at time.Time) int64 {
	t.Helper()
	data, err := of(customer).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.store.Months().Open(t.Context(), november); err != nil {
		t.Fatal(err)
	}
	id, err := b.store.Imports().Begin(t.Context(), port.ImportRecord{Month: november, File: "bills.csv", StartedAt: at})
	if err != nil {
		t.Fatal(err)
	}
	state := billing.New(key.Target{Month: november}, opening).State()
	state.Reachable = channel.NewSet(channel.All...)
	if _, err := b.store.Imports().Store(t.Context(), november, []port.ImportedBill{{Customer: customer, State: state, Data: data, Import: id}}, b.cipher.Seal); err != nil {
		t.Fatal(err)
	}
	return id
}

// The templates of bills that were all taken back bound the month, and the right file was refused with its own.
func TestTheTemplatesOfBillsThatWereTakenBackDoNotBindTheMonth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wrong, right := ours(t, "강남텔레콤"), ours(t, "한강텔레콤")
	id := b.imported(t, "C-1", b.clock.Now())
	if summary, _, err := b.month(t, rendering.Options{Templates: wrong}); err != nil || summary.Rendered != 1 {
		t.Fatal(summary, err)
	}
	if _, _, err := b.month(t, rendering.Options{Templates: right}); !errors.Is(err, billing.ErrRefused) {
		t.Errorf("while the bills are there: %v", err)
	}
	past := b.store.PastImports()
	if _, err := past.BeginUndo(t.Context(), november, id, port.Act{Actor: "kim", Reason: "the wrong file"}); err != nil {
		t.Fatal(err)
	}
	if page, err := past.UndoPage(t.Context(), november, id, 0, 10); err != nil || page.Removed != 1 {
		t.Fatal(page, err)
	}
	b.imported(t, "C-1", b.clock.Now().Add(time.Hour))
	summary, said, err := b.month(t, rendering.Options{Default: right})
	if err != nil || summary.Rendered != 1 || summary.Templates != right.Set().String() || len(said) > 0 {
		t.Errorf("%+v, %q, %v", summary, said, err)
	}
	if sets := b.sets(t); len(sets) != 2 || sets[1].Number != 2 || sets[1].Gone {
		t.Errorf("the month keeps %d sets", len(sets))
	}
	if _, _, err := b.month(t, rendering.Options{Templates: ours(t, "부산텔레콤")}); !errors.Is(err, billing.ErrRefused) {
		t.Errorf("once bills were rendered again: %v", err)
	}
}
