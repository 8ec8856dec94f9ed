package lookstest

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// withLogo are the shipped templates with the widest logo there may be.
type withLogo struct{ fs.FS }

const logo = "https://www.example.com/logo.png"

func (l withLogo) ReadFile(name string) ([]byte, error) {
	content, err := fs.ReadFile(l.FS, name)
	return []byte(strings.Replace(string(content), `"url": "", "width": 160, "height": 40`, `"url": "`+logo+`", "width": 240, "height": 120`, 1)), err
}

// Most mail programs show no picture before they are asked to: the sender's name stands in its place.
func TestABillWithALogoIsReadableWhereThePictureIsNotShown(t *testing.T) {
	t.Parallel()
	b := open(t)
	words, err := rendering.LoadTemplates(withLogo{rendering.ShippedFiles()})
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range rendering.Languages {
		made, err := words.Statement(rendering.Samples(language)[0].Bill, rendering.SampleMonth(), policy.Transactional)
		if err != nil {
			t.Fatal(err)
		}
		address, tab := serve(t, made[channel.Email].HTML), b.tab(t)
		for _, s := range screens {
			t.Run(language+", "+s.name, func(t *testing.T) {
				tab.look(t, address, s, logo)
				page := tab.measured(t)
				page.readable(t)
				shown, err := chromedp.Run(tab.ctx, chromedp.Evaluate[struct {
					Alt                      string
					Left, Right, Top, Bottom float64
				}](`(() => { const i = document.images[0], b = i.getBoundingClientRect(); return { alt: i.alt, left: b.left, right: b.right, top: b.top, bottom: b.bottom } })()`))
				if err != nil {
					t.Fatal(err)
				}
				if page.Images != 1 || shown.Alt != map[string]string{"en": "Balsong", "ko": "발송"}[language] || shown.Left < 0 || shown.Right > page.Width || shown.Right-shown.Left < 200 || shown.Bottom-shown.Top < 100 {
					t.Errorf("%d pictures, the first one %+v on a screen of %.0f", page.Images, shown, page.Width)
				}
			})
		}
	}
}
