package gatewaysim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/inbox"
	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
)

// maxBody is the longest HTTP request body in bytes, but for a mail's.
const maxBody = 64 << 10

// paths are where messages are posted: one for each channel that goes by HTTP.
func paths() map[string]behaviour.Channel {
	all := map[string]behaviour.Channel{}
	for _, channel := range behaviour.Channels() {
		if channel != behaviour.Email {
			all["/"+strings.ToLower(string(channel))] = channel
		}
	}
	return all
}

const jsonType = "application/json"

// newCallServer is fasthttp, not net/http: the gateway shares a small machine
// with the system that calls it, and net/http takes four times the processor
// and twice the memory for ten thousand calls that wait.
func (s *Server) newCallServer() *fasthttp.Server {
	return &fasthttp.Server{
		Handler: s.serveCall, ErrorHandler: unreadable,
		MaxRequestBodySize: maxMail/3*4 + maxBody, ReadBufferSize: 4 << 10, WriteBufferSize: 512,
		ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		NoDefaultServerHeader: true, NoDefaultContentType: true, NoDefaultDate: true,
		Logger: callLog{s.config.Log},
	}
}

func (s *Server) serveCall(ctx *fasthttp.RequestCtx) {
	if len(ctx.PostBody()) > maxBody && string(ctx.Path()) != sesSend {
		unreadable(ctx, fasthttp.ErrBodyTooLarge)
		return
	}
	channel, ok := s.paths[string(ctx.Path())]
	if !ok {
		s.serveVendor(ctx)
		return
	}
	if !ctx.IsPost() {
		ctx.Response.Header.Set("Allow", "POST")
		writeError(ctx, fasthttp.StatusMethodNotAllowed, "method_not_allowed", "use POST")
		return
	}
	c := call{Call: behaviour.Call{Channel: channel, Vendor: behaviour.OpenHTTP, Key: string(ctx.Request.Header.Peek("Idempotency-Key"))}}
	if !validKey(c.Key) {
		c.Key = ""
		s.invalid(ctx, c, "Idempotency-Key has 1 to 200 visible ASCII characters")
		return
	}
	ctx.Response.Header.Set("Idempotency-Key", c.Key)
	body, err := decodeRequest(ctx.PostBody())
	if err != nil {
		s.invalid(ctx, c, `the body is no JSON such as {"to":"…","text":"…"}`)
		return
	}
	c.Destination = body.To
	if fault := body.validate(channel); fault != "" {
		s.invalid(ctx, c, fault)
		return
	}
	if channel == behaviour.Push {
		c.content = acceptlog.HashContent(append([]byte(body.Title+"\n"), body.Text...))
	} else {
		c.content = acceptlog.HashContent(body.Text)
	}
	c.message = inbox.Message{To: body.To, Class: body.Class, Title: body.Title}
	if s.inbox != nil {
		c.message.Body = bytes.Clone(body.Text)
	}
	ctx.Request.ResetBody() // it is used up, and the call may wait for seconds
	writeAnswer(ctx, channel, s.handle(c))
}

// validate returns what is wrong with a request, and fills in the class.
func (q *request) validate(channel behaviour.Channel) string {
	if len(q.Text) == 0 {
		return "text is empty"
	}
	if channel != behaviour.SMS && channel != behaviour.AlimTalk {
		q.Class = ""
		return ""
	}
	if !dialled(q.To) {
		return "to is a number such as 01012345678, or +15147214711 of another country: digits alone"
	}
	if channel == behaviour.AlimTalk {
		q.Class, q.Title = "", ""
		if q.Template == "" {
			return "template.code is empty: AlimTalk delivers approved templates alone"
		}
		return ""
	}
	switch q.Class {
	case "", "SMS":
		q.Class, q.Title = "SMS", ""
	case "LMS": // its title is its subject
	default:
		return "class is SMS or LMS"
	}
	return ""
}

