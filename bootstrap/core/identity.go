package core

import (
	"context"
	"errors"
	"net/url"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// DatabaseLogin is how the PostgreSQL adapter reaches the database and logs in.
func DatabaseLogin(c config.Database) postgres.Config {
	at := postgres.Config{URL: c.URL}
	if c.Auth == config.AuthIAM {
		at.Passwords = databaseTokens(c.URL)
	}
	return at
}

// databaseTokens are the tokens of the process's identity for the user and the instance of a URL.
func databaseTokens(address string) postgres.PasswordSource {
	identity := awsidentity.New()
	return func(ctx context.Context) (string, error) {
		u, err := url.Parse(address)
		if err != nil {
			return "", postgres.ErrConfig
		}
		if u.Port() == "" {
			u.Host += ":5432"
		}
		return identity.DatabaseToken(ctx, u.Host, u.User.Username())
	}
}

// brokerTokens are the tokens of the process's identity for MSK.
type brokerTokens struct {
	identity *awsidentity.Identity
	broker   string // its name names the region
}

// Token implements kafka.TokenSource.
func (b brokerTokens) Token(ctx context.Context) (kafka.Token, error) {
	value, expires, err := b.identity.BrokerToken(ctx, b.broker)
	switch {
	case err == nil:
		return kafka.Token{Value: value, Expires: expires}, nil
	case ctx.Err() != nil:
		return kafka.Token{}, ctx.Err()
	case errors.Is(err, port.ErrUnavailable):
		return kafka.Token{}, &kafka.TokenError{Failure: kafka.FailureTokenUnavailable, Err: err}
	}
	return kafka.Token{}, &kafka.TokenError{Failure: kafka.FailureTokenRefused, Err: err}
}
