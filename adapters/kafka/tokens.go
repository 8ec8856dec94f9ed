package kafka

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/IBM/sarama"
)

// Token is what a client logs in with by OAUTHBEARER.
type Token struct {
	Value   string
	Expires time.Time // zero: not known
}

// TokenSource makes tokens. It is safe for concurrent use.
type TokenSource interface {
	// Token returns a token that the brokers should accept. Its error is a *TokenError where it is known what happened.
	Token(ctx context.Context) (Token, error)
}

// TokenError is why there is no token to log in with. Its text holds no secret.
type TokenError struct {
	Failure Failure // FailureTokenRefused, FailureTokenTrust or FailureTokenUnavailable
	Err     error
}

func (e *TokenError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *TokenError) Unwrap() error { return e.Err }

// tokenProvider gives tokens to one client of sarama.
type tokenProvider struct {
	source     TokenSource
	extensions map[string]string
	ctx        context.Context // ends with the client: sarama takes no contexts
}

var errNoBearer = errors.New("the token has characters that no bearer token has")

// bearer is the form of a token (RFC 6750). Anything else could add fields to what is sent to the broker.
var bearer = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// Token implements sarama.AccessTokenProvider.
func (p tokenProvider) Token() (*sarama.AccessToken, error) {
	token, err := p.source.Token(p.ctx)
	if err != nil {
		return nil, err
	}
	if !bearer.MatchString(token.Value) {
		return nil, &TokenError{FailureTokenUnavailable, errNoBearer}
	}
	return &sarama.AccessToken{Token: token.Value, Extensions: p.extensions}, nil
}
