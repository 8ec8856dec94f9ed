package deliveryapp

import (
	"context"
	"fmt"
	"net"
	"os"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/gateway/lmtp"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/feedback"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/channel"
)

// mostSessions is how many mails come in at the same time.
const mostSessions = 64

// mailServer takes bounces and complaints by LMTP.
type mailServer struct {
	addr     string
	lmtp     *lmtp.Server
	source   *reference.Source
	log      port.Log
	served   chan struct{}
	shutdown fx.Shutdowner
}

// mails makes the server; it listens with start, and nowhere without an address. Bounces are those of the relay's messages: no other
// provider lets the address tell the delivery.
func mails(c config.Deliverer) any {
	return func(installation port.Installation, s *feedback.Service, log port.Log, shutdown fx.Shutdowner) (*mailServer, error) {
		m := &mailServer{addr: c.Feedback.LMTPAddr, log: log, served: make(chan struct{}), shutdown: shutdown}
		if m.addr == "" {
			return m, nil
		}
		source, err := core.References(c.Gateways, installation)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", config.ErrInvalid, err)
		}
		m.source = source
		relay := port.Provider{Channel: channel.Email, Name: config.ProviderSMTP}
		host, err := os.Hostname()
		if err != nil {
			host = "localhost"
		}
		m.lmtp = lmtp.New(lmtp.Config{
			Domain: host, Complaints: c.Feedback.Complaints, Provider: relay.Name, Receive: s.Receive,
			Finder: func() reference.Finder {
				if known := source.Known(); known != nil {
					return known
				}
				return nil
			},
			Observe: func(o lmtp.Observation) {
				s.Observe(feedback.Request{Provider: relay.Account(), Result: string(o.Result), Problem: o.Problem})
			},
		})
		return m, nil
	}
}

// prepare makes the references known, for which the database is needed.
func (m *mailServer) prepare(ctx context.Context) error { return m.source.Prepare(ctx) }

func (m *mailServer) start(ctx context.Context) error {
	if m.addr == "" {
		close(m.served)
		return nil
	}
	listener, err := listen(ctx, m.addr, mostSessions)
	if err != nil {
		return fmt.Errorf("bounces: %w (set BALSONG_FEEDBACK_LMTP_ADDR to another address)", err)
	}
	m.log.Info("bounces and complaints are taken by LMTP", port.Field{Key: "address", Value: m.addr})
	go m.serve(listener)
	return nil
}

// serve takes mails until stop. Where it fails the app ends: it would be ready, and take nothing.
func (m *mailServer) serve(listener net.Listener) {
	defer close(m.served)
	if err := m.lmtp.Serve(listener); err != nil {
		m.log.Error("bounces are not taken any more", port.Field{Key: "error", Value: err})
		_ = m.shutdown.Shutdown(fx.ExitCode(1)) // fails only where the app is going down already
	}
}

// stop waits for the mails under way, and takes no more.
func (m *mailServer) stop(ctx context.Context) error {
	if m.lmtp == nil {
		return nil
	}
	err := m.lmtp.Shutdown(ctx)
	<-m.served
	return err
}
