package rendering_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// sizes is a reporter that keeps which bills have more HTML than Gmail shows.
type sizes struct {
	rendering.Silent
	said *[]string
}

func (s sizes) Oversized(customer string, bytes int) {
	*s.said = append(*s.said, fmt.Sprintf("%s %t", customer, bytes > rendering.MaxHTML))
}

func TestTheSizeOfAnEMailSaysWhereGmailHidesAPart(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int]string{12_001: "HTML 13 kB", rendering.MaxHTML: "HTML 100 kB", 106_500: "HTML 107 kB: Gmail hides what is beyond 102 kB"} {
		if got := rendering.SaidHTMLSize(bytes); got != want {
			t.Errorf("%d: %s", bytes, got)
		}
	}
}

func TestBillsOfWhichGmailHidesAPartAreCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	long, byText := of("C-2"), of("C-3")
	long.Items = make([]bill.Item, bill.MaxItems)
	for i := range long.Items {
		long.Items[i] = bill.Item{Name: strings.Repeat("통화 ", 57), Amount: 1}
	}
	byText.Items = long.Items
	b.load(t, good(), long)
	b.loadFor(t, key.Target{Month: november, UserID: 3}, byText, channel.NewSet(channel.SMS)) // it gets no e-mail
	var said []string
	summary, err := b.renderer(b.packs, rendering.Options{Reporter: sizes{said: &said}}).Render(t.Context(), november)
	if err != nil || summary.Oversized != 1 || summary.Rendered != 3 || fmt.Sprint(said) != "[C-2 true]" {
		t.Errorf("%+v, %v, %v", summary, said, err)
	}
}

func TestTemplatesOfWhichGmailHidesAPartAreSaidBeforeTheRun(t *testing.T) {
	t.Parallel()
	if list, err := rendering.ShippedTemplates().Oversized(); err != nil || len(list) != 0 {
		t.Errorf("the shipped ones: %v, %v", list, err)
	}
	for padding, want := range map[int]string{
		60:      "",
		500:     "of 200 items has",
		110_000: "a sample bill has",
	} {
		layout := `<html>{{range .Items}}<p title="` + strings.Repeat("x", padding) + `">{{.Name}}: {{.Amount}}</p>{{end}}</html>`
		templates, err := rendering.LoadTemplates(changed("layout.html.tmpl", layout))
		if err != nil {
			t.Fatal(err)
		}
		list, err := templates.Oversized()
		if err != nil || (want == "") != (len(list) == 0) || want != "" && !strings.Contains(list[0].String(), want) {
			t.Errorf("%d: %v, %v", padding, list, err)
		}
		for _, s := range list {
			if padding == 500 && (s.Items < 150 || s.Items >= 200) {
				t.Errorf("%s", s)
			}
		}
	}
}
