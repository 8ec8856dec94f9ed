package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	gosmtp "github.com/wneessen/go-mail/smtp"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
)

// maxReply bounds what a server may send in answer to one command, in bytes.
const maxReply = 64 << 10

var errReplyTooLong = errors.New("the server's reply is too long")

// boundedConn fails reads once a server has sent more than maxReply bytes since the last write.
type boundedConn struct {
	net.Conn
	said int
}

func (c *boundedConn) Read(p []byte) (int, error) {
	if c.said > maxReply {
		return 0, errReplyTooLong
	}
	n, err := c.Conn.Read(p)
	c.said += n
	return n, err
}

func (c *boundedConn) Write(p []byte) (int, error) {
	c.said = 0
	return c.Conn.Write(p)
}

// session is one connection that has been greeted, encrypted and authenticated. One message at a time.
type session struct {
	raw    net.Conn
	among  *atomic.Int64      // the gateway's connections, of which this is one until it is closed
	probe  *gateway.ProbeConn // raw, below TLS
	client *gosmtp.Client
	sent   int  // messages so far
	kept   bool // it has waited in the pool: the server may have closed it
	dirty  bool // a refused message is to be taken back by RSET first
	broken bool // not to be used again
}

// connect opens a connection. If there is none, the session is nil and the reply says why.
func (g *Gateway) connect(ctx context.Context) (*session, port.Reply) {
	s, err := g.open(ctx)
	if err != nil {
		return nil, refusal(stageConnect, err)
	}
	return s, port.Reply{}
}

// open opens a connection. The error names the step that failed, and wraps a *textproto.Error where the server refused it.
func (g *Gateway) open(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, g.config.ConnectTimeout)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", g.config.Address)
	if err != nil {
		return nil, fmt.Errorf("no connection: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	probe := gateway.NewProbeConn(raw)
	client, err := g.greet(ctx, &boundedConn{Conn: probe})
	if !stop() {
		step, _, _ := strings.Cut(cmp.Or(err, ctx.Err()).Error(), ": ") // that its connection was closed is our own doing
		err = fmt.Errorf("%s: no answer in time: %w", step, ctx.Err())
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	g.connections.Add(1)
	return &session{raw: raw, among: &g.connections, probe: probe, client: client}, nil
}

// greet does what precedes the first message on a connection: greeting, EHLO, TLS and AUTH.
func (g *Gateway) greet(ctx context.Context, conn net.Conn) (*gosmtp.Client, error) {
	config := g.config.TLSConfig.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if config.ServerName == "" {
		config.ServerName = g.host
	}
	if g.config.TLS == TLSImplicit {
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		conn = secure
	}
	client, err := gosmtp.NewClient(conn, g.host)
	if err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	if err := client.Hello(cmp.Or(g.config.LocalName, addressLiteral(conn.LocalAddr()))); err != nil {
		return nil, fmt.Errorf("EHLO: %w", err)
	}
	if err := g.startTLS(client, config); err != nil {
		return nil, err
	}
	return client, g.login(client)
}

func (g *Gateway) startTLS(client *gosmtp.Client, config *tls.Config) error {
	if g.config.TLS != TLSMandatory && g.config.TLS != TLSOpportunistic {
		return nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		if g.config.TLS == TLSMandatory {
			return errors.New("the server does not offer STARTTLS, which the TLS policy asks for")
		}
		return nil
	}
	if err := client.StartTLS(config); err != nil {
		return fmt.Errorf("STARTTLS: %w", err)
	}
	return nil
}

// quiet reports whether the server has sent nothing but the replies to its commands, and has not closed the connection.
func (s *session) quiet() bool {
	return s.probe.Quiet(func() error {
		_, err := s.client.Text.R.Peek(1)
		return err
	})
}

// close sends QUIT if the connection still works, without waiting for the answer, and closes the connection.
func (s *session) close() {
	if !s.broken {
		_ = s.raw.SetDeadline(time.Now().Add(100 * time.Millisecond)) // a failed farewell changes nothing
		_, _ = s.client.Text.Cmd("QUIT")
	}
	s.raw.Close()
	s.among.Add(-1)
}
