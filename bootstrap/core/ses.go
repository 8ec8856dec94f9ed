package core

import (
	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/gateway/email"
	"github.com/balsong/balsong/adapters/gateway/ses"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// newSES is Amazon SES, to which the process signs in with its own identity at AWS.
func newSES(gateways config.Gateways, provider port.Provider, installation port.Installation, clock port.Clock) (Gateway, error) {
	c := gateways.SES
	references, err := References(gateways, installation)
	if err != nil {
		return nil, err
	}
	return ses.New(ses.Config{
		Provider: provider, Identity: awsidentity.New(), Region: c.Region, URL: c.URL, TLS: c.CA.TLS(),
		Sender: email.SenderIdentity{From: c.From, ReplyTo: c.ReplyTo}, Advertising: email.SenderIdentity{From: c.AdFrom, ReplyTo: c.AdReplyTo},
		FeedbackID: c.FeedbackID, ConfigurationSet: c.ConfigurationSet, Bounces: c.Bounces,
		References: references, Installation: installation, Now: clock.Now,
	})
}
