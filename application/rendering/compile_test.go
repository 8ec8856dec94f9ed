package rendering

import (
	"bytes"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/domain/policy"
)

// withFile are the shipped templates with one other file.
func withFile(t *testing.T, name, content string) *Templates {
	t.Helper()
	files := fstest.MapFS{name: &fstest.MapFile{Data: []byte(content)}}
	shipped := ShippedFiles()
	err := fs.WalkDir(shipped, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || file == name {
			return err
		}
		data, err := fs.ReadFile(shipped, file)
		files[file] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	templates, err := LoadTemplates(files)
	if err != nil {
		t.Fatalf("%s: %v", content, err)
	}
	return templates
}

// same compares what a file prints with what its template makes, of every sample view. quick tells that the template itself
// was never needed.
func same(t *testing.T, templates *Templates, tag, file string) (quick bool) {
	t.Helper()
	made, quick := templates.languages[tag], true
	itself := &language{html: made.html, texts: made.texts}
	for _, view := range sampleViews(tag, templates.senderIdentity) {
		ours, theirs := printer{view: view, language: made, tag: tag}, printer{view: view, language: itself, tag: tag}
		if got, want := ours.named(file), theirs.named(file); got != want {
			t.Errorf("%s/%s prints\n%s\nwant\n%s", tag, file, got, want)
		}
		quick = quick && made.quick[file].print(new(bytes.Buffer), &view)
	}
	return quick
}

func TestShippedTemplatesOfBillsAreCompiledWhole(t *testing.T) {
	t.Parallel()
	for tag, made := range ShippedTemplates().languages {
		if len(made.quick) != 1+len(textFiles) {
			t.Errorf("%s: %d files are compiled", tag, len(made.quick))
		}
		for _, view := range sampleViews(tag, ShippedTemplates().senderIdentity) {
			for file, c := range made.quick {
				same(t, ShippedTemplates(), tag, file)
				if !view.Advertising && !c.print(new(bytes.Buffer), &view) {
					t.Errorf("%s/%s is not compiled whole", tag, file)
				}
			}
		}
	}
}

func TestATextPrintsTheSameCompiledOrNot(t *testing.T) {
	t.Parallel()
	for content, quick := range map[string]bool{
		"{{.Name}} {{if .Items}}{{range .Items}}{{$.Customer}} {{.Name}}: {{.Amount}}\n{{end}}{{else}}none{{end}}.":  true,
		"{{with .Name}}{{.}}{{else}}nobody{{end}} {{range .Items}}{{.}}{{else}}none{{end}}.":                         false,
		"{{if and .Payable (or .Payment .Pay) (not .Advertising)}}{{or .Payment .Pay}}{{end}}.":                      true,
		"{{if or .Advertising .Items}}a{{else if .Before}}b{{else}}c{{end}} {{and .Name .Due}}":                      true,
		"{{define \"x\"}}<{{.}}|{{$}}>{{end}}{{range .Items}}{{template \"x\" .Name}}{{end}}{{template \"x\" .Due}}": true,
		"{{define \"x\"}}{{with .Items}}{{$.Name}}{{end}}{{end}}{{with .Name}}{{template \"x\" $}}{{end}}.":          true,
		"{{- /* a comment */ -}} {{.Name}} {{\"a text\"}} {{len .Name}} {{printf \"%q\" .Name}}":                     false,
		"{{$name := .Name}}{{$name}} {{range $i, $item := .Items}}{{$i}} {{$item.Name}}{{end}}.":                     false,
		"{{if eq .Language \"en\"}}English{{end}} {{.Payable}} {{html .Name}}":                                       false,
		"{{range .Items}}{{break}}{{end}}{{.Name}}.":                                                                 false,
	} {
		if same(t, withFile(t, "en/email.text.tmpl", content), "en", "email.text.tmpl") != quick {
			t.Errorf("%s: compiled %t", content, !quick)
		}
	}
}

func TestAValueInHTMLIsEscapedForItsPlaceCompiledOrNot(t *testing.T) {
	t.Parallel()
	for content, quick := range map[string]bool{
		`<p title="{{.Name}}">{{.Name}}</p><textarea>{{.Name}}</textarea>{{/* x */}}`:                                     true,
		`<!--[if mso]><table width="600"><tr><td><![endif]--><p>{{.Name}}</p><!--[if mso]></td></tr></table><![endif]-->`: true,
		`<!--[if mso]><v:rect href="https://example.com/" alt="{{.Name}}">{{.Name}}</v:rect><![endif]-->`:                 true,
		`<!--[if !mso]><!--><p>{{.Name}}</p><!--<![endif]--><![if !mso]>{{.Due}}<![endif]>`:                               true,
		`x{{range .Items}}<b class='{{$.Language}}'>{{.Name}}</b>{{template "total" $}}{{end}}`:                           false,
		`<p>{{with .Name}}{{template "greeting" $}}{{else}}{{template "total" .}}{{end}}</p>`:                             false,
		`x{{range .Items}}{{template "item" .}}{{end}}{{define "item"}}<i>{{.Name}}</i>{{end}}`:                           true,
		`x{{range .Items}}{{template "item" .}}{{end}}{{define "item"}}<i>{{$.Name}}</i>{{end}}`:                          false,
		`<a href="{{.Name}}">{{.Name}}</a><a href="/?q={{.Name}}">x</a>`:                                                  false,
		`<p style="color:{{.Name}}">{{.Name}}</p>`:                                                                        false,
		`<script>var name = {{.Name}}; var list = {{.Items}};</script><p onclick="f('{{.Name}}')">x</p>`:                  false,
		`<style>p { color: {{.Name}} }</style>{{.Payable}}`:                                                               false,
		`{{if .Payable}}<p title="{{else}}<p class="{{end}}{{.Name}}">{{.Name | html}}</p>`:                               false,
	} {
		if same(t, withFile(t, layoutFile, content), "en", htmlFile) != quick {
			t.Errorf("%s: compiled %t", content, !quick)
		}
	}
}

// FuzzCompiled: whatever a bill says, the shipped templates print the same compiled or not.
func FuzzCompiled(f *testing.F) {
	f.Add("<b>&'\"+\x00</b>", "{{.Amount}}", "김\xff", true)
	f.Fuzz(func(t *testing.T, name, item, payment string, payable bool) {
		for tag, made := range ShippedTemplates().languages {
			view := View{Language: name, Sender: item, Name: name, Customer: payment, Payment: payment, Due: item, Payable: payable, Unsubscribe: "https://example.com/" + name, Logo: "https://example.com" + item, LogoWidth: payment, Items: []ViewItem{{item, name, payment}}}
			ours := printer{view: view, language: made, tag: tag}
			theirs := printer{view: view, language: &language{html: made.html, texts: made.texts}, tag: tag}
			for _, file := range append([]string{htmlFile}, textFiles...) {
				if got, want := ours.named(file), theirs.named(file); got != want {
					t.Fatalf("%s/%s prints\n%s\nwant\n%s", tag, file, got, want)
				}
			}
		}
	})
}

// Texts that need no change are found quickly: what is taken for such is what the long way would leave alone.
func TestATextThatIsLeftAloneIsOneThatNeedsNoChange(t *testing.T) {
	t.Parallel()
	for c := rune(0); c <= 0x10ffff; c++ {
		for _, s := range []string{"가" + string(c) + "a", string(c), "각" + string(c)} {
			if got, want := messageSafe(s), rewritten(s); got != want {
				t.Fatalf("%q in a text message is %q, want %q", s, got, want)
			}
			if got, want := headerSafe(s), joined(s); got != want {
				t.Fatalf("%q in a line is %q, want %q", s, got, want)
			}
			if got, want := isText(s), c == '\n' || !bill.Unprintable([]rune(string(c))[0]); got != want {
				t.Fatalf("%q is left alone in a text: %t, want %t", s, got, want)
			}
		}
	}
	for _, s := range []string{"", " ", " a", "a ", "a  b", "a b", "a\tb", "a\r\nb"} {
		if headerSafe(s) != joined(s) || messageSafe(s) != rewritten(s) {
			t.Errorf("%q: %q, %q", s, headerSafe(s), messageSafe(s))
		}
	}
}

func BenchmarkTexts(b *testing.B) {
	view := sampleViews("ko", ShippedTemplates().senderIdentity)[0]
	made := ShippedTemplates().languages["ko"]
	for what, language := range map[string]*language{"compiled": made, "executed": {html: made.html, texts: made.texts}} {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p := printer{view: view, language: language, tag: "ko"}
				if p.email(); view.Advertising || p.view.Unsubscribe != "" {
					b.Fatal(policy.Advertising)
				}
				p.sms()
				p.push()
			}
		})
	}
}
