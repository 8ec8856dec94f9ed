package killtest

import (
	"fmt"
	"strings"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// The secrets of the run: any will do.
const (
	referenceSecret = "references-of-the-kill-test-01234"
	nhnSecret       = "webhooks-of-the-kill-test-0123456"
	twilioToken     = "the token of the kill test"
)

// askedProvider is the one that can be asked what became of a call.
const askedProvider = config.ProviderNHN

// receivers are where the feedback role listens, whichever of its processes runs.
type receivers struct{ web, lmtp string }

func freeReceivers() (receivers, error) {
	ports, err := child.FreePorts(2)
	if err != nil {
		return receivers{}, err
	}
	at := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	return receivers{at(0), at(1)}, nil
}

// report lets the vendors of a simulator report to them.
func (r receivers) report(s gatewaysim.Settings) gatewaysim.Settings {
	s.Vendors.NHN.ReportsTo, s.Vendors.NHN.Secret = "http://"+r.web+"/reports/"+config.ProviderNHN, nhnSecret
	s.Vendors.Twilio.Secret = twilioToken
	s.Vendors.SMTP.ReportsTo = "lmtp://" + r.lmtp
	return s
}

// configure lets SMS go by two vendors, half each, and bounces come back.
func (r receivers) configure(c *config.Deliverer, g gatewayInfo) {
	calls := c.Gateways.SMS.HTTPCalls
	c.Gateways.ReferenceSecrets = []string{referenceSecret}
	c.Gateways.SMS = config.HTTPGateway{Providers: []string{config.ProviderNHN + ":50", config.ProviderTwilio + ":50"}}
	c.Gateways.NHN = config.NHN{
		URL: "http://" + g.HTTP, AppKey: "kill-test", SecretKey: "secret", From: "15446859", Signature: nhnSecret, HTTPCalls: calls,
	}
	c.Gateways.Twilio = config.Twilio{
		URL: "http://" + g.HTTP, Account: "AC" + strings.Repeat("0", 32), Secret: twilioToken, From: "+15005550006",
		StatusURL: "http://" + r.web + "/reports/" + config.ProviderTwilio, HTTPCalls: calls,
	}
	c.Gateways.SMTP.EnvelopeFrom = "bounces+{key}@example.com"
	c.Feedback = config.Feedback{Addr: r.web, URL: "http://" + r.web, LMTPAddr: r.lmtp, InquiryRate: 1000}
}
