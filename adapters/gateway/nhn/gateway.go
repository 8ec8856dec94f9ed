// Package nhn sends SMS and LMS by NHN Cloud's SMS API v3.0 and AlimTalk by its KakaoTalk Bizmessage API v2.3, one call for each message: docs/providers/nhn.md.
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
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/textmessage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
)

// Root is where NHN Cloud's API is (https://docs.nhncloud.com/en/Notification/SMS/en/api-guide/).
const Root = "https://sms.api.nhncloudservice.com"

// Config describes a project at NHN Cloud.
type Config struct {
	Provider   port.Provider
	URL        string // default Root
	TLS        *tls.Config
	AppKey     string
	SecretKey  string
	From       string            // a registered sender number: digits
	Signature  string            // what webhooks are signed with: a static text, of at least MinSignature characters; "": no webhook is believed
	References *reference.Source // nil: no reference travels, and nothing that NHN Cloud says later finds its bill
	Now        func() time.Time
}

// MinSignature is the shortest text that webhooks may be signed with, in characters: who guesses it can forge reports.
const MinSignature = 32

// Gateway is a port.Gateway over NHN Cloud's API. Safe for concurrent use.
type Gateway struct {
	provider   port.Provider
	client     *httpclient.Client
	host       *httpclient.Host
	path       string // of the project
	appKey     string
	secret     string
	from       string
	signature  string
	references *reference.Source
	now        func() time.Time
}

var (
	_ port.Gateway  = (*Gateway)(nil)
	_ port.Preparer = (*Gateway)(nil)
	_ port.Inquirer = (*Gateway)(nil)
	_ port.Reporter = (*Gateway)(nil)
)

// The forms of what is configured. NHN Cloud documents none for keys: these keep them within a path and a header.
var (
	keyForm    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
	senderForm = regexp.MustCompile(`^[0-9]{3,13}$`)
)

// New checks the settings, wrapping gateway.ErrConfig; it does not connect.
func New(c Config) (*Gateway, error) {
	if err := c.Provider.Validate(); err != nil {
		return nil, err
	}
	if c.URL == "" {
		c.URL = Root
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.From = strings.ReplaceAll(c.From, "-", "")
	if err := c.check(); err != nil {
		return nil, err
	}
	g := &Gateway{
		provider: c.Provider, appKey: c.AppKey, secret: c.SecretKey, from: c.From, signature: c.Signature, references: c.References, now: c.Now,
		client: httpclient.New(httpclient.Config{CallDeadline: c.Provider.CallDeadline, TLS: c.TLS}),
	}
	endpoint, err := url.Parse(strings.TrimSuffix(c.URL, "/") + "/sms/v3.0/appKeys/" + c.AppKey)
	if err == nil {
		g.host, err = g.client.Host(endpoint)
	}
	if err != nil {
		return nil, gateway.ConfigError(c.Provider.Name, "url", "is no http or https address")
	}
	g.path = endpoint.RequestURI()
	return g, nil
}

func (c Config) check() error {
	wrong := func(field, why string) error { return gateway.ConfigError(c.Provider.Name, field, "%s", why) }
	switch {
	case c.Provider.Channel != channel.SMS:
		return wrong("channel", string(c.Provider.Channel)+" does not go by the SMS API of NHN Cloud")
	case !keyForm.MatchString(c.AppKey):
		return wrong("app key", "is empty or has other characters than letters, digits, - and _")
	case !keyForm.MatchString(c.SecretKey):
		return wrong("secret key", "is empty or has other characters than letters, digits, - and _")
	case !senderForm.MatchString(c.From):
		return wrong("from", "is no sender number (3 to 13 digits)")
	case c.Signature != "" && len(c.Signature) < MinSignature:
		return wrong("webhook signature", fmt.Sprintf("has %d characters, want at least %d", len(c.Signature), MinSignature))
	}
	return nil
}

// Provider implements port.Gateway.
func (g *Gateway) Provider() port.Provider { return g.provider }

// Prepare implements port.Preparer: it makes sure that references can be written.
func (g *Gateway) Prepare(ctx context.Context) error { return g.references.Prepare(ctx) }

// Close closes unused connections; those in use are closed after their call.
func (g *Gateway) Close() { g.client.Close() }

// Send implements port.Gateway.
func (g *Gateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return gateway.NotMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	message, refusal := textmessage.Of(d)
	if refusal.Verdict != "" {
		return refusal
	}
	ours, err := g.reference(d)
	if err != nil {
		return gateway.NotMade(err.Error())
	}
	target := smsPath
	if message.LMS {
		target = lmsPath
	}
	call := g.call(http.MethodPost, target)
	call.Body = g.appendBody(call.Body, message, ours)
	destination := d.Destination // of the message nothing else need wait for the answer
	answer, err := g.host.Exchange(ctx, call)
	if err == nil && !answer.Truncated && ofAnother(answer.Body, ours) {
		reply := gateway.Unknown("the answer is for another message")
		reply.Answered = true
		return reply
	}
	reply := table.Reply(answer, err, g.now())
	reply.Detail = gateway.Redact(reply.Detail, destination)
	return reply
}

// call begins a call of the project's.
func (g *Gateway) call(method, target string) *httpclient.Call {
	call := g.host.NewCall(method, g.path+target)
	call.Header("Content-Type", "application/json;charset=UTF-8")
	call.Header("X-Secret-Key", g.secret)
	return call
}

// reference is what travels in place of the delivery key; "" where none is to.
func (g *Gateway) reference(d port.Delivery) (string, error) {
	if g.references == nil {
		return "", nil
	}
	known := g.references.Known()
	if known == nil {
		return "", errNotPrepared
	}
	return known.To(d.Key), nil
}

// checkLimit bounds one Check.
const checkLimit = 10 * time.Second

// Check connects and asks for the sender number, which shows whether the keys are taken and the number is registered; it sends
// nothing. The error wraps gateway.ErrCheck.
func (g *Gateway) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	if err := g.host.Check(ctx); err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	answer, err := g.host.Exchange(ctx, g.call(http.MethodGet, "/sendNos?sendNo="+g.from))
	if err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	if !read(answer.Body).succeeded() {
		return fmt.Errorf("%w: %s", gateway.ErrCheck, gateway.Redact(table.Reply(answer, nil, g.now()).Detail, ""))
	}
	return senderState(answer.Body, g.from)
}
