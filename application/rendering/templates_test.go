package rendering_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// changed are the shipped templates with other files in their place, as pairs of name and content; "-" takes one away.
func changed(pairs ...string) fs.FS {
	files := fstest.MapFS{}
	shipped := rendering.ShippedFiles()
	_ = fs.WalkDir(shipped, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			content, _ := fs.ReadFile(shipped, name)
			files[name] = &fstest.MapFile{Data: content}
		}
		return err
	})
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "-" {
			delete(files, pairs[i])
		} else {
			files[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
		}
	}
	return files
}

func TestWhatIsWrongWithTemplatesIsSaidByFileLineAndReason(t *testing.T) {
	t.Parallel()
	senderIdentity, _ := fs.ReadFile(rendering.ShippedFiles(), "sender-identity.json")
	for what, c := range map[string]struct{ file, content, want string }{
		"missing":                            {"ko/sms.tmpl", "-", "ko/sms.tmpl: is missing"},
		"a layout that is missing":           {"layout.html.tmpl", "-", "layout.html.tmpl: is missing"},
		"does not parse":                     {"ko/sms.tmpl", "청구\n{{.Amount", "ko/sms.tmpl:2: unclosed action"},
		"an unknown function":                {"en/lms.tmpl", "{{money .Amount}}", `en/lms.tmpl:1: function "money" not defined`},
		"an unknown field":                   {"en/sms.tmpl", "Bill\n\n{{.Amout}}", "en/sms.tmpl:3: there is no field .Amout (there are .Language"},
		"in a branch that no bill takes":     {"en/sms.tmpl", "x{{if eq .Customer \"?\"}}\n{{.Amout}}{{end}}", "en/sms.tmpl:2: there is no field .Amout"},
		"of an item":                         {"en/sms.tmpl", "x{{range .Items}}{{.Price}}{{end}}", "en/sms.tmpl:1: there is no field .Price (there are .Name, .Amount, .PlainAmount)"},
		"of a variable":                      {"en/sms.tmpl", "x{{range $i, $item := .Items}}{{$item.Price}}{{$.Amount}}{{end}}", "there is no field .Price"},
		"of the bill inside of an item":      {"en/sms.tmpl", "x{{range .Items}}{{.Month}}{{end}}", "there is no field .Month"},
		"of a text":                          {"en/sms.tmpl", "x{{.Amount.Cents}}", "en/sms.tmpl:1: .Cents: .Amount.Cents has no fields"},
		"in a template of its own":           {"en/email.html.tmpl", "{{define \"title\"}}\n{{.Titel}}{{end}}", "en/email.html.tmpl:2: there is no field .Titel"},
		"in a pipeline":                      {"en/sms.tmpl", "x{{with .Amout | printf \"%s\"}}{{.}}{{end}}", "there is no field .Amout"},
		"a range over no list":               {"en/sms.tmpl", "x{{range .Amount}}{{.}}{{end}}", "en/sms.tmpl:1: range goes through a list, and .Amount is none"},
		"a template that nobody defined":     {"en/sms.tmpl", "x{{template \"foot\" .}}", `en/sms.tmpl:1: the template "foot" is not defined`},
		"words of the layout missing":        {"ko/email.html.tmpl", "{{define \"title\"}}x{{end}}", `layout.html.tmpl:31: the template "preview" is not defined`},
		"only seen when executed":            {"en/sms.tmpl", "x\n{{index .Items 99}}", "en/sms.tmpl:2: error calling index: "},
		"no end of calls":                    {"en/sms.tmpl", "{{define \"a\"}}{{template \"a\" .}}{{end}}{{template \"a\" .}}", "exceeded maximum template depth"},
		"HTML that cannot be escaped":        {"layout.html.tmpl", "<a href='{{if .Name}}'{{end}}>", "layout.html.tmpl:1: "},
		"empty":                              {"ko/push.tmpl", "{{/* nothing */}}\n", "ko/push.tmpl: makes an empty text of a sample bill"},
		"not UTF-8":                          {"ko/sms.tmpl", "a\n\xc3\xbb\xb1\xb8", "ko/sms.tmpl:2: is not UTF-8"},
		"too long":                           {"ko/sms.tmpl", strings.Repeat("a", 300<<10), "ko/sms.tmpl: has 307200 bytes"},
		"a character no message has":         {"ko/sms.tmpl", "청구\n{{.Amount}}\n🎉", "ko/sms.tmpl:3: the character '🎉' is not in EUC-KR"},
		"a loop that would never end":        {"en/sms.tmpl", "x{{range 2000000000}}y{{end}}", "en/sms.tmpl:1: range goes through a list, and 2000000000 is none"},
		"a layout that is empty":             {"layout.html.tmpl", "", "layout.html.tmpl: is empty"},
		"a field with a capital":             {"ko/sms.tmpl", "x\n{{.Fields.kWh}}", "ko/sms.tmpl:2: there never is a field .Fields.kWh: the billing data has names in lower case (.Fields.kwh)"},
		"a script that is not closed":        {"layout.html.tmpl", "<p>a</p><script>var a", "layout.html.tmpl: the template ends inside of a script"},
		"branches that end elsewhere":        {"layout.html.tmpl", "<p>{{if .Name}}<a href=\"{{end}}x</p>", "layout.html.tmpl:1: {{if}} branches end in different contexts: inside of an address, inside of text"},
		"a name that is mistyped":            {"ko/smss.tmpl", "x", "ko/smss.tmpl: is no template that Balsong uses"},
		"a language that is unknown":         {"ja/sms.tmpl", "x", "ja/sms.tmpl: is no template that Balsong uses"},
		"no sender identity":                 {"sender-identity.json", "-", "sender-identity.json: is missing"},
		"a sender identity that is no JSON":  {"sender-identity.json", "{\n\"ko\": {,}", "sender-identity.json:2: invalid character ','"},
		"a sender identity cut short":        {"sender-identity.json", "{\n\n", "sender-identity.json:3: "},
		"a sender identity without a sender": {"sender-identity.json", strings.Replace(string(senderIdentity), `"발송"`, `"\n"`, 1), "sender-identity.json:10: ko.sender is missing"},
		"a field it does not know":           {"sender-identity.json", strings.Replace(string(senderIdentity), `"pay"`, `"pays"`, 1), `sender-identity.json:4: en: unknown field "pays"`},
		"a logo that is no picture":          {"sender-identity.json", logoOf(`{"url": "https://example.com/a.svg", "width": 1, "height": 1}`), "sender-identity.json:3: logo: url is of an SVG"},
		"a logo that is not encrypted":       {"sender-identity.json", logoOf(`{"url": "http://example.com/a.png", "width": 1, "height": 1}`), "logo: url is no address such as https://"},
		"a logo in the mail itself":          {"sender-identity.json", logoOf(`{"url": "data:image/png;base64,AAAA", "width": 1, "height": 1}`), "logo: url is no address such as https://"},
		"a logo that is a script":            {"sender-identity.json", logoOf(`{"url": "javascript:alert(1)", "width": 1, "height": 1}`), "logo: url is no address such as https://"},
		"a logo with a password":             {"sender-identity.json", logoOf(`{"url": "https://user:secret@example.com/a.png", "width": 1, "height": 1}`), "logo: url has a user or a password"},
		"a logo with a blank":                {"sender-identity.json", logoOf(`{"url": "https://example.com/a b.png", "width": 1, "height": 1}`), "logo: url has a character"},
		"a logo with a quotation mark":       {"sender-identity.json", logoOf(`{"url": "https://example.com/a\".png", "width": 1, "height": 1}`), "logo: url has a character"},
		"a logo of no size":                  {"sender-identity.json", logoOf(`{"url": "https://example.com/a.png"}`), "logo: width and height are pixels"},
		"a logo wider than a phone":          {"sender-identity.json", logoOf(`{"url": "https://example.com/a.png", "width": 241, "height": 1}`), "logo: width and height are pixels"},
		"a logo of half a pixel":             {"sender-identity.json", logoOf(`{"url": "https://example.com/a.png", "width": 1.5, "height": 1}`), "logo: "},
		"a logo with another field":          {"sender-identity.json", logoOf(`{"url": "", "alt": "x"}`), `logo: unknown field "alt"`},
		"a country it does not know":         {"sender-identity.json", strings.Replace(string(senderIdentity), `"KR"`, `"Korea"`, 1), "sender-identity.json:2: country is no code"},
	} {
		_, err := rendering.LoadTemplates(changed(c.file, c.content))
		var wrong *rendering.TemplateError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "\n  "+c.want) && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", what, err, c.want)
		}
	}
}

