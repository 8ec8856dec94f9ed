package core

import (
	"context"
	"errors"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/adapters/oauth"
	"github.com/balsong/balsong/bootstrap/config"
)

// tokens are those of a token endpoint.
func tokens(c config.OAuthClient, refresh string) *oauth.Kept {
	return oauth.New(oauth.Client{TokenURL: c.TokenURL, ID: c.ClientID, Secret: c.ClientSecret, Scopes: c.Scopes, RefreshToken: refresh, TLS: c.CA.TLS()})
}

// kafkaTokens are tokens as the Kafka adapter takes them.
type kafkaTokens struct{ oauth.Source }

// Token implements kafka.TokenSource.
func (t kafkaTokens) Token(ctx context.Context) (kafka.Token, error) {
	token, err := t.Source.Token(ctx)
	if none, is := errors.AsType[*oauth.Error](err); is {
		failure := map[oauth.Failure]kafka.Failure{
			oauth.Refused: kafka.FailureTokenRefused, oauth.Untrusted: kafka.FailureTokenTrust, oauth.Unavailable: kafka.FailureTokenUnavailable,
		}[none.Failure]
		return kafka.Token{}, &kafka.TokenError{Failure: failure, Err: none.Err}
	}
	return kafka.Token{Value: token.Value, Expires: token.Expires}, err
}
