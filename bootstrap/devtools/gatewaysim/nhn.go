package gatewaysim

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/valyala/fasthttp"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/inbox"
)

// nhnPath is where NHN Cloud takes messages and questions.
var nhnPath = regexp.MustCompile(`^/sms/v3\.0/appKeys/([A-Za-z0-9_-]+)/(sender/sms|sender/mms|sendNos)$`)

// nhnRequest is a message by NHN Cloud's contract.
type nhnRequest struct {
	Title      string `json:"title"`
	Body       string `json:"body"`
	From       string `json:"sendNo"`
	Recipients []struct {
		Number        string `json:"recipientNo"`
		International string `json:"internationalRecipientNo"`
		Reference     string `json:"recipientGroupingKey"`
	} `json:"recipientList"`
}

// serveNHN answers by NHN Cloud's contract. The status is 200 whatever the answer is.
func (s *Server) serveNHN(ctx *fasthttp.RequestCtx, project, what string) {
	ctx.Response.Header.SetContentType("application/json;charset=UTF-8")
	lms := what == "sender/mms"
	switch {
	case len(ctx.Request.Header.Peek("X-Secret-Key")) == 0:
		nhnError(ctx, -1003, "Not project member id.")
	case what == "sendNos" && ctx.IsGet():
		fmt.Fprintf(ctx, `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":{"totalCount":1,"data":[{"sendNo":%q,"useYn":"Y","blockYn":"N"}]}}`, ctx.QueryArgs().Peek("sendNo"))
	case ctx.IsGet():
		s.listNHN(ctx, lms)
	case ctx.IsPost() && what != "sendNos":
		s.sendNHN(ctx, project, lms)
	default:
		nhnError(ctx, -9998, "Not exist API.")
	}
}

func (s *Server) listNHN(ctx *fasthttp.RequestCtx, lms bool) {
	query := ctx.QueryArgs()
	if len(query.Peek("startRequestDate")) == 0 || len(query.Peek("endRequestDate")) == 0 {
		nhnError(ctx, -2011, "RequestId or start/endRequestDate or start/endCreateDate is required.")
		return
	}
	m, found := s.sent.find(string(query.Peek("recipientGroupingKey")))
	if !found || m.kind != nhnKind(lms) {
		ctx.SetBodyString(`{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":{"totalCount":0,"data":[]}}`)
		return
	}
	now := s.config.now()
	if !s.lookedUp(m, now) {
		nhnError(ctx, -9999, "System error. Please inquire at support@toast.com.")
		return
	}
	state, code := nhnState(m, now)
	fmt.Fprintf(ctx, `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":{"totalCount":1,"data":[{"requestId":%q,"countryCode":%q,"msgStatus":%q,"resultCode":%q,"recipientGroupingKey":%q}]}}`,
		m.id, m.country, state, code, m.reference)
}

func (s *Server) sendNHN(ctx *fasthttp.RequestCtx, project string, lms bool) {
	var q nhnRequest
	if json.Unmarshal(ctx.PostBody(), &q) != nil || len(q.Recipients) != 1 {
		nhnError(ctx, -9997, "Invalid API parameters.")
		return
	}
	to, country := q.Recipients[0].Number, "82"
	if to == "" {
		to, country = q.Recipients[0].International, ""
	}
	c := call{Call: behaviour.Call{Channel: behaviour.SMS, Vendor: behaviour.NHN, Destination: to}, content: acceptlog.HashContent([]byte(q.Body))}
	if reference := q.Recipients[0].Reference; validKey(reference) {
		c.Key = reference
	}
	wrong := func(code int, message string) {
		s.refuse(c, behaviour.Invalid)
		nhnError(ctx, code, message)
	}
	switch {
	case to == "" || !dialled(to):
		wrong(-2019, "RecipientNo is invalid.")
	case q.From == "":
		wrong(-2312, "Not regist sendno.")
	case q.Body == "" || lms && q.Title == "":
		wrong(-2014, "The recipient can not be empty.")
	case lms && country == "":
		wrong(-2024, "LMS/MMS Type is not sent to outside of Korea.")
	default:
		c.message = inbox.Message{To: to, Class: nhnKind(lms), Title: q.Title}
		if s.inbox != nil {
			c.message.Body = []byte(q.Body)
		}
		ctx.Request.ResetBody() // it is used up, and the call may wait for seconds
		m := sentMessage{to: to, from: q.From, account: project, reference: c.Key, country: country, kind: nhnKind(lms)}
		c.sent = func(sequence uint64) sentMessage {
			m.id = nhnID(sequence)
			return m
		}
		a := s.handle(c)
		answerNHN(ctx, nhnID(a.sequence), c.Key, a)
	}
}

func nhnKind(lms bool) string {
	if lms {
		return "LMS"
	}
	return "SMS"
}

// nhnID is NHN Cloud's id of a request.
func nhnID(sequence uint64) string { return fmt.Sprintf("20261130%012dABC", sequence) }

func answerNHN(ctx *fasthttp.RequestCtx, id, reference string, a answer) {
	if isNoAnswer(ctx, behaviour.SMS, a) {
		return
	}
	switch a.outcome {
	case behaviour.Accepted:
		fmt.Fprintf(ctx, `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":{"data":{"requestId":%q,"statusCode":"2","sendResultList":[{"resultCode":0,"resultMessage":"SUCCESS","recipientSeq":1,"recipientGroupingKey":%q}]}}}`, id, reference)
	case behaviour.RefusedPermanent: // the request is a success, and the recipient is none
		fmt.Fprintf(ctx, `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":{"data":{"requestId":"%s","statusCode":"3","sendResultList":[{"resultCode":-2019,"resultMessage":"RecipientNo is invalid.","recipientSeq":1}]}}}`, id)
	case behaviour.RefusedContent: // NHN Cloud refuses no content for its own sake
		nhnError(ctx, -6001, "Recipient Number is refused.")
	case behaviour.RefusedThrottled:
		ctx.SetStatusCode(fasthttp.StatusTooManyRequests)
		retryAfter(ctx, a.retryAfter)
	default:
		nhnError(ctx, -9999, "System error. Please inquire at support@toast.com.")
	}
}

func nhnError(ctx *fasthttp.RequestCtx, code int, message string) {
	fmt.Fprintf(ctx, `{"header":{"isSuccessful":false,"resultCode":%d,"resultMessage":%q}}`, code, message)
}
