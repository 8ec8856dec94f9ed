package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpgateway"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/smtp"
	"github.com/balsong/balsong/adapters/gateway/twilio"
	"github.com/balsong/balsong/adapters/permits"
	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/domain/channel"
)

// Lanes are the channels' providers.
type Lanes map[channel.Kind]deliver.Lane

// gatewayPorts are what gateways and their permits need. Without budgets there is no rate: for a command that makes one call.
type gatewayPorts struct {
	fx.In
	Installation port.Installation
	Budgets      port.Budgets `optional:"true"`
	Clock        port.Clock
	Log          port.Log
	Metrics      port.Metrics
}

// Gateways provides a lane for each channel that has a provider in the configuration.
func Gateways(c config.Gateways) fx.Option {
	return fx.Module("gateways", fx.Provide(func(lc fx.Lifecycle, with gatewayPorts) (Lanes, error) {
		lanes, failures := Lanes{}, &outage.Failures{}
		add := func(provider port.Provider, gateway port.Gateway, closeIt func()) error {
			bounded := provider
			if with.Budgets == nil {
				bounded.Rate = 0
			}
			bounds, err := permits.New(permits.Config{
				Provider: bounded, Prepare: prepare(gateway), Changed: reportHeld(provider.Name, with.Log, with.Metrics), Limited: reportLimit(provider, with.Log),
				Budgets: with.Budgets, Slowed: reportSlowed(provider, with.Log), Unused: reportUnused(provider.Name, failures, with), Failed: reportFailed(provider.Name, failures, with.Clock, with.Log),
			})
			if err != nil {
				return err
			}
			lc.Append(fx.StopHook(closeIt))
			lanes[provider.Channel] = deliver.Lane{Gateway: gateway, Permits: bounds}
			return nil
		}
		err := addSMTP(c, with.Installation, with.Clock, add)
		variables := "BALSONG_SMTP_ADDR"
		for _, lane := range c.ByHTTP() {
			err = errors.Join(err, addHTTP(lane, c.Twilio, with.Clock, add))
			variables += " or " + lane.URLVariable()
		}
		if err == nil && len(lanes) == 0 {
			err = fmt.Errorf("%w: no gateway: set %s, or BALSONG_SMS_PROVIDER=twilio with its variables", config.ErrInvalid, variables)
		}
		return lanes, err
	}))
}

// reportHeld logs and measures whether calls to a provider are held back, with the provider's own words.
func reportHeld(provider string, log port.Log, metrics port.Metrics) func(permits.Change) {
	metric.GatewayHeld.Set(metrics, 0, provider)
	return func(c permits.Change) {
		if !c.Open {
			metric.GatewayHeld.Set(metrics, 0, provider)
			log.Info("a provider takes messages again", port.Field{Key: "provider", Value: provider})
			return
		}
		metric.GatewayHeld.Set(metrics, 1, provider)
		log.Warn("no call is made to a provider before one call has tested it; nothing is lost, no attempt is spent",
			port.Field{Key: "provider", Value: provider}, port.Field{Key: "said", Value: c.Words}, port.Field{Key: "test_at", Value: c.Until.UTC()})
	}
}

// reportLimit logs how many calls at once a provider takes, where that is not what is configured.
func reportLimit(provider port.Provider, log port.Log) func(int) {
	return func(limit int) {
		log.Info("calls to a provider at the same time are as many as it has shown to take",
			port.Field{Key: "provider", Value: provider.Name}, port.Field{Key: "limit", Value: limit}, port.Field{Key: "configured", Value: provider.InFlight})
	}
}

// prepare is what a gateway wants done before a claim; nil: nothing.
func prepare(gateway port.Gateway) func(context.Context) error {
	if preparer, is := gateway.(port.Preparer); is {
		return preparer.Prepare
	}
	return nil
}

// reportSlowed logs that the rate of all processes was lowered.
func reportSlowed(provider port.Provider, log port.Log) func(float64) {
	return func(rate float64) {
		log.Warn("a provider throttles: all processes together make fewer calls a second, and more again while it does not; nothing is lost, no attempt is spent",
			port.Field{Key: "provider", Value: provider.Name}, port.Field{Key: "rate", Value: rate}, port.Field{Key: "limit", Value: provider.Rate})
	}
}

// reportUnused counts the calls of a provider's rate that were reserved and lost, and logs once a minute where they are a fifth or more.
func reportUnused(provider string, failures *outage.Failures, with gatewayPorts) func(permits.Unused) {
	return func(u permits.Unused) {
		metric.CallsUnused.Add(with.Metrics, u.Calls, provider)
		if u.Calls < 3 || 4*u.Calls < u.Used {
			return
		}
		if count, due := failures.Due(provider+" unused", "", with.Clock.Now()); due {
			with.Log.Warn("a provider is called less often than its rate allows: calls were reserved and came too late, because the database or this process is slow; logged at most once a minute, nothing is lost",
				port.Field{Key: "provider", Value: provider}, port.Field{Key: "unused", Value: u.Calls}, port.Field{Key: "made", Value: u.Used},
				port.Field{Key: "reservation", Value: u.Reservation}, port.Field{Key: "claim", Value: u.Claim}, port.Field{Key: "times", Value: count})
		}
	}
}

