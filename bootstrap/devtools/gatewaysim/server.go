package gatewaysim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/inbox"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/lockfile"
	"github.com/emersion/go-smtp"
	"github.com/gofrs/flock"
	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
)

// Server is a running gateway. Its methods may be called concurrently.
type Server struct {
	config  Config
	gateway *behaviour.Gateway
	stats   *counters
	log     *acceptlog.Writer
	inbox   *inbox.Inbox // nil: none
	paths   map[string]behaviour.Channel
	lock    *flock.Flock

	reporter *reporter
	scenario scenario
	sent     sentMessages // what vendors are asked about
	// SOLAPI takes no signature twice, and NHN Cloud no idempotency key.
	signatures, idempotencyKeys once

	mail                                      *smtp.Server
	calls                                     *fasthttp.Server
	admin                                     *http.Server
	mailListener, callListener, adminListener net.Listener

	// stopping is closed when Stop begins: latencies end at once then.
	stopping chan struct{}
	stopOnce sync.Once
	stopErr  error
	// connections are the SMTP connections that were greeted.
	connections atomic.Int32
	// replies are the e-mails taken whole whose reply is not written yet.
	replies sync.WaitGroup
	serving sync.WaitGroup
}

// Start starts a gateway: when it returns, the ports answer. The context bounds
// the start alone. A fault of the configuration, a port in use, or a data
// directory that another gateway uses is an error that says so.
func Start(ctx context.Context, config Config) (*Server, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configure the gateway: %w", err)
	}
	s := &Server{
		config: config, gateway: behaviour.New(config.Settings, config.now()),
		stats: newCounters(config.now()), stopping: make(chan struct{}),
		paths: paths(), reporter: newReporter(), scenario: scenario{left: config.Steps, since: config.now()},
	}
	if err := s.open(ctx); err != nil {
		return nil, fmt.Errorf("start the gateway: %w", errors.Join(err, s.close()))
	}
	s.serve()
	config.Log.Info("gateway_started", zap.String("smtp", s.SMTPAddr()), zap.String("http", s.HTTPAddr()),
		zap.String("inbox", "http://"+s.AdminAddr()+"/"), zap.String("accept_log", AcceptLogPath(config.DataDir)))
	return s, nil
}

// OpenInbox opens the inbox of a data directory to look at it, with or without
// a gateway running.
func OpenInbox(dataDir string) (*inbox.Inbox, error) { return inbox.OpenReadOnly(inboxPath(dataDir)) }

// SMTPAddr is where e-mail is taken, as host:port.
func (s *Server) SMTPAddr() string { return s.mailListener.Addr().String() }

// HTTPAddr is where POST /sms and POST /push are.
func (s *Server) HTTPAddr() string { return s.callListener.Addr().String() }

// AdminAddr is where the inbox, /settings and /stats are.
func (s *Server) AdminAddr() string { return s.adminListener.Addr().String() }

// Settings returns the present settings.
func (s *Server) Settings() Settings { return s.gateway.Settings() }

// SetSettings changes the behaviour for all calls to come.
func (s *Server) SetSettings(settings Settings) error {
	settings = settings.WithDefaults()
	if err := settings.Validate(); err != nil {
		return err
	}
	s.gateway.Set(settings)
	return nil
}

// Stop takes no more calls, lets those in flight finish without further latency,
// and closes everything. When the context ends first, connections are cut. All
// that was answered is in the accept log either way.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		close(s.stopping)
		// Closed here, because a server that was stopped before it got to serve
		// would not know its listener yet.
		_, _ = s.mailListener.Close(), s.callListener.Close() // nothing depends on it
		faults := []error{s.stopCalls(ctx), s.stopAdmin(ctx), s.stopMail(ctx)}
		s.serving.Wait()
		s.reporter.saying.Wait()
		s.stopErr = errors.Join(append(faults, s.close())...)
		s.config.Log.Info("gateway_stopped")
	})
	return s.stopErr
}

func (s *Server) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(s.config.DataDir, 0o755); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if s.lock, err = lockfile.Try(filepath.Join(s.config.DataDir, "lock")); errors.Is(err, lockfile.ErrHeld) {
		return fmt.Errorf("another gateway uses the data directory %s: stop it, or give another directory: %w", s.config.DataDir, err)
	} else if err != nil {
		return fmt.Errorf("lock the data directory: %w", err)
	}
	if s.mailListener, err = listen(ctx, s.config.SMTPAddr); err != nil {
		return fmt.Errorf("SMTP: %w", err)
	}
	if s.callListener, err = listen(ctx, s.config.HTTPAddr); err != nil {
		return fmt.Errorf("HTTP: %w", err)
	}
	if s.adminListener, err = listen(ctx, s.config.AdminAddr); err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	if s.log, err = s.config.openLog(AcceptLogPath(s.config.DataDir)); err != nil {
		return err
	}
	if s.config.InboxKeep > 0 {
		s.inbox, err = inbox.Open(inboxPath(s.config.DataDir), s.config.InboxKeep, func(err error) {
			s.config.Log.Error("inbox_failed", zap.Error(err))
		})
		if err != nil {
			return err
		}
	}
	certificate, err := s.certificate()
	if err != nil {
		return err
	}
	s.mail = s.newSMTPServer(certificate)
	s.calls = s.newCallServer()
	s.admin = s.newAdminServer()
	return nil
}

func (s *Server) serve() {
	run := func(name string, serve func() error) {
		s.serving.Go(func() {
			err := serve()
			if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				s.config.Log.Error("gateway_port_failed", zap.String("port", name), zap.Error(err))
			}
		})
	}
	s.serving.Go(s.play)
	run("smtp", func() error { return s.mail.Serve(s.mailListener) })
	run("http", func() error { return s.calls.Serve(s.callListener) })
	run("admin", func() error { return s.admin.Serve(s.adminListener) })
}

func (s *Server) stopCalls(ctx context.Context) error {
	if err := s.calls.ShutdownWithContext(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop HTTP: %w", err)
	}
	return nil
}

func (s *Server) stopAdmin(ctx context.Context) error {
	if err := s.admin.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stop the admin port: %w", err), s.admin.Close())
	}
	return nil
}

func (s *Server) stopMail(ctx context.Context) error {
	replied := make(chan struct{})
	go func() { s.replies.Wait(); close(replied) }()
	var err error
	select {
	case <-replied:
	case <-ctx.Done():
		err = fmt.Errorf("stop SMTP: %w", ctx.Err())
	}
	if closed := s.mail.Close(); closed != nil && !errors.Is(closed, net.ErrClosed) {
		err = errors.Join(err, closed)
	}
	return err
}

// close closes what is open: all of it after Stop, a part after a failed start.
func (s *Server) close() error {
	var faults []error
	for _, l := range []net.Listener{s.mailListener, s.callListener, s.adminListener} {
		if l != nil {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				faults = append(faults, err)
			}
		}
	}
	if s.log != nil {
		faults = append(faults, s.log.Close())
	}
	if s.inbox != nil {
		faults = append(faults, s.inbox.Close())
	}
	if s.lock != nil {
		faults = append(faults, s.lock.Close()) // which unlocks it
	}
	return errors.Join(faults...)
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s (is another program there?): %w", addr, err)
	}
	return l, nil
}
