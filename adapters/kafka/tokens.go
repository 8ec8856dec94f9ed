package kafka

import (
	"context"
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

// tokenPause is how long a source that failed is not asked again: every connection to a broker asks for a token, and so would
// every try of it.
const tokenPause = time.Second

// reusedTokens asks a source for a token when four fifths of the last one's life are over. While the source fails, the last
// token is used until it expires. sarama logs in again when 85 % of a session are over at the earliest, and so has a new token
// then: with the old one the brokers would end the new session as early as the old one.
type reusedTokens struct {
	source TokenSource

	turn  chan struct{} // holds one element, taken by each use
	token Token         // guarded by turn, as what follows
	err   error         // of the last time that the source was asked
	until time.Time     // before, the source is not asked
}

// ReuseTokens returns a source that asks another one as seldom as it may: each token is used until it is about to expire, by all who
// share the source.
func ReuseTokens(source TokenSource) TokenSource {
	r := &reusedTokens{source: source, turn: make(chan struct{}, 1)}
	r.turn <- struct{}{}
	return r
}

// Token implements TokenSource.
func (r *reusedTokens) Token(ctx context.Context) (Token, error) {
	select {
	case <-r.turn:
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
	defer func() { r.turn <- struct{}{} }()
	if time.Now().Before(r.until) {
		return r.usable()
	}
	token, err := r.source.Token(ctx)
	if ctx.Err() != nil {
		return Token{}, ctx.Err() // the caller gave up, which says nothing about the source
	}
	now := time.Now()
	r.err, r.until = err, now.Add(tokenPause)
	if err == nil {
		r.token = token
		if life := token.Expires.Sub(now); life > 0 {
			r.until = now.Add(life / 5 * 4)
		}
	}
	return r.usable()
}

// usable returns the last token while it is valid, else the source's error.
func (r *reusedTokens) usable() (Token, error) {
	if r.err == nil || time.Now().Before(r.token.Expires) {
		return r.token, nil
	}
	return Token{}, r.err
}

// tokenProvider gives tokens to one client of sarama.
type tokenProvider struct {
	source     TokenSource
	extensions map[string]string
	ctx        context.Context // ends with the client: sarama takes no contexts
}

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
