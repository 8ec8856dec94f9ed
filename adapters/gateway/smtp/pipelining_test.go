package smtp

import (
	"net"
	"net/textproto"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

func TestPipelinedCommandsCostOneRoundTrip(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ended := make(chan error, 1)
	go func() { ended <- silentUntilData(listener) }()
	g, err := New(Config{Provider: testProvider(channel.Email), Address: listener.Addr().String(), TLS: TLSNone, From: "bills@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if reply := g.Send(t.Context(), mailTo("kim@example.com", 1)); reply.Verdict != port.CallAccepted {
		t.Errorf("got %+v", reply)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// silentUntilData is a mail server that takes one message, and answers MAIL and RCPT only once DATA has come too.
func silentUntilData(listener net.Listener) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	text := textproto.NewConn(conn)
	_ = text.PrintfLine("220 hello")
	for asked := ""; asked != "DATA"; {
		if asked, err = text.ReadLine(); err != nil {
			return err
		}
		if strings.HasPrefix(asked, "EHLO") {
			_ = text.PrintfLine("250-here\r\n250 PIPELINING")
		}
	}
	_ = text.PrintfLine("250 ok\r\n250 ok\r\n354 continue")
	if _, err := text.ReadDotBytes(); err != nil {
		return err
	}
	return text.PrintfLine("250 taken")
}

// A server that takes DATA although it refused the recipient must get no message, not even an empty one, and the next
// message must not be mistaken for it.
func TestAMessageWithoutRecipientEndsTheConnection(t *testing.T) {
	t.Parallel()
	refuse := true
	far := porttest.NewSMTPFarEnd(t, porttest.SMTPSettings{Extensions: []string{"PIPELINING"}, Reply: func(_ int, verb string) string {
		if verb == "RCPT" && refuse {
			refuse = false
			return "550 5.1.1 no such user"
		}
		return ""
	}})
	g := mailGateway(t, far, nil)
	if reply := g.Send(t.Context(), mailTo("kim@example.com", 1)); reply.Verdict != port.CallRefused {
		t.Errorf("got %+v", reply)
	}
	if reply := g.Send(t.Context(), mailTo("lee@example.com", 2)); reply.Verdict != port.CallAccepted {
		t.Errorf("the next message: %+v", reply)
	}
	if far.Connections() != 2 || len(far.Letters()) != 1 {
		t.Errorf("%d connections, %d letters", far.Connections(), len(far.Letters()))
	}
}
