// Package nhn sends SMS and LMS by NHN Cloud's SMS API v3.0 and AlimTalk by its KakaoTalk Bizmessage API v2.3, one call for each message: docs/providers/nhn.md.
package nhn

import (
	"cmp"
	"context"
	"crypto/tls"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
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

// Gateway is a port.Gateway over NHN Cloud's API. Safe for concurrent use.
type Gateway struct {
	project

	from string
}

var (
	_ port.Gateway  = (*Gateway)(nil)
	_ port.Preparer = (*Gateway)(nil)
	_ port.Inquirer = (*Gateway)(nil)
	_ port.Reporter = (*Gateway)(nil)
)

var senderForm = regexp.MustCompile(`^[0-9]{3,13}$`)

// New checks the settings, wrapping gateway.ErrConfig; it does not connect.
func New(c Config) (*Gateway, error) {
	s := settings{c.Provider, cmp.Or(c.URL, Root), c.TLS, c.AppKey, c.SecretKey, c.Signature, c.References, c.Now}
	if err := s.check(channel.SMS, "SMS"); err != nil {
		return nil, err
	}
	from := strings.ReplaceAll(c.From, "-", "")
	if !senderForm.MatchString(from) {
		return nil, gateway.ConfigError(c.Provider.Name, "from", "is no sender number (3 to 13 digits)")
	}
	p, err := newProject(s, "/sms/v3.0/appKeys/")
	if err != nil {
		return nil, err
	}
	return &Gateway{project: p, from: from}, nil
}

// Send implements port.Gateway.
func (g *Gateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return gateway.NotMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	message, refusal := textmessage.Of(d)
	if refusal.Verdict != "" {
		return refusal
	}
	ours, prepared := g.references.To(d.Key)
	if !prepared {
		return gateway.NotPrepared()
	}
	target := smsPath
	if message.LMS {
		target = lmsPath
	}
	call := g.call(http.MethodPost, target)
	call.Body = g.appendBody(call.Body, message, ours)
	return gateway.Charged(g.send(ctx, call, d.Destination, ours, ofAnother, table), message.Units())
}

// Check connects and asks for the sender number, which shows whether the keys are taken and the number is registered; it sends
// nothing. The error wraps gateway.ErrCheck.
func (g *Gateway) Check(ctx context.Context) error {
	answer, err := g.checked(ctx, "/sendNos?sendNo="+g.from, table)
	if err != nil {
		return err
	}
	return senderState(answer, g.from)
}
