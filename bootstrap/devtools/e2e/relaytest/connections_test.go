package relaytest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/permits"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// narrow is a mail server that takes some connections at a time, as Postfix and Exim do it, and refuses one more.
type narrow struct {
	most                   int32
	open, letters, refused atomic.Int32
}

func (n *narrow) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		if open := n.open.Add(1); open > n.most {
			n.open.Add(-1)
			n.refused.Add(1)
			fmt.Fprint(conn, "421 4.7.0 narrow.example Error: too many connections from 127.0.0.1\r\n")
			conn.Close()
			continue
		}
		go func() {
			defer n.open.Add(-1)
			defer conn.Close()
			n.talk(conn)
		}()
	}
}

// talk takes letters, each a millisecond after its end.
func (n *narrow) talk(conn net.Conn) {
	fmt.Fprint(conn, "220 narrow.example\r\n")
	lines, inside := bufio.NewScanner(conn), false
	for lines.Scan() {
		switch line := lines.Text(); {
		case inside && line != ".":
			continue
		case inside:
			time.Sleep(time.Millisecond)
			n.letters.Add(1)
			inside = false
		case line == "DATA":
			inside = true
			fmt.Fprint(conn, "354 go ahead\r\n")
			continue
		case strings.HasPrefix(line, "QUIT"):
			return
		}
		fmt.Fprint(conn, "250 2.0.0 fine\r\n")
	}
}

// A server that takes five connections refuses some calls of a hundred at first. From then on nearly each call is taken, none is
// refused for its recipient, and no bill spends an attempt: what is refused is throttled.
func TestALimitOfConnectionsIsLearnedFromRefusals(t *testing.T) {
	t.Parallel()
	const letters = 2_000
	server := &narrow{most: 5}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go server.serve(listener)
	gateway, err := gatewayOf(config.SMTP{
		Addr: listener.Addr().String(), TLS: "none", EHLO: "mail.example.com", From: "bills@example.com", InFlight: 100,
		CallDeadline: time.Minute, Lease: 3 * time.Minute, Margin: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	var learned atomic.Int32
	bounds, err := permits.New(permits.Config{Provider: gateway.Provider(), Limited: func(limit int) { learned.Store(int32(limit)) }})
	if err != nil {
		t.Fatal(err)
	}
	month, _ := key.NewMonth(2026, time.November)
	var all sync.WaitGroup
	var next, throttled atomic.Int32
	for range 200 {
		all.Go(func() {
			for n := next.Add(1); n <= letters; {
				permit, err := bounds.Acquire(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				reply := gateway.Send(t.Context(), port.Delivery{
					Key: key.Delivery{Month: month, UserID: int64(n)}, Channel: channel.Email, Destination: "kim@example.com", Content: port.Variant{Subject: "bill", Text: "text"},
				})
				permit.Release(reply)
				switch reply.Verdict {
				case port.CallAccepted:
					n = next.Add(1)
				case port.CallThrottled:
					throttled.Add(1)
				default:
					t.Errorf("%+v", reply)
					return
				}
			}
		})
	}
	all.Wait()

	if server.letters.Load() != letters || throttled.Load() > 150 || learned.Load() < 2 || learned.Load() > 6 {
		t.Errorf("%d letters; %d calls throttled; calls at once: %d", server.letters.Load(), throttled.Load(), learned.Load())
	}
}
