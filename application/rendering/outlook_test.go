package rendering_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// forOutlook is a mail as Outlook for Windows reads it: with what conditional comments hide from others.
func forOutlook(html string) string {
	html = strings.ReplaceAll(html, "<!--[if mso]>", "")
	return strings.ReplaceAll(html, "<![endif]-->", "")
}

var tableTags = regexp.MustCompile(`<(/?)(table|tr|td)\b([^>]*)>`)

// Word's engine, with which Outlook shows mail, knows no max-width: the mail was as wide as the window.
func TestOutlookHasAColumnOf600Pixels(t *testing.T) {
	t.Parallel()
	templates := withOptOut(t)
	for _, language := range rendering.Languages {
		for _, class := range []policy.MessageClass{policy.Transactional, policy.Advertising} {
			for _, sample := range rendering.Samples(language) {
				made, err := templates.Statement(sample.Bill, november, class)
				if err != nil {
					t.Fatal(err)
				}
				html := forOutlook(made[channel.Email].HTML)
				if strings.Contains(html, "<!--") || strings.Contains(html, "endif") {
					t.Fatalf("%s, %s: half a comment is left in\n%s", language, sample.Name, html)
				}
				var open []string
				column, card := -1, false
				for _, tag := range tableTags.FindAllStringSubmatch(html, -1) {
					switch {
					case tag[1] == "/" && (len(open) == 0 || open[len(open)-1] != tag[2]):
						t.Fatalf("%s, %s: </%s> closes %v", language, sample.Name, tag[2], open)
					case tag[1] == "/":
						open = open[:len(open)-1]
						if len(open) == column {
							column = -1
						}
						continue
					case strings.Contains(tag[3], `width="600"`) && tag[2] == "table":
						column = len(open)
					case strings.Contains(tag[3], `class="card"`):
						card = column >= 0
					}
					open = append(open, tag[2])
				}
				if len(open) != 0 || !card {
					t.Errorf("%s, %s: left open %v, in the column: %t", language, sample.Name, open, card)
				}
			}
		}
	}
}

// Gmail shows the first 102 kB of a mail: how to pay must be among them, however many items there are.
func TestHowToPayStandsAboveTheItems(t *testing.T) {
	t.Parallel()
	for _, language := range rendering.Languages {
		billed := rendering.Samples(language)[0].Bill
		made, err := rendering.ShippedTemplates().Statement(billed, november, policy.Transactional)
		if err != nil {
			t.Fatal(err)
		}
		for what, text := range map[string]string{"HTML": made[channel.Email].HTML, "text": made[channel.Email].Text} {
			pay, due, item := strings.Index(text, billed.Payment), strings.Index(text, "25"), strings.Index(text, billed.Items[0].Name)
			if pay < 0 || pay > item || due > item || pay > 8<<10 {
				t.Errorf("%s, %s: how to pay at %d, due at %d, the items at %d", language, what, pay, due, item)
			}
		}
	}
}
