// Package ses sends e-mail by Amazon SES, one call of SendEmail (API v2) for each message, and reads the events that SES publishes
// about it by Amazon SNS: docs/providers/ses.md.
package ses

import (
	"context"
	"crypto/tls"
	"errors"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/awscall"
	"github.com/balsong/balsong/adapters/gateway/email"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

// Config describes an account at Amazon SES.
type Config struct {
	Provider         port.Provider
	Identity         awscall.Identity
	Region           string // "": that of AWS's own configuration
	URL              string // of a server that is not AWS; "": AWS
	TLS              *tls.Config
	Sender           email.SenderIdentity // From as in RFC 5322: "Example Telecom <bills@example.com>"
	Advertising      email.SenderIdentity // of mail of the class ADVERTISING; what is empty is as for bills
	FeedbackID       string               // the sender's id in Feedback-ID; "": no such header
	ConfigurationSet string               // that publishes events; "": the identity's own, if it has one
	Bounces          string               // the address that SES forwards bounces and complaints to by mail; "": as the identity is set
	References       *reference.Source    // travel in a tag, so that an event finds its bill; nil: none does
	Installation     port.Installation    // in each Message-ID; nil: nothing is
	Now              func() time.Time
}

// Gateway is a port.Gateway over Amazon SES. Safe for concurrent use.
type Gateway struct {
	provider         port.Provider
	caller           *awscall.Caller
	writer           *email.Writer
	client           atomic.Pointer[sesv2.Client] // nil: not prepared
	configurationSet *string
	bounces          *string
	references       *reference.Source
	now              func() time.Time
	sandbox          atomic.Bool            // as the last Check found
	unverified       atomic.Pointer[string] // the sender that the last Check found to be no identity of the account; "": none
}

var (
	_ port.Gateway     = (*Gateway)(nil)
	_ port.QuotaReader = (*Gateway)(nil)
	_ port.Preparer    = (*Gateway)(nil)
)

// setForm is the form of the names of configuration sets
// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateConfigurationSet.html).
var setForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// New checks the settings, wrapping gateway.ErrConfig; it asks AWS for nothing.
func New(c Config) (*Gateway, error) {
	if err := c.Provider.Validate(); err != nil {
		return nil, err
	}
	name := c.Provider.Name
	g := &Gateway{provider: c.Provider, references: c.References, now: c.Now}
	if g.now == nil {
		g.now = time.Now
	}
	switch {
	case c.Provider.Channel != channel.Email:
		return nil, gateway.ConfigError(name, "channel", "%s does not go by Amazon SES", c.Provider.Channel)
	case c.ConfigurationSet != "" && !setForm.MatchString(c.ConfigurationSet):
		return nil, gateway.ConfigError(name, "configuration set", "has not 1 to 64 letters, digits, hyphens or underscores")
	case c.ConfigurationSet != "":
		g.configurationSet = &c.ConfigurationSet
	}
	if c.Bounces != "" {
		address, err := recipient(c.Bounces)
		if err != nil {
			return nil, gateway.ConfigError(name, "bounces", "is no e-mail address that SES takes")
		}
		g.bounces = &address
	}
	var err error
	if g.writer, err = email.NewWriter(email.Config{
		Provider: name, Sender: c.Sender, Advertising: c.Advertising, FeedbackID: c.FeedbackID, Now: g.now, Installation: c.Installation,
	}); err != nil {
		return nil, err
	}
	g.caller, err = awscall.New(awscall.Config{Provider: c.Provider, Identity: c.Identity, Region: c.Region, URL: c.URL, TLS: c.TLS})
	return g, err
}

// Provider implements port.Gateway.
func (g *Gateway) Provider() port.Provider { return g.provider }

// Close closes unused connections; those in use are closed after their call.
func (g *Gateway) Close() { g.caller.Close() }

// Prepare makes sure that what a call takes is there (port.Preparer): the credentials of AWS, the installation's id, the references.
func (g *Gateway) Prepare(ctx context.Context) error {
	if err := g.writer.Prepare(ctx); err != nil {
		return err
	}
	if err := g.references.Prepare(ctx); err != nil {
		return err
	}
	settings, err := g.caller.Prepare(ctx)
	if err == nil && g.client.Load() == nil {
		g.client.Store(sesv2.NewFromConfig(settings))
	}
	return err
}

// tag names the reference among the tags of a message.
const tag = "balsong"

// recipient is email.Recipient for SES, which takes no address beyond ASCII
// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html).
func recipient(destination string) (string, error) {
	to, err := email.Recipient(destination)
	if err != nil {
		return "", err
	}
	if strings.ContainsFunc(to, func(r rune) bool { return r > '~' }) {
		return "", errBeyondASCII
	}
	return to, nil
}

var errBeyondASCII = errors.New("the destination has characters beyond ASCII, which Amazon SES does not take")

// Send implements port.Gateway.
func (g *Gateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return gateway.NotMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	to, err := recipient(d.Destination)
	if err != nil {
		return port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent, Detail: err.Error()}
	}
	client, references := g.client.Load(), g.references.Known()
	if client == nil { // it is made when all else is there
		return gateway.NotPrepared()
	}
	message, err := g.writer.Write(d, to)
	if err != nil {
		return port.Reply{Verdict: port.CallRefused, Class: attempt.Content, Detail: gateway.Redact(err.Error(), to)}
	}
	input := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(g.writer.From(d.Content)), Destination: &types.Destination{ToAddresses: []string{to}},
		Content:              &types.EmailContent{Raw: &types.RawMessage{Data: message}},
		ConfigurationSetName: g.configurationSet, FeedbackForwardingEmailAddress: g.bounces,
	}
	if references != nil {
		input.EmailTags = []types.MessageTag{{Name: aws.String(tag), Value: aws.String(references.To(d.Key))}}
	}
	answer, err := g.caller.Once(ctx, func(ctx context.Context) error {
		_, err := client.SendEmail(ctx, input)
		return err
	})
	reply := awscall.Reply(table, answer, err, g.now())
	reply.Detail = gateway.Redact(reply.Detail, to)
	return reply
}
