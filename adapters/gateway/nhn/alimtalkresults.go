package nhn

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/textmessage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// alimTalkResults are the codes that AlimTalk messages get later (https://docs.nhncloud.com/ko/Notification/KakaoTalk%20Bizmessage/ko/error-code/,
// 발송 결과 코드). What does not say for certain that the message did not arrive is not definitive: 3005 is one that KakaoTalk keeps for
// three days. Codes of templates and profiles are about us.
//
// What may have passed by next month (a KakaoTalk that is too old or not in use) is Suppressed, not Permanent: the message continues on
// another channel at once, as with Temporary it would not where the route names AlimTalk twice, and nobody is put on the suppression
// list, from which only a person takes a customer.
var alimTalkResults = textmessage.Results{
	{Code: "1002", Class: attempt.Provider, Definitive: true, Why: "NHN Cloud's own key at KakaoTalk"},
	{Code: "1003", Class: attempt.Provider, Definitive: true, Why: "our sender profile's key"},
	{Code: "1006", Class: attempt.Provider, Definitive: true, Why: "our sender profile is deleted"},
	{Code: "1007", Class: attempt.Provider, Definitive: true, Why: "our sender profile is blocked"},
	{Code: "1011", Class: attempt.Provider, Definitive: true, Why: "our contract is not found"},
	{Code: "1020", Class: attempt.Permanent, Definitive: true, Why: "no such number"},
	{Code: "1021", Class: attempt.Provider, Definitive: true, Why: "our KakaoTalk channel is blocked"},
	{Code: "1022", Class: attempt.Provider, Definitive: true, Why: "our KakaoTalk channel is closed"},
	{Code: "1023", Class: attempt.Provider, Definitive: true, Why: "our KakaoTalk channel is deleted"},
	{Code: "1024", Class: attempt.Provider, Definitive: true, Why: "our KakaoTalk channel is being deleted"},
	{Code: "1025", Class: attempt.Provider, Definitive: true, Why: "our KakaoTalk channel is restricted"},
	{Code: "1027", Class: attempt.Provider, Definitive: true, Why: "our KakaoTalk channel may send no messages"},
	{Code: "1030", Class: attempt.Provider, Definitive: true, Why: "our request"},
	{Code: "2001", Class: attempt.Temporary, Why: "an unexpected failure: nothing says before or after the delivery"},
	{Code: "3000", Class: attempt.Temporary, Why: "an unexpected failure: nothing says before or after the delivery"},
	{Code: "3005", Class: attempt.Temporary, Why: "sent, and not confirmed: KakaoTalk keeps it for three days"},
	{Code: "3006", Class: attempt.Temporary, Why: "a failure of theirs: nothing says before or after the delivery"},
	{Code: "3008", Class: attempt.Permanent, Definitive: true, Why: "no such number"},
	{Code: "3013", Class: attempt.Content, Definitive: true, Why: "the message is empty"},
	{Code: "3014", Class: attempt.Content, Definitive: true, Why: "the message is too long"},
	{Code: "3015", Class: attempt.Provider, Definitive: true, Why: "our template is none"},
	{Code: "3016", Class: attempt.Provider, Definitive: true, Why: "the text is not the template's"},
	{Code: "3018", Class: attempt.Suppressed, Definitive: true, Why: "cannot be sent to this customer: KakaoTalk has another number, or is not in use"},
	{Code: "3019", Class: attempt.Permanent, Definitive: true, Why: "the customer has no KakaoTalk"},
	{Code: "3020", Class: attempt.Permanent, Definitive: true, Why: "the customer has blocked AlimTalk"},
	{Code: "3021", Class: attempt.Suppressed, Definitive: true, Why: "the customer's KakaoTalk is too old"},
	{Code: "3025", Class: attempt.Content, Definitive: true, Why: "a variable is too long"},
	{Code: "3027", Class: attempt.Provider, Definitive: true, Why: "the buttons are not the template's"},
	{Code: "4102", Class: attempt.Provider, Definitive: true, Why: "our template"},
	{Code: "4132", Class: attempt.Provider, Definitive: true, Why: "the variables are not the template's"},
	{Code: "4133", Class: attempt.Provider, Definitive: true, Why: "our template is stopped"},
	{Code: "4134", Class: attempt.Provider, Definitive: true, Why: "our template was changed"},
}

// AlimTalkResults lists what the codes of AlimTalk's later results mean.
func AlimTalkResults() textmessage.Results { return alimTalkResults }

