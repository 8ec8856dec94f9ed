package rendering_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

const (
	approvedText  = "[#{회사}] #{월} 청구서\n#{고객} 고객님, 청구 금액은 #{금액}입니다.\n"
	approvedWords = `{
  "codes": {"nhn": "BILL_01", "solapi": "KA01TP230126085130773ZHclHN4i049X"},
  "variables": {
    "회사": "{{.Sender}}",
    "월": "{{.Month}}",
    "고객": "{{if .Name}}{{.Name}}{{else}}{{.Customer}}{{end}}",
    "금액": "{{.Amount}}",
    "번호": "{{.Customer}}"
  },
  "buttons": [
    {"type": "WL", "name": "청구서 보기", "mobile": "https://example.com/m/#{번호}", "pc": "https://example.com/#{번호}"},
    {"type": "AC", "name": "채널 추가"}
  ]
}`
)

// withApproved are the shipped templates with the approved AlimTalk template, changed by pairs of name and content.
func withApproved(pairs ...string) (*rendering.Templates, error) {
	return rendering.LoadTemplates(changed(append([]string{"ko/alimtalk.txt", approvedText, "ko/alimtalk.json", approvedWords}, pairs...)...))
}

func sampleBill(change func(*bill.Bill)) bill.Bill {
	b := rendering.Samples("ko")[0].Bill
	if change != nil {
		change(&b)
	}
	return b
}

func TestAnAlimTalkMessageIsTheApprovedTemplateWithItsVariablesFilled(t *testing.T) {
	t.Parallel()
	templates, err := withApproved()
	if err != nil {
		t.Fatal(err)
	}
	made, err := templates.Statement(sampleBill(func(b *bill.Bill) { b.Name = "김{{.Amount}}" }), november, policy.Transactional)
	if err != nil {
		t.Fatal(err)
	}
	v := made[channel.AlimTalk]
	sender := strings.Split(strings.TrimPrefix(v.Text, "["), "]")[0]
	if want := "[" + sender + "] 2026년 11월 청구서\n김{{.Amount}} 고객님, 청구 금액은 68,200원입니다."; v.Text != want {
		t.Errorf("the text is %q, want %q", v.Text, want)
	}
	about, err := port.ReadAlimTalk(v.Template)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(about.Codes, map[string]string{"nhn": "BILL_01", "solapi": "KA01TP230126085130773ZHclHN4i049X"}) {
		t.Errorf("the codes are %v", about.Codes)
	}
	if !maps.Equal(about.Variables, map[string]string{"회사": sender, "월": "2026년 11월", "고객": "김{{.Amount}}", "금액": "68,200원", "번호": "7590-VHVEG"}) {
		t.Errorf("the variables are %v", about.Variables)
	}
	if len(about.Buttons) != 2 || about.Buttons[0] != (port.AlimTalkButton{Type: "WL", Name: "청구서 보기", Mobile: "https://example.com/m/7590-VHVEG", PC: "https://example.com/7590-VHVEG"}) ||
		about.Buttons[1] != (port.AlimTalkButton{Type: "AC", Name: "채널 추가"}) {
		t.Errorf("the buttons are %+v", about.Buttons)
	}
}

func TestALanguageWithoutAnApprovedTemplateUsesTheOtherOne(t *testing.T) {
	t.Parallel()
	templates, err := withApproved()
	if err != nil {
		t.Fatal(err)
	}
	made, err := templates.Statement(rendering.Samples("en")[0].Bill, november, policy.Transactional)
	if err != nil || !strings.Contains(made[channel.AlimTalk].Text, "November 2026 청구서\nHana Pine 고객님, 청구 금액은 $84.85입니다.") {
		t.Errorf("%q, %v", made[channel.AlimTalk].Text, err)
	}
	both, err := withApproved("en/alimtalk.txt", "Your bill: #{amount}", "en/alimtalk.json", `{"codes": {"nhn": "BILL_EN"}, "variables": {"amount": "{{.Amount}}"}}`)
	if err != nil {
		t.Fatal(err)
	}
	made, err = both.Statement(rendering.Samples("en")[0].Bill, november, policy.Transactional)
	if err != nil || made[channel.AlimTalk].Text != "Your bill: $84.85" || !strings.Contains(made[channel.AlimTalk].Template, `"nhn":"BILL_EN"`) {
		t.Errorf("%+v, %v", made[channel.AlimTalk], err)
	}
}

