package porttest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// HTTPFarEnd is a scripted gateway for SMS and push on a free local port. It speaks HTTP/1.1 on bare connections, so
// that it can break them at any point.
type HTTPFarEnd struct{ *farEnd }

// NewHTTPFarEnd starts the gateway; it ends with the test.
func NewHTTPFarEnd(t testing.TB) HTTPFarEnd {
	t.Helper()
	return HTTPFarEnd{newFarEnd(t, serveHTTP)}
}

// URL is the gateway's root.
func (f HTTPFarEnd) URL() string { return "http://" + f.Address() }

func serveHTTP(f *farEnd, line net.Conn) {
	reader := bufio.NewReader(line)
	for {
		if _, err := reader.Peek(1); err != nil {
			return
		}
		act := f.begin()
		request, err := http.ReadRequest(reader)
		if err != nil || act == ActDropMidway {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		var message struct{ To, Text string }
		if json.Unmarshal(body, &message) != nil || message.Text == "" || request.Method != http.MethodPost {
			fmt.Fprint(line, answerHTTP(http.StatusBadRequest, "", `{"code":"bad_request"}`))
			continue
		}
		f.arrive(request.Header.Get("Idempotency-Key"), act)
		if act == ActDrop {
			return
		}
		fmt.Fprint(line, httpAnswers(act, message.To))
		if act == ActAcceptThenClose {
			return
		}
	}
}

func httpAnswers(act FarAct, to string) string {
	refusal := func(status int, code string) string {
		body, _ := json.Marshal(map[string]string{"code": code, "message": "no message for " + to})
		headers := ""
		if status == http.StatusTooManyRequests {
			headers = "Retry-After: 7\r\n"
		}
		return answerHTTP(status, headers, string(body))
	}
	switch act {
	case ActRefusePermanent:
		return refusal(http.StatusBadRequest, "invalid_destination")
	case ActRefuseTemporary:
		return refusal(http.StatusServiceUnavailable, "temporarily_refused")
	case ActRefuseContent:
		return refusal(http.StatusBadRequest, "content_rejected")
	case ActThrottle:
		return refusal(http.StatusTooManyRequests, "throttled")
	case ActGarble:
		return answerHTTP(http.StatusInternalServerError, "", "<html>oops</html>")
	default:
		return answerHTTP(http.StatusAccepted, "", `{"message_id":"m-17"}`)
	}
}

func answerHTTP(status int, headers, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
		status, http.StatusText(status), headers, len(body), body)
}
