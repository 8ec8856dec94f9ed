package core

import (
	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/gateway/awssms"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// newAWSSMS is AWS End User Messaging SMS, to which the process signs in with its own identity at AWS.
func newAWSSMS(gateways config.Gateways, provider port.Provider, installation port.Installation, clock port.Clock) (Gateway, error) {
	c := gateways.AWSSMS
	references, err := References(gateways, installation)
	if err != nil {
		return nil, err
	}
	return awssms.New(awssms.Config{
		Provider: provider, Identity: awsidentity.New(), Region: c.Region, URL: c.URL, TLS: c.CA.TLS(),
		Sender: c.Sender, ConfigurationSet: c.ConfigurationSet, References: references, Now: clock.Now,
	})
}
