package gatewaysim

import (
	"bytes"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/inbox"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/zap"
)

const (
	// maxMail is the longest e-mail in bytes.
	maxMail = 8 << 20
	// smtpIdle is how long a connection may say nothing (RFC 5321, 4.5.3.2.7).
	smtpIdle = 5 * time.Minute
)

func (s *Server) newSMTPServer(certificate *tls.Config) *smtp.Server {
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		most := s.gateway.Settings().SMTP.Connections
		if open := s.connections.Add(1); most > 0 && int(open) > most {
			s.connections.Add(-1)
			return nil, &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Error: too many connections"}
		}
		return &session{server: s, conn: c, authenticated: s.config.Username == ""}, nil
	}))
	server.Domain = "gateway.balsong.test"
	server.MaxRecipients = 1
	server.MaxMessageBytes = maxMail
	server.ReadTimeout = smtpIdle
	server.WriteTimeout = smtpIdle
	server.EnableSMTPUTF8 = true
	server.AllowInsecureAuth = true // it is a simulator on the loopback interface
	server.TLSConfig = certificate
	server.ErrorLog = smtpLog{s.config.Log}
	return server
}

// session is one SMTP connection.
type session struct {
	server        *Server
	conn          *smtp.Conn
	authenticated bool
	from, to      string
	// decided is the outcome when it was decided at RCPT.
	decided *behaviour.Decision
	// busy is set from the end of a message until its reply is written, so that
	// a stopping server does not cut the reply off.
	busy atomic.Bool
}

var _ smtp.AuthSession = (*session)(nil)

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string {
	if s.server.config.Username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		c := s.server.config
		if subtle.ConstantTimeCompare([]byte(username), []byte(c.Username))&
			subtle.ConstantTimeCompare([]byte(password), []byte(c.Password)) != 1 {
			return smtp.ErrAuthFailed
		}
		s.authenticated = true
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.authenticated {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to, s.decided = to, nil
	settings := s.server.gateway.Settings()
	if settings.SMTP.RefuseAt != behaviour.RefuseAtRcpt {
		return nil
	}
	c := call{Call: behaviour.Call{Channel: behaviour.Email, Vendor: behaviour.SMTPRelay, Destination: to}}
	decision := s.server.gateway.Decide(c.Call, s.server.config.now())
	switch decision.Outcome {
	case behaviour.RefusedTemporary, behaviour.RefusedPermanent, behaviour.RefusedThrottled, behaviour.RefusedEverybody:
		return s.reply(s.server.carryOut(c, decision))
	default:
		s.decided = &decision
		return nil
	}
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	var data bytes.Buffer
	if _, err := data.ReadFrom(r); err != nil {
		if refusal := (*smtp.SMTPError)(nil); errors.As(err, &refusal) {
			return refusal
		}
		return err // the message did not come whole, so the caller is gone
	}
	s.server.replies.Add(1)
	s.busy.Store(true)
	c := call{
		Call:    behaviour.Call{Channel: behaviour.Email, Vendor: behaviour.SMTPRelay, Key: idempotencyKey(data.Bytes()), Destination: s.to},
		content: acceptlog.HashContent(data.Bytes()),
		message: inbox.Message{To: s.to, Body: data.Bytes()},
	}
	if settings := s.server.gateway.Settings(); settings.Vendors.SMTP.ReportsTo != "" {
		m := sentMessage{from: s.from, to: s.to, header: headerOf(data.Bytes())}
		c.sent = func(uint64) sentMessage { return m }
	}
	if s.decided != nil {
		return s.reply(s.server.carryOut(c, *s.decided))
	}
	return s.reply(s.server.handle(c))
}

// Reset implements smtp.Session: go-smtp calls it after each reply to a message.
func (s *session) Reset() {
	s.to, s.decided = "", nil
	s.replied()
}

// Logout implements smtp.Session: the connection is gone.
func (s *session) Logout() error {
	s.server.connections.Add(-1)
	s.replied()
	return nil
}

func (s *session) replied() {
	if s.busy.CompareAndSwap(true, false) {
		s.server.replies.Done()
	}
}

// reply words an answer as SMTP does.
func (s *session) reply(a answer) error {
	switch a.outcome {
	case behaviour.Accepted:
		id := appendID(nil, behaviour.Email, a.sequence)
		return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "OK: queued as " + string(id)}
	case behaviour.AcceptedThenDropped:
		return s.hangUp("")
	case behaviour.RefusedPermanent:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	case behaviour.RefusedContent:
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "the content is refused"}
	case behaviour.RefusedThrottled:
		text := "rate limit, try again later"
		if a.retryAfter > 0 {
			text = fmt.Sprintf("rate limit, try again in %d seconds", seconds(a.retryAfter))
		}
		if settings := s.server.gateway.Settings(); settings.SMTP.ThrottleCode == 421 {
			return s.hangUp("421 4.7.0 " + text + "\r\n")
		}
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: text}
	case behaviour.RefusedEverybody:
		return &smtp.SMTPError{Code: a.everybody.Code, EnhancedCode: smtp.NoEnhancedCode, Message: a.everybody.Text}
	default:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "mailbox not ready, try again later"}
	}
}

// hangUp says the last words, if any, and closes the connection. The reply that
// go-smtp then tries to write goes nowhere.
func (s *session) hangUp(lastWords string) error {
	connection := s.conn.Conn()
	_, _ = io.WriteString(connection, lastWords) // the caller may be gone
	_ = connection.Close()
	return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "closed"}
}

// idempotencyKey returns the value of X-Idempotency-Key in the header of an
// e-mail: empty if there is none, or if it is no valid key.
func idempotencyKey(data []byte) string {
	const name = "x-idempotency-key:"
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		if data = rest; len(bytes.TrimSuffix(line, []byte("\r"))) == 0 {
			return "" // the end of the header
		}
		if len(line) < len(name) || !strings.EqualFold(string(line[:len(name)]), name) {
			continue
		}
		value := bytes.Clone(line[len(name):])
		for len(data) > 0 && (data[0] == ' ' || data[0] == '\t') { // folded (RFC 5322, 2.2.3)
			line, data, _ = bytes.Cut(data, []byte("\n"))
			value = append(value, line...)
		}
		key := string(bytes.TrimSpace(value))
		if !validKey(key) {
			return ""
		}
		return key
	}
	return ""
}

// smtpLog passes go-smtp's complaints on. They name peers, never addresses.
type smtpLog struct{ log *zap.Logger }

func (l smtpLog) Printf(format string, args ...any) {
	l.log.Debug("smtp_connection_failed", zap.String("reason", fmt.Sprintf(format, args...)))
}

func (l smtpLog) Println(args ...any) {
	l.log.Debug("smtp_connection_failed", zap.String("reason", fmt.Sprint(args...)))
}
