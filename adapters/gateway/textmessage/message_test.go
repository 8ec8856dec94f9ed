package textmessage_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/balsong/balsong/adapters/gateway/textmessage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

func delivery(to, class, title, text string) port.Delivery {
	return port.Delivery{Channel: channel.SMS, Destination: to, Content: port.Variant{Class: class, Title: title, Text: text}}
}

func TestAMessageIsAnSMSOrAnLMSByItsLengthInEUCKR(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from port.Delivery
		want textmessage.Message
	}{
		"90 bytes":          {delivery("01012345678", "SMS", "", strings.Repeat("가", 45)), textmessage.Message{Country: "82", Number: "01012345678", Text: strings.Repeat("가", 45)}},
		"92 bytes":          {delivery("01012345678", "SMS", "", "청구서\n"+strings.Repeat("가", 43)), textmessage.Message{Country: "82", Number: "01012345678", LMS: true, Subject: "청구서", Text: "청구서\n" + strings.Repeat("가", 43)}},
		"a short LMS":       {delivery("010-1234-5678", "LMS", "11월 청구서", "가"), textmessage.Message{Country: "82", Number: "01012345678", LMS: true, Subject: "11월 청구서", Text: "가"}},
		"a long subject":    {delivery("01012345678", "LMS", strings.Repeat("가", 21), "가"), textmessage.Message{Country: "82", Number: "01012345678", LMS: true, Subject: strings.Repeat("가", 20), Text: "가"}},
		"an SMS's subject":  {delivery("01012345678", "SMS", "제목", "가"), textmessage.Message{Country: "82", Number: "01012345678", Text: "가"}},
		"a country's code":  {delivery("+821012345678", "SMS", "", "a"), textmessage.Message{Country: "82", Number: "01012345678", Text: "a"}},
		"a zero behind it":  {delivery("+82-010-1234-5678", "SMS", "", "a"), textmessage.Message{Country: "82", Number: "01012345678", Text: "a"}},
		"another country":   {delivery("+1-514-721-4711", "SMS", "", "a"), textmessage.Message{Number: "15147214711", Text: "a"}},
		"the longest LMS":   {delivery("01012345678", "LMS", "a", strings.Repeat("가", 1000)), textmessage.Message{Country: "82", Number: "01012345678", LMS: true, Subject: "a", Text: strings.Repeat("가", 1000)}},
		"Hangul of CP949":   {delivery("01012345678", "SMS", "", "뷁"), textmessage.Message{Country: "82", Number: "01012345678", Text: "뷁"}},
		"an odd long title": {delivery("01012345678", "LMS", "a"+strings.Repeat("가", 20), "가"), textmessage.Message{Country: "82", Number: "01012345678", LMS: true, Subject: "a" + strings.Repeat("가", 19), Text: "가"}},
	} {
		got, reply := textmessage.Of(c.from)
		if reply.Verdict != "" || got != c.want {
			t.Errorf("%s: %+v %+v, want %+v", name, got, reply, c.want)
		}
	}
}

func TestWhatNoKoreanVendorTakesIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from  port.Delivery
		class attempt.FailureClass
	}{
		"no destination":    {delivery(" ", "SMS", "", "a"), attempt.Permanent},
		"letters":           {delivery("kim@example.com", "SMS", "", "a"), attempt.Permanent},
		"16 digits":         {delivery("0101234567812345", "SMS", "", "a"), attempt.Permanent},
		"a huge one":        {delivery(strings.Repeat("-", 1025)+"1", "SMS", "", "a"), attempt.Permanent},
		"no text":           {delivery("01012345678", "SMS", "", " \n"), attempt.Content},
		"an emoji":          {delivery("01012345678", "SMS", "", "a 😀"), attempt.Permanent},
		"one in a subject":  {delivery("01012345678", "LMS", "😀", "a"), attempt.Permanent},
		"a control":         {delivery("01012345678", "SMS", "", "a\x07"), attempt.Permanent},
		"no UTF-8":          {delivery("01012345678", "SMS", "", "a\xff"), attempt.Permanent},
		"too long":          {delivery("01012345678", "LMS", "a", strings.Repeat("가", 1000)+"a"), attempt.Permanent},
		"an LMS abroad":     {delivery("+15147214711", "LMS", "a", "a"), attempt.Permanent},
		"a long SMS abroad": {delivery("+15147214711", "SMS", "", strings.Repeat("a", 91)), attempt.Permanent},
	} {
		if _, reply := textmessage.Of(c.from); reply.Verdict != port.CallRefused || reply.Class != c.class || reply.Detail == "" {
			t.Errorf("%s: %+v", name, reply)
		}
	}
}

func TestACodeThatIsNotListedIsNotDefinitive(t *testing.T) {
	t.Parallel()
	known := textmessage.Results{{Code: "3001", Class: attempt.Permanent, Definitive: true}}
	if got := known.Find("3001"); !got.Definitive || got.Class != attempt.Permanent {
		t.Errorf("a known one: %+v", got)
	}
	if got := known.Find("9"); got.Definitive || got.Class != attempt.Temporary || got.Code != "9" {
		t.Errorf("an unknown one: %+v", got)
	}
}

func FuzzMessagesKeepTheirBounds(f *testing.F) {
	f.Add("010-1234-5678", "SMS", "", "청구서")
	f.Add("01012345678", "LMS", strings.Repeat(" ", 41)+"가", strings.Repeat(" ", 91)+"a")
	f.Add("+15147214711", "LMS", "제목", "a")
	f.Fuzz(func(t *testing.T, to, class, title, text string) {
		m, reply := textmessage.Of(delivery(to, class, title, text))
		if reply.Verdict != "" {
			return
		}
		length, known := textmessage.Length(m.Text)
		subject, subjectKnown := textmessage.Length(m.Subject)
		switch {
		case !known || !subjectKnown || !utf8.ValidString(m.Text) || length > textmessage.MaxLMS || !m.LMS && length > textmessage.MaxSMS:
			t.Errorf("the text %q has %d bytes", m.Text, length)
		case m.LMS && (m.Country != textmessage.Korea || subject == 0 || subject > textmessage.MaxSubject) || !m.LMS && m.Subject != "":
			t.Errorf("LMS %t, country %q, subject %q", m.LMS, m.Country, m.Subject)
		case m.Number == "" || strings.Trim(m.Number, "0123456789") != "" || len(m.Number) > 16:
			t.Errorf("the number is %q", m.Number)
		}
	})
}
