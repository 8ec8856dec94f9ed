package httpgateway

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
)

func FuzzHTTPReply(f *testing.F) {
	for _, answer := range Answers() {
		number, raw, _ := strings.Cut(answer.Said, " ")
		status, _ := strconv.Atoi(number)
		f.Add(status, "7", []byte(raw))
	}
	f.Fuzz(func(t *testing.T, status int, retryAfter string, body []byte) {
		reply := httpReply(status, retryAfter, body, time.Unix(1_700_000_000, 0))
		switch accepted, refused := status >= 200 && status <= 299, status >= 300 && status <= 499; {
		case accepted != (reply.Verdict == port.CallAccepted):
			t.Errorf("status %d: %s", status, reply.Verdict)
		case refused && reply.Verdict != port.CallRefused && reply.Verdict != port.CallThrottled:
			t.Errorf("status %d: %s", status, reply.Verdict)
		case reply.Verdict == port.CallNotMade:
			t.Error("an answer came, and yet no call was made")
		case (reply.Class != "") != (reply.Verdict == port.CallRefused):
			t.Errorf("%s with the class %q", reply.Verdict, reply.Class)
		case reply.MessageID != "" && !gateway.ValidMessageID(reply.MessageID):
			t.Errorf("the id %q is kept", reply.MessageID)
		case reply.NotBefore < 0 || reply.NotBefore > gateway.MaxWait || reply.Hold > reply.NotBefore:
			t.Errorf("a wait of %s and %s", reply.NotBefore, reply.Hold)
		}
	})
}
