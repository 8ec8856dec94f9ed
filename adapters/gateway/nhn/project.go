package nhn

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
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
)

// MinSignature is the shortest text that webhooks may be signed with, in characters: who guesses it can forge reports.
const MinSignature = 32

// settings are what the services of NHN Cloud have in common. Each has an address and keys of its own.
type settings struct {
	provider          port.Provider
	url               string
	tls               *tls.Config
	appKey, secretKey string
	signature         string
	references        *reference.Source
	now               func() time.Time
}

// project is a project at a service of NHN Cloud.
type project struct {
	provider   port.Provider
	client     *httpclient.Client
	host       *httpclient.Host
	path       string
	appKey     string
	secret     string
	signature  string
	references *reference.Source
	now        func() time.Time
}

// keyForm keeps keys within a path and a header: NHN Cloud documents no form of them.
var keyForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// newProject returns the project whose calls begin with path and the app key, wrapping gateway.ErrConfig; it does not connect.
func newProject(s settings, path string) (project, error) {
	if s.now == nil {
		s.now = time.Now
	}
	p := project{
		provider: s.provider, appKey: s.appKey, secret: s.secretKey, signature: s.signature, references: s.references, now: s.now,
		client: httpclient.New(httpclient.Config{CallDeadline: s.provider.CallDeadline, TLS: s.tls}),
	}
	endpoint, err := url.Parse(strings.TrimSuffix(s.url, "/") + path + s.appKey)
	if err == nil {
		p.host, err = p.client.Host(endpoint)
	}
	if err != nil {
		return project{}, gateway.ConfigError(s.provider.Name, "url", "is no http or https address")
	}
	p.path = endpoint.RequestURI()
	return p, nil
}

// check refuses an invalid configuration of a channel, whose service is called api.
func (s settings) check(kind channel.Kind, api string) error {
	if err := s.provider.Validate(); err != nil {
		return err
	}
	wrong := func(field, why string) error { return gateway.ConfigError(s.provider.Name, field, "%s", why) }
	switch {
	case s.provider.Channel != kind:
		return wrong("channel", string(s.provider.Channel)+" does not go by the "+api+" API of NHN Cloud")
	case !keyForm.MatchString(s.appKey):
		return wrong("app key", "is empty or has other characters than letters, digits, - and _")
	case !keyForm.MatchString(s.secretKey):
		return wrong("secret key", "is empty or has other characters than letters, digits, - and _")
	case s.signature != "" && len(s.signature) < MinSignature:
		return wrong("webhook signature", fmt.Sprintf("has %d characters, want at least %d", len(s.signature), MinSignature))
	}
	return nil
}

// Provider implements port.Gateway.
func (p *project) Provider() port.Provider { return p.provider }

// Prepare implements port.Preparer: it makes sure that references can be written.
func (p *project) Prepare(ctx context.Context) error { return p.references.Prepare(ctx) }

// Close closes unused connections; those in use are closed after their call.
func (p *project) Close() { p.client.Close() }

// call begins a call of the project's.
func (p *project) call(method, target string) *httpclient.Call {
	call := p.host.NewCall(method, p.path+target)
	call.Header("Content-Type", "application/json;charset=UTF-8")
	call.Header("X-Secret-Key", p.secret)
	return call
}

// send makes the call of a message, and reads its answer by a table. another reports whether an answer is for another message than ours.
func (p *project) send(ctx context.Context, call *httpclient.Call, to, ours string, another func(raw []byte, ours string) bool, by *answers.Table) port.Reply {
	return by.Send(ctx, p.host, call, to, func(body []byte) bool { return another(body, ours) }, p.now)
}

// checked connects, and asks what shows whether the keys are taken. The error wraps gateway.ErrCheck.
func (p *project) checked(ctx context.Context, target string, by *answers.Table) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, gateway.CheckLimit)
	defer cancel()
	if err := p.host.Check(ctx); err != nil {
		return nil, err
	}
	return by.Ask(ctx, p.host, p.call(http.MethodGet, target), func(a httpclient.Answer) bool { return read(a.Body).succeeded() }, p.now)
}
