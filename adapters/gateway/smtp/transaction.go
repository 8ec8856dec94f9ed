package smtp

import (
	"context"
	"errors"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// envelope is one message, ready to be sent.
type envelope struct {
	from, to string
	message  []byte
}

// deliver makes one call. stale reports whether the connection had died, or was being closed, before the message began:
// the reply is then CallNotMade, and another connection may be tried.
func (s *session) deliver(ctx context.Context, e envelope) (reply port.Reply, stale bool) {
	stop := context.AfterFunc(ctx, func() { s.raw.Close() })
	defer func() { s.broken = !stop() || s.broken }()
	if reply, stale = s.open(e); reply.Verdict != "" {
		return reply, stale
	}
	if ctx.Err() != nil || !s.quiet() {
		// The message has not begun, so closing the connection now means that no call was made. It must not be ended
		// with its dot: that would send an empty message.
		s.broken = true
		return gateway.NotMade("given up before the first byte of the message"), false
	}
	// From here on the server may accept the message, whatever happens to the connection.
	if err := s.writeData(e.message); err != nil {
		s.broken = true
		return gateway.Unknown("the line broke inside DATA: " + err.Error()), false
	}
	code, said, err := s.client.Text.ReadResponse(codeDone)
	if err != nil {
		return s.refused(stageFinal, err), false
	}
	s.sent++
	return accepted(strconv.Itoa(code) + " " + said), false
}

// writeData sends a message and the dot that ends it, in one piece.
func (s *session) writeData(message []byte) error {
	writer := s.client.Text.W
	if _, err := writer.Write(appendData(make([]byte, 0, len(message)+len(message)/64+16), message)); err != nil {
		return err
	}
	return writer.Flush()
}

// The replies that are waited for (RFC 5321, 4.3.2).
const (
	codeDone = 2 // 250, or another 2yz: the first digit says that it is done
	codeSend = 354

	codeClosing = 421 // to any command
)

// command is a line of the dialogue.
type command struct {
	stage stage
	line  string
	wants int // the code of the reply, or its first digit
}

// open brings the dialogue up to the message. The reply is empty if all went well; stale is as in deliver.
func (s *session) open(e envelope) (reply port.Reply, stale bool) {
	if !s.quiet() {
		s.broken = true // a good-bye (421), or replies that would be taken for those to our next commands
		return gateway.NotMade("unexpected data from the server, or it closed the connection"), s.kept
	}
	if strings.ContainsAny(e.from+e.to, "\r\n") {
		return port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent, Detail: "the address has a line break"}, false
	}
	from, ok := s.mailFrom(e)
	if !ok {
		return port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent, Detail: "the server takes no address beyond ASCII (5.6.7)"}, false
	}
	if s.dirty {
		if err := s.client.Reset(); err != nil {
			s.broken = true
			return refusal(stageConnect, err), true
		}
		s.dirty = false
	}
	dialogue := []command{{stageMail, from, codeDone}, {stageRcpt, "RCPT TO:<" + e.to + ">", codeDone}, {stageRcpt, "DATA", codeSend}}
	together := 1
	if offered, _ := s.client.Extension("PIPELINING"); offered {
		together = len(dialogue)
	}
	for len(dialogue) > 0 {
		if at, err := s.say(dialogue[:together]); err != nil {
			reply = s.refused(at, err)
			return reply, at == stageMail && s.kept && s.broken
		}
		dialogue = dialogue[together:]
	}
	return port.Reply{}, false
}

// mailFrom is the first command of the dialogue; false where the server does not take the addresses.
func (s *session) mailFrom(e envelope) (line string, ok bool) {
	line = "MAIL FROM:<" + e.from + ">"
	if offered, _ := s.client.Extension("8BITMIME"); offered {
		line += " BODY=8BITMIME"
	}
	if !strings.ContainsFunc(e.from+e.to, func(r rune) bool { return r > 127 }) {
		return line, true // SMTPUTF8 would bind every server on the way
	}
	offered, _ := s.client.Extension("SMTPUTF8")
	return line + " SMTPUTF8", offered
}

// say sends commands in one piece (RFC 2920) and reads the reply to each. It returns the first refusal and its stage. If
// the server takes DATA nevertheless, the connection must be closed: there is nobody whom the message could go to.
func (s *session) say(commands []command) (at stage, refused error) {
	text := s.client.Text
	for _, c := range commands {
		if _, err := text.W.WriteString(c.line + "\r\n"); err != nil {
			return c.stage, err
		}
	}
	if err := text.W.Flush(); err != nil {
		return commands[0].stage, err
	}
	for _, c := range commands {
		_, _, err := text.ReadResponse(c.wants)
		switch {
		case err != nil && refused == nil:
			at, refused = c.stage, err
			if !isReply(err) {
				return at, refused
			}
		case err != nil && !isReply(err), err == nil && refused != nil && c.wants == codeSend:
			s.broken = true
			return at, refused
		}
	}
	return at, refused
}

// isReply reports whether an error is a complete reply with which the conversation may continue.
func isReply(err error) bool {
	var said *textproto.Error
	return errors.As(err, &said) && said.Code != codeClosing
}

// refused turns what stopped a command into a reply, and notes what that means for the connection: only a complete
// reply keeps it usable, and 421 does not.
func (s *session) refused(at stage, err error) port.Reply {
	if !isReply(err) {
		s.broken = true
	}
	if at != stageFinal {
		s.dirty = true
	}
	return refusal(at, err)
}

// refusal turns an error of the dialogue into a reply: a complete reply of the server by its code, a broken line by
// its stage.
func refusal(at stage, err error) port.Reply {
	var said *textproto.Error
	switch {
	case errors.As(err, &said):
		return smtpReply(at, said.Code, said.Msg)
	case errors.Is(err, errNotOffered):
		return gateway.Provider.Reply(err.Error(), 0)
	case at == stageFinal:
		return gateway.Unknown("no final reply: " + err.Error())
	default:
		return gateway.NotMade("the dialogue broke before the message: " + err.Error())
	}
}
