package rendering_test

import (
	"strings"
	"testing"

	"github.com/balsong/balsong/application/rendering"
)

// A comment in the layout was said only after a typing error in a text message was gone.
func TestMistakesOfAllFilesAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	_, err := rendering.LoadTemplates(changed(
		"layout.html.tmpl", "<p>{{.Amount}}</p>\n<!-- a word -->",
		"ko/sms.tmpl", "{{.Amout}}",
		"sender-identity.json", `{"ko": {"sender": "김통신"}, "en": {"sender": "Kim"}, "logo": {"url": "http://example.com/logo.png", "width": 500, "height": 40}}`,
	))
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	for _, want := range []string{
		"layout.html.tmpl:2: this comment", "ko/sms.tmpl:1: there is no field .Amout", "url is no address", "width and height are pixels",
		"(once this is corrected, sample bills are rendered, which may find more)",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
	}
	if _, err := rendering.LoadTemplates(changed("ko/push.tmpl", "{{/* nothing */}}")); err == nil || strings.Contains(err.Error(), "once this is corrected") {
		t.Errorf("sample bills were rendered: %v", err)
	}
}
