package core

import (
	"context"
	"errors"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/oauth"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// Identity provides who the process is to AWS: one for everything that signs in with it, because it keeps the credentials.
func Identity() fx.Option { return fx.Module("identity", fx.Provide(awsidentity.New)) }

// DatabaseLogin is how the PostgreSQL adapter reaches the database and logs in.
func DatabaseLogin(c config.Database, identity *awsidentity.Identity) postgres.Config {
	at := postgres.Config{URL: c.URL}
	if c.Auth == config.AuthIAM {
		at.Passwords = func(ctx context.Context, to postgres.Login) (string, error) {
			return identity.DatabaseToken(ctx, to.Server, to.User)
		}
	}
	return at
}

// brokerTokens are the tokens of the process's identity for MSK.
type brokerTokens struct {
	identity *awsidentity.Identity
	brokers  []string // the first one's name names the region
}

// errNoBroker is the error of a token for a list of brokers that is empty.
var errNoBroker = errors.New("sign in to MSK: no broker is configured")

// Token implements oauth.Source.
func (b brokerTokens) Token(ctx context.Context) (oauth.Token, error) {
	if len(b.brokers) == 0 {
		return oauth.Token{}, &oauth.Error{Failure: oauth.Refused, Err: errNoBroker}
	}
	value, expires, err := b.identity.BrokerToken(ctx, b.brokers[0])
	switch {
	case err == nil:
		return oauth.Token{Value: value, Expires: expires}, nil
	case ctx.Err() != nil:
		return oauth.Token{}, ctx.Err()
	case errors.Is(err, port.ErrUnavailable):
		return oauth.Token{}, &oauth.Error{Failure: oauth.Unavailable, Err: err}
	}
	return oauth.Token{}, &oauth.Error{Failure: oauth.Refused, Err: err}
}
