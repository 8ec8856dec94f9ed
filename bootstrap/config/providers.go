package config

import (
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
)

// The providers, as BALSONG_<CHANNEL>_PROVIDERS and the ledger name them.
const (
	ProviderSMTP   = "smtp"
	ProviderSES    = "ses"
	ProviderHTTP   = "http" // our own contract
	ProviderTwilio = "twilio"
	ProviderFCM    = "fcm"
	ProviderNHN    = "nhn"
	ProviderSOLAPI = "solapi"
	ProviderAWSSMS = "aws" // End User Messaging SMS
)

// Provider is a provider that sends on a channel.
type Provider struct {
	port.Provider
	Weight    int    // how much of the channel's messages it gets, compared with the others'; 0: it takes over while all others are held back
	Variables string // what the names of its own variables begin with, as in BALSONG_TWILIO
	URL       string // its address, of one that is called by HTTP
	CA        CA
}

// vendor is one provider of one channel that this program can call.
type vendor struct {
	Provider
	configured bool         // it sends where the list of its channel is empty
	has        []string     // those of its own variables that are set, of the ones without a default
	check      func() error // says what is wrong with its variables, or missing; asked only where it sends
	prices     []string     // of the contract, as its variable says
	units      []cost.Unit  // that it charges for; default: messages
}

