package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpgateway"
	"github.com/balsong/balsong/adapters/gateway/nhn"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/smtp"
	"github.com/balsong/balsong/adapters/gateway/solapi"
	"github.com/balsong/balsong/adapters/gateway/twilio"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/domain/channel"
)

// Gateway is a provider as programs use it.
type Gateway interface {
	port.Gateway
	// Check asks whether it can be called, and sends nothing.
	Check(ctx context.Context) error
	// Close closes unused connections.
	Close()
}

// gateways make the gateway of each provider that package config knows; none connects. The installation may be nil.
var gateways = map[string]func(c config.Gateways, provider port.Provider, installation port.Installation, clock port.Clock) (Gateway, error){
	config.ProviderSMTP:   newSMTP,
	config.ProviderSES:    newSES,
	config.ProviderHTTP:   newHTTP,
	config.ProviderTwilio: newTwilio,
	config.ProviderFCM:    newFCM,
	config.ProviderNHN:    newNHN,
	config.ProviderSOLAPI: newSOLAPI,
	config.ProviderAWSSMS: newAWSSMS,
}

// NewGateway returns a provider of an installation (nil: of none); it does not connect.
func NewGateway(c config.Gateways, of config.Provider, installation port.Installation, clock port.Clock) (Gateway, error) {
	construct, known := gateways[of.Name]
	if !known {
		return nil, fmt.Errorf("%w: no gateway is made for the provider %s", port.ErrProvider, of.Account())
	}
	made, err := construct(c, of.Provider, installation, clock)
	if errors.Is(err, gateway.ErrConfig) || errors.Is(err, port.ErrProvider) { // a person must correct the settings
		return nil, fmt.Errorf("%w: %w", config.ErrInvalid, err)
	}
	return made, err
}

// newHTTP is a provider with our HTTP contract.
func newHTTP(gateways config.Gateways, provider port.Provider, _ port.Installation, clock port.Clock) (Gateway, error) {
	c := gateways.HTTP(provider.Channel)
	return httpgateway.New(httpgateway.Config{Provider: provider, URL: c.URL, TLS: c.CA.TLS(), Token: c.Token, Now: clock.Now})
}

func newTwilio(gateways config.Gateways, provider port.Provider, installation port.Installation, clock port.Clock) (Gateway, error) {
	c := gateways.Twilio
	references, err := References(gateways, installation)
	if err != nil {
		return nil, err
	}
	return twilio.New(twilio.Config{
		Provider: provider, URL: c.URL, TLS: c.CA.TLS(), Account: c.Account, Key: c.Key, Secret: c.Secret,
		From: c.From, Service: c.Service, StatusURL: c.StatusURL, References: references, AuthToken: c.Token(), Now: clock.Now,
	})
}

func newNHN(gateways config.Gateways, provider port.Provider, installation port.Installation, clock port.Clock) (Gateway, error) {
	references, err := References(gateways, installation)
	if err != nil {
		return nil, err
	}
	if provider.Channel == channel.AlimTalk {
		c := gateways.NHNAlimTalk
		return nhn.NewAlimTalk(nhn.AlimTalkConfig{
			Provider: provider, URL: c.URL, TLS: c.CA.TLS(), AppKey: c.AppKey, SecretKey: c.SecretKey, SenderKey: c.SenderKey, Signature: c.Signature, References: references, Now: clock.Now,
		})
	}
	c := gateways.NHN
	return nhn.New(nhn.Config{
		Provider: provider, URL: c.URL, TLS: c.CA.TLS(), AppKey: c.AppKey, SecretKey: c.SecretKey, From: c.From, Signature: c.Signature, References: references, Now: clock.Now,
	})
}

func newSOLAPI(gateways config.Gateways, provider port.Provider, installation port.Installation, clock port.Clock) (Gateway, error) {
	references, err := References(gateways, installation)
	if err != nil {
		return nil, err
	}
	if provider.Channel == channel.AlimTalk {
		c := gateways.SOLAPIAlimTalk
		return solapi.New(solapi.Config{
			Provider: provider, URL: c.URL, TLS: c.CA.TLS(), Key: c.Key, Secret: c.Secret, From: c.From, Profile: c.Profile, References: references, Now: clock.Now,
		})
	}
	c := gateways.SOLAPI
	return solapi.New(solapi.Config{
		Provider: provider, URL: c.URL, TLS: c.CA.TLS(), Key: c.Key, Secret: c.Secret, From: c.From, References: references, Now: clock.Now,
	})
}

// newSMTP is the SMTP relay.
func newSMTP(gateways config.Gateways, provider port.Provider, installation port.Installation, clock port.Clock) (Gateway, error) {
	c := gateways.SMTP
	references, err := References(gateways, installation)
	if err != nil {
		return nil, err
	}
	signature, err := signing(c)
	if err != nil {
		return nil, err
	}
	var login smtp.Tokens
	if c.Auth == config.XOAuth2 {
		login = tokens(c.OAuth.OAuthClient, c.OAuth.RefreshToken)
	}
	return smtp.New(smtp.Config{
		Provider: provider,
		Address:  c.Addr, TLS: smtp.TLSPolicy(c.TLS), TLSConfig: c.CA.TLS(),
		Username: c.User, Password: c.Password, Tokens: login, LocalName: cmp.Or(c.EHLO, hostName(os.Hostname)),
		From: c.From, ReplyTo: c.ReplyTo, EnvelopeFrom: c.EnvelopeFrom, References: references, DKIM: signature,
		Advertising: smtp.SenderIdentity{From: c.AdFrom, ReplyTo: c.AdReplyTo}, FeedbackID: c.FeedbackID,
		Installation: installation, Now: clock.Now,
	})
}

// References are what stands for delivery keys at providers; nil: the configuration has no secret for them.
func References(c config.Gateways, installation port.Installation) (*reference.Source, error) {
	if len(c.ReferenceSecrets) == 0 {
		return nil, nil
	}
	return reference.NewSource(installation, c.ReferenceSecrets...)
}

// signing is how mail is signed; nil: it is not.
func signing(c config.SMTP) (*smtp.DKIM, error) {
	key, err := c.DKIM.Key.Signer()
	if err != nil || key == nil {
		return nil, err
	}
	return &smtp.DKIM{Domain: c.DKIM.Signs(c.From), Selector: c.DKIM.Selector, Key: key}, nil
}

// hostName is the machine's own name where it is fully qualified; "" where it is not: careful servers refuse such a name in
// EHLO.
func hostName(ask func() (string, error)) string {
	name, err := ask()
	if err != nil || !strings.Contains(strings.Trim(name, "."), ".") || strings.HasPrefix(name, "localhost") || !smtp.ValidEHLO(name) {
		return ""
	}
	return name
}