// dialled reports whether a text message can be sent to a number as it is written: digits alone, as the vendors document, and
// a plus before the code of another country than Korea. An empty one is nobody's, which is no fault of the form.
func dialled(to string) bool {
	digits, abroad := strings.CutPrefix(to, "+")
	if abroad && strings.HasPrefix(digits, "82") {
		return false
	}
	return !strings.ContainsFunc(digits, func(c rune) bool { return c < '0' || c > '9' })
}

// invalid refuses a call that breaks the contract.
func (s *Server) invalid(ctx *fasthttp.RequestCtx, c call, message string) {
	s.refuse(c, behaviour.Invalid)
	writeError(ctx, fasthttp.StatusBadRequest, "bad_request", message)
}

// unreadable answers what is no HTTP request, or too large.
func unreadable(ctx *fasthttp.RequestCtx, err error) {
	if errors.Is(err, fasthttp.ErrBodyTooLarge) {
		writeError(ctx, fasthttp.StatusRequestEntityTooLarge, "too_large", "the body is longer than 64 KiB")
		return
	}
	writeError(ctx, fasthttp.StatusBadRequest, "bad_request", "this is no HTTP request that can be read")
}

func writeAnswer(ctx *fasthttp.RequestCtx, channel behaviour.Channel, a answer) {
	if a.everybody.Code != 0 && a.outcome != behaviour.AcceptedThenDropped {
		retryAfter(ctx, time.Duration(a.everybody.RetryAfter))
		ctx.SetStatusCode(a.everybody.Code)
		ctx.SetBodyString(a.everybody.Text)
		return
	}
	switch a.outcome {
	case behaviour.Accepted:
		ctx.SetStatusCode(fasthttp.StatusAccepted)
		ctx.Response.Header.SetContentType(jsonType)
		b := append(ctx.Response.Body(), `{"message_id":"`...)
		b = append(appendID(b, channel, a.sequence), "\"}\n"...)
		ctx.Response.SetBodyRaw(b)
	case behaviour.AcceptedThenDropped:
		ctx.HijackSetNoResponse(true)
		ctx.Hijack(func(net.Conn) {}) // fasthttp closes it then
	case behaviour.RefusedPermanent:
		if channel == behaviour.Push {
			writeError(ctx, fasthttp.StatusGone, "unregistered", "the app is no longer on this device")
			return
		}
		writeError(ctx, fasthttp.StatusBadRequest, "invalid_destination", "no such number")
	case behaviour.RefusedContent:
		writeError(ctx, fasthttp.StatusBadRequest, "content_rejected", "the content is refused")
	case behaviour.RefusedThrottled:
		retryAfter(ctx, a.retryAfter)
		writeError(ctx, fasthttp.StatusTooManyRequests, "throttled", "rate limit")
	default:
		writeError(ctx, fasthttp.StatusServiceUnavailable, "temporarily_refused", "not accepted, try again later")
	}
}

// retryAfter tells the caller how long to wait; 0: nothing.
func retryAfter(ctx *fasthttp.RequestCtx, wait time.Duration) {
	if wait > 0 {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(seconds(wait)))
	}
}

// appendID appends the gateway's own id of an accepted message, as in SMS-17.
func appendID(b []byte, channel behaviour.Channel, sequence uint64) []byte {
	return strconv.AppendUint(append(append(b, channel...), '-'), sequence, 10)
}

func writeError(ctx *fasthttp.RequestCtx, status int, code, message string) {
	ctx.SetStatusCode(status)
	ctx.Response.Header.SetContentType(jsonType)
	ctx.SetBody(errorBody(code, message))
}

func errorBody(code, message string) []byte {
	body, _ := json.Marshal(struct { // two strings cannot fail
		Code    string `json:"code"`
		Message string `json:"message"`
	}{code, message})
	return append(body, '\n')
}

// seconds rounds up to whole seconds, at least one, as Retry-After asks.
func seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }

// callLog passes fasthttp's complaints on.
type callLog struct{ log *zap.Logger }

func (l callLog) Printf(format string, args ...any) {
	l.log.Debug("http_connection_failed", zap.String("reason", fmt.Sprintf(format, args...)))
}
