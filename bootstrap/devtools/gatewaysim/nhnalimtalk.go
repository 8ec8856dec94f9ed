package gatewaysim

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/inbox"
)

// nhnAlimTalkPath is where NHN Cloud's KakaoTalk Bizmessage takes messages and questions.
var nhnAlimTalkPath = regexp.MustCompile(`^/alimtalk/v2\.3/appkeys/([A-Za-z0-9_-]+)/(messages|senders/[A-Za-z0-9]+)$`)

// nhnAgain is how long an idempotency key is remembered.
const nhnAgain = 10 * time.Minute

// nhnAlimTalkRequest is an AlimTalk message by NHN Cloud's contract.
type nhnAlimTalkRequest struct {
	Sender     string `json:"senderKey"`
	Template   string `json:"templateCode"`
	Recipients []struct {
		Number    string            `json:"recipientNo"`
		Variables map[string]string `json:"templateParameter"`
		Reference string            `json:"recipientGroupingKey"`
	} `json:"recipientList"`
}

// serveNHNAlimTalk answers by NHN Cloud's contract of AlimTalk. The status is 200 whatever the answer is.
func (s *Server) serveNHNAlimTalk(ctx *fasthttp.RequestCtx, project, what string) {
	ctx.Response.Header.SetContentType("application/json;charset=UTF-8")
	again := string(ctx.Request.Header.Peek("X-NC-API-IDEMPOTENCY-KEY"))
	switch {
	case len(ctx.Request.Header.Peek("X-Secret-Key")) == 0:
		nhnError(ctx, -1001, "Invalid secretKey.")
	case ctx.IsGet() && strings.HasPrefix(what, "senders/"):
		fmt.Fprintf(ctx, `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"sender":{"senderKey":%q,"status":"YSC03","kakaoStatus":"A","kakaoProfileStatus":"A","block":%t}}`,
			strings.TrimPrefix(what, "senders/"), s.gateway.Settings().Kakao.Blocked)
	case ctx.IsGet():
		s.listNHNAlimTalk(ctx)
	case !ctx.IsPost() || what != "messages":
		nhnError(ctx, -9998, "Not exist API")
	case again != "" && !s.idempotencyKeys.first(again, s.config.now(), nhnAgain):
		s.refuse(call{Call: behaviour.Call{Channel: behaviour.AlimTalk, Vendor: behaviour.NHNAlimTalk, Key: again}}, behaviour.Invalid)
		nhnError(ctx, -1005, "The same 'X-NC-API-IDEMPOTENCY-KEY' was used within the last 10 minute.")
	default:
		s.sendNHNAlimTalk(ctx, project)
	}
}

func (s *Server) listNHNAlimTalk(ctx *fasthttp.RequestCtx) {
	const list = `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"messageSearchResultResponse":{"messages":[%s],"totalCount":%d}}`
	query := ctx.QueryArgs()
	if len(query.Peek("startRequestDate")) == 0 || len(query.Peek("endRequestDate")) == 0 {
		nhnError(ctx, -4000, "Invalid parameter")
		return
	}
	m, found := s.sent.find(string(query.Peek("recipientGroupingKey")))
	if !found || m.call.Vendor != behaviour.NHNAlimTalk {
		fmt.Fprintf(ctx, list, "", 0)
		return
	}
	now := s.config.now()
	if !s.lookedUp(m, now) {
		nhnError(ctx, -9999, "System error. Please inquire at support@toast.com.")
		return
	}
	state, code := "READY", ""
	switch {
	case !m.known(now):
	case m.fate.Result == behaviour.Arrived:
		state, code = "COMPLETED", "MRC01" // as the documents of this list have it
	default:
		state, code = "FAILED", m.code(m.fate.Result)
	}
	fmt.Fprintf(ctx, list, fmt.Sprintf(`{"requestId":%q,"recipientSeq":1,"recipientNo":%q,"messageStatus":%q,"resultCode":%q,"receiveDate":%q,"recipientGroupingKey":%q}`,
		m.id, m.to, state, code, now.In(seoul).Format("2006-01-02 15:04:05.0"), m.reference), 1)
}

