// Package twilio sends SMS by Twilio's Programmable Messaging API, one call for each message: docs/providers/twilio.md.
package twilio

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
)

// Root is where Twilio's API is.
const Root = "https://api.twilio.com"

// Config describes an account at Twilio.
type Config struct {
	Provider  port.Provider
	URL       string // default Root
	TLS       *tls.Config
	Account   string // AC…
	Key       string // of an API key, SK…; default: the account itself
	Secret    string // of the key, or the account's token
	From      string // a number or an alphanumeric sender; or
	Service   string // a messaging service, MG…
	StatusURL string // where Twilio reports what became of a message; the delivery key is added to its query. "": nowhere

	// References stand for the delivery key in that query, without which no report is believed; nil: the key itself does.
	References *reference.Source
	AuthToken  string // of the account, with which Twilio signs its reports; "": none is believed
	Now        func() time.Time
}

// Gateway is a port.Gateway over Twilio's API. Safe for concurrent use.
type Gateway struct {
	provider port.Provider
	client   *httpclient.Client
	host     *httpclient.Host
	path     string
	balance  string // the path of the account's balance
	numbers  string // that of its numbers
	from     string // the sender, "" with a messaging service
	basic    string // of Authorization
	sender   string // of the form, with its name
	account  string
	status   string // the address of reports, up to the delivery key; "": none
	token    []byte // that signs reports
	own      *reference.Source
	now      func() time.Time
	foreign  atomic.Bool // as the last Check found: the sender is another's
}

var (
	_ port.Gateway     = (*Gateway)(nil)
	_ port.Preparer    = (*Gateway)(nil)
	_ port.Reporter    = (*Gateway)(nil)
	_ port.QuotaReader = (*Gateway)(nil)
)

// The forms of the identifiers (https://www.twilio.com/docs/glossary/what-is-a-sid).
var (
	accountForm = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	serviceForm = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
)

// New checks the settings, wrapping gateway.ErrConfig; it does not connect.
func New(c Config) (*Gateway, error) {
	if err := c.Provider.Validate(); err != nil {
		return nil, err
	}
	if c.Key == "" {
		c.Key = c.Account
	}
	if c.URL == "" {
		c.URL = Root
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	g := &Gateway{
		provider: c.Provider, now: c.Now, from: c.From, sender: form("From", c.From), account: c.Account, token: []byte(c.AuthToken), own: c.References,
		basic:  "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Key+":"+c.Secret)),
		client: httpclient.New(httpclient.Config{CallDeadline: c.Provider.CallDeadline, TLS: c.TLS}),
	}
	if c.Service != "" {
		g.sender = form("MessagingServiceSid", c.Service)
	}
	endpoint, err := url.Parse(strings.TrimSuffix(c.URL, "/") + "/2010-04-01/Accounts/" + c.Account + "/Messages.json")
	if err == nil {
		g.host, err = g.client.Host(endpoint)
	}
	if err != nil {
		return nil, gateway.ConfigError(c.Provider.Name, "url", "is no http or https address")
	}
	g.path = endpoint.RequestURI()
	g.balance = strings.TrimSuffix(g.path, "Messages.json") + "Balance.json"
	g.numbers = strings.TrimSuffix(g.path, "Messages.json") + "IncomingPhoneNumbers.json"
	if c.StatusURL != "" {
		joint := "?"
		if strings.Contains(c.StatusURL, "?") {
			joint = "&"
		}
		g.status = c.StatusURL + joint + keyParameter + "="
	}
	return g, nil
}

func (c Config) check() error {
	wrong := func(field, why string) error { return gateway.ConfigError(c.Provider.Name, field, "%s", why) }
	status, err := url.Parse(c.StatusURL)
	switch {
	case c.Provider.Channel != channel.SMS:
		return wrong("channel", string(c.Provider.Channel)+" does not go by Twilio")
	case !accountForm.MatchString(c.Account):
		return wrong("account", "is no account SID (AC and 32 hexadecimal digits)")
	case c.Secret == "" || strings.ContainsAny(c.Key, ": "):
		return wrong("secret", "is empty, or the key is none")
	case (c.From == "") == (c.Service == ""):
		return wrong("sender", "takes either a number, or a messaging service")
	case c.Service != "" && !serviceForm.MatchString(c.Service):
		return wrong("service", "is no SID of a messaging service (MG and 32 hexadecimal digits)")
	case c.StatusURL != "" && (err != nil || (status.Scheme != "https" && status.Scheme != "http") || status.Host == "" || status.Fragment != ""):
		return wrong("status url", "is no http or https address")
	}
	return nil
}

// Provider implements port.Gateway.
func (g *Gateway) Provider() port.Provider { return g.provider }

// Close closes unused connections; those in use are closed after their call.
func (g *Gateway) Close() { g.client.Close() }

// Send implements port.Gateway.
func (g *Gateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return gateway.NotMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	text, refusal := textOf(d)
	if refusal.Verdict != "" {
		return refusal
	}
	to := e164(d.Destination)
	call := g.host.NewCall(http.MethodPost, g.path)
	call.Header("Authorization", g.basic)
	call.Header("Content-Type", "application/x-www-form-urlencoded")
	call.Body = append(append(append(call.Body, form("To", to)...), '&'), g.sender...)
	call.Body = append(append(call.Body, '&'), form("Body", text)...)
	if seconds := validity(d.Until, g.now()); seconds > 0 {
		call.Body = append(append(call.Body, '&'), form("ValidityPeriod", strconv.Itoa(seconds))...)
	}
	if g.status != "" {
		stands, prepared := g.standsFor(d.Key)
		if !prepared {
			return gateway.NotPrepared()
		}
		call.Body = append(append(call.Body, '&'), form("StatusCallback", g.status+stands)...)
	}
	return gateway.Charged(table.Send(ctx, g.host, call, d.Destination, nil, g.now), cost.SegmentsOf(text))
}

// Prepare makes sure that what stands for the delivery key is known (port.Preparer).
func (g *Gateway) Prepare(ctx context.Context) error { return g.own.Prepare(ctx) }

// standsFor is what stands for a delivery key in the query of a report's address; false before Prepare.
func (g *Gateway) standsFor(d key.Delivery) (text string, prepared bool) {
	if g.own == nil {
		return url.QueryEscape(d.String()), true
	}
	return g.own.To(d)
}