func TestWithoutAnApprovedTemplateAndInAdvertisingThereIsNoAlimTalkMessage(t *testing.T) {
	t.Parallel()
	made, err := rendering.ShippedTemplates().Statement(sampleBill(nil), november, policy.Transactional)
	if _, there := made[channel.AlimTalk]; err != nil || there || rendering.ShippedTemplates().HasAlimTalk() {
		t.Errorf("the shipped templates make one (%v)", err)
	}
	templates, err := withApproved()
	if err != nil {
		t.Fatal(err)
	}
	made, err = templates.Statement(sampleBill(nil), november, policy.Advertising)
	if _, there := made[channel.AlimTalk]; err != nil || there || !templates.HasAlimTalk() {
		t.Errorf("advertising has one (%v)", err)
	}
}

func TestABillThatDoesNotFillTheApprovedTemplateIsNotRenderedAndTheReasonSaysNothingOfIt(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`{{if ne .Name \"secret\"}}x{{end}}`:                        "render: ko/alimtalk.json: the variable #{회사} is empty for this bill, which providers refuse",
		`{{.Sender}}{{if eq .Name \"secret\"}}#{secret}{{end}}`:     "render: ko/alimtalk.json: the variable #{회사} would be filled with #{",
		`{{.Sender}}{{if eq .Name \"secret\"}}{{.Fields.a}}{{end}}`: "render: ko/alimtalk.txt makes an AlimTalk message of ",
	} {
		templates, err := withApproved("ko/alimtalk.json", strings.Replace(approvedWords, "{{.Sender}}", value, 1))
		if err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		_, err = templates.Statement(sampleBill(func(b *bill.Bill) {
			b.Name, b.Fields = "secret", map[string]string{"a": strings.Repeat("비", 1000)}
		}), november, policy.Transactional)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "비비") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestWhatIsWrongWithAnApprovedTemplateIsSaidBeforeTheRun(t *testing.T) {
	t.Parallel()
	words := func(old, instead string) string {
		if !strings.Contains(approvedWords, old) {
			t.Fatalf("%q is not in the words", old)
		}
		return strings.Replace(approvedWords, old, instead, 1)
	}
	const textFile, wordsFile = "ko/alimtalk.txt", "ko/alimtalk.json"
	for what, c := range map[string]struct{ file, content, want string }{
		"no text":                         {textFile, "-", "ko/alimtalk.txt: is missing"},
		"no words":                        {wordsFile, "-", "ko/alimtalk.json: is missing"},
		"an empty text":                   {textFile, " \n", "ko/alimtalk.txt: is empty"},
		"a text too long":                 {textFile, approvedText + strings.Repeat("가", 1000), "ko/alimtalk.txt: has 1045 characters, more than 1000"},
		"a Go template in the text":       {textFile, approvedText + "{{.Due}}", "ko/alimtalk.txt:3: has {{"},
		"an unclosed variable":            {textFile, approvedText + "#{여기", "ko/alimtalk.txt: has a #{ without its }"},
		"a variable without a name":       {textFile, approvedText + "#{}", "ko/alimtalk.txt: has a variable with an empty name"},
		"a name that SOLAPI refuses":      {textFile, approvedText + "#{a.b}", "ko/alimtalk.txt: has a variable with"},
		"a variable that nothing fills":   {textFile, approvedText + "#{기한}", `ko/alimtalk.json:3: nothing fills #{기한} of ko/alimtalk.txt: variables has no "기한"`},
		"of a button":                     {wordsFile, words("m/#{번호}", "m/#{링크}"), "nothing fills #{링크} of button 1"},
		"one that stands nowhere":         {wordsFile, words(`"월":`, `"기한": "{{.Due}}", "월":`), `ko/alimtalk.json:5: variables has "기한", and #{기한} stands neither in alimtalk.txt nor in a button`},
		"an unknown field":                {wordsFile, words("{{.Amount}}", "{{.Amout}}"), "ko/alimtalk.json:7: there is no field .Amout"},
		"a value that does not parse":     {wordsFile, words("{{.Amount}}", "{{.Amount"), "ko/alimtalk.json:7: unclosed action"},
		"an empty value":                  {wordsFile, words("{{.Amount}}", ""), `ko/alimtalk.json:7: variables: "금액" is empty`},
		"a value empty for a sample bill": {wordsFile, words("{{if .Name}}{{.Name}}{{else}}{{.Customer}}{{end}}", "{{.Name}}"), "ko/alimtalk.json: of a sample bill: the variable #{고객} is empty for it"},
		"no JSON":                         {wordsFile, "{", "ko/alimtalk.json:1: the JSON ends too early"},
		"an unknown field of the words":   {wordsFile, words(`"codes"`, `"code": 1, "codes"`), `ko/alimtalk.json:`},
		"no code":                         {wordsFile, words(`{"nhn": "BILL_01", "solapi": "KA01TP230126085130773ZHclHN4i049X"}`, "{}"), "ko/alimtalk.json:2: codes is missing"},
		"a code that is none":             {wordsFile, words("BILL_01", "BILL 01"), "ko/alimtalk.json:2: codes.nhn is no code"},
		"an unknown type of button":       {wordsFile, words(`"WL"`, `"XX"`), `button 1: the type "XX" is none of WL, AL`},
		"a button without a name":         {wordsFile, words("청구서 보기", ""), "button 1: the name is empty"},
		"a button with a long name":       {wordsFile, words("청구서 보기", strings.Repeat("가", 15)), "button 1: the name is empty, has more than 14"},
		"a variable in a button's name":   {wordsFile, words("청구서 보기", "#{월}"), "names of buttons may not have"},
		"a web button without an address": {wordsFile, words(`"mobile": "https://example.com/m/#{번호}", `, ""), "button 1: mobile is missing"},
		"an address of no web page":       {wordsFile, words("https://example.com/m/", "javascript:"), "button 1: mobile does not begin with http"},
		"an app button without a scheme":  {wordsFile, words(`"AC"`, `"AL"`), "button 2: ios and android are missing"},
		"too many buttons": {
			wordsFile, words(`{"type": "AC", "name": "채널 추가"}`, strings.Repeat(`{"type": "MD", "name": "묻기"},`, 4)+`{"type": "AC", "name": "채널 추가"}`),
			"there are 6 buttons, more than 5",
		},
	} {
		_, err := withApproved(c.file, c.content)
		var wrong *rendering.TemplateError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
}

func TestAMonthWhoseRouteHasAlimTalkIsNotRenderedWithoutAnApprovedTemplate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.later(t, 1)
	_, _, err := b.month(t, rendering.Options{Templates: ours(t, "한강텔레콤"), Channels: channel.NewSet(channel.AlimTalk, channel.SMS)})
	if !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "no approved template for it: write ko/alimtalk.txt and ko/alimtalk.json") {
		t.Fatalf("%v", err)
	}
	approved := ours(t, "한강텔레콤", "ko/alimtalk.txt", approvedText, "ko/alimtalk.json", approvedWords)
	summary, _, err := b.month(t, rendering.Options{Templates: approved, Channels: channel.NewSet(channel.AlimTalk, channel.SMS)})
	if err != nil || summary.Rendered != 1 {
		t.Fatalf("%+v, %v", summary, err)
	}
	kept := b.sets(t)
	if len(kept) != 1 || kept[0].Files["ko/alimtalk.txt"] != approvedText || kept[0].Files["ko/alimtalk.json"] != approvedWords {
		t.Errorf("the month keeps %v", kept)
	}
	if again, err := rendering.LoadSet(kept[0]); err != nil || !again.HasAlimTalk() {
		t.Errorf("%v", err)
	}
}

