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

func httpRig(t testing.TB, kind channel.Kind, deadline time.Duration) (porttest.GatewayRig, porttest.HTTPFarEnd) {
	t.Helper()
	far := porttest.NewHTTPFarEnd(t)
	gateway, err := httpgateway.New(httpgateway.Config{Provider: provider(kind, deadline), URL: far.URL(), Token: "s3cret"})
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
