package oauth

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"
)

// ErrServiceAccount is returned by ParseServiceAccount.
var ErrServiceAccount = errors.New("no key of a Google service account: want the JSON file that Google Cloud made, with client_email and an RSA private_key")

// ServiceAccount is an account of a program at Google Cloud, with a key of it.
type ServiceAccount struct {
	Project string // its own project's id
	Email   string

	key, keyID, tokenURL string
}

// googleTokens is where tokens of service accounts are made.
const googleTokens = "https://oauth2.googleapis.com/token" //nolint:gosec // an address

// maxKeyFile bounds a key's file, in bytes: it has some 2,300.
const maxKeyFile = 64 << 10

// ParseServiceAccount reads the JSON file of a key (https://cloud.google.com/iam/docs/keys-create-delete). ErrServiceAccount, which
// says nothing of what is in it.
func ParseServiceAccount(file []byte) (ServiceAccount, error) {
	var read struct {
		Type      string `json:"type"`
		ProjectID string `json:"project_id"`
		Email     string `json:"client_email"`
		Key       string `json:"private_key"`
		KeyID     string `json:"private_key_id"`
		TokenURI  string `json:"token_uri"`
	}
	if len(file) > maxKeyFile || json.Unmarshal(file, &read) != nil || read.Type != "service_account" || read.Email == "" {
		return ServiceAccount{}, ErrServiceAccount
	}
	read.TokenURI = cmp.Or(read.TokenURI, googleTokens)
	address, err := url.Parse(read.TokenURI)
	if err != nil || address.Host == "" || (address.Scheme != "https" && !(address.Scheme == "http" && loopback(address.Hostname()))) {
		return ServiceAccount{}, ErrServiceAccount
	}
	if !isKey(read.Key) {
		return ServiceAccount{}, ErrServiceAccount
	}
	return ServiceAccount{Project: read.ProjectID, Email: read.Email, key: read.Key, keyID: read.KeyID, tokenURL: read.TokenURI}, nil
}

func loopback(host string) bool { return host == "127.0.0.1" || host == "::1" || host == "localhost" }

// isKey reports whether a text is an RSA key in PEM, by PKCS #8 or #1.
func isKey(text string) bool {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false
	}
	if parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		_, is := parsed.(*rsa.PrivateKey)
		return is
	}
	_, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	return err == nil
}

// assertion makes tokens by a signed assertion (RFC 7523).
type assertion struct {
	endpoint
	config jwt.Config
}

// OfServiceAccount returns the tokens of a service account. settings are those of the token endpoint's TLS; nil: the usual ones.
func OfServiceAccount(account ServiceAccount, settings *tls.Config, scopes ...string) *Kept {
	return Keep(&assertion{
		endpoint: newEndpoint(Client{TokenURL: account.tokenURL, ID: account.Email, TLS: settings}),
		config: jwt.Config{
			Email: account.Email, PrivateKey: []byte(account.key), PrivateKeyID: account.keyID, Scopes: scopes, TokenURL: account.tokenURL,
		},
	})
}

// Token implements Source.
func (a *assertion) Token(ctx context.Context) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, a.client.Timeout)
	defer cancel()
	line := &lastError{of: a.http.Transport}
	client := *a.http
	client.Transport = line
	token, err := a.config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, &client)).Token()
	if err != nil && line.err != nil {
		err = &url.Error{Op: "Post", URL: a.client.TokenURL, Err: line.err}
	}
	return a.made(token, err)
}

// lastError keeps the error of a call, which package jwt makes a text of.
type lastError struct {
	of  http.RoundTripper
	err error
}

// RoundTrip implements http.RoundTripper.
func (l *lastError) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.of.RoundTrip(r)
	l.err = err
	return response, err
}
