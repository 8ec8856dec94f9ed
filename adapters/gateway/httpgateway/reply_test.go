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
	for refusal := range httpRefusals {
		f.Add(refusal.status, "7", []byte(`{"code":"`+refusal.code+`","message":"m"}`))
	}
	f.Add(202, "", []byte(`{"message_id":"m-1"}`))
	f.Fuzz(func(t *testing.T, status int, retryAfter string, body []byte) {
		reply := httpReply(status, retryAfter, body, time.Unix(1_700_000_000, 0))
		if reply.Verdict == port.CallAccepted {
			if (status != 200 && status != 202) || !gateway.ValidMessageID(reply.MessageID) {
				t.Errorf("status %d, id %q is accepted", status, reply.MessageID)
			}
			return
		}
		checkRefusal(t, reply)
		if reply.Verdict == port.CallNotMade {
			t.Error("an answer came, and yet no call was made")
		}
		if reply.Verdict == port.CallUnknown {
			return
		}
		listed := false
		for refusal := range httpRefusals {
			listed = listed || (refusal.status == status && strings.Contains(reply.Detail, strconv.Itoa(status)+" "+refusal.code))
		}
		if !listed {
			t.Errorf("status %d with %q is on no list, and yet %s", status, body, reply.Verdict)
		}
	})
}

func checkRefusal(t *testing.T, reply port.Reply) {
	t.Helper()
	switch reply.Verdict {
	case port.CallRefused, port.CallThrottled, port.CallNotMade, port.CallUnknown:
	default:
		t.Errorf("the verdict is %q", reply.Verdict)
	}
	if (reply.Class != "") != (reply.Verdict == port.CallRefused) {
		t.Errorf("%s with the class %q", reply.Verdict, reply.Class)
	}
	if reply.NotBefore < 0 || reply.NotBefore > gateway.MaxWait || (reply.NotBefore > 0 && reply.Verdict != port.CallThrottled) {
		t.Errorf("%s with a wait of %s", reply.Verdict, reply.NotBefore)
	}
}
