package nhn

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

// signatureHeader carries the text that was written into the console beside the webhook's URL: the same in each request, so it
// says who asks and nothing about what is said (https://docs.nhncloud.com/en/Notification/SMS/en/webhook/).
const signatureHeader = "X-Toast-Webhook-Signature"

// resultUpdate is the event of results of messages. The others name no message of ours: UNSUBSCRIBE has a number,
// INTERNATIONAL_DELIVERY_RECEIPT the id of a request, CONVERSION_BLOCK a country.
const resultUpdate = "MESSAGE_RESULT_UPDATE"

// webhook is a request of NHN Cloud's.
type webhook struct {
	AppKey string `json:"appKey"`
	Event  string `json:"event"`
	Hooks  []hook `json:"hooks"`
}

// hook is the result of a message.
type hook struct {
	ID        string       `json:"hookId"`
	RequestID string       `json:"requestId"`
	At        string       `json:"receiveDate"`
	Number    string       `json:"recipientNo"`
	State     string       `json:"messageStatus"`
	Code      answers.Text `json:"resultCode"`
	Reference string       `json:"recipientGroupingKey"`
	Misspelt  string       `json:"recipientGropuingKey"` // as the example of the documents has it
}

// Reports implements port.Reporter.
func (g *Gateway) Reports(ctx context.Context, request port.Webhook) (port.Said, error) {
	hooks, foreign, err := verified(ctx, request, g.signature, "BALSONG_NHN_WEBHOOK_SECRET", g.references, g.appKey)
	if err != nil || foreign > 0 {
		return port.Said{Foreign: foreign}, err
	}
	return reportsOf(hooks, g.references.Known(), g.provider.Name, func(h hook) outcome {
		return outcomeOf(h.State, string(h.Code), !strings.HasPrefix(h.Number, "0"))
	}), nil
}

// verified reads the hooks of a request, or how many of them are foreign. variable has what they are signed with.
func verified(ctx context.Context, request port.Webhook, signature, variable string, references *reference.Source, appKey string) (hooks []hook, foreign int, err error) {
	given := http.Header(request.Header).Get(signatureHeader)
	if signature == "" || !hmac.Equal([]byte(given), []byte(signature)) {
		return nil, 0, fmt.Errorf("%w: its signature is another one (is %s what the console was told?)", port.ErrForged, variable)
	}
	if err := references.Prepare(ctx); err != nil {
		return nil, 0, err
	}
	var said webhook
	if json.Unmarshal(request.Body, &said) != nil || said.Event == "" || said.Hooks == nil {
		return nil, 0, port.ErrUnreadable
	}
	if said.AppKey != appKey || said.Event != resultUpdate {
		return nil, len(said.Hooks), nil
	}
	return said.Hooks, 0, nil
}

// reportsOf are the reports of hooks, whose meaning is read by outcome.
func reportsOf(hooks []hook, known *reference.References, provider string, outcome func(hook) outcome) (said port.Said) {
	for _, h := range hooks {
		text := h.Reference
		if text == "" {
			text = h.Misspelt
		}
		if known == nil {
			said.Foreign++
			continue
		}
		about, err := known.Read(text)
		if err != nil {
			said.Foreign++
			continue
		}
		if r, ok := h.report(outcome(h)); ok {
			r.Key, r.Provider = about, provider
			said.Reports = append(said.Reports, r)
		}
	}
	return said
}

// report is what a hook says; false if that is nothing that matters: a message on its way, or one that a foreign carrier took.
func (h hook) report(o outcome) (report.Report, bool) {
	r := report.Report{ID: h.id(), Kind: report.Undelivered, Class: o.Class, Definitive: o.Definitive, Code: gateway.Redact(string(h.Code), ""), Detail: o.Why, SaidAt: timeOf(inWebhook, h.At)}
	if gateway.ValidMessageID(h.RequestID) {
		r.MessageID = h.RequestID
	}
	if o.delivered {
		r.Kind, r.Definitive = report.Delivered, true
	}
	return r, o.final && !(o.delivered && o.abroad)
}

// id is the hook's own, or a hash of what it says.
func (h hook) id() string {
	if gateway.ValidMessageID(h.ID) {
		return h.ID
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []string{h.RequestID, h.At, h.State, string(h.Code), h.Reference, h.Misspelt}))
	return hex.EncodeToString(sum[:])
}
