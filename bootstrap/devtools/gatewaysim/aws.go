package gatewaysim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/inbox"
)

// The paths of Amazon SES, API v2.
const (
	sesRoot = "/v2/email/"
	sesSend = sesRoot + "outbound-emails"
)

// sesRequest is SendEmail (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html).
type sesRequest struct {
	From        string                              `json:"FromEmailAddress"`
	Content     struct{ Raw struct{ Data []byte } } // base64 in JSON
	Destination struct{ ToAddresses []string }
	EmailTags   []struct{ Name, Value string }
}

// signed reports whether a request carries a signature of AWS, whosever it is.
func signed(ctx *fasthttp.RequestCtx) bool {
	return bytes.HasPrefix(ctx.Request.Header.Peek("Authorization"), []byte("AWS4-HMAC-SHA256 Credential="))
}

// serveSES answers by the contract of Amazon SES. What it knows of an account is that all is well with it.
func (s *Server) serveSES(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetContentType(jsonType)
	switch path := string(ctx.Path()); {
	case !signed(ctx):
		awsError(ctx, fasthttp.StatusForbidden, "MissingAuthenticationTokenException", "", "Missing Authentication Token")
	case ctx.IsPost() && path == sesSend:
		s.sendSES(ctx)
	case ctx.IsGet() && path == sesRoot+"account":
		fmt.Fprintf(ctx, `{"ProductionAccessEnabled":true,"SendingEnabled":true,"EnforcementStatus":"HEALTHY","SendQuota":{"Max24HourSend":1000000,"MaxSendRate":1000,"SentLast24Hours":%d}}`,
			s.Stats().Channels[behaviour.Email].Accepted)
	case ctx.IsGet() && strings.HasPrefix(path, sesRoot+"identities/"):
		ctx.SetBodyString(`{"IdentityType":"DOMAIN","VerifiedForSendingStatus":true}`)
	default:
		awsError(ctx, fasthttp.StatusNotFound, "UnknownOperationException", "", "no such operation")
	}
}

func (s *Server) sendSES(ctx *fasthttp.RequestCtx) {
	var q sesRequest
	if json.Unmarshal(ctx.PostBody(), &q) != nil || len(q.Destination.ToAddresses) != 1 || len(q.Content.Raw.Data) == 0 {
		awsError(ctx, fasthttp.StatusBadRequest, "BadRequestException", "", "a message is one raw content to one address here")
		return
	}
	to, data := q.Destination.ToAddresses[0], q.Content.Raw.Data
	c := call{
		Call:    behaviour.Call{Channel: behaviour.Email, Vendor: behaviour.SES, Key: idempotencyKey(data), Destination: to},
		content: acceptlog.HashContent(data), message: inbox.Message{To: to, Body: data},
	}
	wrong := func(code, message string) {
		s.refuse(c, behaviour.Invalid)
		awsError(ctx, fasthttp.StatusBadRequest, code, "", message)
	}
	message, err := mail.ReadMessage(bytes.NewReader(data))
	switch {
	case err != nil || message.Header.Get("From") == "":
		wrong("MessageRejected", "Transaction failed: the message has no header, or no From")
	case len(data) > maxMail:
		wrong("MessageRejected", fmt.Sprintf("Message length is more than %d bytes long: '%d'.", maxMail, len(data)))
	case !strings.Contains(to, "@"):
		wrong("BadRequestException", "Missing final '@domain'")
	case strings.ContainsFunc(to, func(r rune) bool { return r > '~' }):
		wrong("BadRequestException", "Local address contains control or whitespace")
	default:
		ctx.Request.ResetBody() // it is used up, and the call may wait for seconds
		answerAWS(ctx, c.Channel, s.handle(c), sesWords)
	}
}

// awsSMSTarget is what the actions of AWS End User Messaging SMS begin with, in a header.
const awsSMSTarget = "PinpointSMSVoiceV2."

func awsSMSAction(ctx *fasthttp.RequestCtx) (action string, ok bool) {
	return strings.CutPrefix(string(ctx.Request.Header.Peek("X-Amz-Target")), awsSMSTarget)
}

// serveAWSSMS answers by the contract of AWS End User Messaging SMS
// (https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html).
func (s *Server) serveAWSSMS(ctx *fasthttp.RequestCtx, action string) {
	ctx.Response.Header.SetContentType("application/x-amz-json-1.0")
	switch {
	case !signed(ctx):
		awsError(ctx, fasthttp.StatusForbidden, "MissingAuthenticationTokenException", "", "Missing Authentication Token")
	case action == "SendTextMessage" && ctx.IsPost():
		s.sendAWSSMS(ctx)
	case action == "DescribeSpendLimits":
		ctx.SetBodyString(`{"SpendLimits":[{"Name":"TEXT_MESSAGE_MONTHLY_SPEND_LIMIT","EnforcedLimit":1000,"MaxLimit":1000,"Overridden":true}]}`)
	default:
		awsError(ctx, fasthttp.StatusBadRequest, "UnknownOperationException", "", "no such operation")
	}
}