func (s *Server) sendNHNAlimTalk(ctx *fasthttp.RequestCtx, project string) {
	var q nhnAlimTalkRequest
	if json.Unmarshal(ctx.PostBody(), &q) != nil || len(q.Recipients) != 1 {
		nhnError(ctx, -9997, "Client Error.")
		return
	}
	one := q.Recipients[0]
	c := call{Call: behaviour.Call{Channel: behaviour.AlimTalk, Vendor: behaviour.NHNAlimTalk, Destination: one.Number}}
	if validKey(one.Reference) {
		c.Key = one.Reference
	}
	text, code, message := q.text(s.gateway.Settings().Kakao)
	c.content = acceptlog.HashContent([]byte(text))
	if code != 0 {
		s.refuse(c, behaviour.Invalid)
		nhnError(ctx, code, message)
		return
	}
	c.message = inbox.Message{To: one.Number}
	if s.inbox != nil {
		c.message.Body = []byte(text)
	}
	ctx.Request.ResetBody() // it is used up, and the call may wait for seconds
	m := sentMessage{to: one.Number, account: project, reference: c.Key, kind: "ATA"}
	c.sent = func(sequence uint64) sentMessage {
		m.id = nhnID(sequence)
		return m
	}
	a := s.handle(c)
	answerNHNAlimTalk(ctx, nhnID(a.sequence), c, a)
}

// text makes the text of a message to one recipient, or says what is wrong with it.
func (q nhnAlimTalkRequest) text(kakao behaviour.Kakao) (text string, code int, message string) {
	switch to := q.Recipients[0].Number; {
	case q.Sender == "":
		return "", -2017, "Not exist plus friend."
	case kakao.Blocked:
		return "", -1027, "The sender is blocked status."
	case q.Template == "":
		return "", -2001, "The 'templateCode' must not be blank."
	case len(q.Template) > 20:
		return "", -2000, "The 'templateCode' must be at less than or equal to 20."
	case to == "" || !dialled(to) || strings.HasPrefix(to, "+"):
		return "", -5000, "RecipientNo is invalid."
	}
	switch text, err := kakao.Fill(q.Template, "", q.Recipients[0].Variables); {
	case errors.Is(err, behaviour.ErrNoTemplate):
		return "", -3003, "Template does not exist."
	case err != nil:
		return "", -3004, "Please check template parameter."
	default:
		return text, 0, ""
	}
}

func answerNHNAlimTalk(ctx *fasthttp.RequestCtx, id string, c call, a answer) {
	if isNoAnswer(ctx, behaviour.AlimTalk, a) {
		return
	}
	switch a.outcome {
	case behaviour.Accepted:
		fmt.Fprintf(ctx, `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"message":{"requestId":%q,"senderGroupingKey":null,"sendResults":[{"recipientSeq":1,"recipientNo":%q,"resultCode":0,"resultMessage":"SUCCESS","recipientGroupingKey":%q}]}}`,
			id, c.Destination, c.Key)
	case behaviour.RefusedPermanent: // the request is a success, and the recipient is none
		fmt.Fprintf(ctx, `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"message":{"requestId":%q,"sendResults":[{"recipientSeq":1,"resultCode":-5000,"resultMessage":"RecipientNo is invalid."}]}}`, id)
	case behaviour.RefusedContent:
		nhnError(ctx, -3010, "The contents are not matched to template.")
	case behaviour.RefusedThrottled:
		ctx.SetStatusCode(fasthttp.StatusTooManyRequests)
		retryAfter(ctx, a.retryAfter)
	default:
		nhnError(ctx, -9999, "System error. Please inquire at support@toast.com.")
	}
}
