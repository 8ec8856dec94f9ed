package core

import (
	"cmp"
	"fmt"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/fcm"
	"github.com/balsong/balsong/adapters/oauth"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// newFCM is Firebase Cloud Messaging, to which a service account signs in.
func newFCM(gateways config.Gateways, provider port.Provider, installation port.Installation, clock port.Clock) (Gateway, error) {
	c := gateways.FCM
	references, err := References(gateways, installation)
	if err != nil {
		return nil, err
	}
	account, err := oauth.ParseServiceAccount([]byte(c.Secret))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", gateway.ErrConfig, err)
	}
	return fcm.New(fcm.Config{
		Provider: provider, URL: c.URL, TLS: c.CA.TLS(), Project: cmp.Or(c.Project, account.Project),
		Tokens: oauth.OfServiceAccount(account, c.CA.TLS(), fcm.Scope), References: references, Now: clock.Now,
	})
}
