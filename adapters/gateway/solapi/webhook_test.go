package solapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/report"
)

func posted(body string) port.Webhook {
	return port.Webhook{Method: http.MethodPost, URL: "https://example.com/reports/solapi/secret", Body: []byte(body)}
}

func storedAs(id, code, reference string) string {
	return fmt.Sprintf(`%q:{"messageId":%q,"statusCode":%q,"status":"COMPLETE","to":"01000000000","customFields":{"balsong":%q},"dateReported":"2026-11-30T03:00:42.000Z"}`, id, id, code, reference)
}

func listOf(messages ...string) string {
	return `{"startKey":null,"limit":20,"messageList":{` + strings.Join(messages, ",") + `}}`
}

// Nobody signs a webhook: what it says of a message is not believed, only that there may be something to ask about.
func TestAWebhookIsBelievedAsFarAsSOLAPIAnswers(t *testing.T) {
	t.Parallel()
	config := good()
	config.References = ours(t)
	written := config.References.Known().To(deliveryKey())
	g, got := far(t, config, http.StatusOK, listOf(
		storedAs("M1", "4000", written), storedAs("M2", "3032", written), storedAs("M3", "3000", written), storedAs("M4", "4000", "somebody else's"), storedAs("M6", "3040", written)))
	said, err := g.Reports(t.Context(), posted(`[{"messageId":"M2","statusCode":"4000"},{"messageId":"M1","statusCode":"3032"},{"messageId":"M1"},{"messageId":"M3"},{"messageId":"M4"},{"messageId":"M5"},{"messageId":"M6"}]`))
	if err != nil || said.Foreign != 2 || string(said.Answer) != "{}" || len(said.Reports) != 3 {
		t.Fatalf("%+v %v", said, err)
	}
	at := time.Date(2026, time.November, 30, 3, 0, 42, 0, time.UTC)
	for i, want := range []report.Report{
		{ID: "M1/4000", MessageID: "M1", Kind: report.Delivered, Definitive: true, Code: "4000"},
		{ID: "M2/3032", MessageID: "M2", Kind: report.Undelivered, Class: attempt.Permanent, Definitive: true, Code: "3032", Detail: "nobody has this number"},
		{ID: "M6/3040", MessageID: "M6", Kind: report.Undelivered, Class: attempt.Temporary, Code: "3040", Detail: "its time was over: nothing says what the device has"},
	} {
		want.Key, want.Provider, want.SaidAt = deliveryKey(), "solapi", at
		if r := said.Reports[i]; r != want || r.Validate() != nil {
			t.Errorf("%+v, want %+v", r, want)
		}
	}
	asked, err := url.Parse((<-got).url)
	if err != nil || asked.Path != "/messages/v4/list" || strings.Join(asked.Query()["messageIds"], " ") != "M1 M2 M3 M4 M5 M6" {
		t.Errorf("asked for %s", asked)
	}
}

func TestAWebhookWithManyMessagesTakesSeveralQuestions(t *testing.T) {
	t.Parallel()
	config := good()
	config.References = ours(t)
	g, got := far(t, config, http.StatusOK, listOf())
	var ids []string
	for i := range perList*2 + 1 {
		ids = append(ids, fmt.Sprintf(`{"messageId":"M%d"}`, i))
	}
	if said, err := g.Reports(t.Context(), posted("["+strings.Join(ids, ",")+"]")); err != nil || said.Foreign != len(ids) || len(got) != 3 {
		t.Errorf("%+v %v after %d questions", said, err, len(got))
	}
}

// SOLAPI comes again with what was not answered with 200.
func TestWithoutAnAnswerNothingIsSaid(t *testing.T) {
	t.Parallel()
	config := good()
	config.References = ours(t)
	for said, status := range map[string]int{`{"errorCode":"InvalidAPIKey"}`: 403, `<html>`: 200, `{}`: 200, `{"messageList":[]}`: 200, `{"messageList":{}}` + strings.Repeat(" ", maxList): 200} {
		g, _ := far(t, config, status, said)
		if _, err := g.Reports(t.Context(), posted(`[{"messageId":"M1"}]`)); err == nil || errors.Is(err, port.ErrForged) || errors.Is(err, port.ErrUnreadable) {
			t.Errorf("%.40s: %v", said, err)
		}
	}
}

func TestWhatNamesNoMessageIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	config := good()
	config.References = ours(t)
	g, got := far(t, config, http.StatusOK, listOf())
	for _, body := range []string{"", "{}", "[]", "<html>", `[{}]`, `[{"messageId":"M1&limit=9"}]`, `[{"messageId":"M1"},{"groupId":"G1"}]`, "[" + strings.Repeat(`{"messageId":"M1"},`, maxIDs) + `{"messageId":"M1"}]`} {
		if _, err := g.Reports(t.Context(), posted(body)); !errors.Is(err, port.ErrUnreadable) {
			t.Errorf("%.40s: %v", body, err)
		}
	}
	if len(got) != 0 {
		t.Error("SOLAPI was asked")
	}
}

// Silence and what a server does not know are no word that the message did not arrive.
func TestWhatIsNotCertainIsNotDefinitive(t *testing.T) {
	t.Parallel()
	known := ours(t).Known()
	s := stored{Fields: map[string]string{field: known.To(deliveryKey())}}
	for code, want := range map[string]report.Kind{
		"3040": report.Undelivered, "3014": report.Undelivered, "3024": report.Undelivered, "3048": report.Undelivered, "3999": report.Undelivered, "2999": report.Undelivered,
		"2000": "", "3000": "", "": "", "TEST1000": "",
	} {
		s.Code = answers.Text(code)
		if r, ours := s.report("M1", known); !ours || r.Kind != want || r.Definitive {
			t.Errorf("%s: %+v", code, r)
		}
	}
}

func TestThePageListsEachCode(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../docs/providers/solapi.md")
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

func FuzzSOLAPIsWebhooks(f *testing.F) {
	f.Add([]byte(`[{"messageId":"M4V20211116140944VNOQH1HURYHEWL8","statusCode":"4000"}]`))
	f.Add([]byte(`[{"messageId":"M1"},{"messageId":"M1"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		ids, err := idsIn(body)
		if err == nil && (len(ids) == 0 || len(ids) > maxIDs) {
			t.Errorf("%d ids", len(ids))
		}
		for _, id := range ids {
			if !keyForm.MatchString(id) {
				t.Errorf("the id %q", id)
			}
		}
	})
}

func FuzzSOLAPIsLists(f *testing.F) {
	known := ours(f).Known()
	written := known.To(deliveryKey())
	f.Add([]byte(listOf(storedAs("M1", "4000", written))))
	f.Add([]byte(listOf(storedAs("M1", "3032", written), storedAs("M2", "odd", written))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := listIn(raw)
		if err != nil {
			return
		}
		for id, s := range list {
			r, ours := s.report("M1", known)
			if r.Provider = "solapi"; ours && r.Kind != "" && r.Validate() != nil {
				t.Errorf("%s: %+v", id, r)
			}
		}
	})
}
