// Package certificates measures when the certificates end that the components' servers show, and those that are shown to them.
// It looks as a client does, by a handshake of its own that sends nothing: connections live for long, and would show a
// certificate that was renewed since.
package certificates

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

// Component is where a component's certificates are seen.
type Component struct {
	Name    string
	Servers []string // host:port
	Own     []byte   // PEM of the certificate that is shown to them; empty: none
	// Handshake makes the handshake on a new connection; nil: TLS from the first byte.
	Handshake func(ctx context.Context, conn net.Conn, settings *tls.Config) (tls.ConnectionState, error)
}

// The pauses between two looks: after one that succeeded, and after one that failed.
const (
	pause      = time.Hour
	failedWait = time.Minute
	patience   = 10 * time.Second
)

// Watch looks at a component's certificates again and again until the context ends. What cannot be seen is logged once, and
// keeps its last value: a certificate ends no other day because its server is down.
func Watch(ctx context.Context, c Component, clock port.Clock, log port.Log, metrics port.Metrics) {
	failed := false
	for {
		next := pause
		ends, err := Expiry(ctx, c)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			next = failedWait
			if !failed {
				log.Warn("the end of a certificate cannot be seen; it is tried again each minute",
					port.Field{Key: "component", Value: c.Name}, port.Field{Key: "error", Value: err})
			}
		default:
			metric.CertificateExpiry.Set(metrics, float64(ends.Unix()), c.Name)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return
		case <-clock.After(next):
		}
	}
}

// Expiry returns when the first of a component's certificates ends. Of what a server shows its own certificate counts: among
// those that it adds may be some that have ended and that nobody needs.
func Expiry(ctx context.Context, c Component) (first time.Time, err error) {
	var all []*x509.Certificate
	if len(c.Own) > 0 {
		block, _ := pem.Decode(c.Own)
		if block == nil {
			return first, errors.New("the own certificate is not in PEM form")
		}
		own, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return first, fmt.Errorf("the own certificate: %w", err)
		}
		all = append(all, own)
	}
	for _, server := range c.Servers {
		shown, err := shownBy(ctx, c, server)
		if err != nil {
			return first, err
		}
		all = append(all, shown)
	}
	for _, certificate := range all {
		if first.IsZero() || certificate.NotAfter.Before(first) {
			first = certificate.NotAfter
		}
	}
	if first.IsZero() {
		err = errors.New("there is no certificate")
	}
	return first, err
}

func shownBy(ctx context.Context, c Component, server string) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	handshake := c.Handshake
	if handshake == nil {
		handshake = Direct
	}
	// Whether it is trusted is the connections' matter: this one is closed before anything is sent.
	state, err := handshake(ctx, conn, &tls.Config{ServerName: host, InsecureSkipVerify: true}) //nolint:gosec // see above
	if err != nil {
		return nil, fmt.Errorf("%s: %w", server, err)
	}
	if len(state.PeerCertificates) == 0 {
		return nil, fmt.Errorf("%s shows no certificate", server)
	}
	return state.PeerCertificates[0], nil
}

// Direct is the handshake of TLS from the first byte.
func Direct(ctx context.Context, conn net.Conn, settings *tls.Config) (tls.ConnectionState, error) {
	client := tls.Client(conn, settings)
	err := client.HandshakeContext(ctx)
	return client.ConnectionState(), err
}

// StartTLS returns the handshake of a mail server that is asked for TLS by STARTTLS. ehlo is how this machine names itself.
func StartTLS(ehlo string) func(context.Context, net.Conn, *tls.Config) (tls.ConnectionState, error) {
	return func(_ context.Context, conn net.Conn, settings *tls.Config) (tls.ConnectionState, error) {
		client, err := smtp.NewClient(conn, settings.ServerName)
		if err != nil {
			return tls.ConnectionState{}, err
		}
		if err := client.Hello(ehlo); err != nil {
			return tls.ConnectionState{}, err
		}
		if err := client.StartTLS(settings); err != nil {
			return tls.ConnectionState{}, err
		}
		state, _ := client.TLSConnectionState()
		return state, client.Quit()
	}
}
