package deliveryapp

import (
	"crypto/tls"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/gateway/lmtp"
	"github.com/balsong/balsong/application/feedback"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// A connection with HTTP/2 has many requests at a time, each with a body.
func TestWebhooksAreTakenByOneRequestAtATimeOfAConnection(t *testing.T) {
	t.Parallel()
	certFile, keyFile := filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	now := time.Date(2026, time.November, 30, 9, 0, 0, 0, time.UTC)
	write(t, certFile, keyFile, 1, now)
	provide, is := webhooks(config.Deliverer{Feedback: config.Feedback{CertFile: certFile, KeyFile: keyFile}}).(func(
		core.Informants, *feedback.Service, port.Clock, port.Log, fx.Shutdowner,
	) (*webServer, error))
	if !is {
		t.Fatal("webhooks is another constructor")
	}
	w, err := provide(core.Informants{}, nil, memory.NewClock(now), &memory.Log{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	here, there := net.Pipe()
	defer func() { _, _ = here.Close(), there.Close() }()
	go func() { _ = tls.Server(there, w.tls).HandshakeContext(t.Context()) }()
	client := tls.Client(here, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}) //nolint:gosec // a certificate of this test
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if spoken := client.ConnectionState().NegotiatedProtocol; spoken != "http/1.1" {
		t.Errorf("it speaks %q", spoken)
	}
}

// It would be ready, and take nothing.
func TestAnAppWhoseServerFailsEnds(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(net.Listener, fx.Shutdowner, port.Log, chan struct{}){
		"webhooks": func(listener net.Listener, shutdown fx.Shutdowner, log port.Log, served chan struct{}) {
			(&webServer{http: &http.Server{ReadHeaderTimeout: headerTimeout}, log: log, served: served, shutdown: shutdown}).serve(listener)
		},
		"bounces": func(listener net.Listener, shutdown fx.Shutdowner, log port.Log, served chan struct{}) {
			(&mailServer{lmtp: lmtp.New(lmtp.Config{}), log: log, served: served, shutdown: shutdown}).serve(listener)
		},
	} {
		var shutdown fx.Shutdowner
		app := fx.New(fx.NopLogger, fx.Populate(&shutdown))
		if err := app.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		listener, err := listen(t.Context(), "127.0.0.1:0", 1)
		if err != nil {
			t.Fatal(err)
		}
		_ = listener.Close() // by somebody else
		served := make(chan struct{})
		serve(listener, shutdown, &memory.Log{}, served)
		<-served
		select {
		case signal := <-app.Wait():
			if signal.ExitCode != 1 {
				t.Errorf("%s: exit code %d", name, signal.ExitCode)
			}
		default:
			t.Errorf("%s: the app is not told to end", name)
		}
	}
}
