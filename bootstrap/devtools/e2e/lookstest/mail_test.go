package lookstest

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

//go:embed measure.js
var measure string

// seen is what measure.js found on a page.
type seen struct {
	Width, Scroll  float64
	Lang, Title    string
	Images, Tables int
	Headings       []string
	Texts          []struct {
		Text                        string
		Left, Right, Size, Contrast float64
		Lines                       int
		Bold                        bool
	}
}

func (b *tab) measured(t *testing.T) seen {
	t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[seen](measure))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readable checks what holds for every page: nothing is cut off or runs out of it, and every word can be read.
func (s seen) readable(t *testing.T) {
	t.Helper()
	if s.Scroll > s.Width {
		t.Errorf("the page is %.0f pixels wide on a screen of %.0f", s.Scroll, s.Width)
	}
	if len(s.Texts) == 0 {
		t.Error("nothing is to be seen")
	}
	for _, text := range s.Texts {
		if text.Left < 0 || text.Right > s.Width+0.5 {
			t.Errorf("%.40q runs from %.0f to %.0f on a screen of %.0f", text.Text, text.Left, text.Right, s.Width)
		}
		enough := 4.5 // WCAG 2.2 AA
		if text.Size >= 24 || text.Bold && text.Size >= 18.66 {
			enough = 3
		}
		if text.Contrast < enough {
			t.Errorf("%.40q has a contrast of %.2f, less than %.1f", text.Text, text.Contrast, enough)
		}
		if text.Size < 12 {
			t.Errorf("%.40q is written in %.0f pixels", text.Text, text.Size)
		}
	}
}

// has returns where a text stands in one piece and on one line.
func (s seen) has(text string) bool {
	for _, line := range s.Texts {
		if strings.Contains(strings.ReplaceAll(line.Text, "\u00a0", " "), strings.ReplaceAll(text, "\u00a0", " ")) && line.Lines == 1 {
			return true
		}
	}
	return false
}

var screens = []screen{
	{name: "phone", width: 360},
	{name: "phone-dark", width: 360, dark: true},
	{name: "small", width: 320},
	{name: "desktop", width: 1100},
	{name: "desktop-dark", width: 1100, dark: true},
	{name: "phone-bare", width: 360, bare: true},
	{name: "desktop-bare", width: 1100, bare: true},
}

// bills are those that are looked at: each sample, and one whose every value is as long as the billing data may make it.
func bills(language string) []rendering.Sample {
	samples := rendering.Samples(language)
	long := samples[0].Bill
	long.Name, long.Customer = strings.Repeat("N", 400), strings.Repeat("7", 64)
	long.Payment, long.Amount = strings.Repeat("payment", 50), 1e15
	long.Items = append([]bill.Item{{Name: strings.Repeat("x", 400), Amount: -1e15}, {Name: strings.Repeat("가나다 ", 80), Amount: 1e14}}, long.Items...)
	return append(samples, rendering.Sample{Name: "long", Bill: long})
}

func TestTheBillIsReadableOnEveryScreenInLightAndDarkWithoutImagesAndWithoutANetwork(t *testing.T) {
	t.Parallel()
	b := open(t)
	words, err := demodata.Words()
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range rendering.Languages {
		for _, class := range []policy.MessageClass{policy.Transactional, policy.Advertising} {
			samples := bills(language)
			if class == policy.Advertising {
				samples = samples[:1] // it differs by a line
			}
			for _, sample := range samples {
				t.Run(fmt.Sprintf("%s, %s, %s", language, class, sample.Name), func(t *testing.T) {
					t.Parallel()
					made, err := words.Statement(sample.Bill, rendering.SampleMonth(), class)
					if err != nil {
						t.Fatal(err)
					}
					address, tab := serve(t, made[channel.Email].HTML), b.tab(t)
					for _, s := range screens {
						t.Run(s.name, func(t *testing.T) {
							tab.look(t, address, s)
							page := tab.measured(t)
							page.readable(t)
							page.isTheBill(t, sample.Bill, language)
						})
					}
				})
			}
		}
	}
}

// isTheBill checks that a page shows the bill's amounts, and is built so that it can be read aloud.
func (s seen) isTheBill(t *testing.T, billed bill.Bill, language string) {
	t.Helper()
	if s.Images != 0 {
		t.Errorf("%d images or frames: the bill must be readable without", s.Images)
	}
	amounts := []string{shown(billed.Amount, billed.Currency)}
	for _, item := range billed.Items {
		amounts = append(amounts, shown(item.Amount, billed.Currency))
	}
	for _, amount := range amounts {
		if !s.has(amount) {
			t.Errorf("the amount %s is not to be seen in one piece", amount)
		}
	}
	if s.Lang != language || s.Title == "" || len(s.Headings) == 0 || !strings.HasPrefix(s.Headings[0], "H1 ") || !strings.Contains(s.Headings[0], amounts[0]) {
		t.Errorf("lang %q, title %q, headings %q", s.Lang, s.Title, s.Headings)
	}
	if want := min(1, len(billed.Items)); s.Tables > want {
		t.Errorf("%d tables are read aloud as tables, want %d", s.Tables, want)
	}
}

// shown is an amount as it must be found on the page, but for sign and currency.
func shown(amount int64, currency string) string {
	text := strings.TrimPrefix(bill.Decimal(amount, currency), "-")
	whole, cents, point := strings.Cut(text, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if point {
		whole += "." + cents
	}
	return whole
}

func TestScreenshotsOfTheBill(t *testing.T) {
	t.Parallel()
	b := open(t)
	words, err := demodata.Words()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		language, name string
		screen         screen
		scale          float64
	}{
		{"ko", "bill-ko-phone", screen{width: 390}, 1.5},
		{"en", "bill-en-phone-dark", screen{width: 390, dark: true}, 1},
		{"en", "bill-en-desktop", screen{width: 900}, 1},
		{"ko", "bill-ko-desktop-dark", screen{width: 900, dark: true}, 1},
	} {
		made, err := words.Statement(rendering.Samples(c.language)[0].Bill, rendering.SampleMonth(), policy.Transactional)
		if err != nil {
			t.Fatal(err)
		}
		tab := b.tab(t)
		tab.look(t, serve(t, made[channel.Email].HTML), c.screen)
		tab.measured(t).readable(t)
		tab.shot(t, c.screen, c.scale, c.name)
	}
}
