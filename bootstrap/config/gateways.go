package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/domain/channel"
)

// Gateways are the providers.
type Gateways struct {
	ReferenceSecrets []string `env:"BALSONG_REFERENCE_SECRETS" secret:"true" help:"secrets that sign the references by which reports of providers find their bill, comma-separated, at least 32 characters each: the first one signs, all are verified"`

	Twilio Twilio `envPrefix:"BALSONG_TWILIO_"` // of SMS, where its provider is TWILIO

	SMTP SMTP
	SMS  HTTPGateway `envPrefix:"BALSONG_SMS_"`
	Push HTTPGateway `envPrefix:"BALSONG_PUSH_"`
}

// ByHTTP lists the providers that are called by HTTP, by their channels.
func (g Gateways) ByHTTP() []HTTPLane {
	lanes := []HTTPLane{
		{channel.SMS, g.SMS},
		{channel.Push, g.Push},
	}
	for i := range lanes {
		if lanes[i].Provider == ProviderTwilio {
			lanes[i].URL = g.Twilio.URL
		}
	}
	return lanes
}

// HTTPLane is the provider of a channel. Its variables begin with BALSONG_ and the channel.
type HTTPLane struct {
	Channel channel.Kind
	HTTPGateway
}

// HTTPGateway is a provider that is called by HTTP: SMS, push.
type HTTPGateway struct {
	Provider       string        `env:"PROVIDER" envDefault:"http" help:"whose contract is spoken: http (docs/contract/http-gateway.md); for SMS also twilio (docs/providers/twilio.md)"`
	URL            string        `env:"URL" help:"https address that messages are posted to, the provider's root; without it none is sent"`
	CA             CA            `env:"CA" help:"PEM certificates that are trusted beside the system's, as in file:/etc/ssl/ca.pem"`
	Token          string        `env:"TOKEN" secret:"true" help:"bearer token; without it none is sent"`
	AllowPlainHTTP bool          `env:"ALLOW_PLAIN_HTTP" envDefault:"false" help:"let an http address of another machine have the messages and the token unencrypted"`
	CallDeadline   time.Duration `env:"CALL_DEADLINE" envDefault:"30s" help:"longest call"`
	Lease          time.Duration `env:"LEASE" envDefault:"90s" help:"how long a claim lasts; longer than call deadline and margin together"`
	Margin         time.Duration `env:"MARGIN" envDefault:"5s" help:"time for what happens between claim and call"`
	Rate           float64       `env:"RATE" envDefault:"0" help:"the provider's limit of messages a second, for all processes together; 0: no limit"`
	InFlight       int           `env:"IN_FLIGHT" envDefault:"10000" help:"most calls at the same time"`
}

// URLVariable is the variable that the provider's address comes from.
func (l HTTPLane) URLVariable() string {
	if l.Provider == ProviderTwilio {
		return "BALSONG_TWILIO_URL"
	}
	return "BALSONG_" + string(l.Channel) + "_URL"
}

func (g Gateways) validate() error {
	problems := []error{g.SMTP.check(g.ReferenceSecrets), g.checkReferences()}
	for _, lane := range g.ByHTTP() {
		problems = append(problems, lane.check())
	}
	problems = append(problems, g.Twilio.check(g.SMS))
	return errors.Join(problems...)
}

func (g Gateways) checkReferences() error {
	if len(g.ReferenceSecrets) == 0 {
		return nil
	}
	if _, err := reference.New("", g.ReferenceSecrets...); err != nil {
		return fmt.Errorf("BALSONG_REFERENCE_SECRETS: %w (make one with openssl rand -hex 32)", err)
	}
	return nil
}

func (l HTTPLane) check() error {
	name := "BALSONG_" + string(l.Channel)
	if p := l.Provider; p != "" && p != ProviderHTTP && (p != ProviderTwilio || l.Channel != channel.SMS) {
		return fmt.Errorf("%s_PROVIDER is %q (want http, or for SMS twilio)", name, p)
	}
	if l.URL == "" {
		return nil
	}
	problems := []error{checkTimes(name, l.CallDeadline, l.Lease, l.Margin, l.InFlight), checkUserinfo(l.URLVariable(), l.URL, "set "+name+"_TOKEN")}
	if err := l.CA.validate(); err != nil {
		problems = append(problems, fmt.Errorf("%s_CA: %w", name, err))
	}
	if u, err := url.Parse(l.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		problems = append(problems, fmt.Errorf("%s is no http or https address", l.URLVariable()))
	} else if u.Scheme == "http" && !l.AllowPlainHTTP && !Loopback(u.Hostname()) {
		problems = append(problems, fmt.Errorf("%s is http: messages and token would be sent unencrypted (want https, or %s_ALLOW_PLAIN_HTTP=true on a trusted network)", l.URLVariable(), name))
	}
	return errors.Join(problems...)
}

// checkTimes refuses a lease that could end before a call does or leaves no time in which one may begin, and bounds that let
// no call through.
func checkTimes(name string, deadline, lease, margin time.Duration, inFlight int) error {
	switch {
	case deadline <= 0 || margin < 0 || lease <= deadline+margin:
		return fmt.Errorf("%s_LEASE (%s) must be longer than %s_CALL_DEADLINE (%s) and %s_MARGIN (%s) together: a call may begin in what is left over", name, lease, name, deadline, name, margin)
	case inFlight < 1:
		return fmt.Errorf("%s_IN_FLIGHT must be at least 1", name)
	}
	return nil
}

// checkUserinfo refuses a URL with a user or a password in it, which nothing would use. The error does not show them.
func checkUserinfo(name, address, instead string) error {
	if u, err := url.Parse(address); err == nil && u.User == nil || err != nil && !strings.Contains(address, "@") {
		return nil
	}
	return fmt.Errorf("%s contains a user or a password, which would not be used: take it away (%s)", name, instead)
}

// Elsewhere reports whether an address, host:port, is of another machine.
func Elsewhere(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	return !Loopback(host)
}

// Loopback reports whether a host is this machine.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
