package core

import (
	"context"
	"fmt"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/permits"
	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/domain/channel"
)

// Lanes are the channels' providers, in the order of their lists.
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
		add := func(provider config.Provider, gateway Gateway) error {
			bounded := provider.Provider
			if with.Budgets == nil {
				bounded.Rate = 0
			}
			bounds, err := permits.New(permits.Config{
				Provider: bounded, Prepare: prepare(gateway), Changed: reportHeld(provider.Account(), with.Log, with.Metrics), Limited: reportLimit(bounded, with.Log),
				Budgets: with.Budgets, Slowed: reportSlowed(bounded, with.Log), Unused: reportUnused(provider.Account(), failures, with),
				Failed: reportFailed(provider.Account(), failures, with.Clock, with.Log),
			})
			if err != nil {
				return err
			}
			lc.Append(fx.StopHook(gateway.Close))
			lanes[provider.Channel] = append(lanes[provider.Channel], deliver.Provider{Gateway: gateway, Permits: bounds, Weight: provider.Weight})
			return nil
		}
		for _, p := range c.Providers() {
			gateway, err := NewGateway(c, p, with.Installation, with.Clock)
			if err != nil {
				return nil, err
			}
			if err := add(p, gateway); err != nil {
				return nil, err
			}
		}
		if len(lanes) == 0 {
			return nil, fmt.Errorf("%w: no gateway: set BALSONG_SMTP_ADDR, BALSONG_SMS_URL or the variables of another provider (docs/providers/README.md)", config.ErrInvalid)
		}
		return lanes, nil
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
			port.Field{Key: "provider", Value: provider.Account()}, port.Field{Key: "limit", Value: limit}, port.Field{Key: "configured", Value: provider.InFlight})
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
			port.Field{Key: "provider", Value: provider.Account()}, port.Field{Key: "rate", Value: rate}, port.Field{Key: "limit", Value: provider.Rate})
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
