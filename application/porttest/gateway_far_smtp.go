package porttest

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"testing"
)

// Hangup is a reply of SMTPSettings.Reply that breaks the connection.
const Hangup = "\x00hang up"

// NextRecord inside a reply of SMTPSettings.Reply ends a TLS record: what precedes and what follows it arrives in one
// segment, and in two records.
const NextRecord = "\x00next record"

// SMTPSettings changes how a scripted mail server answers.
type SMTPSettings struct {
	Extensions []string    // of EHLO, such as "SMTPUTF8"
	TLS        *tls.Config // with STARTTLS among the extensions, or Implicit
	Implicit   bool        // TLS from the first byte
	// Reply, if not nil, is called for each command before the message ("GREETING", "EHLO", "MAIL", "RCPT", "DATA",
	// "RSET", …) with the number of the connection, from 1. It returns a reply, Hangup, or "" for the usual reply.
	Reply func(connection int, verb string) string
}

// SMTPFarEnd is a scripted mail server on a free local port. A message begins with the first line after the reply 354.
type SMTPFarEnd struct {
	*farEnd
	mail *mailbox
}

// mailbox is what the server has seen.
type mailbox struct {
	settings    SMTPSettings
	connections int
	letters     []string
	commands    []string
}

// NewSMTPFarEnd starts the server; it ends with the test.
func NewSMTPFarEnd(t testing.TB, settings SMTPSettings) SMTPFarEnd {
	t.Helper()
	box := &mailbox{settings: settings}
	return SMTPFarEnd{mail: box, farEnd: newFarEnd(t, func(f *farEnd, line net.Conn) {
		f.mu.Lock()
		box.connections++
		s := smtpLine{farEnd: f, box: box, number: box.connections, line: line, below: &heldConn{Conn: line}}
		f.mu.Unlock()
		if s.line = s.below; settings.Implicit && s.encrypt() != nil {
			return
		}
		s.serve()
	})}
}

// Connections returns the number of connections that were opened.
func (f SMTPFarEnd) Connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mail.connections
}

// Letters returns the messages that have arrived, with dots unstuffed and lines ended by LF.
func (f SMTPFarEnd) Letters() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.mail.letters...)
}

// Commands returns every command line that was read, of all connections.
func (f SMTPFarEnd) Commands() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.mail.commands...)
}

// smtpLine is one connection to the scripted mail server.
type smtpLine struct {
	*farEnd
	box    *mailbox
	number int
	line   net.Conn
	below  *heldConn // line, below TLS
	text   *textproto.Reader
	to     string
}

func (s *smtpLine) serve() {
	s.text = textproto.NewReader(bufio.NewReader(s.line))
	if !s.say("GREETING", "220 far.example ready") {
		return
	}
	for {
		command, err := s.text.ReadLine()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.box.commands = append(s.box.commands, command)
		s.mu.Unlock()
		verb, argument, _ := strings.Cut(command, " ")
		if !s.answer(strings.ToUpper(verb), argument) {
			return
		}
	}
}

// say answers a command, as Reply says or as usual, and reports whether the connection goes on.
func (s *smtpLine) say(verb, usual string) bool {
	reply := usual
	if s.box.settings.Reply != nil {
		if own := s.box.settings.Reply(s.number, verb); own != "" {
			reply = own
		}
	}
	if reply == Hangup {
		return false
	}
	s.below.hold = true
	for record := range strings.SplitSeq(reply+"\r\n", NextRecord) {
		if _, err := io.WriteString(s.line, record); err != nil {
			return false
		}
	}
	return s.below.release(0) == nil && !strings.HasPrefix(reply, "421")
}

// encrypt makes the TLS handshake.
func (s *smtpLine) encrypt() error {
	secure := tls.Server(s.below, s.box.settings.TLS)
	s.line = secure
	return secure.HandshakeContext(context.Background())
}

func (s *smtpLine) answer(verb, argument string) bool {
	switch verb {
	case "EHLO":
		lines := append([]string{"far.example"}, s.box.settings.Extensions...)
		for i := range lines {
			separator := "-"
			if i == len(lines)-1 {
				separator = " "
			}
			lines[i] = "250" + separator + lines[i]
		}
		return s.say(verb, strings.Join(lines, "\r\n"))
	case "STARTTLS":
		if !s.say(verb, "220 2.0.0 go ahead") {
			return false
		}
		err := s.encrypt()
		s.text = textproto.NewReader(bufio.NewReader(s.line))
		return err == nil
	case "AUTH":
		return s.say(verb, "235 2.7.0 welcome")
	case "RCPT":
		s.to = argument
		return s.say(verb, "250 2.1.5 fine")
	case "DATA":
		return s.data()
	case "QUIT":
		s.say(verb, "221 2.0.0 bye")
		return false
	default:
		return s.say(verb, "250 2.0.0 fine")
	}
}

func (s *smtpLine) data() bool {
	if !s.say("DATA", "354 continue") {
		return false
	}
	if s.box.settings.Reply != nil && s.box.settings.Reply(s.number, "DATA") != "" {
		return true // refused: no message follows
	}
	if _, err := s.text.R.Peek(1); err != nil {
		return false
	}
	act := s.begin()
	if act == ActDropMidway {
		return false
	}
	lines, err := s.text.ReadDotLines()
	if err != nil {
		return false
	}
	s.mu.Lock()
	s.box.letters = append(s.box.letters, strings.Join(lines, "\n"))
	s.mu.Unlock()
	s.arrive(keyOf(lines), act)
	if act == ActDrop {
		return false
	}
	_, err = fmt.Fprintf(s.line, "%s\r\n", smtpAnswers(act, s.to))
	return err == nil && act != ActAcceptThenClose
}

func smtpAnswers(act FarAct, to string) string {
	switch act {
	case ActRefusePermanent:
		return "550 5.1.1 no such mailbox: " + to
	case ActRefuseTemporary:
		return "451 4.2.1 mailbox not ready: " + to
	case ActRefuseContent:
		return "554 5.6.0 the content is refused"
	case ActThrottle:
		return "451 4.7.0 rate limit, try again in 7 seconds"
	case ActGarble:
		return "399 perhaps"
	default:
		return "250 2.0.0 OK: queued as m-17"
	}
}

// keyOf finds the delivery key among the header lines.
func keyOf(lines []string) string {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		if line == "" {
			break
		}
		if strings.EqualFold(name, "X-Idempotency-Key") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