// logoOf is the shipped sender identity with another logo.
func logoOf(logo string) string {
	identity, _ := fs.ReadFile(rendering.ShippedFiles(), "sender-identity.json")
	return strings.Replace(string(identity), `{"url": "", "width": 160, "height": 40}`, logo, 1)
}

func TestALogoStandsAboveTheBillUnderTheSendersName(t *testing.T) {
	t.Parallel()
	none, err := rendering.LoadTemplates(changed())
	if err != nil {
		t.Fatal(err)
	}
	with, err := rendering.LoadTemplates(changed("sender-identity.json", logoOf(`{"url": "https://www.example.com/l.png?v=1&w=2", "width": 200, "height": 50}`)))
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range rendering.Languages {
		billed := rendering.Samples(language)[0].Bill
		bare, err := none.Statement(billed, november, policy.Transactional)
		if err != nil || strings.Contains(bare[channel.Email].HTML, "<img") {
			t.Errorf("a picture without a logo (%v)", err)
		}
		made, err := with.WithSender(`A "B" Telecom`).Statement(billed, november, policy.Transactional)
		const want = `<img src="https://www.example.com/l.png?v=1&amp;w=2" width="200" height="50" alt="A &#34;B&#34; Telecom"`
		if html := made[channel.Email].HTML; err != nil || !strings.Contains(html, want) || strings.Count(html, "<img") != 1 {
			t.Errorf("no %s in %s (%v)", want, html, err)
		}
	}
	kept, err := rendering.LoadSet(with.Set())
	if err != nil || kept.Set().Fingerprint != with.Set().Fingerprint || with.Set().Fingerprint == none.Set().Fingerprint {
		t.Errorf("a month does not keep the logo (%v)", err)
	}
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	_, err := rendering.LoadTemplates(changed("en/sms.tmpl", "{{.A}}\n{{.B}}", "ko/sms.tmpl", "{{.C", "ko/lms.tmpl", "-"))
	var wrong *rendering.TemplateError
	if !errors.As(err, &wrong) || len(wrong.Problems) != 4 || wrong.Problems[0].Line != 1 || wrong.Problems[1].Line != 2 || wrong.Problems[2].File != "ko/lms.tmpl" {
		t.Errorf("%v", err)
	}
}

