package certificates

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// Configured lists where a configuration makes encrypted connections to, by the components' names. A section that is empty
// has none.
func Configured(c config.Deliverer) (list []Component) {
	if use, err := postgres.TLSUseOf(c.Database.URL); err == nil && len(use.Servers) > 0 { // what is wrong with it, the pool says
		list = append(list, Component{Name: port.ComponentDatabase, Servers: use.Servers, Own: use.Certificate, Handshake: afterRequest})
	}
	if c.Kafka.TLS {
		list = append(list, Component{Name: port.ComponentEventLog, Servers: c.Kafka.Brokers})
	}
	if c.S3.Bucket != "" {
		endpoint := cmp.Or(c.S3.Endpoint, fmt.Sprintf("https://s3.%s.amazonaws.com", c.S3.Region))
		list = append(list, https(port.ComponentStatements, endpoint)...)
	}
	for _, provider := range c.Gateways.Providers() {
		if provider.Name == config.ProviderSMTP {
			list = append(list, relay(provider.Account(), c.Gateways.SMTP)...)
		} else {
			list = append(list, https(provider.Account(), provider.URL)...)
		}
	}
	return list
}

// afterRequest is the handshake of a server of PostgreSQL.
func afterRequest(ctx context.Context, conn net.Conn, settings *tls.Config) (tls.ConnectionState, error) {
	if err := postgres.RequestTLS(conn); err != nil {
		return tls.ConnectionState{}, err
	}
	return Direct(ctx, conn, settings)
}

// relay is the mail server; none where nothing is encrypted.
func relay(name string, c config.SMTP) []Component {
	if c.TLS == "none" {
		return nil
	}
	server := Component{Name: name, Servers: []string{c.Addr}}
	if c.TLS != "implicit" {
		server.Handshake = StartTLS(cmp.Or(c.EHLO, "localhost"))
	}
	return []Component{server}
}

// https is the server of an https address; none where it is another.
func https(name, address string) []Component {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		return nil
	}
	return []Component{{Name: name, Servers: []string{net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443"))}}}
}

// Module watches the certificates of a configuration, each component beside the others.
func Module(c config.Deliverer) fx.Option {
	return fx.Module("certificates", fx.Invoke(func(lc fx.Lifecycle, shutdown fx.Shutdowner, clock port.Clock, log port.Log, metrics port.Metrics) {
		for _, component := range Configured(c) {
			core.Work(lc, shutdown, log, "certificates of "+component.Name, func(ctx context.Context) error {
				Watch(ctx, component, clock, log, metrics)
				return nil
			})
		}
	}))
}
