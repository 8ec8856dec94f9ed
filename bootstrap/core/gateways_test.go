package core_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

type installation struct{}

func (installation) ID(context.Context) (string, error) { return "abcdef", nil }

// The alarm ProviderHeld (docs/operations/alarms.md) is on this gauge.
func TestAProviderThatCannotBeCalledIsOneInTheGaugeUntilItTakesAMessage(t *testing.T) {
	t.Parallel()
	metrics := &memory.Metrics{}
	provider := config.HTTPGateway{URL: "http://127.0.0.1:1", CallDeadline: time.Second, Lease: 3 * time.Second, Margin: time.Second, InFlight: 1}
	var lanes core.Lanes
	app := fx.New(fx.NopLogger, core.Gateways(config.Gateways{SMS: provider, Push: provider}), fx.Populate(&lanes), fx.Provide(
		func() port.Installation { return installation{} }, func() port.Log { return &memory.Log{} },
		func() port.Clock { return memory.NewClock(time.Now()) }, func() port.Metrics { return metrics },
	))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	held := func(provider string, want float64) {
		t.Helper()
		if got := metrics.Recorded(metric.GatewayHeld.Metric, provider); !slices.Equal(got, []float64{want}) {
			t.Errorf("%s: the gauge is %v, want %v", provider, got, want)
		}
	}
	call := func(kind channel.Kind, reply port.Reply) {
		t.Helper()
		permit, err := lanes[kind].Permits.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		permit.Release(reply)
	}
	held("sms", 0)
	for range 20 { // its host refuses the connection
		held("push", 0)
		call(channel.Push, port.Reply{Verdict: port.CallNotMade})
	}
	held("push", 1)
	held("sms", 0)
	call(channel.SMS, port.Reply{Verdict: port.CallRefused, Class: attempt.Provider, Hold: time.Millisecond})
	held("sms", 1)
	call(channel.SMS, port.Reply{Verdict: port.CallAccepted})
	held("sms", 0)
}

func TestWhatAGatewayRefusesOfItsSettingsIsForAPersonToCorrect(t *testing.T) {
	t.Parallel()
	clock := memory.NewClock(time.Now())
	lane := config.HTTPLane{Channel: channel.SMS, HTTPGateway: config.HTTPGateway{URL: "https://sms.example.com", CallDeadline: time.Second, Lease: 3 * time.Second, Margin: time.Second, InFlight: 1}}
	nowhere, elsewhere := lane, lane
	nowhere.URL, elsewhere.Provider = "sms.example.com", config.ProviderTwilio
	for name, refused := range map[string]func() error{
		"an address": func() error { _, err := core.NewHTTP(nowhere, config.Twilio{}, clock); return err },
		"an account": func() error { _, err := core.NewHTTP(elsewhere, config.Twilio{Account: "AC1"}, clock); return err },
		"a deadline": func() error {
			_, err := core.NewSMTP(config.Gateways{SMTP: config.SMTP{Addr: "relay:25", From: "nobody"}}, installation{}, clock)
			return err
		},
	} {
		if err := refused(); !errors.Is(err, config.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
