package rendering_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// html/template dropped, changed and refused all of this without a word: a customer with Outlook got a column of any width.
func TestWhatHTMLWouldNotComeOutAsWrittenIsAnError(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ content, want string }{
		"a comment":                         {"<p>a</p>\n<!-- a word -->\n<p>b</p>", "2: this comment would not come out"},
		"the second comment of a text":      {"<p>a</p>\n<!-- a -->\n<p>b</p><!-- b --><p>", "3: this comment would not come out"},
		"a comment around a value":          {"<p>a</p>\n<!-- {{.Name}}\n{{.Due}} --><p>b</p>", "2: this comment would not come out"},
		"a comment in a branch of no bill":  {"<p>a</p>{{if eq .Name \"?\"}}\n<!-- a -->{{end}}", "2: this comment would not come out"},
		"a comment of a style":              {"<style>\n/* a */\np { color: red }</style>", "2: this comment would not come out"},
		"a comment of a script":             {"<script>\nvar a = 1; // a\n</script>", "2: html/template would change this text"},
		"a conditional that never ends":     {"<p>a</p>\n<!--[if mso]><table><p>b</p>", "2: the conditional comment \"<!--[if mso]>\" is not closed"},
		"a conditional that ends otherwise": {"<p>a</p>\n<!--[if mso]><table>--><p>b</p>", "2: this conditional comment would not come out"},
		"an end alone":                      {"<p>a</p>\n<![endif]--><p>b</p>", "2: \"<![endif]-->\" closes no conditional comment"},
		"an end in another branch":          {"<p>a</p>{{if .Payable}}<!--[if mso]><br>{{.Due}}{{end}}\n<![endif]-->", "2: \"<![endif]-->\" closes no conditional comment"},
		"one inside of another":             {"<p>a</p><!--[if mso]>{{.Name}}\n<!--[if gte mso 9]><br><![endif]--><![endif]-->", "2: \"<!--[if gte mso 9]><\" stands inside of a conditional comment"},
		"one inside of a style":             {"<style>\n<!--[if mso]> p { color: red } <![endif]-->\n</style>", "2: the conditional comment \"<!--[if mso]> p { co\" stands inside of a tag"},
		"one inside of an attribute":        {"<p title=\"\n<!--[if mso]>a<![endif]-->\">b</p>", "2: the conditional comment"},
		"a comment inside of one":           {"<!--[if mso]>{{.Name}}\n<!-- a --><![endif]-->", "2: this comment would not come out"},
		"a declaration":                     {"<p>a</p>\n<?xml:namespace prefix=\"v\" ?>", "2: html/template would write this < as &lt;"},
		"an attribute without quotes":       {"<p>a</p>\n<p title={{.Language}}>b</p>", "2: {{.Language}} stands in an attribute without quotation marks"},
		"a value as an attribute":           {"<p>a</p>\n<p {{.Name}}=\"a\">b</p>", "2: {{.Name}} stands where the name of an element or an attribute is"},
		"a value that is no address":        {"<p>a</p>\n<a href=\"{{or .Payment \"javascript:alert(1)\"}}\">b</a>", "2: {{or .Payment \"javascript:alert(1)\"}}: html/template does not let this value stand"},
		"a value that is no style":          {"<p>a</p>\n<p style=\"width: {{or .Payment \"expression(1)\"}}\">b</p>", "2: {{or .Payment \"expression(1)\"}}: html/template does not let this value stand"},
	} {
		_, err := rendering.LoadTemplates(changed("layout.html.tmpl", c.content))
		var wrong *rendering.TemplateError
		if !errors.As(err, &wrong) || !slices.ContainsFunc(wrong.Problems, func(p rendering.Problem) bool {
			return strings.HasPrefix(p.String(), "layout.html.tmpl:"+c.want)
		}) {
			t.Errorf("%s: %v\nwant %s", what, err, c.want)
		}
	}
}

