package config

import (
	"errors"
	"fmt"
	"net/url"
)

// OAuthClient is where a client that logs in with tokens gets them: at a token endpoint (RFC 6749), with its own credentials.
type OAuthClient struct {
	TokenURL     string   `env:"TOKEN_URL" help:"https address of the token endpoint, for a login with tokens"`
	ClientID     string   `env:"CLIENT_ID" help:"client id at the token endpoint"`
	ClientSecret string   `env:"CLIENT_SECRET" secret:"true" help:"client secret at the token endpoint"`
	Scopes       []string `env:"SCOPES" help:"scopes to ask for, comma-separated; without it those that the token endpoint gives"`
	CA           CA       `env:"CA" help:"PEM certificates that are trusted beside the system's, as in file:/etc/ssl/ca.pem"`
}

func (o OAuthClient) set() bool {
	return o.TokenURL != "" || o.ClientID != "" || o.ClientSecret != "" || o.CA != "" || len(o.Scopes) > 0
}

// check refuses settings without which there is no token. name begins the variables, login is the one that asks for tokens. A
// client that shows a refresh token may have no secret (RFC 6749, section 2.1).
func (o OAuthClient) check(name, login string, public bool) error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	address, err := url.Parse(o.TokenURL)
	switch {
	case o.TokenURL == "":
		wrong("%s_TOKEN_URL is not set: %s gets its tokens there", name, login)
	case err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http":
		wrong("%s_TOKEN_URL is not of the form https://host/path", name)
	case address.Scheme == "http" && !Loopback(address.Hostname()):
		wrong("%s_TOKEN_URL is http: the client secret and the tokens would be sent unencrypted (want https)", name)
	}
	problems = append(problems, checkUserinfo(name+"_TOKEN_URL", o.TokenURL, "set "+name+"_CLIENT_ID and "+name+"_CLIENT_SECRET"))
	switch {
	case public && o.ClientID == "":
		wrong("%s_CLIENT_ID is not set", name)
	case !public && (o.ClientID == "" || o.ClientSecret == ""):
		wrong("%s_CLIENT_ID and %s_CLIENT_SECRET must both be set", name, name)
	}
	if err := o.CA.validate(); err != nil {
		wrong("%s_CA: %w", name, err)
	}
	return errors.Join(problems...)
}