// reportFailed logs that the budget of a provider cannot be used, once a minute.
func reportFailed(provider string, failures *outage.Failures, clock port.Clock, log port.Log) func(error) {
	return func(err error) {
		if count, due := failures.Due(provider, err.Error(), clock.Now()); due {
			log.Warn("no call is made to a provider while the database does not say how many may be; logged at most once a minute, nothing is lost",
				port.Field{Key: "provider", Value: provider}, port.Field{Key: "error", Value: err}, port.Field{Key: "failures", Value: count})
		}
	}
}

type addLane func(provider port.Provider, gateway port.Gateway, closeIt func()) error

func addSMTP(c config.Gateways, installation port.Installation, clock port.Clock, add addLane) error {
	if c.SMTP.Addr == "" {
		return nil
	}
	gateway, err := NewSMTP(c, installation, clock)
	if err != nil {
		return err
	}
	return add(gateway.Provider(), gateway, gateway.Close)
}

// NewSMTP returns the e-mail provider of an installation (nil: of none); it does not connect.
func NewSMTP(gateways config.Gateways, installation port.Installation, clock port.Clock) (*smtp.Gateway, error) {
	c := gateways.SMTP
	references, err := References(gateways, installation)
	if err != nil {
		return nil, err
	}
	signature, err := signing(c)
	if err != nil {
		return nil, err
	}
	var login smtp.Tokens
	if c.Auth == config.XOAuth2 {
		login = tokens(c.OAuth.OAuthClient, c.OAuth.RefreshToken)
	}
	sender, err := smtp.New(smtp.Config{
		Provider: port.Provider{
			Name: "smtp", Channel: channel.Email,
			CallDeadline: c.CallDeadline, Lease: c.Lease, Margin: c.Margin,
			Rate: c.Rate, InFlight: c.InFlight,
		},
		Address: c.Addr, TLS: smtp.TLSPolicy(c.TLS), TLSConfig: c.CA.TLS(),
		Username: c.User, Password: c.Password, Tokens: login, LocalName: cmp.Or(c.EHLO, hostName(os.Hostname)),
		From: c.From, ReplyTo: c.ReplyTo, EnvelopeFrom: c.EnvelopeFrom, References: references, DKIM: signature,
		Advertising: smtp.SenderIdentity{From: c.AdFrom, ReplyTo: c.AdReplyTo}, FeedbackID: c.FeedbackID,
		Installation: installation, Now: clock.Now,
	})
	return sender, invalid(err)
}

// invalid says of settings that a gateway refuses that a person must correct them.
func invalid(err error) error {
	if errors.Is(err, gateway.ErrConfig) || errors.Is(err, port.ErrProvider) {
		return fmt.Errorf("%w: %w", config.ErrInvalid, err)
	}
	return err
}

// References are what stands for delivery keys at providers; nil: the configuration has no secret for them.
func References(c config.Gateways, installation port.Installation) (*reference.Source, error) {
	if len(c.ReferenceSecrets) == 0 {
		return nil, nil
	}
	return reference.NewSource(installation, c.ReferenceSecrets...)
}

// signing is how mail is signed; nil: it is not.
func signing(c config.SMTP) (*smtp.DKIM, error) {
	key, err := c.DKIM.Key.Signer()
	if err != nil || key == nil {
		return nil, err
	}
	return &smtp.DKIM{Domain: c.DKIM.Signs(c.From), Selector: c.DKIM.Selector, Key: key}, nil
}

// hostName is the machine's own name where it is fully qualified; "" where it is not: careful servers refuse such a name in
// EHLO.
func hostName(ask func() (string, error)) string {
	name, err := ask()
	if err != nil || !strings.Contains(strings.Trim(name, "."), ".") || strings.HasPrefix(name, "localhost") || !smtp.ValidEHLO(name) {
		return ""
	}
	return name
}

func addHTTP(c config.HTTPLane, account config.Twilio, clock port.Clock, add addLane) error {
	if c.URL == "" {
		return nil
	}
	gateway, err := NewHTTP(c, account, clock)
	if err != nil {
		return err
	}
	return add(gateway.Provider(), gateway, gateway.Close)
}

// HTTPProvider is a provider that is called by HTTP.
type HTTPProvider interface {
	port.Gateway
	// Check asks whether it can be called, and sends nothing.
	Check(ctx context.Context) error
	// Close closes unused connections.
	Close()
}

// NewHTTP returns the provider of a channel, by the contract that it is set to; it does not connect.
func NewHTTP(c config.HTTPLane, account config.Twilio, clock port.Clock) (HTTPProvider, error) {
	provider := port.Provider{
		Name: strings.ToLower(string(c.Channel)), Channel: c.Channel,
		CallDeadline: c.CallDeadline, Lease: c.Lease, Margin: c.Margin,
		Rate: c.Rate, InFlight: c.InFlight,
	}
	if c.Provider == config.ProviderTwilio {
		sender, err := twilio.New(twilio.Config{
			Provider: provider, URL: c.URL, TLS: c.CA.TLS(), Account: account.Account, Key: account.Key, Secret: account.Secret,
			From: account.From, Service: account.Service, StatusURL: account.StatusURL, Now: clock.Now,
		})
		return sender, invalid(err)
	}
	sender, err := httpgateway.New(httpgateway.Config{Provider: provider, URL: c.URL, TLS: c.CA.TLS(), Token: c.Token, Now: clock.Now})
	return sender, invalid(err)
}
