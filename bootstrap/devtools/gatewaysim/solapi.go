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

// The paths at which SOLAPI takes messages and questions.
const (
	solapiSend = "/messages/v4/send-many/detail"
	solapiList = "/messages/v4/list"
)

// solapiAgain is how long SOLAPI remembers a signature (https://docs.solapi.com/authentication/api-key).
const solapiAgain = 15 * time.Minute

// solapiSignature is the form of a signed request.
var solapiSignature = regexp.MustCompile(`^HMAC-SHA256 apiKey=[^,]+, date=[^,]+, salt=[^,]{12,64}, signature=([0-9a-f]{64})$`)

// solapiRequest is a request to send by SOLAPI's contract.
type solapiRequest struct {
	Messages []solapiOne `json:"messages"`
}

type solapiOne struct {
	To    string `json:"to"`
	From  string `json:"from"`
	Text  string `json:"text"`
	Type  string `json:"type"`
	Title string `json:"subject"`
	Kakao struct {
		Profile   string            `json:"pfId"`
		Template  string            `json:"templateId"`
		Variables map[string]string `json:"variables"` // by #{name}
	} `json:"kakaoOptions"`
	Fields map[string]string `json:"customFields"`
}

// serveSOLAPI answers by SOLAPI's contract.
func (s *Server) serveSOLAPI(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetContentType(jsonType)
	signature := solapiSignature.FindSubmatch(ctx.Request.Header.Peek("Authorization"))
	switch {
	case signature == nil:
		solapiError(ctx, fasthttp.StatusForbidden, "SignatureDoesNotMatch", "the signature does not match")
	case !s.signatures.first(string(signature[1]), s.config.now(), solapiAgain):
		solapiError(ctx, fasthttp.StatusForbidden, "DuplicatedSignature", "the signature was used before")
	case ctx.IsGet() && string(ctx.Path()) == solapiList:
		s.listSOLAPI(ctx)
	case ctx.IsPost() && string(ctx.Path()) == solapiSend:
		s.sendSOLAPI(ctx)
	default:
		solapiError(ctx, fasthttp.StatusNotFound, "ResourceNotFound", "no such path")
	}
}

func (s *Server) listSOLAPI(ctx *fasthttp.RequestCtx) {
	list := []string{}
	for _, id := range ctx.QueryArgs().PeekMulti("messageIds") {
		now := s.config.now()
		if m, found := s.sent.find(string(id)); found && s.lookedUp(m, now) {
			list = append(list, fmt.Sprintf("%q:%s", m.id, solapiMessage(m, now)))
		}
	}
	fmt.Fprintf(ctx, `{"startKey":null,"limit":20,"messageList":{%s}}`, strings.Join(list, ","))
}

func (s *Server) sendSOLAPI(ctx *fasthttp.RequestCtx) {
	var q solapiRequest
	if json.Unmarshal(ctx.PostBody(), &q) != nil || len(q.Messages) != 1 {
		solapiError(ctx, fasthttp.StatusBadRequest, "ValidationError", "messages is no list of one message")
		return
	}
	m := q.Messages[0]
	c := call{Call: behaviour.Call{Channel: behaviour.SMS, Vendor: behaviour.SOLAPI, Destination: m.To}}
	if m.Type == "ATA" {
		c.Channel, c.Vendor = behaviour.AlimTalk, behaviour.SOLAPIAlimTalk
	}
	if reference := m.Fields["balsong"]; validKey(reference) {
		c.Key = reference
	}
	code, message := m.wrong()
	if code == "" && m.Type == "ATA" {
		m.Text, code, message = m.alimTalk(s.gateway.Settings().Kakao)
	}
	c.content = acceptlog.HashContent([]byte(m.Text))
	if code != "" {
		s.refuse(c, behaviour.Invalid)
		solapiFailure(ctx, code, message)
		return
	}
	c.message = inbox.Message{To: m.To, Class: strings.TrimSuffix(m.Type, "ATA"), Title: m.Title}
	if s.inbox != nil {
		c.message.Body = []byte(m.Text)
	}
	ctx.Request.ResetBody() // it is used up, and the call may wait for seconds
	c.sent = func(sequence uint64) sentMessage {
		return sentMessage{id: solapiID(sequence), to: m.To, from: m.From, kind: m.Type, reference: c.Key}
	}
	a := s.handle(c)
	answerSOLAPI(ctx, solapiID(a.sequence), c, a)
}

