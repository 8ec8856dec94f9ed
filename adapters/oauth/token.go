// Package oauth gets the tokens with which a process logs in to another system: at a token endpoint (RFC 6749), by the grants
// client_credentials and refresh_token. Each token is kept and used until it is about to expire.
package oauth

import (
	"context"
	"time"
)

// Token is what a client logs in with.
type Token struct {
	Value   string
	Expires time.Time // zero: not known
}

func (t Token) valid(now time.Time) bool { return t.Expires.IsZero() || now.Before(t.Expires) }

// Source makes tokens. It is safe for concurrent use.
type Source interface {
	// Token returns a token. Its error is an *Error where it is known what happened.
	Token(ctx context.Context) (Token, error)
}

// Failure is why there is no token.
type Failure int

// The failures.
const (
	Unavailable Failure = iota // whoever makes tokens cannot be reached, or gives none now
	Refused                    // the client, or what it asks for
	Untrusted                  // the certificate of the token endpoint
)

// Error is why there is no token. Its text holds no secret.
type Error struct {
	Failure Failure
	Err     error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