// FuzzApprovedTemplate: whatever an approved template is, it is refused with a reason, or every sample bill fills it whole.
func FuzzApprovedTemplate(f *testing.F) {
	f.Add(approvedText, approvedWords)
	f.Add("#{a}", `{"codes":{"nhn":"x"},"variables":{"a":"{{.Amount}}"}}`)
	f.Add("#{#{a}}", `{"codes":{"nhn":"x"},"variables":{"#{a":"{{.Amount}}"}}`)
	f.Fuzz(func(t *testing.T, text, words string) {
		templates, err := withApproved("ko/alimtalk.txt", text, "ko/alimtalk.json", words)
		if err != nil {
			if wrong := (*rendering.TemplateError)(nil); !errors.As(err, &wrong) || len(wrong.Problems) == 0 {
				t.Fatalf("%v", err)
			}
			return
		}
		made, err := templates.Statement(sampleBill(nil), november, policy.Transactional)
		if err != nil {
			t.Fatal(err)
		}
		about, err := port.ReadAlimTalk(made[channel.AlimTalk].Template)
		if err != nil || len(about.Codes) == 0 {
			t.Fatalf("%v", err)
		}
		filled := strings.TrimRight(strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), "\n")
		for name, value := range about.Variables {
			if value == "" {
				t.Fatalf("%q is empty", name)
			}
			filled = strings.ReplaceAll(filled, "#{"+name+"}", value)
		}
		if filled != made[channel.AlimTalk].Text {
			t.Fatalf("%q is filled as %q", filled, made[channel.AlimTalk].Text)
		}
	})
}
