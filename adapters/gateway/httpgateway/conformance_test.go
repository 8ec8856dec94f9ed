package httpgateway_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/httpgateway"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

func provider(kind channel.Kind, deadline time.Duration) port.Provider {
	return port.Provider{
		Name: "test", Channel: kind, CallDeadline: deadline, Lease: deadline + 2*time.Second, Margin: time.Second, InFlight: 100,
	}
}

func TestHTTPGatewaysKeepThePortsPromises(t *testing.T) {
	t.Parallel()
	for _, kind := range []channel.Kind{channel.SMS, channel.Push, channel.AlimTalk} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			porttest.HTTPGateway(t, func(t testing.TB, far porttest.HTTPFarEnd, deadline time.Duration) porttest.GatewayRig {
				gateway, err := httpgateway.New(httpgateway.Config{
					Provider: provider(kind, deadline), URL: far.URL(), Token: "s3cret", TLS: far.ClientTLS(),
				})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(gateway.Close)
				return porttest.GatewayRig{Gateway: gateway, Far: far}
			})
		})
	}
}
