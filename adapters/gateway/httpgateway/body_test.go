package httpgateway

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

func FuzzABodyReadsBackAsItWasMeant(f *testing.F) {
	f.Add("010-0000-1234", "청구서\n\"KRW 1,000\" \\ 한", "제목")
	f.Add("1", strings.Repeat("a", 100)+"\x01\x7f\u2028</script>", "")
	f.Add("1", "1234567\"", "12345678\\")
	f.Add("1", "\xff\xfe12345678", "\x1f")
	f.Fuzz(func(t *testing.T, to, text, title string) {
		d := testDelivery(channel.SMS, 1)
		d.Channel, d.Destination, d.Content = channel.Push, to, port.Variant{Text: text, Title: title, Class: "LMS"}
		body, refusal := appendBody([]byte("before"), d, "http")
		if refusal.Verdict != "" {
			return
		}
		var got map[string]string
		if err := json.Unmarshal(body[len("before"):], &got); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		for name, want := range map[string]string{"to": to, "text": text, "title": title, "class": "LMS"} {
			if want = strings.ToValidUTF8(want, "\uFFFD"); got[name] != want {
				t.Errorf("%s is %q, want %q", name, got[name], want)
			}
		}
	})
}

// The contract shows 01012345678, and so do the documents of the vendors, which refuse hyphens.
func TestANumberIsWrittenAsTheContractShowsIt(t *testing.T) {
	t.Parallel()
	for destination, want := range map[string]string{
		"010-1234-5678": "01012345678", "01012345678": "01012345678", "011-123-4567": "0111234567", "+821012345678": "01012345678",
		"+15147214711": "+15147214711", "+447700900123": "+447700900123", "+8613800138000": "+8613800138000",
	} {
		d := testDelivery(channel.SMS, 1)
		d.Destination = destination
		body, refusal := appendBody(nil, d, "http")
		var got struct{ To string }
		if err := json.Unmarshal(body, &got); err != nil || got.To != want || refusal.Verdict != "" {
			t.Errorf("%s is written %q (%v, %+v), want %s", destination, got.To, err, refusal, want)
		}
	}
}

func TestAnAlimTalkMessageNamesItsTemplateAtTheProvider(t *testing.T) {
	t.Parallel()
	d := testDelivery(channel.AlimTalk, 1)
	d.Destination = "010-1234-5678"
	d.Content = port.Variant{Text: "청구 금액은 52,000원입니다.", Template: port.AlimTalk{
		Codes: map[string]string{"http": "BILL_01", "nhn": "OTHER"}, Variables: map[string]string{"금액": "52,000원"},
		Buttons: []port.AlimTalkButton{{Type: "WL", Name: "보기", Mobile: "https://example.com/4711"}},
	}.Encode()}
	body, refusal := appendBody(nil, d, "http")
	want := `{"to":"01012345678","text":"청구 금액은 52,000원입니다.",` +
		`"template":{"code":"BILL_01","variables":{"금액":"52,000원"},"buttons":[{"type":"WL","name":"보기","mobile":"https://example.com/4711"}]}}`
	if string(body) != want || refusal.Verdict != "" {
		t.Errorf("%s, %+v", body, refusal)
	}
	// A code that is not there is about us: the customer's bill goes to no other channel for it.
	if body, refusal = appendBody(nil, d, "another"); len(body) != 0 || refusal.Verdict != port.CallRefused || refusal.Class != attempt.Provider || !strings.Contains(refusal.Detail, "codes.another") {
		t.Errorf("without a code: %s, %+v", body, refusal)
	}
	d.Content.Template = ""
	if body, refusal = appendBody(nil, d, "http"); len(body) != 0 || refusal.Verdict != port.CallRefused || refusal.Class != attempt.Content {
		t.Errorf("without a template: %s, %+v", body, refusal)
	}
}

func BenchmarkABodyOfTenKilobytes(b *testing.B) {
	d := testDelivery(channel.SMS, 1)
	d.Content.Text = strings.Repeat("2026-10-01 12:34  call abroad  010-0000-1234  1:23  KRW 4567\n", 170)
	var body []byte
	b.SetBytes(int64(len(d.Content.Text)))
	for b.Loop() {
		body, _ = appendBody(body[:0], d, "http")
	}
}

func BenchmarkABodyByEncodingJSON(b *testing.B) {
	text := strings.Repeat("2026-10-01 12:34  call abroad  010-0000-1234  1:23  KRW 4567\n", 170)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := json.Marshal(map[string]string{"to": "010", "text": text}); err != nil {
			b.Fatal(err)
		}
	}
}