// alimTalkOutcome reads a state of a list (a webhook has none) and a code. MRC01 is the success of lists, by the documents of their
// questions.
func alimTalkOutcome(state, code string) outcome {
	o := outcome{final: true}
	switch {
	case state == "CANCEL":
		o.Result = textmessage.Result{Code: code, Class: attempt.Provider, Definitive: true, Why: "it was cancelled at NHN Cloud"}
	case (code == arrived || code == "MRC01") && (state == "COMPLETED" || state == ""):
		o.delivered = true
		o.Result = textmessage.Result{Code: code}
	case (state == "FAILED" || state == "" || state == "COMPLETED") && code != "" && code != arrived && code != "MRC01":
		o.Result = alimTalkResults.Find(code)
	default: // on its way, a contradiction, and what is not known
		o.final = false
	}
	return o
}

// Reports implements port.Reporter.
func (g *AlimTalk) Reports(ctx context.Context, request port.Webhook) (port.Said, error) {
	hooks, foreign, err := verified(ctx, request, g.signature, "BALSONG_NHN_ALIMTALK_WEBHOOK_SECRET", g.references, g.appKey)
	if err != nil || foreign > 0 {
		return port.Said{Foreign: foreign}, err
	}
	return reportsOf(hooks, g.references.Known(), g.provider.Name, func(h hook) outcome { return alimTalkOutcome("", string(h.Code)) }), nil
}

// InquiryTerms implements port.Inquirer. NHN Cloud answers about messages of the last 90 days; nothing says how soon its list has a
// message, nor that it is complete.
func (g *AlimTalk) InquiryTerms() port.InquiryTerms {
	return port.InquiryTerms{
		Settling: 5 * time.Minute, Window: 89 * 24 * time.Hour, Calls: max(1, g.references.Secrets()),
		Source: alimTalkGuide, // 메시지 리스트 조회
	}
}

// Inquire implements port.Inquirer.
func (g *AlimTalk) Inquire(ctx context.Context, about key.Delivery, called time.Time) (port.Finding, error) {
	if err := g.references.Prepare(ctx); err != nil {
		return port.Finding{}, err
	}
	known := g.references.Known()
	if known == nil {
		return port.Finding{}, errNoReference
	}
	const minutes = "2006-01-02 15:04"
	query := "/messages?startRequestDate=" + url.QueryEscape(called.Add(-around).In(seoul).Format(minutes)) +
		"&endRequestDate=" + url.QueryEscape(called.Add(around).In(seoul).Format(minutes)) + "&recipientGroupingKey="
	for _, ours := range known.All(about) { // the secret may have been changed since the call
		answer, err := g.host.Exchange(ctx, g.call(http.MethodGet, query+ours))
		if err != nil {
			return port.Finding{}, err
		}
		if answer.Status/100 != 2 || answer.Truncated || !read(answer.Body).succeeded() {
			return port.Finding{}, fmt.Errorf("%w: %s", errList, gateway.Redact(alimTalkTable.Reply(answer, nil, g.now()).Detail, ""))
		}
		found, err := findAlimTalk(answer.Body, ours)
		if err != nil || found.Found != port.FoundNothing {
			return found, err
		}
	}
	return port.Finding{Found: port.FoundNothing}, nil
}

// findAlimTalk looks for a message in a list of which NHN Cloud has left out all others.
func findAlimTalk(raw []byte, ours string) (port.Finding, error) {
	var list struct {
		Result *struct {
			Total    int `json:"totalCount"`
			Messages []struct {
				RequestID string       `json:"requestId"`
				State     string       `json:"messageStatus"`
				Code      answers.Text `json:"resultCode"`
				At        string       `json:"receiveDate"`
				Reference string       `json:"recipientGroupingKey"`
			} `json:"messages"`
		} `json:"messageSearchResultResponse"`
	}
	if json.Unmarshal(raw, &list) != nil || list.Result == nil {
		return port.Finding{}, errList
	}
	best := port.Finding{Found: port.FoundNothing}
	for _, m := range list.Result.Messages {
		if m.Reference != ours {
			continue
		}
		found := findingOf(alimTalkOutcome(m.State, string(m.Code)), string(m.Code), m.RequestID, timeOf(inLists, m.At))
		if ranks[found.Found] > ranks[best.Found] {
			best = found
		}
	}
	if best.Found == port.FoundNothing && list.Result.Total != 0 {
		return port.Finding{}, fmt.Errorf("%w: it holds messages that were not asked for", errList)
	}
	return best, nil
}
