package solapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/report"
)

func alimTalk() (Config, port.Delivery) {
	config, d := good(), bill()
	config.Provider.Channel, config.Profile = channel.AlimTalk, "KA01PF"
	d.Channel = channel.AlimTalk
	d.Content = port.Variant{Text: "청구 금액은 52,000원입니다.", Template: port.AlimTalk{
		Codes: map[string]string{"solapi": "KA01TP"}, Variables: map[string]string{"금액": "52,000원"},
		Buttons: []port.AlimTalkButton{{Type: "WL", Name: "보기", Mobile: "https://example.com/4711"}},
	}.Encode()}
	return config, d
}

// SOLAPI fills its own copy of the template, and sends no SMS by itself.
func TestAnAlimTalkRequestIsSOLAPIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ template, body string }{
		"with variables": {"", `{"messages":[{"to":"01012345678","from":"029302266","type":"ATA","autoTypeDetect":false,` +
			`"kakaoOptions":{"pfId":"KA01PF","templateId":"KA01TP","variables":{"#{금액}":"52,000원"},"disableSms":true}}],"showMessageList":true}`},
		"without": {
			`{"codes":{"solapi":"KA01TP"},"buttons":[{"type":"WL","name":"보기","mobile":"https://example.com/4711"}]}`,
			`{"messages":[{"to":"01012345678","from":"029302266","text":"청구 금액은 52,000원입니다.","type":"ATA","autoTypeDetect":false,` +
				`"kakaoOptions":{"pfId":"KA01PF","templateId":"KA01TP","disableSms":true,"buttons":[{"buttonName":"보기","buttonType":"WL","linkMo":"https://example.com/4711"}]}}],"showMessageList":true}`,
		},
	} {
		config, d := alimTalk()
		if c.template != "" {
			d.Content.Template = c.template
		}
		g, got := far(t, config, http.StatusOK, taken)
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted {
			t.Errorf("%s: %+v", name, reply)
		}
		if one := <-got; one.body != c.body {
			t.Errorf("%s: %s", name, one.body)
		}
	}
}

func TestWhatAlimTalkCannotSendIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*port.Delivery)
		class  attempt.FailureClass
	}{
		"a number of another country":      {func(d *port.Delivery) { d.Destination = "+15147214711" }, attempt.Permanent},
		"a template that has no code here": {func(d *port.Delivery) { d.Content.Template = `{"codes":{"nhn":"x"}}` }, attempt.Provider},
		"no template":                      {func(d *port.Delivery) { d.Content.Template = "" }, attempt.Content},
		"no text":                          {func(d *port.Delivery) { d.Content.Text = "" }, attempt.Content},
	} {
		config, d := alimTalk()
		c.change(&d)
		g, got := far(t, config, http.StatusOK, taken)
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallRefused || reply.Class != c.class || strings.Contains(reply.Detail, "514") || len(got) != 0 {
			t.Errorf("%s: %+v", name, reply)
		}
	}
}

func TestAlimTalkNeedsTheIDOfAKakaoTalkChannel(t *testing.T) {
	t.Parallel()
	config, _ := alimTalk()
	config.Profile = ""
	if _, err := New(config); err == nil || !strings.Contains(err.Error(), "pfId") {
		t.Errorf("%v", err)
	}
}

// The route goes on to a text message only by a word that is final.
func TestNoKakaoTalkIsReportedAsDefinitivelyUndelivered(t *testing.T) {
	t.Parallel()
	config, _ := alimTalk()
	config.References = ours(t)
	written := config.References.Known().To(deliveryKey())
	g, _ := far(t, config, http.StatusOK, listOf(storedAs("M1", "3104", written), storedAs("M2", "3107", written), storedAs("M3", "3105", written)))
	said, err := g.Reports(t.Context(), posted(`[{"messageId":"M1"},{"messageId":"M2"},{"messageId":"M3"}]`))
	if err != nil || len(said.Reports) != 3 {
		t.Fatalf("%+v %v", said, err)
	}
	for i, want := range []attempt.FailureClass{attempt.Permanent, attempt.Suppressed, attempt.Provider} {
		if r := said.Reports[i]; r.Kind != report.Undelivered || !r.Definitive || r.Class != want || r.Validate() != nil {
			t.Errorf("%+v", r)
		}
	}
}

// What may have passed by next month lets the route continue on another channel, and puts nobody on the suppression list.
func TestWhoHasNotUsedKakaoTalkLatelyMovesOnAndIsNotSuppressed(t *testing.T) {
	t.Parallel()
	for code, rejects := range map[string]bool{"3102": false, "3104": true, "3107": false} {
		r := Results().Find(code)
		said := report.Report{Kind: report.Undelivered, Class: r.Class, Definitive: r.Definitive}
		if !r.Class.Hard() || !said.Decides() || said.Rejects() != rejects {
			t.Errorf("%s is %+v", code, r)
		}
	}
}
