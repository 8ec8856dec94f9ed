package gatewaysim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/inbox"
)

// twilioPath is where Twilio takes messages.
var twilioPath = regexp.MustCompile(`^/2010-04-01/Accounts/(AC[0-9a-fA-F]{32})/Messages\.json$`)

// e164 is how Twilio wants numbers (https://www.twilio.com/docs/glossary/what-e164).
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// maxTwilioText is Twilio's longest body, in characters.
const maxTwilioText = 1600

func twilioAccount(path []byte) (string, bool) {
	found := twilioPath.FindSubmatch(path)
	if found == nil {
		return "", false
	}
	return string(found[1]), true
}

// serveTwilio takes a message by Twilio's contract.
func (s *Server) serveTwilio(ctx *fasthttp.RequestCtx, account string) {
	if !bytes.HasPrefix(ctx.Request.Header.Peek("Authorization"), []byte("Basic ")) {
		twilioError(ctx, fasthttp.StatusUnauthorized, 20003, "Authenticate")
		return
	}
	if ctx.IsGet() {
		ctx.Response.Header.SetContentType(jsonType)
		ctx.SetBodyString(`{"messages":[],"page":0}`)
		return
	}
	form := ctx.PostArgs()
	text := form.Peek("Body")
	c := call{Call: behaviour.Call{Channel: behaviour.SMS, Vendor: behaviour.Twilio, Destination: string(form.Peek("To"))}, content: acceptlog.HashContent(text)}
	if status, err := url.Parse(string(form.Peek("StatusCallback"))); err == nil && validKey(status.Query().Get("key")) {
		c.Key = status.Query().Get("key")
	}
	wrong := func(code int, message string) {
		s.refuse(c, behaviour.Invalid)
		twilioError(ctx, fasthttp.StatusBadRequest, code, message)
	}
	switch {
	case !ctx.IsPost():
		twilioError(ctx, fasthttp.StatusNotFound, 20404, "The requested resource was not found")
	case !e164.MatchString(c.Destination):
		wrong(21211, "Invalid 'To' Phone Number: "+c.Destination)
	case len(form.Peek("From")) == 0 && len(form.Peek("MessagingServiceSid")) == 0:
		wrong(21603, "A 'From' or 'MessagingServiceSid' parameter is required to send a message")
	case len(text) == 0:
		wrong(21602, "Message body is required.")
	case utf8.RuneCount(text) > maxTwilioText:
		wrong(21617, "The concatenated message body exceeds the 1600 character limit")
	default:
		c.message = inbox.Message{To: c.Destination, Class: "SMS"}
		if s.inbox != nil {
			c.message.Body = bytes.Clone(text)
		}
		m := sentMessage{to: c.Destination, from: string(form.Peek("From")), account: account, callback: string(form.Peek("StatusCallback"))}
		c.sent = func(sequence uint64) sentMessage {
			m.id = twilioID(sequence)
			return m
		}
		ctx.Request.ResetBody() // it is used up, and the call may wait for seconds
		answerTwilio(ctx, account, s.handle(c))
	}
}

// twilioID is Twilio's SID of a message.
func twilioID(sequence uint64) string { return fmt.Sprintf("SM%032x", sequence) }

func answerTwilio(ctx *fasthttp.RequestCtx, account string, a answer) {
	if isNoAnswer(ctx, behaviour.SMS, a) {
		return
	}
	switch a.outcome {
	case behaviour.Accepted:
		ctx.SetStatusCode(fasthttp.StatusCreated)
		ctx.Response.Header.SetContentType(jsonType)
		fmt.Fprintf(ctx, `{"sid":%q,"account_sid":%q,"status":"queued","error_code":null,"error_message":null}`+"\n", twilioID(a.sequence), account)
	case behaviour.RefusedPermanent:
		twilioError(ctx, fasthttp.StatusBadRequest, 21614, "'To' number is not a valid mobile number")
	case behaviour.RefusedContent: // Twilio refuses no content before it is sent
		twilioError(ctx, fasthttp.StatusBadRequest, 21610, "Attempt to send to unsubscribed recipient")
	case behaviour.RefusedThrottled:
		retryAfter(ctx, a.retryAfter)
		twilioError(ctx, fasthttp.StatusTooManyRequests, 20429, "Too Many Requests")
	default:
		twilioError(ctx, fasthttp.StatusServiceUnavailable, 20503, "Service unavailable")
	}
}

func twilioError(ctx *fasthttp.RequestCtx, status, code int, message string) {
	body, _ := json.Marshal(struct { // texts and numbers cannot fail
		Code     int    `json:"code"`
		Message  string `json:"message"`
		MoreInfo string `json:"more_info"`
		Status   int    `json:"status"`
	}{code, message, fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), status})
	ctx.SetStatusCode(status)
	ctx.Response.Header.SetContentType(jsonType)
	ctx.SetBody(append(body, '\n'))
}
