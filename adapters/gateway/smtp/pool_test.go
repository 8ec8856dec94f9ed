package smtp

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

func TestOneConnectionCarriesManyMessages(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{})
	g := mailGateway(t, far, func(c *Config) { c.PerConnection = 4 })
	for n := range int64(9) {
		if reply := g.Send(t.Context(), mailTo("kim@example.com", n+1)); reply.Verdict != port.CallAccepted {
			t.Fatalf("message %d: %+v", n, reply)
		}
	}
	if n := far.Connections(); n != 3 {
		t.Errorf("nine messages, four a connection, took %d connections", n)
	}
}

func TestARefusedMessageIsTakenBackBeforeTheNext(t *testing.T) {
	t.Parallel()
	var refused atomic.Bool
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Reply: func(_ int, verb string) string {
		if verb == "RCPT" && refused.CompareAndSwap(false, true) {
			return "550 5.1.1 no such user"
		}
		return ""
	}})
	g := mailGateway(t, far, nil)
	g.Send(t.Context(), mailTo("kim@example.com", 1))
	if reply := g.Send(t.Context(), mailTo("lee@example.com", 2)); reply.Verdict != port.CallAccepted {
		t.Fatalf("got %+v", reply)
	}
	var verbs []string
	for _, command := range far.Commands() {
		verb, _, _ := strings.Cut(command, " ")
		verbs = append(verbs, verb)
	}
	if got := strings.Join(verbs, " "); got != "EHLO MAIL RCPT RSET MAIL RCPT DATA" {
		t.Errorf("the dialogue was %s", got)
	}
}

// A kept connection that died, or is being closed, before the message is replaced by a new one: no call was made on it.
func TestAStaleConnectionIsReplacedOnce(t *testing.T) {
	t.Parallel()
	for _, farewell := range []string{porttest.Hangup, "421 4.4.2 idle for too long"} {
		var mu sync.Mutex
		mails := map[int]int{}
		far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Reply: func(connection int, verb string) string {
			mu.Lock()
			defer mu.Unlock()
			if verb == "MAIL" {
				if mails[connection]++; mails[connection] > 1 {
					return farewell
				}
			}
			return ""
		}})
		g := mailGateway(t, far, nil)
		for n := range int64(3) {
			if reply := g.Send(t.Context(), mailTo("kim@example.com", n+1)); reply.Verdict != port.CallAccepted {
				t.Errorf("%q: %+v", farewell, reply)
			}
		}
		if got := strings.Join(far.Arrived(), " "); got != "2026-11/1/1/2 2026-11/2/1/2 2026-11/3/1/2" {
			t.Errorf("%q: the server got %s", farewell, got)
		}
		if far.Connections() != 3 {
			t.Errorf("%q: %d connections, want 3", farewell, far.Connections())
		}
	}
}

func TestASecondStaleConnectionIsNoCall(t *testing.T) {
	t.Parallel()
	var unsound atomic.Bool
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Reply: func(_ int, verb string) string {
		if verb == "MAIL" && unsound.Load() {
			return porttest.Hangup
		}
		return ""
	}})
	g := mailGateway(t, far, nil)
	g.Send(t.Context(), mailTo("kim@example.com", 1))
	unsound.Store(true)
	if reply := g.Send(t.Context(), mailTo("kim@example.com", 2)); reply.Verdict != port.CallNotMade || far.Connections() != 2 {
		t.Errorf("got %+v over %d connections", reply, far.Connections())
	}
}