func TestAnOperatorsOwnTemplatesAreUsedWithWindowsLineEndingsToo(t *testing.T) {
	t.Parallel()
	templates, err := rendering.LoadTemplates(changed(
		"en/push.title.tmpl", "\ufeffHi {{.Name}}\r\n", "en/notes.txt", "{{not a template", ".git/x.tmpl", "{{", "en/.push.tmpl", "{{",
		"en/sms.tmpl", "{{$total := .Amount}}{{range $i, $item := .Items}}{{if $i}}, {{end}}{{$item.Name}} {{$.ShortMonth}}{{else}}{{$total}}{{end}}",
	))
	if err != nil {
		t.Fatal(err)
	}
	made, err := templates.Statement(rendering.Samples("en")[0].Bill, november, policy.Transactional)
	if err != nil || made[channel.Push].Title != "Hi Hana Pine" || !strings.HasPrefix(made[channel.SMS].Text, "[Balsong] Your") && !strings.HasPrefix(made[channel.SMS].Text, "Internet, fiber optic Nov, ") {
		t.Errorf("%+v, %v", made[channel.SMS], err)
	}
}

func TestATemplateThatFailsOnOneBillSaysWhereAndNothingOfTheBill(t *testing.T) {
	t.Parallel()
	templates, err := rendering.LoadTemplates(changed("en/sms.tmpl", "x\n{{if eq .Name \"Secret\"}}{{slice .Name 9}}{{end}}"))
	if err != nil {
		t.Fatal(err)
	}
	billed := rendering.Samples("en")[0].Bill
	billed.Name = "Secret"
	if _, err := templates.Statement(billed, november, policy.Transactional); err == nil || err.Error() != "render: the template failed at en/sms.tmpl:2" {
		t.Errorf("%v", err)
	}
}

// hostile is a value as somebody would write it who wants a header, a tag or a template of his own.
const hostile = "x\r\nBcc: all@example.com\u2028\u0085\u202e\x00{{.Amount}}<script>alert(1)</script>\" onload=\"x"