func TestWhatIsWrongWithWordsIsSaidWithTheirFileAndLine(t *testing.T) {
	t.Parallel()
	words, err := fs.ReadFile(rendering.ShippedFiles(), "ko/email.html.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{
		"<!-- words -->\n" + string(words): `ko/email.html.tmpl:1: "<!-- words -->" stands outside of every {{define}}`,
		"\n\n{{.Name}}" + string(words):    `ko/email.html.tmpl:3: {{.Name}} stands outside of every {{define}}`,
		strings.Replace(string(words), `{{define "contact"}}`, "{{define \"contact\"}}\n<!-- a -->", 1):       "ko/email.html.tmpl:11: this comment would not come out",
		strings.Replace(string(words), `{{define "contact"}}`, "{{define \"contact\"}}\n\nx<!--[if mso]>", 1): "ko/email.html.tmpl:12: the conditional comment \"<!--[if mso]>\" is not closed",
	} {
		if _, err := rendering.LoadTemplates(changed("ko/email.html.tmpl", content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

func TestConditionalCommentsComeOutAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"<p>a</p><!--[if mso]><table width=\"600\"><tr><td style=mso-x:1><![endif]--><p>b</p><!--[if mso]></td></tr></table><![endif]-->": "",
		"<!--[if (gte mso 9)|(IE)]><?xml:namespace a ?><!-- inner <![endif]-->":                                                           "",
		"<!--[IF MSO]>a<![ENDIF]-->":                                                          "",
		"<!--[if !mso]><!--><p>a</p><!--<![endif]-->":                                         "",
		"<!--[if !mso]><!-- --><p>a</p><!-- <![endif] -->":                                    "",
		"<!--[if !mso]>--><p>a</p><!--<![endif]-->":                                           "",
		"<![if !mso]><p>a</p><![endif]>":                                                      "",
		"<!--[if !mso]><!-->{{if .Payable}}<!--[if mso]>x<![endif]-->{{end}}<!--<![endif]-->": "<!--[if !mso]><!--><!--[if mso]>x<![endif]--><!--<![endif]-->",
		"a <b>< b</b> &lt; 1 < 2":                                                             "a <b>&lt; b</b> &lt; 1 &lt; 2", // what a browser reads the same
	} {
		templates, err := rendering.LoadTemplates(changed("layout.html.tmpl", "<html>"+written+"</html>"))
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		made, err := templates.Statement(rendering.Samples("en")[0].Bill, november, policy.Transactional)
		if want == "" {
			want = written
		}
		if got := made[channel.Email].HTML; err != nil || got != "<html>"+want+"</html>" {
			t.Errorf("%s came out as\n%s (%v)", written, got, err)
		}
	}
}

// Nothing that a customer is called may end the comment that Outlook reads, or be markup in it.
func TestAValueInAConditionalCommentStaysInIt(t *testing.T) {
	t.Parallel()
	templates, err := rendering.LoadTemplates(changed("layout.html.tmpl", `<!--[if mso]><v:rect alt="{{.Name}}" href="{{.Unsubscribe}}" style="width:{{.Fields.width}}">{{.Name}}</v:rect><![endif]-->`))
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"--><script>alert(1)</script>", "<![endif]-->", "-->", "--!>", "\"><!--", "--\u003e"} {
		billed := rendering.Samples("en")[0].Bill
		billed.Name, billed.Unsubscribe, billed.Fields = value, "https://example.com/"+value, map[string]string{"width": value}
		made, err := templates.Statement(billed, november, policy.Advertising)
		if err != nil { // as a style, most of them are refused
			billed.Fields = nil
			if made, err = templates.Statement(billed, november, policy.Advertising); err != nil {
				t.Fatal(err)
			}
		}
		html := made[channel.Email].HTML
		if inside, ends := strings.CutSuffix(strings.TrimPrefix(html, "<!--[if mso]>"), "<![endif]-->"); !ends || strings.Contains(inside, "--") && strings.Contains(inside, ">alert") || strings.Contains(inside, "-->") || strings.Contains(inside, "--!>") {
			t.Errorf("%q: %s", value, html)
		}
	}
}

// "#ZgotmplZ" went out to customers in the place of an address.
func TestABillOfWhichAValueIsRefusedIsNotRendered(t *testing.T) {
	t.Parallel()
	words, err := fs.ReadFile(rendering.ShippedFiles(), "ko/email.html.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	const link = `<a href="{{.Fields.link}}">a</a>`
	for where, files := range map[string][]string{
		"layout.html.tmpl:2":    {"layout.html.tmpl", "<p>{{.Amount}}</p>\n{{if .Name}}" + link + "{{end}}"},
		"ko/email.html.tmpl:11": {"ko/email.html.tmpl", strings.Replace(string(words), `{{define "contact"}}`, "{{define \"contact\"}}\n"+link, 1)},
	} {
		templates, err := rendering.LoadTemplates(changed(files...))
		if err != nil {
			t.Fatal(err)
		}
		billed := rendering.Samples("ko")[0].Bill
		for link, good := range map[string]bool{"https://example.com/": true, "pay?id=1": true, "tel:1588": false, "javascript:alert(1)": false} {
			billed.Fields = map[string]string{"link": link}
			_, err := templates.Statement(billed, november, policy.Transactional)
			if (err == nil) != good || err != nil && (!strings.HasPrefix(err.Error(), "render: "+where+": {{.Fields.link}}: html/template does not let") || strings.Contains(err.Error(), link)) {
				t.Errorf("%s: %v", link, err)
			}
		}
	}
}
