// Package lmtp takes mail that comes back, bounces and complaints, from the mail server of a domain of ours (RFC 2033). That server
// gives it every mail to the addresses that bounces go to, and to those that complaints go to.
package lmtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/balsong/balsong/adapters/gateway/bounce"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// Receive stores reports. Where it fails the mail server keeps the mail and comes again.
type Receive func(ctx context.Context, reports []report.Report) error

// Result is what became of a mail.
type Result string

// The results.
const (
	Stored  Result = "stored"  // what it says is stored
	Ignored Result = "ignored" // it says nothing: a vacation reply, or no report at all
	Foreign Result = "foreign" // its address names no delivery of ours
	Failed  Result = "failed"  // it could not be stored: the mail server comes again
)

// Results lists every result.
var Results = []Result{Stored, Ignored, Foreign, Failed}

// Bounds of a session.
const (
	maxRead    = 1 << 20  // of a mail: as much as is read of it
	maxMail    = 50 << 20 // of a mail that is taken
	maxTo      = 100      // recipients of a mail
	timeout    = time.Minute
	storeLimit = 30 * time.Second
)

// Config describes what a Server takes.
type Config struct {
	Domain     string                  // of the greeting
	Finder     func() reference.Finder // nil result: references are not known yet, and the mail server comes again
	Complaints []string                // addresses that mailbox providers send complaints to, which name no delivery themselves
	Provider   string                  // that the messages were sent by, as in the ledger
	Receive    Receive                 // stores what a mail says
	Observe    func(Result, string)    // of each mail, with the rule by which it was read; nil: nobody
}

// Server is a mail server that takes what comes back. Safe for concurrent use.
type Server struct {
	config Config
	lmtp   *smtp.Server
}

// New returns a server; Serve begins.
func New(c Config) *Server {
	if c.Observe == nil {
		c.Observe = func(Result, string) {}
	}
	s := &Server{config: c}
	s.lmtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }))
	s.lmtp.LMTP, s.lmtp.Domain = true, c.Domain
	s.lmtp.MaxRecipients, s.lmtp.MaxMessageBytes = maxTo, maxMail
	s.lmtp.ReadTimeout, s.lmtp.WriteTimeout = timeout, timeout
	s.lmtp.ErrorLog = silent{}
	return s
}

// Serve takes connections until Shutdown.
func (s *Server) Serve(listener net.Listener) error {
	if err := s.lmtp.Serve(listener); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
		return fmt.Errorf("server of bounces: %w", err)
	}
	return nil
}

// Shutdown waits for the mails under way, and takes no more.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.lmtp.Shutdown(ctx); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
		return fmt.Errorf("server of bounces: %w", err)
	}
	return nil
}

// silent drops what the library would log: it names addresses.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// Answers. A mail that is not for us is refused for good, as any server does with a mailbox that it has not.
var (
	errNobody = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	errLater  = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "cannot be stored now, come again"}
)

// session is one connection. It is used by one goroutine.
type session struct {
	server *Server
	to     []recipient
}

// recipient is one of a mail's: the address as it came, and the delivery that it names; none where complaints go to it.
type recipient struct {
	address string
	about   key.Delivery
}

func (s *session) Reset()                               { s.to = nil }
func (s *session) Logout() error                        { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
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
		s.server.config.Observe(Foreign, "")
		return errNobody
	}
	s.to = append(s.to, recipient{to, about})
	return nil
}

// Data is not used by LMTP (smtp.Session).
func (s *session) Data(io.Reader) error { return errLater }

// LMTPData takes a mail, and answers for each of its recipients (smtp.LMTPSession).
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	raw, err := io.ReadAll(io.LimitReader(r, maxRead))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err != nil {
		return fmt.Errorf("the mail ended before its end: %w", err)
	}
	mail := bounce.Parse(raw)
	for _, to := range s.to {
		status.SetStatus(to.address, s.take(to.about, raw, mail))
	}
	return nil
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
		c.Observe(Ignored, mail.Rule)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeLimit)
	defer cancel()
	if err := c.Receive(ctx, reports); err != nil {
		c.Observe(Failed, mail.Rule)
		return errLater
	}
	c.Observe(Stored, mail.Rule)
	return nil
}