func TestAValueIsNeverATemplateNorMarkupNorALineOfAHeader(t *testing.T) {
	t.Parallel()
	templates := rendering.ShippedTemplates().WithSender(hostile)
	before := int64(1)
	billed := bill.Bill{
		Customer: hostile, Name: hostile, Payment: hostile, Language: "en", Currency: "USD", Amount: 100, BilledBefore: &before,
		DueDate: "2026-11-25", Items: []bill.Item{{Name: hostile, Amount: -100}}, Unsubscribe: hostile,
	}
	if made, err := templates.Statement(billed, november, policy.Advertising); err == nil || strings.Contains(err.Error(), "Bcc") {
		t.Errorf("an address that is none: %+v, %v", made, err)
	}
	billed.Unsubscribe = "https://example.com/" + hostile
	for _, class := range []policy.MessageClass{policy.Transactional, policy.Advertising} {
		made, err := templates.Statement(billed, november, class)
		if err != nil {
			t.Fatal(err)
		}
		email, sms, push := made[channel.Email], made[channel.SMS], made[channel.Push]
		for what, line := range map[string]string{"subject": email.Subject, "LMS subject": sms.Title, "push title": push.Title} {
			if strings.ContainsAny(line, "\r\n\x00\u2028\u0085\u202e") {
				t.Errorf("%s, %s: %q", class, what, line)
			}
		}
		if strings.Contains(email.HTML, "<script") || strings.Contains(email.HTML, `" onload="`) || strings.Contains(email.HTML, "javascript:") {
			t.Errorf("%s: a value is markup in %s", class, email.HTML)
		}
		if strings.Contains(email.Text, "x$1.00") || !strings.Contains(email.Text, "{{.Amount}}") {
			t.Errorf("%s: a value was taken for a template: %s", class, email.Text)
		}
		if strings.ContainsAny(sms.Text+email.Text+push.Text, "\r\x00\u2028\u0085\u202e") {
			t.Errorf("%s: a control character is left", class)
		}
	}
}

func TestAdvertisingIsMarkedAndSaysHowToRefuseIt(t *testing.T) {
	t.Parallel()
	senderIdentity, _ := fs.ReadFile(rendering.ShippedFiles(), "sender-identity.json")
	if err := rendering.ShippedTemplates().CheckClass(policy.Advertising); !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), "opt_out") {
		t.Errorf("without an opt-out: %v", err)
	}
	with := strings.Replace(strings.ReplaceAll(string(senderIdentity), `"opt_out": ""`, `"opt_out": "무료거부 080-000-0000"`), "{", "{", 1)
	for country, marked := range map[string]bool{"KR": true, "US": false} {
		templates, err := rendering.LoadTemplates(changed("sender-identity.json", strings.Replace(with, `"KR"`, `"`+country+`"`, 1), "ko/push.title.tmpl", "(광고) 새 요금제"))
		if err != nil {
			t.Fatal(err)
		}
		if err := templates.CheckClass(policy.Advertising); err != nil {
			t.Error(err)
		}
		for _, language := range rendering.Languages {
			billed := rendering.Samples(language)[0].Bill
			made, err := templates.Statement(billed, november, policy.Advertising)
			if err != nil {
				t.Fatal(err)
			}
			for what, text := range map[string]string{"subject": made[channel.Email].Subject, "text": made[channel.SMS].Text, "push": made[channel.Push].Title} {
				if got := strings.Count(text, "(광고)"); marked && (got != 1 || !strings.HasPrefix(text, "(광고) ")) || !marked && got != 0 && what != "push" {
					t.Errorf("%s, %s, %s: %q", country, language, what, text)
				}
			}
			if !strings.HasSuffix(made[channel.SMS].Text, "\n무료거부 080-000-0000") || made[channel.Email].Unsubscribe != billed.Unsubscribe ||
				!strings.Contains(made[channel.Email].Text, billed.Unsubscribe) || made[channel.Email].Class != "ADVERTISING" {
				t.Errorf("%s, %s: nothing says how to refuse: %+v", country, language, made[channel.SMS])
			}
			bills, err := templates.Statement(billed, november, policy.Transactional)
			if email := bills[channel.Email]; err != nil || email.Unsubscribe != "" || email.Class != "" || strings.Contains(email.Subject+email.HTML, "광고") {
				t.Errorf("a bill looks like advertising: %+v, %v", email, err)
			}
		}
	}
}

func TestAmountsAreWrittenAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	templates := rendering.ShippedTemplates()
	for _, c := range []struct{ language, currency, want string }{
		{"ko", "KRW", "−1,234,500원"},
		{"en", "KRW", "−₩1,234,500"},
		{"en", "USD", "−$12,345.00"},
		{"ko", "USD", "−US$12,345.00"},
		{"en-GB", "EUR", "−€12,345.00"},
		{"fr", "KWD", "−KWD\u00a01,234.500"},
		{"ko", "JPY", "−¥1,234,500"},
	} {
		billed := rendering.Samples("en")[1].Bill
		billed.Language, billed.Currency, billed.Items = c.language, c.currency, []bill.Item{{Name: "Discount", Amount: -1_234_500}}
		made, err := templates.Statement(billed, november, policy.Transactional)
		if err != nil || !strings.Contains(made[channel.Email].HTML, ">"+c.want+"<") || !strings.Contains(made[channel.Email].Text, "Discount: "+c.want+"\n") {
			t.Errorf("%s, %s: no %s (%v)", c.language, c.currency, c.want, err)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		"{{.Amount}}", "{{range $i, $x := .Items}}{{$x.Name}}{{$i}}{{else}}x{{end}}", "{{with $x := .Name}}{{$x}}{{end}}", "{{define \"a\"}}{{template \"a\" .}}{{end}}",
		"{{(index .Items 0).Name}}", "{{$x := .Items}}{{$x = .Name}}{{$x.Y}}", "{{range 3}}{{.X}}{{end}}", "{{block \"b\" .Items}}{{.}}{{end}}", "{{break}}", "{{- /* x */ -}}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 300 || strings.Count(source, "range") > 2 || strings.Contains(source, "template") || strings.Contains(source, "block") {
			t.Skip() // what takes long, not what is wrong
		}
		templates, err := rendering.LoadTemplates(changed("en/sms.tmpl", source, "en/email.subject.tmpl", source))
		if err != nil {
			return
		}
		made, err := templates.Statement(rendering.Samples("en")[0].Bill, november, policy.Transactional)
		if err == nil && (strings.ContainsAny(made[channel.Email].Subject, "\r\n") || rendering.MessageBytes(made[channel.SMS].Text) > rendering.MaxLMS) {
			t.Errorf("%q made %+v", source, made)
		}
	})
}

func FuzzSenderIdentity(f *testing.F) {
	senderIdentity, _ := fs.ReadFile(rendering.ShippedFiles(), "sender-identity.json")
	f.Add(string(senderIdentity))
	f.Add(`{"country":"US","en":{"sender":"a\r\nb"},"ko":{"sender":"b"}}`)
	f.Fuzz(func(t *testing.T, content string) {
		templates, err := rendering.LoadTemplates(changed("sender-identity.json", content))
		if err == nil && (templates.Sender("ko") == "" || strings.ContainsAny(templates.Sender("en"), "\r\n")) {
			t.Errorf("taken: %q", content)
		}
	})
}

func FuzzBillData(f *testing.F) {
	f.Add("Kim", "C-1", "Internet", "card", int64(100), "en-US", "USD", "2026-11-25")
	f.Add(hostile, hostile, hostile, hostile, int64(-1), "ko", "KRW", "2026-02-30")
	f.Fuzz(func(t *testing.T, name, customer, item, payment string, amount int64, language, currency, due string) {
		billed := bill.Bill{
			Name: name, Customer: customer, Payment: payment, Amount: amount, Language: language, Currency: currency, DueDate: due,
			Items: []bill.Item{{Name: item, Amount: amount}}, Unsubscribe: name,
		}
		made, err := rendering.ShippedTemplates().Statement(billed, november, policy.Advertising)
		if err != nil {
			return
		}
		for _, line := range []string{made[channel.Email].Subject, made[channel.SMS].Title, made[channel.Push].Title} {
			if strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0x85 || c == 0x2028 }) {
				t.Errorf("%q", line)
			}
		}
		if sms := made[channel.SMS]; rendering.MessageBytes(sms.Text) > map[string]int{"SMS": rendering.MaxSMS, "LMS": rendering.MaxLMS}[sms.Class] {
			t.Errorf("an %s of %d bytes", sms.Class, rendering.MessageBytes(sms.Text))
		}
	})
}
