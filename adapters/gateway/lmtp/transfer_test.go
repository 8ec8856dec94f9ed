package lmtp_test

import (
	"net"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/gateway/lmtp"
)

func TestABounceWithALongLineIsStored(t *testing.T) {
	t.Parallel()
	f := serve(t)
	mail := strings.Replace(bounced, "It could not be delivered.", strings.Repeat("It could not be delivered. ", 1000), 1)
	if refused := f.give(t, f.own.To(delivery(t))+"@bounces.example.com", mail); refused != 0 || len(f.reports) != 1 {
		t.Errorf("refused with %d, %d reports", refused, len(f.reports))
	}
}

// What was answered for good would be lost, and what is not observed nobody would miss.
func TestAMailThatCannotBeReadWholeIsSeenAndComesAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string // without its end
		code int    // 0: nobody is there to hear it
		says string
	}{
		"a line without end": {strings.Repeat("a", 1<<20), 451, "a line of more than 1048576 bytes"}, // the server reads all of it, and closes then
		"the connection":     {"Subject: hello\r\n\r\nhel", 0, "the connection ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, server := serving(t)
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", f.address)
			if err != nil {
				t.Fatal(err)
			}
			client := textproto.NewConn(conn)
			defer func() { _ = client.Close() }()
			for _, line := range []struct {
				says string
				code int
			}{{"LHLO mx.example.com", 220}, {"MAIL FROM:<>", 250}, {"RCPT TO:<" + f.own.To(delivery(t)) + "@bounces.example.com>", 250}, {"DATA", 250}} {
				if err := client.PrintfLine("%s", line.says); err != nil {
					t.Fatal(err)
				}
				if _, said, err := client.ReadResponse(line.code); err != nil {
					t.Fatalf("before %s: %s (%v)", line.says, said, err)
				}
			}
			if _, said, err := client.ReadResponse(354); err != nil {
				t.Fatalf("%s (%v)", said, err)
			}
			if _, err := conn.Write([]byte(c.body)); err != nil {
				t.Fatal(err)
			}
			if c.code == 0 {
				_ = conn.Close()
			} else if _, said, err := client.ReadResponse(c.code); err != nil {
				t.Errorf("answered with %s (%v)", said, err)
			}
			if err := server.Shutdown(t.Context()); err != nil { // waits for the mail under way
				t.Error(err)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if !slices.Equal(f.results, []lmtp.Result{lmtp.Failed}) || !strings.Contains(f.problem.Error(), c.says) {
				t.Errorf("observed %v, %v", f.results, f.problem)
			}
		})
	}
}
