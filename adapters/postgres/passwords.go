package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"
)

// Login is who logs in, and where.
type Login struct {
	Server string // host:port
	User   string
}

// LoginOf returns whom connections of a URL log in as: by the URL with its parameters, and by PostgreSQL's own variables (PGHOST,
// PGUSER, …) where it does not say. ErrConfig.
func LoginOf(url string) (Login, error) {
	settings, err := parse(url)
	return loginOf(settings), err
}

func loginOf(settings pq.Config) Login {
	return Login{Server: hostPort(settings.Host, settings.Port), User: settings.User}
}

// PasswordSource gives the password of one connection that is about to be opened, as where a password is a token that soon
// expires. It is safe for concurrent use; its error wraps port.ErrUnavailable where waiting may help, and holds no secret.
type PasswordSource func(ctx context.Context, to Login) (string, error)

// CheckPasswordSource reports why a URL cannot be used with passwords of a source: what would show such a password to others,
// or send it to a host that it is not for. ErrConfig; the error holds nothing of the URL.
func CheckPasswordSource(url string) error {
	settings, err := parse(url)
	if err != nil {
		return err
	}
	return checkSourced(settings)
}

func checkSourced(settings pq.Config) error {
	switch {
	case settings.Password != "":
		return fmt.Errorf("%w: the database URL has a password (or PGPASSWORD is set), and passwords come from elsewhere: take it away", ErrConfig)
	case settings.User == "":
		return fmt.Errorf("%w: the database URL names no user", ErrConfig)
	case settings.SSLMode != pq.SSLModeVerifyFull && !strings.HasPrefix(string(settings.SSLMode), registered):
		return fmt.Errorf("%w: the database URL does not say sslmode=verify-full: a token is sent as it is, and must reach nobody but the server that it is for", ErrConfig)
	case len(settings.Multi) > 0:
		return fmt.Errorf("%w: the database URL names several hosts, and a token is for one", ErrConfig)
	}
	return nil
}

// newConnector returns what opens connections that fail after a silence, with the URL's password or one of the source.
func newConnector(settings pq.Config, silence time.Duration, passwords PasswordSource) (driver.Connector, error) {
	if passwords != nil {
		if err := checkSourced(settings); err != nil {
			return nil, err
		}
		return &sourcedConnector{settings, newDialer(silence), passwords}, nil
	}
	connector, err := pq.NewConnectorConfig(settings)
	if err != nil {
		return nil, fmt.Errorf("%w: the driver refuses it", ErrConfig)
	}
	connector.Dialer(newDialer(silence))
	return connector, nil
}

// sourcedConnector opens each connection with a password of its own.
type sourcedConnector struct {
	settings  pq.Config
	dialer    dialer
	passwords PasswordSource
}

// Connect implements driver.Connector.
func (c *sourcedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	password, err := c.password(ctx)
	if err != nil {
		return nil, err
	}
	settings := c.settings
	settings.Password = password
	connector, err := pq.NewConnectorConfig(settings)
	if err != nil {
		return nil, fmt.Errorf("%w: the driver refuses it", ErrConfig)
	}
	connector.Dialer(c.dialer)
	return connector.Connect(ctx)
}

// password asks the source for as long as an attempt to connect may take.
func (c *sourcedConnector) password(ctx context.Context) (string, error) {
	asking, cancel := context.WithTimeout(ctx, c.settings.ConnectTimeout)
	defer cancel()
	password, err := c.passwords(asking, loginOf(c.settings))
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", &passwordError{err}
	}
	return password, nil
}

// Driver implements driver.Connector.
func (c *sourcedConnector) Driver() driver.Driver { return &pq.Driver{} }

// passwordError is the error of a source of passwords.
type passwordError struct{ error }

// Unwrap returns the source's error.
func (e *passwordError) Unwrap() error { return e.error }
