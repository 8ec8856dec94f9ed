package smtp_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/smtp"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

func provider(kind channel.Kind, deadline time.Duration) port.Provider {
	return port.Provider{
		Name: "test", Channel: kind, CallDeadline: deadline, Lease: deadline + 2*time.Second, Margin: time.Second, InFlight: 100,
	}
}

func smtpRig(t testing.TB, deadline time.Duration, settings porttest.SMTPSettings, change func(*smtp.Config)) (porttest.GatewayRig, porttest.SMTPFarEnd) {
	t.Helper()
	far := porttest.NewSMTPFarEnd(t, settings)
	config := smtp.Config{
		Provider: provider(channel.Email, deadline), Address: far.Address(), TLS: smtp.TLSNone,
		From: "발송 통신 <bills@example.com>", ReplyTo: "help@example.com", EnvelopeFrom: "bounces@example.com",
	}
	if change != nil {
		change(&config)
	}
	gateway, err := smtp.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	return porttest.GatewayRig{Gateway: gateway, Far: far}, far
}

func TestSMTPKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.Gateway(t, func(t testing.TB, deadline time.Duration) porttest.GatewayRig {
		rig, _ := smtpRig(t, deadline, porttest.SMTPSettings{}, nil)
		return rig
	})
}
