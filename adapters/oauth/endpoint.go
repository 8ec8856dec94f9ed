package oauth

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

// Client is what a client shows to a token endpoint.
type Client struct {
	TokenURL     string // https, or http on this machine
	ID, Secret   string // no secret: a public client, with a refresh token
	Scopes       []string
	RefreshToken string        // that a person has granted (RFC 6749, section 6); "": the grant client_credentials (section 4.4)
	TLS          *tls.Config   // of the token endpoint; nil: the usual settings
	Timeout      time.Duration // of one token; default 10 s
}

// endpoint makes tokens at a token endpoint.
type endpoint struct {
	client  Client
	http    *http.Client
	refresh string // the last one given: some endpoints give a new one with each token. Kept asks one at a time
}

// New returns tokens of a token endpoint.
func New(c Client) *Kept {
	made := newEndpoint(c)
	return Keep(&made)
}

func newEndpoint(c Client) endpoint {
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	return endpoint{
		client: c, refresh: c.RefreshToken,
		http: &http.Client{
			Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: c.TLS, DisableKeepAlives: true}, // a token is asked for seldom
			// Where a redirect leads nobody has checked, and the secret would follow it.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Token implements Source.
func (e *endpoint) Token(ctx context.Context) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, e.client.Timeout)
	defer cancel()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, e.http)
	c, style := e.client, oauth2.AuthStyleAutoDetect
	if c.Secret == "" {
		style = oauth2.AuthStyleInParams
	}
	var token *oauth2.Token
	var err error
	if c.RefreshToken == "" {
		token, err = (&clientcredentials.Config{ClientID: c.ID, ClientSecret: c.Secret, TokenURL: c.TokenURL, Scopes: c.Scopes, AuthStyle: style}).Token(ctx)
	} else {
		config := &oauth2.Config{ClientID: c.ID, ClientSecret: c.Secret, Endpoint: oauth2.Endpoint{TokenURL: c.TokenURL, AuthStyle: style}}
		if token, err = config.TokenSource(ctx, &oauth2.Token{RefreshToken: e.refresh}).Token(); err == nil {
			e.refresh = cmp.Or(token.RefreshToken, e.refresh)
		}
	}
	return e.made(token, err)
}

// made is the token that was made, or why there is none.
func (e *endpoint) made(token *oauth2.Token, err error) (Token, error) {
	switch {
	case err != nil:
		return Token{}, e.failed(err)
	case !bearer.MatchString(token.AccessToken):
		return Token{}, &Error{Unavailable, errNoBearer}
	}
	return Token{Value: token.AccessToken, Expires: token.Expiry}, nil
}

// bearer is the form of a token (RFC 6750). Anything else could add fields to what it is sent in.
var bearer = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// The reasons that say nothing of an answer's text, which could repeat the secret.
var (
	errNoToken  = errors.New("its answer holds no token")
	errNoBearer = errors.New("the token has characters that no bearer token has")
)

// errorCode is the form of the codes with which a token endpoint refuses: invalid_client, invalid_scope.
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// failed says what happened at the token endpoint, without its URL's path and without the text of an answer.
func (e *endpoint) failed(err error) error {
	host := e.client.TokenURL
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
			return &Error{Unavailable, fmt.Errorf("the token endpoint %s gives no token (%s)", host, said)}
		}
		return &Error{Refused, fmt.Errorf("the token endpoint %s refuses the client %q (%s)", host, e.client.ID, said)}
	case untrusted:
		return &Error{Untrusted, fmt.Errorf("the token endpoint %s has a certificate that is not trusted: %w", host, call.Err)}
	case called:
		return &Error{Unavailable, fmt.Errorf("the token endpoint %s cannot be reached: %w", host, call.Err)}
	}
	return &Error{Unavailable, fmt.Errorf("the token endpoint %s: %w", host, errNoToken)}
}
