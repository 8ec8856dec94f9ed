package sender_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/sender"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

func provider(kind channel.Kind, deadline time.Duration) port.Provider {
	return port.Provider{
		Name: "test", Channel: kind, CallDeadline: deadline, Lease: deadline + 2*time.Second, Margin: time.Second, InFlight: 100,
	}
}

func httpRig(t testing.TB, kind channel.Kind, deadline time.Duration) (porttest.GatewayRig, porttest.HTTPFarEnd) {
	t.Helper()
	far := porttest.NewHTTPFarEnd(t)
	gateway, err := sender.NewHTTP(sender.HTTPConfig{Provider: provider(kind, deadline), URL: far.URL(), Token: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	return porttest.GatewayRig{Gateway: gateway, Far: far}, far
}

func smtpRig(t testing.TB, deadline time.Duration, settings porttest.SMTPSettings, change func(*sender.SMTPConfig)) (porttest.GatewayRig, porttest.SMTPFarEnd) {
	t.Helper()
	far := porttest.NewSMTPFarEnd(t, settings)
	config := sender.SMTPConfig{
		Provider: provider(channel.Email, deadline), Address: far.Address(), TLS: sender.TLSNone,
		From: "발송 통신 <bills@example.com>", ReplyTo: "help@example.com", EnvelopeFrom: "bounces@example.com",
	}
	if change != nil {
		change(&config)
	}
	gateway, err := sender.NewSMTP(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	return porttest.GatewayRig{Gateway: gateway, Far: far}, far
}

func TestHTTPGatewaysKeepThePortsPromises(t *testing.T) {
	t.Parallel()
	for _, kind := range []channel.Kind{channel.SMS, channel.Push} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			porttest.Gateway(t, func(t testing.TB, deadline time.Duration) porttest.GatewayRig {
				rig, _ := httpRig(t, kind, deadline)
				return rig
			})
		})
	}
}

func TestSMTPKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.Gateway(t, func(t testing.TB, deadline time.Duration) porttest.GatewayRig {
		rig, _ := smtpRig(t, deadline, porttest.SMTPSettings{}, nil)
		return rig
	})
}

func TestPermitsKeepThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.Permits(t, func(t testing.TB, inFlight, failures int, rate float64) porttest.PermitsRig {
		p := provider(channel.SMS, time.Second)
		p.InFlight, p.Rate, p.Burst = inFlight, rate, 1
		permits, err := sender.NewPermits(sender.PermitsConfig{Provider: p, Failures: failures, Pause: 5 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if failures == 0 {
			failures = 20
		}
		return porttest.PermitsRig{Permits: permits, InFlight: inFlight, Failures: failures, Rate: rate}
	})
}
