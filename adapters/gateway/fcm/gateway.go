// Package fcm sends push messages by Firebase Cloud Messaging's HTTP v1 API, one call for each message: docs/providers/fcm.md.
package fcm

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
)

// Root is where the API is, and Scope what a token has to be for.
const (
	Root  = "https://fcm.googleapis.com"
	Scope = "https://www.googleapis.com/auth/firebase.messaging"
)

// Tokens are what a gateway signs in with. Safe for concurrent use.
type Tokens interface {
	// Prepare makes sure that a token is held. It may take seconds, and so is called before a claim.
	Prepare(ctx context.Context) error
	// Held returns the token that is held; false where none is valid.
	Held() (token string, ok bool)
	// Refused takes a token back that FCM has refused.
	Refused(token string)
}

// Config describes a project at Firebase.
type Config struct {
	Provider   port.Provider
	URL        string // default Root
	TLS        *tls.Config
	Project    string // the project's id
	Tokens     Tokens
	References *reference.Source // name the bill in what the app gets, and let a repeated message replace the first; nil: nothing does
	Now        func() time.Time
}

// Gateway is a port.Gateway over FCM. Safe for concurrent use.
type Gateway struct {
	provider   port.Provider
	client     *httpclient.Client
	host       *httpclient.Host
	path       string
	tokens     Tokens
	references *reference.Source
	now        func() time.Time
}

var (
	_ port.Gateway  = (*Gateway)(nil)
	_ port.Preparer = (*Gateway)(nil)
)

// projectForm is the form of the ids of projects (https://cloud.google.com/resource-manager/docs/creating-managing-projects).
var projectForm = regexp.MustCompile(`^[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

// New checks the settings, wrapping gateway.ErrConfig; it does not connect.
func New(c Config) (*Gateway, error) {
	if err := c.Provider.Validate(); err != nil {
		return nil, err
	}
	name := c.Provider.Name
	if c.URL == "" {
		c.URL = Root
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	switch {
	case c.Provider.Channel != channel.Push:
		return nil, gateway.ConfigError(name, "channel", "%s does not go by FCM", c.Provider.Channel)
	case !projectForm.MatchString(c.Project):
		return nil, gateway.ConfigError(name, "project", "is no id of a project (6 to 30 small letters, digits and hyphens)")
	case c.Tokens == nil:
		return nil, gateway.ConfigError(name, "tokens", "are not there")
	}
	g := &Gateway{
		provider: c.Provider, tokens: c.Tokens, references: c.References, now: c.Now,
		client: httpclient.New(httpclient.Config{CallDeadline: c.Provider.CallDeadline, TLS: c.TLS}),
	}
	endpoint, err := url.Parse(strings.TrimSuffix(c.URL, "/") + "/v1/projects/" + c.Project + "/messages:send")
	if err == nil {
		g.host, err = g.client.Host(endpoint)
	}
	if err != nil {
		return nil, gateway.ConfigError(name, "url", "is no http or https address")
	}
	g.path = endpoint.RequestURI()
	return g, nil
}

// Provider implements port.Gateway.
func (g *Gateway) Provider() port.Provider { return g.provider }

// Close closes unused connections; those in use are closed after their call.
func (g *Gateway) Close() { g.client.Close() }

// Prepare makes sure that a token and the references are there (port.Preparer).
func (g *Gateway) Prepare(ctx context.Context) error {
	if err := g.references.Prepare(ctx); err != nil {
		return err
	}
	return g.tokens.Prepare(ctx)
}

// Send implements port.Gateway.
func (g *Gateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return gateway.NotMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	token, held := g.tokens.Held()
	if !held || (g.references != nil && g.references.Known() == nil) {
		return gateway.NotPrepared()
	}
	body, refusal := g.bodyOf(d)
	if refusal.Verdict != "" {
		return refusal
	}
	answer, err := g.post(ctx, token, body)
	reply := table.Reply(answer, err, g.now())
	reply.Detail = gateway.Redact(reply.Detail, d.Destination)
	return reply
}

func (g *Gateway) post(ctx context.Context, token string, body []byte) (httpclient.Answer, error) {
	call := g.host.NewCall(http.MethodPost, g.path)
	call.Header("Authorization", "Bearer "+token)
	call.Header("Content-Type", "application/json")
	call.Body = append(call.Body, body...)
	answer, err := g.host.Exchange(ctx, call)
	if err == nil && answer.Status == http.StatusUnauthorized && table.Read(answer.Body).Code != thirdParty {
		g.tokens.Refused(token)
	}
	return answer, err
}

// Check asks for a token and lets FCM look at a message to nobody, which FCM neither sends nor could (validate_only). The error wraps
// gateway.ErrCheck.
func (g *Gateway) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, gateway.CheckLimit)
	defer cancel()
	if err := g.Prepare(ctx); err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	token, _ := g.tokens.Held()
	answer, err := g.post(ctx, token, []byte(`{"validate_only":true,"message":{"token":"nobody"}}`))
	if err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	switch said := table.Read(answer.Body); {
	case answer.Status/100 == 2, said.Code == "INVALID_ARGUMENT", said.Code == "UNREGISTERED": // it looked at the token of the message
		return nil
	default:
		return table.Failed(answer, g.now())
	}
}
