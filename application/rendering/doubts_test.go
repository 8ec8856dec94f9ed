package rendering_test

import (
	"strings"
	"testing"

	"github.com/balsong/balsong/application/rendering"
)

func TestWhatIsHardlyMeantInTemplatesIsSaid(t *testing.T) {
	t.Parallel()
	if got := rendering.ShippedTemplates().Doubts(); len(got) > 0 {
		t.Errorf("of the shipped ones: %q", got)
	}
	for file, c := range map[string]struct{ content, want string }{
		"ko/lms.tmpl":          {strings.Repeat("아주 긴 문장입니다. ", 120), "ko/lms.tmpl makes a text message of "},
		"sender-identity.json": {`{"ko": {"sender": "한강텔레콤", "contact": "{{.Name}} 고객님"}, "en": {"sender": "Hangang Telecom"}}`, "sender-identity.json: ko.contact has {{"},
	} {
		templates, err := rendering.LoadTemplates(changed(file, c.content))
		if err != nil {
			t.Fatal(err)
		}
		if got := templates.Doubts(); len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%s: %q", file, got)
		}
	}
}
