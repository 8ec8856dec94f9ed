package httpgateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// refusalCode is a status together with the contract's code. Neither counts alone, because a proxy on the way may
// answer with a status of its own.
type refusalCode struct {
	status int
	code   string
}

// httpRefusals is the allow-list of answers that say "surely not accepted".
var httpRefusals = map[refusalCode]port.Reply{
	{http.StatusBadRequest, "invalid_destination"}:         {Verdict: port.CallRefused, Class: attempt.Permanent},
	{http.StatusGone, "unregistered"}:                      {Verdict: port.CallRefused, Class: attempt.Permanent},
	{http.StatusBadRequest, "content_rejected"}:            {Verdict: port.CallRefused, Class: attempt.Content},
	{http.StatusServiceUnavailable, "temporarily_refused"}: {Verdict: port.CallRefused, Class: attempt.Temporary},
	{http.StatusTooManyRequests, "throttled"}:              {Verdict: port.CallThrottled},
}

// httpReply turns an answer into a reply. Its Detail is not masked yet.
func httpReply(status int, retryAfter string, body []byte, now time.Time) port.Reply {
	var answer struct {
		MessageID string `json:"message_id"`
		Code      string `json:"code"`
		Message   string `json:"message"`
	}
	offContract := gateway.Unknown("status " + strconv.Itoa(status) + " with an answer that the contract does not know")
	if len(body) > maxBody || json.Unmarshal(body, &answer) != nil {
		return offContract
	}
	if status == http.StatusOK || status == http.StatusAccepted {
		if !gateway.ValidMessageID(answer.MessageID) {
			return offContract
		}
		return port.Reply{Verdict: port.CallAccepted, MessageID: answer.MessageID}
	}
	reply, listed := httpRefusals[refusalCode{status, answer.Code}]
	if !listed {
		return offContract
	}
	reply.Detail = strconv.Itoa(status) + " " + answer.Code + ": " + answer.Message
	if reply.Verdict == port.CallThrottled {
		reply.NotBefore = waitFor(retryAfter, now)
	}
	return reply
}

// waitFor reads Retry-After (RFC 9110, 10.2.3): seconds or a date; 0 where it says nothing useful.
func waitFor(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, gateway.MaxWait)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), gateway.MaxWait)
	}
	return 0
}
