package deliveryapp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/feedback"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// Bounds of what senders of requests can hold: connections, each for a while, and what is read of one.
const (
	mostConnections = 2048
	headerTimeout   = 10 * time.Second
	readTimeout     = 30 * time.Second
	writeTimeout    = time.Minute
	idleTimeout     = 2 * time.Minute
	maxHeader       = 32 << 10 // bytes
)

// webServer takes webhooks.
type webServer struct {
	addr, root string
	paths      []string // of the providers, without secrets
	tls        *tls.Config
	http       *http.Server
	log        port.Log
	served     chan struct{}
	shutdown   fx.Shutdowner
}

// webhooks makes the server; it listens with start, and nowhere without an address.
func webhooks(c config.Deliverer) any {
	return func(from core.Informants, s *feedback.Service, clock port.Clock, log port.Log, shutdown fx.Shutdowner) (*webServer, error) {
		w := &webServer{addr: c.Feedback.Addr, root: c.Feedback.Root(), log: log, served: make(chan struct{}), shutdown: shutdown}
		if c.Feedback.CertFile != "" {
			shown, err := newCertificate(c.Feedback.CertFile, c.Feedback.KeyFile, clock)
			if err != nil {
				return nil, fmt.Errorf("%w: BALSONG_FEEDBACK_CERT_FILE and BALSONG_FEEDBACK_KEY_FILE: %w", config.ErrInvalid, err)
			}
			// Without HTTP/2 a connection has one request at a time, so that mostConnections bounds the bodies that are read.
			w.tls = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: shown.get}
		}
		taken := webhook.Config{
			Root: w.root, Providers: map[string]port.Reporter{}, Secrets: map[string]string{}, Receive: s.Receive, Now: clock.Now,
		}
		accounts := map[string]string{}
		for _, r := range from.Reporters {
			taken.Providers[r.Path], taken.Secrets[r.Path], accounts[r.Path] = r.Reporter, r.Secret, r.Account()
			path := "/reports/" + r.Path
			if r.Secret != "" {
				path += "/(its secret)"
			}
			w.paths = append(w.paths, path)
		}
		taken.Observe = func(provider string, result webhook.Result, said port.Said, err error) {
			s.Observe(feedback.Request{Provider: accounts[provider], Result: string(result), Reports: len(said.Reports), Foreign: said.Foreign, Problem: err})
		}
		w.http = &http.Server{
			Handler: webhook.New(taken), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
			MaxHeaderBytes: maxHeader, ErrorLog: stdlog.New(io.Discard, "", 0), // it names whoever connects
		}
		return w, nil
	}
}

func (w *webServer) start(ctx context.Context) error {
	if w.addr == "" {
		close(w.served)
		return nil
	}
	listener, err := listen(ctx, w.addr, mostConnections)
	if err != nil {
		return fmt.Errorf("webhooks: %w (set BALSONG_FEEDBACK_ADDR to another address)", err)
	}
	if w.tls != nil {
		listener = tls.NewListener(listener, w.tls)
	}
	for _, path := range w.paths {
		w.log.Info("webhooks of a provider are taken", port.Field{Key: "address", Value: w.root + path})
	}
	go w.serve(listener)
	return nil
}

// serve takes webhooks until stop. Where it fails the app ends: it would be ready, and take nothing.
func (w *webServer) serve(listener net.Listener) {
	defer close(w.served)
	if err := w.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		w.log.Error("webhooks are not taken any more", port.Field{Key: "error", Value: err})
		_ = listener.Close()
		_ = w.shutdown.Shutdown(fx.ExitCode(1)) // fails only where the app is going down already
	}
}

// stop answers the requests under way, and takes no more.
func (w *webServer) stop(ctx context.Context) error {
	err := w.http.Shutdown(ctx)
	<-w.served
	return err
}

// listen returns a listener that has at most so many connections at a time; others wait to be taken.
func listen(ctx context.Context, addr string, most int) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &bounded{Listener: listener, places: make(chan struct{}, most), closed: make(chan struct{})}, nil
}
