package core

import (
	"fmt"
	"slices"
	"strings"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/gateway/awssms"
	"github.com/balsong/balsong/adapters/gateway/ses"
	"github.com/balsong/balsong/adapters/gateway/sns"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/domain/channel"
)

// reporting is how a provider reports by requests of its own.
type reporting struct {
	variable string                       // without it the provider reports nothing
	set      func(config.Gateways) bool   // whether it is set
	secret   func(config.Gateways) string // the last part of its path; nil: it signs
	make     func(config.Gateways, config.Provider, Gateway, port.Installation) (port.Reporter, error)
	topic    func(config.Gateways) string // of Amazon SNS that it publishes to; nil: none
}

// reporters are the providers that can report, by their accounts. A new one is added here; one that can be asked (port.Inquirer) needs no entry.
var reporters = map[string]reporting{
	"sms/" + config.ProviderTwilio:   {"BALSONG_TWILIO_STATUS_URL", func(g config.Gateways) bool { return g.Twilio.StatusURL != "" }, nil, gatewayItself, nil},
	"sms/" + config.ProviderNHN:      {"BALSONG_NHN_WEBHOOK_SECRET", func(g config.Gateways) bool { return g.NHN.Signature != "" }, nil, gatewayItself, nil},
	"sms/" + config.ProviderSOLAPI:   {"BALSONG_SOLAPI_WEBHOOK_SECRET", func(g config.Gateways) bool { return g.SOLAPI.Webhook != "" }, func(g config.Gateways) string { return g.SOLAPI.Webhook }, gatewayItself, nil},
	"email/" + config.ProviderSES:    byTopic("BALSONG_SES_TOPIC", func(g config.Gateways) string { return g.SES.Topic }, ses.Read),
	"sms/" + config.ProviderAWSSMS:   byTopic("BALSONG_AWS_SMS_TOPIC", func(g config.Gateways) string { return g.AWSSMS.Topic }, awssms.Read),
	"alimtalk/" + config.ProviderNHN: {"BALSONG_NHN_ALIMTALK_WEBHOOK_SECRET", func(g config.Gateways) bool { return g.NHNAlimTalk.Signature != "" }, nil, gatewayItself, nil},
	"alimtalk/" + config.ProviderSOLAPI: {
		"BALSONG_SOLAPI_ALIMTALK_WEBHOOK_SECRET", func(g config.Gateways) bool { return g.SOLAPIAlimTalk.Webhook != "" },
		func(g config.Gateways) string { return g.SOLAPIAlimTalk.Webhook }, gatewayItself, nil,
	},
}

// gatewayItself is a gateway that reads its provider's requests.
func gatewayItself(_ config.Gateways, of config.Provider, gateway Gateway, _ port.Installation) (port.Reporter, error) {
	reporter, is := gateway.(port.Reporter)
	if !is {
		return nil, fmt.Errorf("%w: the gateway of %s reads no reports", port.ErrProvider, of.Account())
	}
	return reporter, nil
}

// byTopic is a provider whose events AWS publishes to a topic.
func byTopic(variable string, topic func(config.Gateways) string, read sns.Read) reporting {
	made := func(g config.Gateways, of config.Provider, _ Gateway, installation port.Installation) (port.Reporter, error) {
		references, err := References(g, installation)
		if err != nil {
			return nil, err
		}
		return sns.NewReports(of.Name, topic(g), references, nil, read)
	}
	return reporting{variable, func(g config.Gateways) bool { return topic(g) != "" }, nil, made, topic}
}

// Informants are the providers from which it is learnt what became of messages.
type Informants struct {
	Senders   []string // accounts of all providers that send
	Reporters []Reporter
	Inquirers []Inquirer
}

// Reporter is a provider that reports by requests of its own.
type Reporter struct {
	config.Provider
	port.Reporter
	Path   string // the part of its address that names it
	Secret string // the last part of its path; "": it signs
	Topic  string // of Amazon SNS, whose ARN it is; "": it publishes to none
}

// Inquirer is a provider that can be asked.
type Inquirer struct {
	config.Provider
	port.Inquirer
}

// Reporting provides the Informants among the providers of a configuration.
func Reporting(c config.Gateways) fx.Option {
	return fx.Module("reporting", fx.Provide(func(lc fx.Lifecycle, installation port.Installation, clock port.Clock) (Informants, error) {
		var found Informants
		for _, p := range c.Providers() {
			found.Senders = append(found.Senders, p.Account())
			gateway, err := NewGateway(c, p, installation, clock)
			if err != nil {
				return found, err
			}
			lc.Append(fx.StopHook(gateway.Close))
			if inquirer, is := gateway.(port.Inquirer); is && len(c.ReferenceSecrets) > 0 {
				found.Inquirers = append(found.Inquirers, Inquirer{p, inquirer})
			}
			r, can := reporters[p.Account()]
			if !can || !r.set(c) {
				continue
			}
			reporter, err := r.make(c, p, gateway, installation)
			if err != nil {
				return found, err
			}
			made := Reporter{Provider: p, Reporter: reporter, Path: p.Name}
			if p.Channel == channel.AlimTalk { // beside the same vendor's text messages
				made.Path += "-alimtalk"
			}
			if r.secret != nil {
				made.Secret = r.secret(c)
			}
			if r.topic != nil {
				made.Topic = r.topic(c)
			}
			found.Reporters = append(found.Reporters, made)
		}
		return found, nil
	}))
}

// Silent is a provider that sends, and whose webhooks nobody takes.
type Silent struct {
	Account  string
	Variable string // that is not set
}

// WithoutWebhooks lists the providers that send and can report by webhooks, and do not. What reports by a topic of Amazon SNS is none:
// its account may publish nothing.
func WithoutWebhooks(c config.Gateways) (all []Silent) {
	for _, p := range c.Providers() {
		if r, can := reporters[p.Account()]; can && r.topic == nil && !r.set(c) {
			all = append(all, Silent{p.Account(), r.variable})
		}
	}
	return all
}

// ReportingVariables lists the variables one of which a provider needs to report by requests of its own, for people.
func ReportingVariables() string {
	var names []string
	for _, r := range reporters {
		names = append(names, r.variable)
	}
	slices.Sort(names)
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
