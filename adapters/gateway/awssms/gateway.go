// Package awssms sends SMS by AWS End User Messaging, one call of SendTextMessage for each message, and reads the events that it
// publishes about it by Amazon SNS: docs/providers/aws-sms.md.
package awssms

import (
	"context"
	"crypto/tls"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/awscall"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
)

// Config describes an account at AWS End User Messaging.
type Config struct {
	Provider         port.Provider
	Identity         awscall.Identity
	Region           string // "": that of AWS's own configuration
	URL              string // of a server that is not AWS; "": AWS
	TLS              *tls.Config
	Sender           string            // a number in E.164, a sender id, a pool, or the ARN of one (OriginationIdentity); "": AWS picks one
	ConfigurationSet string            // that publishes events; "": the account's own, if it has one
	References       *reference.Source // travel in the message's context, so that an event finds its bill; nil: none does
	Now              func() time.Time
}

// Gateway is a port.Gateway over AWS End User Messaging. Safe for concurrent use.
type Gateway struct {
	provider                 port.Provider
	caller                   *awscall.Caller
	client                   atomic.Pointer[sms.Client] // nil: not prepared
	sender, configurationSet *string
	references               *reference.Source
	now                      func() time.Time
	firstLimit               atomic.Bool // as the last Check found
}

var (
	_ port.Gateway  = (*Gateway)(nil)
	_ port.Preparer = (*Gateway)(nil)
)

// nameForm is the form of what AWS takes for a sender and a configuration set: a name, a number or an ARN.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9_:/+-]{1,256}$`)

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
	case c.Provider.Channel != channel.SMS:
		return nil, gateway.ConfigError(name, "channel", "%s does not go by AWS End User Messaging", c.Provider.Channel)
	case c.Sender != "" && !nameForm.MatchString(c.Sender):
		return nil, gateway.ConfigError(name, "sender", "is no number, sender id, pool or ARN")
	case c.ConfigurationSet != "" && !nameForm.MatchString(c.ConfigurationSet):
		return nil, gateway.ConfigError(name, "configuration set", "is no name or ARN")
	}
	g.sender, g.configurationSet = optional(c.Sender), optional(c.ConfigurationSet)
	var err error
	g.caller, err = awscall.New(awscall.Config{Provider: c.Provider, Identity: c.Identity, Region: c.Region, URL: c.URL, TLS: c.TLS})
	return g, err
}

// optional is a parameter of the SDK that may be left out.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// Provider implements port.Gateway.
func (g *Gateway) Provider() port.Provider { return g.provider }

// Close closes unused connections; those in use are closed after their call.
func (g *Gateway) Close() { g.caller.Close() }

// Prepare makes sure that the credentials of AWS and the references are there (port.Preparer).
func (g *Gateway) Prepare(ctx context.Context) error {
	if err := g.references.Prepare(ctx); err != nil {
		return err
	}
	settings, err := g.caller.Prepare(ctx)
	if err == nil && g.client.Load() == nil {
		g.client.Store(sms.NewFromConfig(settings))
	}
	return err
}

const (
	contextKey = "balsong" // of the reference, in the message's context
	maxText    = 1600      // characters (https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html)
	// AWS keeps a message for 72 hours at most, and at least for 5 seconds.
	mostWait, leastWait = 72 * time.Hour, 5 * time.Second
)

// number is E.164.
var number = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// e164 writes a number as AWS wants it: +821012345678 for 010-1234-5678. One of another country is so already.
func e164(destination string) string {
	digits := strings.ReplaceAll(strings.TrimSpace(destination), "-", "")
	if national, korean := strings.CutPrefix(digits, "0"); korean {
		return "+82" + national
	}
	return digits
}

// inputOf is the call about a delivery. What AWS does not take is refused without a call.
func (g *Gateway) inputOf(d port.Delivery) (*sms.SendTextMessageInput, port.Reply) {
	refused := func(class attempt.FailureClass, why string) (*sms.SendTextMessageInput, port.Reply) {
		return nil, port.Reply{Verdict: port.CallRefused, Class: class, Detail: why}
	}
	to, text := e164(d.Destination), strings.ToValidUTF8(d.Content.Text, "\uFFFD")
	switch {
	case !number.MatchString(to):
		return refused(attempt.Permanent, "the destination is no telephone number")
	case strings.TrimSpace(text) == "":
		return refused(attempt.Content, "the text is empty")
	case d.Content.Class == "LMS" && d.Content.Title != "": // AWS knows no subject
		text = strings.ToValidUTF8(d.Content.Title, "\uFFFD") + "\n" + text
	}
	if utf8.RuneCountInString(text) > maxText {
		return refused(attempt.Permanent, "the text is longer than AWS takes: another channel's may not be")
	}
	input := &sms.SendTextMessageInput{
		DestinationPhoneNumber: &to, MessageBody: &text, OriginationIdentity: g.sender, ConfigurationSetName: g.configurationSet,
		MessageType: types.MessageTypeTransactional,
	}
	if references := g.references.Known(); references != nil {
		input.Context = map[string]string{contextKey: references.To(d.Key)}
	}
	if left := d.Until.Sub(g.now()); !d.Until.IsZero() && left < mostWait {
		input.TimeToLive = aws.Int32(int32(max(left, leastWait) / time.Second))
	}
	return input, port.Reply{}
}

// Send implements port.Gateway.
func (g *Gateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	if d.Channel != g.provider.Channel {
		return gateway.NotMade("provider " + g.provider.Name + " does not serve channel " + string(d.Channel))
	}
	client := g.client.Load()
	if client == nil { // it is made when all else is there
		return gateway.NotPrepared()
	}
	input, refusal := g.inputOf(d)
	if refusal.Verdict != "" {
		return refusal
	}
	answer, err := g.caller.Once(ctx, func(ctx context.Context) error {
		_, err := client.SendTextMessage(ctx, input)
		return err
	})
	reply := awscall.Reply(table, answer, err, g.now())
	reply.Detail = gateway.Redact(reply.Detail, d.Destination)
	return gateway.Charged(reply, cost.SegmentsOf(*input.MessageBody))
}

// Check asks for the account's spending limits, which shows whether AWS can be called; it sends nothing. The error wraps
// gateway.ErrCheck.
func (g *Gateway) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, gateway.CheckLimit)
	defer cancel()
	if err := g.Prepare(ctx); err != nil {
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	}
	var limits *sms.DescribeSpendLimitsOutput
	answer, err := g.caller.Once(ctx, func(ctx context.Context) (err error) {
		limits, err = g.client.Load().DescribeSpendLimits(ctx, &sms.DescribeSpendLimitsInput{})
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	case answer.Status/100 != 2:
		return fmt.Errorf("%w: DescribeSpendLimits (allow sms-voice:DescribeSpendLimits): %s", gateway.ErrCheck, gateway.Redact(awscall.Reply(table, answer, nil, g.now()).Detail, ""))
	}
	g.firstLimit.Store(limits != nil && slices.ContainsFunc(limits.SpendLimits, func(l types.SpendLimit) bool {
		return l.Name == types.SpendLimitNameTextMessageMonthlySpendLimit && l.EnforcedLimit <= firstLimit
	}))
	return nil
}

// firstLimit is what a new account may spend on text messages, in US dollars a month
// (https://docs.aws.amazon.com/sms-voice/latest/userguide/awssupport-spend-threshold.html).
const firstLimit = 1

// Limits says what the last Check found that lets messages go out, and not to every customer; "": nothing.
func (g *Gateway) Limits() string {
	if g.firstLimit.Load() {
		return "the account may spend 1 USD a month on text messages, as a new one"
	}
	return ""
}
