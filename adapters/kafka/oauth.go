package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// ClientCredentials are what a client shows to a token endpoint (RFC 6749, section 4.4).
type ClientCredentials struct {
	TokenURL               string // https, or http on this machine
	ClientID, ClientSecret string
	Scopes                 []string
	TLS                    *tls.Config   // of the token endpoint; nil: the usual settings
	Timeout                time.Duration // of one token; default 10 s
}

// tokenEndpoint makes tokens by the grant of client credentials.
type tokenEndpoint struct {
	config  *clientcredentials.Config
	client  *http.Client
	timeout time.Duration
}

// NewClientCredentials returns tokens of a token endpoint. Each token is used until it is about to expire, by all who share the source.
func NewClientCredentials(c ClientCredentials) TokenSource {
	return ReuseTokens(tokenEndpoint{
		config: &clientcredentials.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, TokenURL: c.TokenURL, Scopes: c.Scopes},
		client: &http.Client{
			Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: c.TLS, DisableKeepAlives: true}, // a token is asked for seldom
			// Where a redirect leads nobody has checked, and the secret would follow it.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		timeout: cmp.Or(c.Timeout, 10*time.Second),
	})
}

// Token implements TokenSource.
func (e tokenEndpoint) Token(ctx context.Context) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	token, err := e.config.Token(context.WithValue(ctx, oauth2.HTTPClient, e.client))
	if err != nil {
		return Token{}, e.failed(err)
	}
	return Token{Value: token.AccessToken, Expires: token.Expiry}, nil
}

// The reasons that say nothing of an answer's text, which could repeat the secret.
var (
	errNoToken  = errors.New("its answer holds no token")
	errNoBearer = errors.New("the token has characters that no bearer token has")
)

// errorCode is the form of the codes with which a token endpoint refuses: invalid_client, invalid_scope.
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// failed says what happened at the token endpoint, without its URL's path and without the text of an answer.
func (e tokenEndpoint) failed(err error) error {
	host := e.config.TokenURL
	if address, err := url.Parse(host); err == nil {
		host = address.Host
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	call, called := errors.AsType[*url.Error](err)
	answer, answered := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case answered:
		status := answer.Response.StatusCode
		said := fmt.Sprintf("HTTP %d", status)
		if errorCode.MatchString(answer.ErrorCode) {
			said = answer.ErrorCode + ", " + said
		}
		if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
			return &TokenError{FailureTokenUnavailable, fmt.Errorf("the token endpoint %s gives no token (%s)", host, said)}
		}
		return &TokenError{FailureTokenRefused, fmt.Errorf("the token endpoint %s refuses the client %q (%s)", host, e.config.ClientID, said)}
	case untrusted:
		return &TokenError{FailureTokenTrust, fmt.Errorf("the token endpoint %s has a certificate that is not trusted: %w", host, call.Err)}
	case called:
		return &TokenError{FailureTokenUnavailable, fmt.Errorf("the token endpoint %s cannot be reached: %w", host, call.Err)}
	}
	return &TokenError{FailureTokenUnavailable, fmt.Errorf("the token endpoint %s: %w", host, errNoToken)}
}
