package rendering

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/balsong/balsong/domain/policy"
)

// withFiles returns the shipped templates with other contents of some files.
func withFiles(t *testing.T, contents map[string]string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(ShippedFiles(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(ShippedFiles(), name)
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range contents {
		files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return files
}

func TestTemplatesShowFieldsOfTheBillingData(t *testing.T) {
	t.Parallel()
	const words = `{{.Amount}} {{with .Fields.kwh}}{{.}} kWh{{end}}{{if .Fields.meter}} {{.Fields.meter}}{{end}}{{range $name, $value := .Fields}} {{$name}}={{$value}}{{end}}|{{.Fields.사용량}}|`
	templates, err := LoadTemplates(withFiles(t, map[string]string{"ko/email.text.tmpl": words, "ko/sms.tmpl": "{{.Amount}} {{.Fields.kwh}}"}))
	if err != nil {
		t.Fatal(err)
	}
	sample := Samples("ko")[0].Bill
	for _, c := range []struct {
		fields map[string]string
		want   string
	}{
		{map[string]string{"kwh": "3<12\n", "사용량": "많음"}, "68,200원 3<12 kWh kwh=3<12 사용량=많음|많음|"},
		{nil, "68,200원 ||"},
	} {
		sample.Fields = c.fields
		view, err := newView(sample, sampleMonth, policy.Transactional, SenderIdentity{})
		if err != nil {
			t.Fatal(err)
		}
		p := printer{view: view, language: templates.languages["ko"], tag: "ko"}
		got := p.text("email.text.tmpl")
		var out bytes.Buffer
		if p.failed != nil || !strings.HasSuffix(got, c.want[strings.Index(c.want, " "):]) {
			t.Errorf("%q, %v; want %q", got, p.failed, c.want)
		}
		if compiled := templates.languages["ko"].quick["sms.tmpl"]; !compiled.print(&out, &view) || !strings.HasSuffix(out.String(), " "+view.Fields["kwh"]) {
			t.Errorf("the compiled text is %q", out.String())
		}
	}
	if uses := templates.FieldUses(); len(uses) != 4 || uses[0].Name == "" || uses[0].Line != 1 {
		t.Errorf("%+v", uses)
	}
}

func TestAFieldInHTMLIsEscapedAndAMissingOneIsEmpty(t *testing.T) {
	t.Parallel()
	layout, err := fs.ReadFile(ShippedFiles(), layoutFile)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(layout), "</body>", `<p title="{{.Fields.kwh}}">[{{.Fields.kwh}}|{{.Fields.none}}]</p></body>`, 1)
	templates, err := LoadTemplates(withFiles(t, map[string]string{layoutFile: changed}))
	if err != nil {
		t.Fatal(err)
	}
	sample := Samples("ko")[0].Bill
	sample.Fields = map[string]string{"kwh": `<b>"`}
	view, err := newView(sample, sampleMonth, policy.Transactional, SenderIdentity{})
	if err != nil {
		t.Fatal(err)
	}
	for _, quick := range []map[string]compiled{templates.languages["ko"].quick, nil} {
		made := *templates.languages["ko"]
		made.quick = quick
		p := printer{view: view, language: &made, tag: "ko"}
		if got := p.html(); p.failed != nil || !strings.Contains(got, `<p title="&lt;b&gt;&#34;">[&lt;b&gt;&#34;|]</p>`) {
			t.Errorf("%v %s", p.failed, got[max(len(got)-300, 0):])
		}
	}
}