// vendors lists the providers that this program can call. A new one is added here, and to the table of package core.
func (g Gateways) vendors() []vendor {
	list := []vendor{{
		Provider:   Provider{Provider: g.SMTP.provider(), Variables: "BALSONG_SMTP", CA: g.SMTP.CA},
		prices:     g.SMTP.Prices,
		configured: g.SMTP.Addr != "",
		has:        set("BALSONG_SMTP_ADDR", g.SMTP.Addr),
		check:      func() error { return g.SMTP.check(g.ReferenceSecrets) },
	}, {
		Provider:   Provider{Provider: g.SES.provider(channel.Email, ProviderSES), Variables: "BALSONG_SES", URL: g.SES.URL, CA: g.SES.CA},
		prices:     g.SES.Prices,
		configured: g.SES.From != "",
		has:        set("BALSONG_SES_FROM", g.SES.From, "BALSONG_SES_CONFIGURATION_SET", g.SES.ConfigurationSet, "BALSONG_SES_TOPIC", g.SES.Topic),
		check:      func() error { return g.SES.check(g.ReferenceSecrets) },
	}}
	for _, c := range g.byHTTP() {
		name := "BALSONG_" + string(c.kind)
		list = append(list, vendor{
			Provider:   Provider{Provider: c.provider(c.kind, ProviderHTTP), Variables: name, URL: c.URL, CA: c.CA},
			prices:     c.Prices,
			configured: c.URL != "",
			has:        set(name+"_URL", c.URL, name+"_TOKEN", c.Token),
			check:      c.check,
		})
	}
	list = append(list, vendor{
		Provider:   Provider{Provider: g.Twilio.provider(channel.SMS, ProviderTwilio), Variables: "BALSONG_TWILIO", URL: g.Twilio.URL, CA: g.Twilio.CA},
		prices:     g.Twilio.Prices,
		units:      []cost.Unit{cost.Segment},
		configured: g.Twilio.Account != "" || g.Twilio.Secret != "",
		has:        set("BALSONG_TWILIO_ACCOUNT", g.Twilio.Account, "BALSONG_TWILIO_SECRET", g.Twilio.Secret),
		check:      func() error { return g.Twilio.check(g.ReferenceSecrets) },
	}, vendor{
		Provider:   Provider{Provider: g.FCM.provider(channel.Push, ProviderFCM), Variables: "BALSONG_FCM", URL: g.FCM.URL, CA: g.FCM.CA},
		prices:     g.FCM.Prices,
		configured: g.FCM.Secret != "",
		has:        set("BALSONG_FCM_SECRET", g.FCM.Secret),
		check:      g.FCM.check,
	}, vendor{
		Provider:   Provider{Provider: g.NHN.provider(channel.SMS, ProviderNHN), Variables: "BALSONG_NHN", URL: g.NHN.URL, CA: g.NHN.CA},
		prices:     g.NHN.Prices,
		units:      []cost.Unit{cost.SMS, cost.LMS},
		configured: g.NHN.AppKey != "" || g.NHN.SecretKey != "",
		has:        set("BALSONG_NHN_APP_KEY", g.NHN.AppKey, "BALSONG_NHN_SECRET_KEY", g.NHN.SecretKey, "BALSONG_NHN_WEBHOOK_SECRET", g.NHN.Signature),
		check:      func() error { return g.NHN.check(g.ReferenceSecrets) },
	}, vendor{
		Provider:   Provider{Provider: g.SOLAPI.provider(channel.SMS, ProviderSOLAPI), Variables: "BALSONG_SOLAPI", URL: g.SOLAPI.URL, CA: g.SOLAPI.CA},
		prices:     g.SOLAPI.Prices,
		units:      []cost.Unit{cost.SMS, cost.LMS},
		configured: g.SOLAPI.Key != "" || g.SOLAPI.Secret != "",
		has:        set("BALSONG_SOLAPI_KEY", g.SOLAPI.Key, "BALSONG_SOLAPI_SECRET", g.SOLAPI.Secret, "BALSONG_SOLAPI_WEBHOOK_SECRET", g.SOLAPI.Webhook),
		check:      func() error { return g.SOLAPI.check(g.ReferenceSecrets) },
	}, vendor{
		Provider:   Provider{Provider: g.NHNAlimTalk.provider(channel.AlimTalk, ProviderNHN), Variables: "BALSONG_NHN_ALIMTALK", URL: g.NHNAlimTalk.URL, CA: g.NHNAlimTalk.CA},
		prices:     g.NHNAlimTalk.Prices,
		configured: g.NHNAlimTalk.AppKey != "" || g.NHNAlimTalk.SecretKey != "",
		has: set("BALSONG_NHN_ALIMTALK_APP_KEY", g.NHNAlimTalk.AppKey, "BALSONG_NHN_ALIMTALK_SECRET_KEY", g.NHNAlimTalk.SecretKey,
			"BALSONG_NHN_ALIMTALK_WEBHOOK_SECRET", g.NHNAlimTalk.Signature),
		check: func() error { return g.NHNAlimTalk.check(g.ReferenceSecrets) },
	}, vendor{
		Provider:   Provider{Provider: g.SOLAPIAlimTalk.provider(channel.AlimTalk, ProviderSOLAPI), Variables: "BALSONG_SOLAPI_ALIMTALK", URL: g.SOLAPIAlimTalk.URL, CA: g.SOLAPIAlimTalk.CA},
		prices:     g.SOLAPIAlimTalk.Prices,
		configured: g.SOLAPIAlimTalk.Key != "" || g.SOLAPIAlimTalk.Secret != "",
		has:        set("BALSONG_SOLAPI_ALIMTALK_KEY", g.SOLAPIAlimTalk.Key, "BALSONG_SOLAPI_ALIMTALK_SECRET", g.SOLAPIAlimTalk.Secret, "BALSONG_SOLAPI_ALIMTALK_WEBHOOK_SECRET", g.SOLAPIAlimTalk.Webhook),
		check:      func() error { return g.SOLAPIAlimTalk.check(g.ReferenceSecrets) },
	}, vendor{
		Provider:   Provider{Provider: g.AWSSMS.provider(channel.SMS, ProviderAWSSMS), Variables: "BALSONG_AWS_SMS", URL: g.AWSSMS.URL, CA: g.AWSSMS.CA},
		prices:     g.AWSSMS.Prices,
		units:      []cost.Unit{cost.Segment},
		configured: g.AWSSMS.Sender != "",
		has:        set("BALSONG_AWS_SMS_SENDER", g.AWSSMS.Sender, "BALSONG_AWS_SMS_CONFIGURATION_SET", g.AWSSMS.ConfigurationSet, "BALSONG_AWS_SMS_TOPIC", g.AWSSMS.Topic),
		check:      func() error { return g.AWSSMS.check(g.ReferenceSecrets) },
	})
	for i := range list {
		list[i].Prices, _ = list[i].parsePrices() // what is wrong with them, checkPrices says
	}
	return list
}

// Accounts lists the providers that this program can call, as metrics name them.
func (g Gateways) Accounts() (all []string) {
	for _, v := range g.vendors() {
		all = append(all, v.Account())
	}
	return all
}

// set returns those of some variables, name and value by turns, that are not empty.
func set(variables ...string) (names []string) {
	for i := 0; i < len(variables); i += 2 {
		if variables[i+1] != "" {
			names = append(names, variables[i])
		}
	}
	return names
}

// Providers lists who sends, channel by channel, in the order of their lists.
func (g Gateways) Providers() (all []Provider) {
	for _, l := range g.lists() {
		for _, v := range g.senders(l) {
			all = append(all, v.Provider)
		}
	}
	return all
}
