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

// fcmPath is where Firebase Cloud Messaging takes messages, and googleToken where Google gives tokens out.
var fcmPath = regexp.MustCompile(`^/v1/projects/([a-z0-9-]+)/messages:send$`)

const googleToken = "/token"

// maxFCM is FCM's bound of what a message says, in bytes.
const maxFCM = 4096

// fcmRequest is a message by FCM's contract (https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send).
type fcmRequest struct {
	ValidateOnly bool `json:"validate_only"`
	Message      struct {
		Token        string `json:"token"`
		Notification struct {
			Title string `json:"title"`
			Body  string `json:"body"`
		} `json:"notification"`
		Data map[string]string `json:"data"`
	} `json:"message"`
}

// size is how much a message says.
func (q fcmRequest) size() int {
	size := len(q.Message.Notification.Title) + len(q.Message.Notification.Body)
	for name, value := range q.Message.Data {
		size += len(name) + len(value)
	}
	return size
}

// serveGoogleToken gives out a token, whoever asks.
func serveGoogleToken(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetContentType(jsonType)
	ctx.SetBodyString(`{"access_token":"ya29.simulator","expires_in":3599,"token_type":"Bearer"}`)
}

// serveFCM takes a message by FCM's contract.
func (s *Server) serveFCM(ctx *fasthttp.RequestCtx, project string) {
	var q fcmRequest
	switch err := json.Unmarshal(ctx.PostBody(), &q); {
	case !ctx.IsPost():
		fcmError(ctx, fasthttp.StatusNotFound, "NOT_FOUND", "Method not found.")
		return
	case len(ctx.Request.Header.Peek("Authorization")) <= len("Bearer "):
		fcmError(ctx, fasthttp.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
		return
	case err != nil:
		fcmError(ctx, fasthttp.StatusBadRequest, "INVALID_ARGUMENT", "Invalid JSON payload received.")
		return
	}
	m := q.Message
	c := call{
		Call:    behaviour.Call{Channel: behaviour.Push, Vendor: behaviour.FCM, Destination: m.Token},
		content: acceptlog.HashContent([]byte(m.Notification.Title + "\n" + m.Notification.Body)),
		message: inbox.Message{To: m.Token, Title: m.Notification.Title},
	}
	if reference := m.Data["balsong"]; validKey(reference) {
		c.Key = reference
	}
	wrong := ""
	switch {
	case m.Token == "" || q.ValidateOnly: // a message that is only looked at has no token of a device here
		wrong = "The registration token is not a valid FCM registration token"
	case q.size() > maxFCM:
		wrong = "Android message is too big"
	}
	if wrong != "" {
		if !q.ValidateOnly {
			s.refuse(c, behaviour.Invalid)
		}
		fcmError(ctx, fasthttp.StatusBadRequest, "INVALID_ARGUMENT", wrong)
		return
	}
	if s.inbox != nil {
		c.message.Body = []byte(m.Notification.Body)
	}
	ctx.Request.ResetBody() // it is used up, and the call may wait for seconds
	answerFCM(ctx, project, s.handle(c))
}

func answerFCM(ctx *fasthttp.RequestCtx, project string, a answer) {
	if isNoAnswer(ctx, behaviour.Push, a) {
		return
	}
	retryAfter(ctx, a.retryAfter)
	switch a.outcome {
	case behaviour.Accepted:
		ctx.Response.Header.SetContentType(jsonType)
		ctx.Response.Header.Del("Retry-After")
		fmt.Fprintf(ctx, `{"name":"projects/%s/messages/0:%d"}`, project, a.sequence)
	case behaviour.RefusedPermanent:
		fcmError(ctx, fasthttp.StatusNotFound, "UNREGISTERED", "Requested entity was not found.")
	case behaviour.RefusedContent: // FCM refuses no content for its own sake
		fcmError(ctx, fasthttp.StatusForbidden, "SENDER_ID_MISMATCH", "SenderId mismatch")
	case behaviour.RefusedThrottled:
		fcmError(ctx, fasthttp.StatusTooManyRequests, "QUOTA_EXCEEDED", "Quota exceeded for quota metric 'Send requests'")
	default:
		fcmError(ctx, fasthttp.StatusServiceUnavailable, "UNAVAILABLE", "The service is currently unavailable.")
	}
}

// fcmError is an error as https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode has it.
func fcmError(ctx *fasthttp.RequestCtx, status int, code, message string) {
	ctx.SetStatusCode(status)
	ctx.Response.Header.SetContentType(jsonType)
	fmt.Fprintf(ctx, `{"error":{"code":%d,"message":%q,"status":%q,"details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":%q}]}}`,
		status, message, googleStatus[status], code)
}

// googleStatus are the names of statuses (https://cloud.google.com/apis/design/errors).
var googleStatus = map[int]string{
	fasthttp.StatusBadRequest: "INVALID_ARGUMENT", fasthttp.StatusUnauthorized: "UNAUTHENTICATED", fasthttp.StatusForbidden: "PERMISSION_DENIED",
	fasthttp.StatusNotFound: "NOT_FOUND", fasthttp.StatusTooManyRequests: "RESOURCE_EXHAUSTED", fasthttp.StatusServiceUnavailable: "UNAVAILABLE",
}
