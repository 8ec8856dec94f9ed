package rendering_test

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/korean"

	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// words are templates whose text messages say the customer's name and nothing else, as SMS and as LMS.
func words(t testing.TB) *rendering.Templates {
	t.Helper()
	templates, err := rendering.LoadTemplates(changed("ko/sms.tmpl", "{{.Name}}|", "ko/lms.tmpl", "{{.Name}}|", "ko/lms.subject.tmpl", "{{.Name}}|"))
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

func TestATextMessageIsCountedInEUCKRAndGoesAsLMSWhereItIsTooLong(t *testing.T) {
	t.Parallel()
	templates := words(t)
	hangul := func(n int) string { return strings.Repeat("가", n) }
	for _, c := range []struct {
		what, says, class string
		bytes             int // of the whole message: the text and the bar that ends it; 0: refused
	}{
		{"ASCII, a byte under", strings.Repeat("a", 88), "SMS", 89},
		{"ASCII, all of it", strings.Repeat("a", 89), "SMS", 90},
		{"ASCII, a byte over", strings.Repeat("a", 90), "LMS", 91},
		{"Hangul, a byte under", hangul(44), "SMS", 89},
		{"Hangul, all of it", hangul(44) + "a", "SMS", 90},
		{"Hangul that begins within and ends outside", hangul(45), "LMS", 91},
		{"Hangul of CP949 alone", strings.Repeat("뷁", 44) + "a", "SMS", 90},
		{"Hangul in parts, as a Mac writes it", strings.Repeat("가", 44) + "a", "SMS", 90},
		{"Hanja and signs", strings.Repeat("金※", 22) + "a", "SMS", 90},
		{"the euro sign, which EUC-KR has since 1998", hangul(43) + "€a", "SMS", 90},
		{"an emoji counts as its question mark", strings.Repeat("😀", 89), "SMS", 90},
		{"an emoji more", strings.Repeat("😀", 90), "LMS", 91},
		{"an accent is left out", strings.Repeat("é", 89), "SMS", 90},
		{"a no-break space is a space", strings.Repeat("a\u00a0", 44) + "a", "SMS", 90},
		{"what is not seen does not count", strings.Repeat("a", 89) + "\u200b\ufe0f", "SMS", 90},
		{"LMS, a byte under", strings.Repeat("a", 1998), "LMS", 1999},
		{"LMS, all of it", strings.Repeat("a", 1999), "LMS", 2000},
		{"LMS, a byte over", strings.Repeat("a", 2000), "", 0},
		{"LMS of Hangul, all of it", hangul(999) + "a", "LMS", 2000},
		{"LMS of Hangul, over at its edge", hangul(1000), "", 0},
	} {
		billed := rendering.Samples("ko")[0].Bill
		billed.Name = c.says
		made, err := templates.Statement(billed, november, policy.Transactional)
		if c.bytes == 0 {
			if err == nil || !strings.Contains(err.Error(), "more than 2000") || strings.Contains(err.Error(), "aaaa") {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		sms := made[channel.SMS]
		encoded, err := korean.EUCKR.NewEncoder().String(sms.Text)
		if err != nil || len(encoded) != c.bytes || sms.Class != c.class || rendering.MessageBytes(sms.Text) != c.bytes {
			t.Errorf("%s: %s with %d bytes, counted as %d, want %s with %d (%v)", c.what, sms.Class, len(encoded), rendering.MessageBytes(sms.Text), c.class, c.bytes, err)
		}
		if (sms.Title != "") != (c.class == rendering.ClassLMS) || rendering.MessageBytes(sms.Title) > rendering.MaxLMSSubject {
			t.Errorf("%s: the subject %q", c.what, sms.Title)
		}
	}
}

func TestEveryLineBreakOfATextMessageIsOneLineFeed(t *testing.T) {
	t.Parallel()
	templates, err := rendering.LoadTemplates(changed("ko/sms.tmpl", "\r\n청구\r\n12\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := templates.Statement(rendering.Samples("ko")[0].Bill, november, policy.Transactional)
	if got := made[channel.SMS].Text; err != nil || got != "청구\n12" || rendering.MessageBytes(got) != 7 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTheSubjectOfAnLMSIsCutAtAWholeCharacter(t *testing.T) {
	t.Parallel()
	templates := words(t)
	billed := rendering.Samples("ko")[0].Bill
	for says, want := range map[string]string{
		strings.Repeat("가", 60):             strings.Repeat("가", 20),
		"a" + strings.Repeat("나", 60):       "a" + strings.Repeat("나", 19),
		strings.Repeat("다 ", 40) + "\r\nX:": strings.TrimSpace(strings.Repeat("다 ", 13)),
	} {
		billed.Name = says
		made, err := templates.Statement(billed, november, policy.Transactional)
		if got := made[channel.SMS].Title; err != nil || !strings.HasPrefix(got, want) || rendering.MessageBytes(got) > rendering.MaxLMSSubject {
			t.Errorf("%q, want %q (%v)", got, want, err)
		}
	}
}

func TestAPushMessageIsCutToWhatPhonesShow(t *testing.T) {
	t.Parallel()
	_, err := rendering.LoadTemplates(changed("ko/push.tmpl", "{{.Name}}", "ko/push.title.tmpl", "{{.Customer}}"))
	if err == nil || !strings.Contains(err.Error(), "ko/push.tmpl: makes an empty text of a sample bill") {
		t.Errorf("a push message that is empty without a name: %v", err)
	}
	templates, err := rendering.LoadTemplates(changed("ko/push.tmpl", "{{.Name}}!", "ko/push.title.tmpl", "{{.Customer}}"))
	if err != nil {
		t.Fatal(err)
	}
	billed := rendering.Samples("ko")[0].Bill
	for _, c := range []struct{ given, title, body int }{{63, 63, 64}, {64, 64, 65}, {65, 64, 66}, {239, 64, 240}, {240, 64, 240}} {
		billed.Name, billed.Customer = strings.Repeat("가", c.given), strings.Repeat("가", c.given)
		made, err := templates.Statement(billed, november, policy.Transactional)
		push := made[channel.Push]
		if err != nil || len([]rune(push.Title)) != c.title || len([]rune(push.Text)) != c.body {
			t.Errorf("%d characters: %d and %d (%v)", c.given, len([]rune(push.Title)), len([]rune(push.Text)), err)
		}
		if cut := strings.HasSuffix(push.Title, "…"); cut != (c.given > rendering.MaxPushTitle) {
			t.Errorf("%d characters: %q", c.given, push.Title)
		}
	}
}
