package rendering_test

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"pgregory.net/rapid"
)

// drawBill draws any row that the contract allows. Its texts have no words of the templates.
func drawBill(t *rapid.T) bill.Bill {
	maybe := func(what, text string) string { return rapid.SampledFrom([]string{"", text}).Draw(t, what) }
	b := bill.Bill{
		Customer: "C-1", Language: rapid.SampledFrom([]string{"ko", "en", "en-US", "fr"}).Draw(t, "language"), Currency: "USD",
		Amount:  rapid.SampledFrom([]int64{-9_900, -1, 0, 1, 68_200, 1 << 40}).Draw(t, "amount"),
		DueDate: rapid.SampledFrom([]string{"2025-12-31", "2026-11-25", "2027-01-05", "2027-09-30", "2027-11-25", "2199-01-01"}).Draw(t, "due"),
		Name:    maybe("name", "Kim"), Payment: maybe("payment", "VISA 1234"),
	}
	if before := rapid.SampledFrom([]int64{-500, 0, 7_700, -1 << 50}).Draw(t, "before"); before != -1<<50 {
		b.BilledBefore = &before
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "items") {
		b.Items = append(b.Items, bill.Item{Name: fmt.Sprintf("Item %d", i), Amount: b.Amount - int64(i)})
	}
	return b
}

// claims are words of the shipped templates, in either language, and the rows of which they are true.
var claims = []struct {
	words []string
	true  func(b bill.Bill, due time.Time) bool
}{
	{[]string{"첫 청구서", "first bill"}, func(bill.Bill, time.Time) bool { return false }}, // no column tells
	{[]string{"이번 달", "this month"}, func(bill.Bill, time.Time) bool { return false }},  // of another bill nothing is known
	{[]string{"동의", "agreed"}, func(bill.Bill, time.Time) bool { return false }},        // no column tells
	{[]string{"누적 청구액", "in earlier months"}, func(b bill.Bill, _ time.Time) bool { return b.BilledBefore != nil }},
	{[]string{"납부하실 금액은 없습니다", "othing to pay"}, func(b bill.Bill, _ time.Time) bool { return b.Amount <= 0 }},
	{[]string{"납부 기한", "기한 ", "due ", "Due"}, func(b bill.Bill, _ time.Time) bool { return b.Amount > 0 }},
	{[]string{"환급", "redit"}, func(b bill.Bill, _ time.Time) bool { return b.Amount < 0 }},
	{[]string{"청구 금액", "Total to pay"}, func(b bill.Bill, _ time.Time) bool { return b.Amount >= 0 }},
	{[]string{"납부 안내", "How to pay", "see that the amount is paid", "납부되도록"}, func(b bill.Bill, _ time.Time) bool { return b.Amount > 0 }},
	{[]string{"납부 방법", "You pay by"}, func(b bill.Bill, _ time.Time) bool { return b.Amount > 0 && b.Payment != "" }},
	{[]string{"Item", "Details", "<h2>청구 내역"}, func(b bill.Bill, _ time.Time) bool { return len(b.Items) > 0 }},
	{[]string{"기한 11/25", "due Nov 25."}, func(_ bill.Bill, due time.Time) bool { return due.Year() == 2026 }}, // without its year
}

// "고객님의 첫 청구서입니다." stood on every bill whose row said nothing of earlier ones.
func TestEverySentenceIsTrueOfEveryRowThatTheContractAllows(t *testing.T) {
	t.Parallel()
	templates := rendering.ShippedTemplates()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBill(t)
		due, err := time.Parse(time.DateOnly, b.DueDate)
		if err != nil {
			t.Fatal(err)
		}
		made, err := templates.Statement(b, rendering.SampleMonth(), policy.Transactional)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range slices.Sorted(maps.Keys(made)) {
			v := made[kind]
			for _, text := range []string{v.Subject, v.Title, v.Text, bodyOf(v.HTML)} {
				for _, claim := range claims {
					for _, words := range claim.words {
						if strings.Contains(text, words) && !claim.true(b, due) {
							t.Fatalf("%s says %q of %+v:\n%s", kind, words, b, text)
						}
					}
				}
			}
		}
		text := made[channel.Email].Text
		if strings.Contains(text, "누적 청구액") != (b.BilledBefore != nil && b.Language == "ko") {
			t.Fatalf("what was billed before is not told as known: %s", text)
		}
		if short := made[channel.SMS].Text; b.Amount > 0 && due.Year() > 2027 && !strings.Contains(short, b.DueDate[:4]) {
			t.Fatalf("due in another year than the text seems to say: %s", short)
		}
	})
}

// bodyOf leaves the style sheet out.
func bodyOf(html string) string {
	_, body, _ := strings.Cut(html, "<body")
	return body
}

// wordsOf are the words of a mail, without its tags.
func wordsOf(html string) string { return tags.ReplaceAllString(bodyOf(html), " ") }

var tags = regexp.MustCompile(`(?s)<[^>]*>`)

func TestAnAdvertisingMessageDoesNotSayThatItsReaderAgreed(t *testing.T) {
	t.Parallel()
	templates := withOptOut(t)
	for _, language := range rendering.Languages {
		for _, sample := range rendering.Samples(language) {
			made, err := templates.Statement(sample.Bill, rendering.SampleMonth(), policy.Advertising)
			if err != nil {
				t.Fatal(err)
			}
			if html := made[channel.Email].HTML; strings.Contains(html, "동의") || strings.Contains(html, "agreed") {
				t.Errorf("%s: %s", language, html)
			}
		}
	}
}

func withOptOut(t *testing.T) *rendering.Templates {
	t.Helper()
	head, err := fs.ReadFile(rendering.ShippedFiles(), "sender-identity.json")
	if err != nil {
		t.Fatal(err)
	}
	templates, err := rendering.LoadTemplates(changed("sender-identity.json", strings.ReplaceAll(string(head), `"opt_out": ""`, `"opt_out": "무료거부 080-000-0000"`)))
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

// A message of the class ADVERTISING was titled "청구서" and asked for payment by a due date, which no advertisement can.
func TestAnAdvertisingMessageSaysNothingOfABill(t *testing.T) {
	t.Parallel()
	templates := withOptOut(t)
	rapid.Check(t, func(t *rapid.T) {
		b := drawBill(t)
		b.Unsubscribe = "https://example.com/u"
		made, err := templates.Statement(b, rendering.SampleMonth(), policy.Advertising)
		if err != nil {
			t.Fatal(err)
		}
		for kind, v := range made {
			title, _, _ := strings.Cut(v.HTML, "</title>")
			_, title, _ = strings.Cut(title, "<title>")
			for _, text := range []string{v.Subject, v.Title, v.Text, title, wordsOf(v.HTML)} {
				for _, words := range []string{"청구", "납부", "환급", "기한", "누적", "bill", "pay", "redit", "due", "Due", "earlier"} {
					if strings.Contains(text, words) {
						t.Fatalf("%s says %q in an advertisement:\n%s", kind, words, text)
					}
				}
			}
		}
	})
}