func (s *Server) sendAWSSMS(ctx *fasthttp.RequestCtx) {
	var q struct {
		To      string            `json:"DestinationPhoneNumber"`
		Text    string            `json:"MessageBody"`
		Context map[string]string `json:"Context"`
	}
	if json.Unmarshal(ctx.PostBody(), &q) != nil {
		awsError(ctx, fasthttp.StatusBadRequest, "SerializationException", "", "the body is no JSON")
		return
	}
	c := call{
		Call:    behaviour.Call{Channel: behaviour.SMS, Vendor: behaviour.AWSSMS, Destination: q.To},
		content: acceptlog.HashContent([]byte(q.Text)), message: inbox.Message{To: q.To, Class: "SMS"},
	}
	if reference := q.Context["balsong"]; validKey(reference) {
		c.Key = reference
	}
	wrong := func(reason, message string) {
		s.refuse(c, behaviour.Invalid)
		awsError(ctx, fasthttp.StatusBadRequest, "ValidationException", reason, message)
	}
	switch {
	case !e164.MatchString(q.To):
		wrong("FIELD_VALIDATION_FAILED", "DestinationPhoneNumber is invalid")
	case q.Text == "":
		wrong("FIELD_VALIDATION_FAILED", "MessageBody is invalid")
	case utf8.RuneCountInString(q.Text) > maxAWSText:
		wrong("MAXIMUM_SIZE_EXCEEDED", "Message body is too long")
	default:
		if s.inbox != nil {
			c.message.Body = []byte(q.Text)
		}
		ctx.Request.ResetBody() // it is used up, and the call may wait for seconds
		answerAWS(ctx, c.Channel, s.handle(c), awsSMSWords)
	}
}

// maxAWSText is the longest text of AWS End User Messaging SMS, in characters.
const maxAWSText = 1600

// awsWords are how a service of AWS says what the simulator decides.
type awsWords struct{ permanent, content, throttled awsWord }

type awsWord struct {
	status                int
	kind, reason, message string
}

var (
	sesWords = awsWords{
		permanent: awsWord{fasthttp.StatusBadRequest, "BadRequestException", "", "Domain contains illegal character"},
		content:   awsWord{fasthttp.StatusBadRequest, "MessageRejected", "", "Transaction failed: Expected disposition, got null"},
		throttled: awsWord{fasthttp.StatusTooManyRequests, "TooManyRequestsException", "", "Maximum sending rate exceeded."},
	}
	awsSMSWords = awsWords{
		permanent: awsWord{fasthttp.StatusBadRequest, "ValidationException", "FIELD_VALIDATION_FAILED", "DestinationPhoneNumber is invalid"},
		content:   awsWord{fasthttp.StatusBadRequest, "ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT", "Destination phone number has opted out"},
		throttled: awsWord{fasthttp.StatusBadRequest, "ThrottlingException", "", "Rate exceeded"},
	}
)

func answerAWS(ctx *fasthttp.RequestCtx, channel behaviour.Channel, a answer, words awsWords) {
	if isNoAnswer(ctx, channel, a) {
		return
	}
	said := awsWord{fasthttp.StatusInternalServerError, "InternalServerException", "", "an error of the service"}
	switch a.outcome {
	case behaviour.Accepted:
		fmt.Fprintf(ctx, `{"MessageId":"%08x-0000-4000-8000-%012x"}`, a.sequence>>32, a.sequence&0xffffffff)
		return
	case behaviour.RefusedPermanent:
		said = words.permanent
	case behaviour.RefusedContent:
		said = words.content
	case behaviour.RefusedThrottled:
		said = words.throttled
		retryAfter(ctx, a.retryAfter)
	default: // a temporary refusal, which leaves the caller's outcome unknown
	}
	awsError(ctx, said.status, said.kind, said.reason, said.message)
}

// awsError is an error as the services of AWS write it by JSON.
func awsError(ctx *fasthttp.RequestCtx, status int, kind, reason, message string) {
	body := map[string]string{"__type": kind, "message": message}
	if reason != "" {
		body["Reason"] = reason
	}
	text, _ := json.Marshal(body) // texts cannot fail
	ctx.SetStatusCode(status)
	ctx.Response.Header.Set("X-Amzn-ErrorType", kind)
	ctx.SetBody(text)
}
