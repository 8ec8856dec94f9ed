// Package lmtp takes mail that comes back, bounces and complaints, from the mail server of a domain of ours (RFC 2033). That server
// gives it every mail to the addresses that bounces go to, and to those that complaints go to.
package lmtp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/balsong/balsong/adapters/gateway/reference"
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
	Failed  Result = "failed"  // it could not be read whole, or not be stored: the mail server comes again
)

// Results lists every result.
var Results = []Result{Stored, Ignored, Foreign, Failed}

// Bounds of a session.
const (
	maxRead    = 1 << 20  // of a mail: as much as is read of it
	maxLine    = 1 << 20  // of a line. RFC 5321 (4.5.3.1.6) allows 1,000, and what bounces quote keeps to nothing
	maxMail    = 50 << 20 // of a mail that is taken
	maxTo      = 100      // recipients of a mail
	timeout    = time.Minute
	storeLimit = 30 * time.Second
)

// Observation is what became of a mail for one of its recipients.
type Observation struct {
	Result  Result
	Rule    string // by which the mail was read; "": by none
	Problem error  // of Failed. Without personal data
}

// Config describes what a Server takes.
type Config struct {
	Domain     string                  // of the greeting
	Finder     func() reference.Finder // nil result: references are not known yet, and the mail server comes again
	Complaints []string                // addresses that mailbox providers send complaints to, which name no delivery themselves
	Provider   string                  // that the messages were sent by, as in the ledger
	Receive    Receive                 // stores what a mail says
	Observe    func(Observation)       // of each mail; nil: nobody
}

// Server is a mail server that takes what comes back. Safe for concurrent use.
type Server struct {
	config Config
	lmtp   *smtp.Server

	mutex   sync.Mutex
	idle    map[*session]bool // open ones; false while a mail is under way
	closing bool
}

// New returns a server; Serve begins.
func New(c Config) *Server {
	if c.Observe == nil {
		c.Observe = func(Observation) {}
	}
	s := &Server{config: c, idle: map[*session]bool{}}
	s.lmtp = smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) { return s.open(conn.Conn()), nil }))
	s.lmtp.LMTP, s.lmtp.Domain = true, c.Domain
	s.lmtp.MaxRecipients, s.lmtp.MaxMessageBytes, s.lmtp.MaxLineLength = maxTo, maxMail, maxLine
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

// Shutdown waits for the mails under way, and takes no more. Connections without one are closed: mail servers keep them for the next.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mutex.Lock()
	s.closing = true
	for open, idle := range s.idle {
		if idle {
			_ = open.conn.Close()
		}
	}
	s.mutex.Unlock()
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

// What keeps a mail from being read whole.
var (
	errCut  = errors.New("the connection ended before the mail did")
	errLine = fmt.Errorf("the mail has a line of more than %d bytes", maxLine)
)