// wrong is the code of what is wrong with a message, and its text; "" where nothing is.
func (m solapiOne) wrong() (code, message string) {
	switch {
	case m.To == "" || !dialled(m.To) || strings.HasPrefix(m.To, "+"):
		return "1011", "Format Error"
	case m.From == "":
		return "1062", "발신번호 미등록"
	case m.Type != "SMS" && m.Type != "LMS" && m.Type != "ATA", m.Text == "" && (m.Type != "ATA" || len(m.Kakao.Variables) == 0):
		return "1010", "필수 입력 값 미입력"
	case m.Type == "SMS" && m.Title != "":
		return "1013", "제목은 문자 타입이 'SMS'일 경우 사용이 불가능합니다."
	}
	return "", ""
}

// alimTalk makes the text of an AlimTalk message, or says what is wrong with it. A channel that is blocked is no valid one.
func (m solapiOne) alimTalk(kakao behaviour.Kakao) (text, code, message string) {
	if m.Kakao.Profile == "" || kakao.Blocked {
		return "", "1041", "유효한 플러스 친구 값이 아닙니다."
	}
	if m.Kakao.Template == "" {
		return "", "1042", "유효한 템플릿 아이디가 아닙니다."
	}
	variables := map[string]string{}
	for name, value := range m.Kakao.Variables {
		variables[strings.TrimSuffix(strings.TrimPrefix(name, "#{"), "}")] = value
	}
	switch text, err := kakao.Fill(m.Kakao.Template, m.Text, variables); {
	case errors.Is(err, behaviour.ErrNoTemplate):
		return "", "1042", "유효한 템플릿 아이디가 아닙니다."
	case err != nil:
		return "", "1043", "등록한 템플릿과 내용이 다릅니다."
	default:
		return text, "", ""
	}
}

// solapiID is SOLAPI's id of a message.
func solapiID(sequence uint64) string { return fmt.Sprintf("M4V20261130%021d", sequence) }

func answerSOLAPI(ctx *fasthttp.RequestCtx, id string, c call, a answer) {
	if isNoAnswer(ctx, c.Channel, a) {
		return
	}
	switch a.outcome {
	case behaviour.Accepted:
		fmt.Fprintf(ctx, `{"failedMessageList":[],"messageList":[{"messageId":%q,"statusCode":"2000","statusMessage":"정상 접수(이통사로 접수 예정)","customFields":{"balsong":%q}}],"groupInfo":{"groupId":"G%s","count":{"total":1,"registeredFailed":0,"registeredSuccess":1}}}`, id, c.Key, id[1:])
	case behaviour.RefusedPermanent:
		solapiFailure(ctx, "1060", "차단된 수신번호")
	case behaviour.RefusedContent: // SOLAPI refuses no content for its own sake
		solapiFailure(ctx, "1061", "사용자에 의해 수신거부 됨(080무료수신거부)")
	case behaviour.RefusedThrottled:
		retryAfter(ctx, a.retryAfter)
		solapiError(ctx, fasthttp.StatusTooManyRequests, "TooManyRequests", "too many requests")
	default:
		solapiFailure(ctx, "1024", "서버 오류")
	}
}

// solapiFailure says with the status 200 that the message was not taken.
func solapiFailure(ctx *fasthttp.RequestCtx, code, message string) {
	fmt.Fprintf(ctx, `{"failedMessageList":[{"statusCode":%q,"statusMessage":%q}],"messageList":[],"groupInfo":{"groupId":"G4V1","count":{"total":1,"registeredFailed":1,"registeredSuccess":0}}}`, code, message)
}

func solapiError(ctx *fasthttp.RequestCtx, status int, code, message string) {
	ctx.SetStatusCode(status)
	fmt.Fprintf(ctx, `{"errorCode":%q,"errorMessage":%q}`, code, message)
}
