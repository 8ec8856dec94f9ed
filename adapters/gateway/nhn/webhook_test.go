package nhn

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/report"
)

// hookAs is a result as the documents show it.
func hookAs(id, field, reference, state, code string) string {
	return fmt.Sprintf(`{"hookId":%q,"senderType":"NORMAL_SMS","requestId":"R1","recipientSeq":1,"requestDate":"2026-11-30T10:06:30","receiveDate":"2026-11-30T10:06:42","sendNo":"15446859",
		"recipientNo":"01012341234","messageStatus":%q,%q:%q,"senderGroupingKey":"S","resultCode":%q,"messageCount":1,"_link":{"self":{"href":"https://sms.api.nhncloudservice.com/"}}}`, id, state, field, reference, code)
}

func webhookOf(event, appKey string, hooks ...string) string {
	return fmt.Sprintf(`{"hooksId":"202007271010101010sadasdavas","webhookConfigId":"c","productName":"SMS","appKey":%q,"event":%q,"hooks":[%s]}`, appKey, event, strings.Join(hooks, ","))
}

func reporter(t testing.TB) *Gateway {
	t.Helper()
	config := good()
	config.References = ours(t)
	g, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// posted is a webhook that carries a signature.
func posted(signature, body string) port.Webhook {
	return port.Webhook{Method: http.MethodPost, URL: "https://example.com/nhn", Header: http.Header{"X-Toast-Webhook-Signature": {signature}}, Body: []byte(body)}
}

func TestAResultIsReportedByTheReferenceHoweverItsNameIsSpelt(t *testing.T) {
	t.Parallel()
	g := reporter(t)
	written := g.references.Known().To(deliveryKey())
	said, err := g.Reports(t.Context(), posted(signature, webhookOf("MESSAGE_RESULT_UPDATE", "app",
		hookAs("h1", "recipientGroupingKey", written, "COMPLETED", "1000"),
		hookAs("h2", "recipientGropuingKey", written, "FAILED", "3001"),
		hookAs("h3", "recipientGroupingKey", "somebody else's", "FAILED", "3001"),
		hookAs("h4", "recipientGroupingKey", written, "SENDING", ""),
	)))
	if err != nil || len(said.Reports) != 2 || said.Foreign != 1 {
		t.Fatalf("%+v %v", said, err)
	}
	at := time.Date(2026, time.November, 30, 1, 6, 42, 0, time.UTC)
	for i, want := range []report.Report{
		{ID: "h1", Kind: report.Delivered, Definitive: true, Code: "1000"},
		{ID: "h2", Kind: report.Undelivered, Class: attempt.Permanent, Definitive: true, Code: "3001", Detail: "nobody has this number"},
	} {
		want.Key, want.Provider, want.MessageID, want.SaidAt = deliveryKey(), "nhn", "R1", at
		if got := said.Reports[i]; got != want || got.Validate() != nil {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

// What a provider says after a long silence is that it does not know: a message that may have arrived is not sent again.
func TestSilenceIsNoDefinitiveFailure(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"2000", "1019", "3011", "E915", "E999", "a code of tomorrow"} {
		if o := outcomeOf("FAILED", code, false); !o.final || o.delivered || o.Definitive {
			t.Errorf("%s: %+v", code, o)
		}
	}
	if o := outcomeOf("DUPLICATED", "", false); !o.final || o.Definitive {
		t.Errorf("a duplicate: %+v", o)
	}
	for _, state := range []string{"RESERVED", "SENDING", "RESEND_AD", "soon"} {
		if o := outcomeOf(state, "3001", false); o.final {
			t.Errorf("%s: %+v", state, o)
		}
	}
	if o := outcomeOf("COMPLETED", "3001", false); o.final {
		t.Errorf("a contradiction: %+v", o)
	}
}

func TestAMessageAbroadIsNotSaidToHaveArrived(t *testing.T) {
	t.Parallel()
	g := reporter(t)
	hook := strings.Replace(hookAs("h1", "recipientGroupingKey", g.references.Known().To(deliveryKey()), "COMPLETED", "1000"), "01012341234", "15147214711", 1)
	if said, err := g.Reports(t.Context(), posted(signature, webhookOf("MESSAGE_RESULT_UPDATE", "app", hook))); err != nil || len(said.Reports) != 0 || said.Foreign != 0 {
		t.Errorf("%+v %v", said, err)
	}
}

func TestARequestWithoutTheSignatureIsForged(t *testing.T) {
	t.Parallel()
	g := reporter(t)
	body := webhookOf("MESSAGE_RESULT_UPDATE", "app", hookAs("h1", "recipientGroupingKey", g.references.Known().To(deliveryKey()), "COMPLETED", "1000"))
	for name, given := range map[string]string{"none": "", "another": strings.Repeat("x", MinSignature), "a longer one": signature + "w", "the documents'": "application/json;charset=UTF-8"} {
		if said, err := g.Reports(t.Context(), posted(given, body)); !errors.Is(err, port.ErrForged) || len(said.Reports) != 0 {
			t.Errorf("%s: %+v %v", name, said, err)
		}
	}
	config := good()
	config.Signature = ""
	unsigned, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer unsigned.Close()
	if _, err := unsigned.Reports(t.Context(), posted("", body)); !errors.Is(err, port.ErrForged) {
		t.Errorf("where none is configured: %v", err)
	}
}

func TestWhatNamesNoMessageOfOursIsCounted(t *testing.T) {
	t.Parallel()
	g := reporter(t)
	hook := hookAs("h1", "recipientGroupingKey", g.references.Known().To(deliveryKey()), "COMPLETED", "1000")
	for name, body := range map[string]string{
		"another project": webhookOf("MESSAGE_RESULT_UPDATE", "another", hook),
		"an opt-out":      webhookOf("UNSUBSCRIBE", "app", `{"hookId":"h","recipientNo":"01012341234","unsubscribeNo":"08012341234"}`),
		"a foreign DLR":   webhookOf("INTERNATIONAL_DELIVERY_RECEIPT", "app", `{"hookId":"h","requestId":"R1","recipientSeq":1,"dlrStatus":"DELIVERED"}`),
	} {
		if said, err := g.Reports(t.Context(), posted(signature, body)); err != nil || len(said.Reports) != 0 || said.Foreign != 1 {
			t.Errorf("%s: %+v %v", name, said, err)
		}
	}
	for _, body := range []string{"", "<html>", "{}", "[]", `{"event":"MESSAGE_RESULT_UPDATE","appKey":"app","hooks":{}}`} {
		if said, err := g.Reports(t.Context(), posted(signature, body)); !errors.Is(err, port.ErrUnreadable) {
			t.Errorf("%q: %+v %v", body, said, err)
		}
	}
}

func TestAHookWithoutAnIDIsKnownAgainByWhatItSays(t *testing.T) {
	t.Parallel()
	first, again, other := hook{RequestID: "R1", Code: "3001"}, hook{RequestID: "R1", Code: "3001"}, hook{RequestID: "R1", Code: "1000"}
	if first.id() != again.id() || first.id() == other.id() || len(first.id()) > report.MaxID {
		t.Errorf("%s, %s, %s", first.id(), again.id(), other.id())
	}
}

func TestThePageListsEachCode(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../docs/providers/nhn.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Results() {
		definitive := map[bool]string{true: "yes", false: "no"}[r.Definitive]
		if row := fmt.Sprintf("| %s | %s | %s | %s |\n", r.Code, r.Class, definitive, r.Why); !strings.Contains(string(raw), row) {
			t.Errorf("the page lacks %s", row)
		}
	}
}

func FuzzNHNCloudsWebhooks(f *testing.F) {
	g := reporter(f)
	written := g.references.Known().To(deliveryKey())
	f.Add([]byte(webhookOf("MESSAGE_RESULT_UPDATE", "app", hookAs("h1", "recipientGropuingKey", written, "COMPLETED", "1000"))))
	f.Add([]byte(webhookOf("MESSAGE_RESULT_UPDATE", "app", hookAs("", "recipientGroupingKey", written, "FAILED", "3001"), "null")))
	f.Add([]byte(webhookOf("UNSUBSCRIBE", "app", "{}")))
	f.Fuzz(func(t *testing.T, body []byte) {
		said, err := g.Reports(t.Context(), posted(signature, string(body)))
		if err != nil && !errors.Is(err, port.ErrUnreadable) {
			t.Error(err)
		}
		for _, r := range said.Reports {
			if err := r.Validate(); err != nil {
				t.Errorf("%+v: %v", r, err)
			}
		}
	})
}
