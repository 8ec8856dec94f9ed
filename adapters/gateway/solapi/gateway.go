// Package solapi sends SMS, LMS and AlimTalk by SOLAPI's message API v4, one call for each message: docs/providers/solapi.md.
package solapi

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
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

// Root is where SOLAPI's API is (https://docs.solapi.com/api-reference/overview).
const Root = "https://api.solapi.com"

// Config describes an account at SOLAPI.
type Config struct {
	Provider   port.Provider
	URL        string // default Root
	TLS        *tls.Config
	Key        string // of the API
	Secret     string
	From       string            // a registered sender number: digits
	Profile    string            // of AlimTalk: the id of the KakaoTalk channel (pfId)
	References *reference.Source // nil: no reference travels, and nothing that SOLAPI says later finds its bill
	Now        func() time.Time  // SOLAPI refuses a clock that is more than 15 minutes wrong
}

// Gateway is a port.Gateway over SOLAPI's API. Safe for concurrent use.
type Gateway struct {
	provider   port.Provider
	client     *httpclient.Client
	host       *httpclient.Host
	lists      *httpclient.Client // for answers about many messages
	listHost   *httpclient.Host
	path       string // of the messages, before a path of the API's
	balance    string // the path of the account's balance
	key        string
	secret     []byte
	from       string
	profile    string
	references *reference.Source
	now        func() time.Time
}

var (
	_ port.Gateway     = (*Gateway)(nil)
	_ port.QuotaReader = (*Gateway)(nil)
	_ port.Preparer    = (*Gateway)(nil)
	_ port.Reporter    = (*Gateway)(nil)
)

// The forms of what is configured.
var (
	keyForm    = regexp.MustCompile(`^[A-Za-z0-9]{1,100}$`)
	senderForm = regexp.MustCompile(`^[0-9]{3,13}$`)
	// profileForm is that of SOLAPI's ids of KakaoTalk channels.
	profileForm = regexp.MustCompile(`^[A-Za-z0-9_@-]{1,100}$`)
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
		provider: c.Provider, key: c.Key, secret: []byte(c.Secret), from: c.From, profile: c.Profile, references: c.References, now: c.Now,
		client: httpclient.New(httpclient.Config{CallDeadline: c.Provider.CallDeadline, TLS: c.TLS}),
		lists:  httpclient.New(httpclient.Config{CallDeadline: c.Provider.CallDeadline, TLS: c.TLS, MaxBody: maxList}),
	}
	endpoint, err := url.Parse(strings.TrimSuffix(c.URL, "/") + "/messages/v4")
	if err == nil {
		g.host, err = g.client.Host(endpoint)
	}
	if err == nil {
		g.listHost, err = g.lists.Host(endpoint)
	}
	if err != nil {
		return nil, gateway.ConfigError(c.Provider.Name, "url", "is no http or https address")
	}
	g.path = endpoint.RequestURI()
	g.balance = strings.TrimSuffix(g.path, "/messages/v4") + "/cash/v1/balance"
	return g, nil
}

func (c Config) check() error {
	wrong := func(field, why string) error { return gateway.ConfigError(c.Provider.Name, field, "%s", why) }
	switch {
	case c.Provider.Channel != channel.SMS && c.Provider.Channel != channel.AlimTalk:
		return wrong("channel", string(c.Provider.Channel)+" does not go by SOLAPI")
	case !keyForm.MatchString(c.Key):
		return wrong("key", "is empty or has other characters than letters and digits")
	case c.Secret == "":
		return wrong("secret", "is empty")
	case !senderForm.MatchString(c.From):
		return wrong("from", "is no sender number (3 to 13 digits)")
	case c.Provider.Channel == channel.AlimTalk && !profileForm.MatchString(c.Profile):
		return wrong("profile", "is no id of a KakaoTalk channel (pfId)")
	}
	return nil
}

// Provider implements port.Gateway.
func (g *Gateway) Provider() port.Provider { return g.provider }

// Prepare implements port.Preparer: it makes sure that references can be written.
func (g *Gateway) Prepare(ctx context.Context) error { return g.references.Prepare(ctx) }

// Close closes unused connections; those in use are closed after their call.
func (g *Gateway) Close() {
	g.client.Close()
	g.lists.Close()
}

// Send implements port.Gateway.
func (g *Gateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return gateway.NotMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	message, refusal := g.message(d)
	if refusal.Verdict != "" {
		return refusal
	}
	ours, prepared := g.references.To(d.Key)
	if !prepared {
		return gateway.NotPrepared()
	}
	call := g.call(g.host, http.MethodPost, "/send-many/detail")
	call.Body = appendBody(call.Body, message, ours)
	reply := table.Send(ctx, g.host, call, d.Destination, func(body []byte) bool { return ofAnother(body, ours) }, g.now)
	return gateway.Charged(reply, message.units())
}

// call begins a signed call. SOLAPI takes a signature once, so each has a salt of its own
// (https://docs.solapi.com/authentication/api-key).
func (g *Gateway) call(host *httpclient.Host, method, target string) *httpclient.Call {
	return g.callAt(host, method, g.path+target)
}

func (g *Gateway) callAt(host *httpclient.Host, method, path string) *httpclient.Call {
	date, salt := g.now().UTC().Format(time.RFC3339), rand.Text()
	mac := hmac.New(sha256.New, g.secret)
	mac.Write([]byte(date + salt))
	call := host.NewCall(method, path)
	call.Header("Authorization", "HMAC-SHA256 apiKey="+g.key+", date="+date+", salt="+salt+", signature="+hex.EncodeToString(mac.Sum(nil)))
	call.Header("Content-Type", "application/json")
	return call
}
