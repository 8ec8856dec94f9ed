package nhn

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers/answerstest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/report"
)

// farAlimTalk is a gateway whose server answers each request alike.
func farAlimTalk(t *testing.T, answer string) (*AlimTalk, <-chan seen) {
	t.Helper()
	all := make(chan seen, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		all <- seen{r.Method, r.URL.RequestURI(), r.Header.Get("X-Secret-Key") + " " + r.Header.Get("X-NC-API-IDEMPOTENCY-KEY"), string(body)}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	provider := good().Provider
	provider.Channel = channel.AlimTalk
	g, err := NewAlimTalk(AlimTalkConfig{
		Provider: provider, URL: server.URL + "/", AppKey: "app", SecretKey: "s3cret", SenderKey: strings.Repeat("a", 40), Signature: signature, References: ours(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g, all
}

func alimTalkBill() port.Delivery {
	return port.Delivery{Key: deliveryKey(), Channel: channel.AlimTalk, Destination: "010-1234-5678", Content: port.Variant{
		Text: "청구 금액은 52,000원입니다.", Template: port.AlimTalk{Codes: map[string]string{"nhn": "BILL_01"}, Variables: map[string]string{"금액": "52,000원"}}.Encode(),
	}}
}

const alimTalkTaken = `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"message":{"requestId":"R1","sendResults":[{"recipientSeq":1,"resultCode":0}]}}`

// NHN Cloud fills its own copy of the template, and sends no SMS by itself.
func TestAnAlimTalkRequestIsNHNClouds(t *testing.T) {
	t.Parallel()
	g, got := farAlimTalk(t, alimTalkTaken)
	reply := g.Send(t.Context(), alimTalkBill())
	if reply.Verdict != port.CallAccepted || reply.MessageID != "R1" {
		t.Errorf("%+v", reply)
	}
	written := g.references.Known().To(deliveryKey())
	want := seen{
		http.MethodPost, "/alimtalk/v2.3/appkeys/app/messages", "s3cret " + written,
		`{"senderKey":"` + strings.Repeat("a", 40) + `","templateCode":"BILL_01","recipientList":[{"recipientNo":"01012345678","templateParameter":{"금액":"52,000원"},"resendParameter":{"isResend":false},"recipientGroupingKey":"` + written + `"}]}`,
	}
	if one := <-got; one != want {
		t.Errorf("%+v, want %+v", one, want)
	}
}

func TestWhatAlimTalkCannotSendIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	g, got := farAlimTalk(t, alimTalkTaken)
	for name, c := range map[string]struct {
		change func(*port.Delivery)
		class  attempt.FailureClass
	}{
		"a number of another country":      {func(d *port.Delivery) { d.Destination = "+15147214711" }, attempt.Permanent},
		"no number":                        {func(d *port.Delivery) { d.Destination = "kim" }, attempt.Permanent},
		"a template that has no code here": {func(d *port.Delivery) { d.Content.Template = `{"codes":{"solapi":"x"}}` }, attempt.Provider},
		"no template":                      {func(d *port.Delivery) { d.Content.Template = "" }, attempt.Content},
	} {
		d := alimTalkBill()
		c.change(&d)
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallRefused || reply.Class != c.class || strings.Contains(reply.Detail, "514") {
			t.Errorf("%s: %+v", name, reply)
		}
	}
	if len(got) != 0 {
		t.Error("NHN Cloud was called")
	}
}

func TestAnAnswerAboutAnotherAlimTalkMessageLeavesTheOutcomeUnknown(t *testing.T) {
	t.Parallel()
	g, _ := farAlimTalk(t, strings.Replace(alimTalkTaken, `"resultCode":0}]`, `"resultCode":0,"recipientGroupingKey":"another"}]`, 1))
	if reply := g.Send(t.Context(), alimTalkBill()); reply.Verdict != port.CallUnknown || !reply.Answered {
		t.Errorf("%+v", reply)
	}
}

func TestAlimTalksAnswersMeanWhatTheTableSays(t *testing.T) {
	t.Parallel()
	answerstest.Holds(t, alimTalkTable, AlimTalkAnswers())
}

func TestAnAlimTalkMessageIsFoundByItsReference(t *testing.T) {
	t.Parallel()
	called := time.Date(2026, time.November, 30, 1, 0, 0, 0, time.UTC)
	written := ours(t).Known().To(deliveryKey())
	list := func(total int, state, code, reference string) string {
		return fmt.Sprintf(`{"header":{"resultCode":0,"resultMessage":"SUCCESS","isSuccessful":true},"messageSearchResultResponse":{"messages":[{"requestId":"R1","messageStatus":%q,"resultCode":%q,"receiveDate":"2026-11-30 10:06:42.0","recipientGroupingKey":%q}],"totalCount":%d}}`, state, code, reference, total)
	}
	for name, c := range map[string]struct{ list, want string }{
		"nothing":                   {`{"header":{"resultCode":0,"isSuccessful":true},"messageSearchResultResponse":{"messages":[],"totalCount":0}}`, "not_found "},
		"it arrived":                {list(1, "COMPLETED", "1000", written), "delivered "},
		"it arrived, as lists say":  {list(1, "COMPLETED", "MRC01", written), "delivered "},
		"no KakaoTalk":              {list(1, "FAILED", "3019", written), "undelivered permanent"},
		"template not approved":     {list(1, "FAILED", "3015", written), "undelivered provider"},
		"kept for three days":       {list(1, "FAILED", "3005", written), "accepted "},
		"failed without a code":     {list(1, "FAILED", "", written), "accepted "},
		"failed, as lists say":      {list(1, "FAILED", "MRC02", written), "accepted "},
		"a code of tomorrow":        {list(1, "FAILED", "5555", written), "accepted "},
		"a contradiction":           {list(1, "FAILED", "1000", written), "accepted "},
		"cancelled":                 {list(1, "CANCEL", "", written), "undelivered provider"},
		"on its way":                {list(1, "READY", "", written), "accepted "},
		"what was not asked for":    {list(1, "COMPLETED", "1000", "another"), "error"},
		"what is no list":           {`{"header":{"resultCode":0,"isSuccessful":true}}`, "error"},
		"a refusal of the question": {`{"header":{"resultCode":-4003,"resultMessage":"Search is possible within 31 days.","isSuccessful":false}}`, "error"},
	} {
		g, got := farAlimTalk(t, c.list)
		found, err := g.Inquire(t.Context(), deliveryKey(), called)
		said := string(found.Found) + " " + string(found.Class)
		if err != nil {
			said = "error"
		}
		if said != c.want {
			t.Errorf("%s: %s (%v), want %s", name, said, err, c.want)
		}
		asked, err := url.Parse((<-got).url)
		query := asked.Query()
		if err != nil || asked.Path != "/alimtalk/v2.3/appkeys/app/messages" || query.Get("recipientGroupingKey") != written ||
			query.Get("startRequestDate") != "2026-11-29 10:00" || query.Get("endRequestDate") != "2026-12-01 10:00" {
			t.Errorf("%s: asked for %s", name, asked)
		}
	}
}

// The route goes on to a text message only by a word that is final.
func TestNoKakaoTalkIsReportedAsDefinitivelyUndelivered(t *testing.T) {
	t.Parallel()
	g, _ := farAlimTalk(t, "")
	written := g.references.Known().To(deliveryKey())
	hook := func(id, code, reference string) string {
		return fmt.Sprintf(`{"hookId":%q,"kakaoMessageType":"ALIMTALK_NORMAL","requestId":"R1","recipientSeq":1,"receiveDate":"2026-11-30T10:06:42","recipientNo":"01012341234","resultCode":%q,"recipientGroupingKey":%q}`, id, code, reference)
	}
	said, err := g.Reports(t.Context(), posted(signature, webhookOf("MESSAGE_RESULT_UPDATE", "app",
		hook("h1", "1000", written), hook("h2", "3019", written), hook("h3", "3016", written), hook("h4", "3005", written), hook("h5", "3019", "somebody else's"), hook("h6", "", written))))
	if err != nil || len(said.Reports) != 4 || said.Foreign != 1 {
		t.Fatalf("%+v %v", said, err)
	}
	for i, want := range []report.Report{
		{ID: "h1", Kind: report.Delivered, Definitive: true, Code: "1000"},
		{ID: "h2", Kind: report.Undelivered, Class: attempt.Permanent, Definitive: true, Code: "3019", Detail: "the customer has no KakaoTalk"},
		{ID: "h3", Kind: report.Undelivered, Class: attempt.Provider, Definitive: true, Code: "3016", Detail: "the text is not the template's"},
		{ID: "h4", Kind: report.Undelivered, Class: attempt.Temporary, Code: "3005", Detail: "sent, and not confirmed: KakaoTalk keeps it for three days"},
	} {
		want.Key, want.Provider, want.MessageID, want.SaidAt = deliveryKey(), "nhn", "R1", time.Date(2026, time.November, 30, 1, 6, 42, 0, time.UTC)
		if r := said.Reports[i]; r != want || r.Validate() != nil {
			t.Errorf("%+v, want %+v", r, want)
		}
	}
	if _, err := g.Reports(t.Context(), posted("another", webhookOf("MESSAGE_RESULT_UPDATE", "app", hook("h1", "1000", written)))); !errors.Is(err, port.ErrForged) {
		t.Errorf("a forged one: %v", err)
	}
	if said, err := g.Reports(t.Context(), posted(signature, webhookOf("MESSAGE_RESULT_UPDATE", "another", hook("h1", "1000", written)))); err != nil || said.Foreign != 1 || len(said.Reports) != 0 {
		t.Errorf("another project's: %+v %v", said, err)
	}
}

func TestTheCheckOfAlimTalkLooksAtTheSenderProfile(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		`"status":"YSC03","kakaoStatus":"A","kakaoProfileStatus":"A","block":false`: "",
		`"status":"YSC02"`: "not registered",
		`"status":"YSC03","kakaoStatus":"S","kakaoProfileStatus":"A"`:              "blocked",
		`"status":"YSC03","kakaoStatus":"A","kakaoProfileStatus":"D"`:              "blocked",
		`"status":"YSC03","kakaoStatus":"A","kakaoProfileStatus":"A","block":true`: "blocked",
	} {
		g, got := farAlimTalk(t, `{"header":{"resultCode":0,"resultMessage":"SUCCESS","isSuccessful":true},"sender":{`+said+`}}`)
		err := g.Check(t.Context())
		if (err == nil) != (want == "") || err != nil && (!errors.Is(err, gateway.ErrCheck) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", said, err)
		}
		if one := <-got; one.url != "/alimtalk/v2.3/appkeys/app/senders/"+strings.Repeat("a", 40) {
			t.Errorf("asked for %s", one.url)
		}
	}
	g, _ := farAlimTalk(t, `{"header":{"resultCode":-1001,"resultMessage":"Invalid secretKey.","isSuccessful":false}}`)
	if err := g.Check(t.Context()); !errors.Is(err, gateway.ErrCheck) || !strings.Contains(err.Error(), "-1001") {
		t.Errorf("%v", err)
	}
}

func TestThePageListsEachCodeOfAlimTalk(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../docs/providers/nhn.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range AlimTalkResults() {
		definitive := map[bool]string{true: "yes", false: "no"}[r.Definitive]
		if row := fmt.Sprintf("| %s | %s | %s | %s |\n", r.Code, r.Class, definitive, r.Why); !strings.Contains(string(raw), row) {
			t.Errorf("the page lacks %s", row)
		}
	}
}

// What may have passed by next month lets the route continue on another channel, and puts nobody on the suppression list.
func TestWhoseKakaoTalkIsTooOldMovesOnAndIsNotSuppressed(t *testing.T) {
	t.Parallel()
	for code, rejects := range map[string]bool{"3018": false, "3019": true, "3020": true, "3021": false} {
		r := AlimTalkResults().Find(code)
		said := report.Report{Kind: report.Undelivered, Class: r.Class, Definitive: r.Definitive}
		if !r.Class.Hard() || !said.Decides() || said.Rejects() != rejects {
			t.Errorf("%s is %+v", code, r)
		}
	}
}

func FuzzNHNCloudsAlimTalkLists(f *testing.F) {
	f.Add([]byte(alimTalkTaken))
	f.Add([]byte(`{"messageSearchResultResponse":{"messages":[{"requestId":"R1","messageStatus":"FAILED","resultCode":"3019","recipientGroupingKey":"ours"}],"totalCount":1}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		found, err := findAlimTalk(raw, "ours")
		if err == nil && found.Found == "" || found.Found == port.FoundUndelivered && found.Class == "" {
			t.Errorf("%+v %v", found, err)
		}
		alimTalkOfAnother(raw, "ours")
		readAlimTalk(raw)
	})
}
