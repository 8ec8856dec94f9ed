package smtp

import (
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

func TestAServerThatTakesNoMoreConnectionsShowsHowManyItTakes(t *testing.T) {
	t.Parallel()
	const most = 3
	for name, words := range map[string]string{
		"Postfix": "421 4.7.0 far.example Error: too many connections from 192.0.2.1", "Exim": "421 Too many concurrent SMTP connections; please try again later.",
		"Exchange": "421 4.3.2 The maximum number of concurrent server connections has exceeded a limit, closing transmission channel, try again in 60 seconds",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Reply: func(connection int, verb string) string {
				if verb == "GREETING" && connection > most {
					return words
				}
				return ""
			}})
			g := mailGateway(t, far, nil)
			var sessions []*session
			for range most {
				s, reply := g.connect(t.Context())
				if s == nil {
					t.Fatalf("%+v", reply)
				}
				sessions = append(sessions, s)
			}
			reply := g.Send(t.Context(), mailTo("kim@example.com", 1))
			if reply.Verdict != port.CallThrottled || reply.Concurrency != most || reply.Doubtful || reply.Hold != 0 {
				t.Errorf("beside %d connections: %+v", most, reply)
			}
			for _, s := range sessions {
				s.close()
			}
			reply = g.Send(t.Context(), mailTo("kim@example.com", 2))
			if reply.Verdict != port.CallThrottled || reply.Concurrency != 0 || !reply.Doubtful {
				t.Errorf("where others have all connections: %+v", reply)
			}
			if n := g.connections.Load(); n != 0 {
				t.Errorf("%d connections are counted, and none is open", n)
			}
		})
	}
}

// Exchange Online counts the connections when the message is there.
func TestALimitThatIsSaidToAMessageCountsItsConnectionOut(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Reply: func(connection int, verb string) string {
		if verb == "DATA" && connection == 3 {
			return "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information."
		}
		return ""
	}})
	g := mailGateway(t, far, nil)
	for range 2 {
		s, reply := g.connect(t.Context())
		if s == nil {
			t.Fatalf("%+v", reply)
		}
		defer s.close()
	}
	if reply := g.Send(t.Context(), mailTo("kim@example.com", 1)); reply.Verdict != port.CallThrottled || reply.Concurrency != 2 || reply.Doubtful {
		t.Errorf("%+v", reply)
	}
	if reply := g.Send(t.Context(), mailTo("kim@example.com", 1)); reply.Verdict != port.CallThrottled {
		t.Errorf("on the connection that was kept: %+v", reply)
	}
}

func TestEachConnectionIsCountedUntilItIsClosed(t *testing.T) {
	t.Parallel()
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Reply: func(connection int, verb string) string {
		if verb == "RCPT" && connection%3 == 0 {
			return porttest.Hangup
		}
		return ""
	}})
	g := mailGateway(t, far, func(c *Config) { c.PerConnection, c.IdleTimeout = 2, time.Hour })
	var all sync.WaitGroup
	for n := range int64(40) {
		all.Go(func() { g.Send(t.Context(), mailTo("kim@example.com", n+1)) })
	}
	all.Wait()
	g.Close()
	if n := g.connections.Load(); n != 0 {
		t.Errorf("%d connections are counted after the end", n)
	}
}
