package smtp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	gosmtp "github.com/wneessen/go-mail/smtp"

	"github.com/balsong/balsong/adapters/gateway"
)

// Tokens are what a gateway logs in with by XOAUTH2. Safe for concurrent use.
type Tokens interface {
	// Prepare makes sure that a token is held. It may take seconds, and so is called before a claim.
	Prepare(ctx context.Context) error
	// Held returns the token that is held; false where none is valid.
	Held() (token string, ok bool)
	// Refused takes a token back that the server has refused.
	Refused(token string)
}

var (
	errNotOffered  = errors.New("the server does not offer XOAUTH2")
	errNoToken     = errors.New("no token is held that is valid")
	errUnencrypted = errors.New("a token is never sent unencrypted to another machine")
	errChallenge   = errors.New("the server asks for more than XOAUTH2 has")
)

// login authenticates, where there is a user.
func (g *Gateway) login(client *gosmtp.Client) error {
	if g.config.Username == "" {
		return nil
	}
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	if g.config.Tokens != nil {
		return g.loginByToken(client, mechanisms)
	}
	auth := gosmtp.PlainAuth("", g.config.Username, g.config.Password, g.host, g.config.AllowPlainSecret)
	if slices.Contains(mechanisms, "LOGIN") && !slices.Contains(mechanisms, "PLAIN") {
		auth = gosmtp.LoginAuth(g.config.Username, g.config.Password, g.host, g.config.AllowPlainSecret)
	}
	if err := client.Auth(auth); err != nil {
		return fmt.Errorf("AUTH: %w", err)
	}
	return nil
}

// loginByToken authenticates by XOAUTH2, with a token that was asked for before: nobody else is called between claim and call.
func (g *Gateway) loginByToken(client *gosmtp.Client, mechanisms []string) error {
	if !slices.Contains(mechanisms, "XOAUTH2") {
		return fmt.Errorf("AUTH: %w", errNotOffered)
	}
	token, held := g.config.Tokens.Held()
	if !held {
		return fmt.Errorf("AUTH XOAUTH2: %w", errNoToken)
	}
	auth := &xoauth2{user: g.config.Username, token: token, plain: g.config.AllowPlainSecret}
	err := client.Auth(auth)
	if err == nil {
		return nil
	}
	if said, refused := errors.AsType[*textproto.Error](err); refused && said.Code >= 500 {
		g.config.Tokens.Refused(token)
	}
	if auth.status != "" {
		return fmt.Errorf("AUTH XOAUTH2: %w (status %s)", err, auth.status)
	}
	return fmt.Errorf("AUTH XOAUTH2: %w", err)
}

// xoauth2 is the SASL mechanism of Gmail and Exchange Online (developers.google.com/workspace/gmail/imap/xoauth2-protocol). A
// server that refuses the token says why in a challenge, and its reply follows once the challenge was answered with nothing.
type xoauth2 struct {
	user, token string
	plain       bool   // the line may be unencrypted
	challenged  bool   // by an error
	status      string // in that challenge: 400, 401
}

// Start implements gosmtp.Auth.
func (x *xoauth2) Start(server *gosmtp.ServerInfo) (mechanism string, response []byte, err error) {
	if !server.TLS && !x.plain && !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, server.Name) {
		return "", nil, errUnencrypted
	}
	return "XOAUTH2", []byte("user=" + x.user + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

// statusCode is the form of the status in a challenge. Nothing else of it is shown.
var statusCode = regexp.MustCompile(`^[0-9]{3}$`)

// Next implements gosmtp.Auth.
func (x *xoauth2) Next(challenge []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	if x.challenged {
		return nil, errChallenge
	}
	x.challenged = true
	var why struct{ Status string }
	if json.Unmarshal(challenge, &why) == nil && statusCode.MatchString(why.Status) {
		x.status = why.Status
	}
	return []byte{}, nil
}

// checkLogin refuses a login that cannot work. A user with control characters could add fields to what XOAUTH2 sends.
func (c Config) checkLogin() error {
	switch name := c.Provider.Name; {
	case c.Tokens == nil:
		return nil
	case c.Username == "" || c.Password != "":
		return gateway.ConfigError(name, "username", "a login by tokens has a user and no password")
	case strings.ContainsFunc(c.Username, func(r rune) bool { return r < ' ' || r > '~' }):
		return gateway.ConfigError(name, "username", "has characters that no mailbox has")
	}
	return nil
}
