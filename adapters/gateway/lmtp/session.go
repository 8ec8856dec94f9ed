package lmtp

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/emersion/go-smtp"

	"github.com/balsong/balsong/adapters/gateway/bounce"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// session is one connection. It is used by one goroutine.
type session struct {
	server *Server
	conn   net.Conn
	to     []recipient
}

// open returns the session of a new connection.
func (s *Server) open(conn net.Conn) *session {
	opened := &session{server: s, conn: conn}
	opened.rest(true)
	return opened
}

// rest notes whether the session has no mail under way. While the server shuts down a session that has none ends.
func (s *session) rest(idle bool) {
	s.server.mutex.Lock()
	defer s.server.mutex.Unlock()
	s.server.idle[s] = idle
	if idle && s.server.closing {
		_ = s.conn.Close()
	}
}

// recipient is one of a mail's: the address as it came, and the delivery that it names; none where complaints go to it.
type recipient struct {
	address string
	about   key.Delivery
}

// Reset implements smtp.Session: a mail has been answered, or given up.
func (s *session) Reset() {
	s.to = nil
	s.rest(true)
}

// Logout implements smtp.Session.
func (s *session) Logout() error {
	s.server.mutex.Lock()
	defer s.server.mutex.Unlock()
	delete(s.server.idle, s)
	return nil
}

// Mail implements smtp.Session.
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	finder := s.server.config.Finder()
	if finder == nil {
		return errLater
	}
	about, err := finder.Read(to)
	if err != nil && slices.ContainsFunc(s.server.config.Complaints, func(own string) bool { return strings.EqualFold(own, to) }) {
		s.to = append(s.to, recipient{address: to})
		return nil
	}
	if err != nil {
		s.server.config.Observe(Observation{Result: Foreign})
		return errNobody
	}
	s.to = append(s.to, recipient{to, about})
	return nil
}

// Data is not used by LMTP (smtp.Session).
func (s *session) Data(io.Reader) error { return errLater }

// LMTPData takes a mail, and answers for each of its recipients (smtp.LMTPSession).
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	s.rest(false)
	raw, err := io.ReadAll(io.LimitReader(r, maxRead))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err != nil {
		return s.unread(err)
	}
	var mail bounce.Mail
	unread := s.guarded(func() error {
		mail = bounce.Parse(raw)
		return nil
	})
	for _, to := range s.to {
		err := unread
		if err == nil {
			err = s.guarded(func() error { return s.take(to.about, raw, mail) })
		}
		status.SetStatus(to.address, err)
	}
	return nil
}

// unread answers a mail that could not be read whole, and shows it for each of its recipients. The library would refuse it for good, and
// what it says would be lost unseen. One that is too large stays so: it is refused for good.
func (s *session) unread(err error) error {
	answer, problem := errLater, errCut
	switch {
	case errors.Is(err, smtp.ErrDataTooLarge):
		answer, problem = smtp.ErrDataTooLarge, smtp.ErrDataTooLarge
	case errors.Is(err, smtp.ErrTooLongLine):
		problem = errLine
	}
	for range s.to {
		s.server.config.Observe(Observation{Result: Failed, Problem: problem})
	}
	return answer
}

// guarded calls do. Where that panics the mail server comes again, and the error is seen: the library would drop it.
func (s *session) guarded(do func() error) error {
	err := outage.Guarded(do)
	if errors.Is(err, outage.ErrPanic) {
		s.server.config.Observe(Observation{Result: Failed, Problem: err})
		return errLater
	}
	return err
}

// take stores what a mail says about one delivery.
func (s *session) take(about key.Delivery, raw []byte, mail bounce.Mail) error {
	c := s.server.config
	var reports []report.Report
	if about != (key.Delivery{}) {
		reports = Read(about, c.Provider, raw, mail)
	} else if found, err := c.Finder().Read(mail.EnvelopeFrom); err == nil {
		reports = slices.DeleteFunc(Read(found, c.Provider, raw, mail), func(r report.Report) bool { return r.Kind != report.Complained })
	}
	if len(reports) == 0 {
		c.Observe(Observation{Result: Ignored, Rule: mail.Rule})
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeLimit)
	defer cancel()
	if err := c.Receive(ctx, reports); err != nil {
		c.Observe(Observation{Result: Failed, Rule: mail.Rule, Problem: err})
		return errLater
	}
	c.Observe(Observation{Result: Stored, Rule: mail.Rule})
	return nil
}
