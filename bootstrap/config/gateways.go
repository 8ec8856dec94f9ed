package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
)

// Gateways are the providers.
type Gateways struct {
	// Settings is read, and emptied, by Load: what it holds is in the other fields then.
	Settings string `env:"BALSONG_GATEWAYS" help:"further variables of gateways, a line NAME=value each, as in ssm:/balsong/gateways; one that is set itself comes first"`

	ReferenceSecrets []string `env:"BALSONG_REFERENCE_SECRETS" secret:"true" help:"secrets that sign the references by which reports of providers find their bill, comma-separated, at least 32 characters each: the first one signs, all are verified"`

	EmailProviders []string `env:"BALSONG_EMAIL_PROVIDERS" help:"who sends e-mail, comma-separated, each with its weight, as in ses:70,smtp:30 (docs/providers/README.md); one with the weight 0 takes over while all others are held back; without it the one that is configured"`

	SMTP   SMTP
	SES    SES    `envPrefix:"BALSONG_SES_"`     // of e-mail
	Twilio Twilio `envPrefix:"BALSONG_TWILIO_"`  // of SMS
	FCM    FCM    `envPrefix:"BALSONG_FCM_"`     // of push
	AWSSMS AWSSMS `envPrefix:"BALSONG_AWS_SMS_"` // of SMS
	NHN    NHN    `envPrefix:"BALSONG_NHN_"`     // of SMS
	SOLAPI SOLAPI `envPrefix:"BALSONG_SOLAPI_"`  // of SMS

	SMS  HTTPGateway `envPrefix:"BALSONG_SMS_"`
	Push HTTPGateway `envPrefix:"BALSONG_PUSH_"`

	AlimTalk HTTPGateway `envPrefix:"BALSONG_ALIMTALK_"`

	NHNAlimTalk    NHNAlimTalk    `envPrefix:"BALSONG_NHN_ALIMTALK_"`
	SOLAPIAlimTalk SOLAPIAlimTalk `envPrefix:"BALSONG_SOLAPI_ALIMTALK_"`
}

// byHTTP lists the channels that a provider with our HTTP contract may have.
func (g Gateways) byHTTP() []httpChannel {
	return []httpChannel{
		{channel.SMS, g.SMS},
		{channel.Push, g.Push},
		{channel.AlimTalk, g.AlimTalk},
	}
}

// HTTP is the provider with our HTTP contract of a channel.
func (g Gateways) HTTP(kind channel.Kind) (of HTTPGateway) {
	for _, c := range g.byHTTP() {
		if c.kind == kind {
			of = c.HTTPGateway
		}
	}
	return of
}

// httpChannel is the provider with our HTTP contract of a channel. Its variables begin with BALSONG_ and the channel.
type httpChannel struct {
	kind channel.Kind
	HTTPGateway
}

// HTTPGateway is a provider that speaks our HTTP contract (docs/contract/http-gateway.md), and who sends on the channel beside it.
type HTTPGateway struct {
	Providers []string `env:"PROVIDERS" help:"who sends on the channel, comma-separated, each with its weight, as in NAME:70,NAME:30 (docs/providers/README.md has the names); one with the weight 0 takes over while all others are held back; without it the one that is configured"`
	URL       string   `env:"URL" help:"https address of a provider with our HTTP contract (docs/contract/http-gateway.md), its root, that messages are posted to"`
	Token     string   `env:"TOKEN" secret:"true" help:"bearer token; without it none is sent"`
	HTTPCalls
}

// HTTPCalls bound the calls to a provider by HTTP.
type HTTPCalls struct {
	CA             CA            `env:"CA" help:"PEM certificates that are trusted beside the system's, as in file:/etc/ssl/ca.pem"`
	AllowPlainHTTP bool          `env:"ALLOW_PLAIN_HTTP" envDefault:"false" help:"let an http address of another machine have the messages and the credentials unencrypted"`
	CallDeadline   time.Duration `env:"CALL_DEADLINE" envDefault:"30s" help:"longest call"`
	Lease          time.Duration `env:"LEASE" envDefault:"90s" help:"how long a claim lasts; longer than call deadline and margin together"`
	Margin         time.Duration `env:"MARGIN" envDefault:"5s" help:"time for what happens between claim and call"`
	Prices         []string      `env:"PRICES" help:"what the provider charges by the contract, comma-separated: the currency, then the price of each unit that this provider charges for (segment: twilio, aws; sms and lms: nhn, solapi; message: all others), as in USD,message:0.0001 (docs/providers/README.md); without it costs are not known"`
	Rate           float64       `env:"RATE" envDefault:"0" help:"the provider's limit of messages a second, for all processes together; 0: no limit"`
	InFlight       int           `env:"IN_FLIGHT" envDefault:"10000" help:"most calls at the same time"`
}

// provider is the provider with these bounds.
func (c HTTPCalls) provider(kind channel.Kind, name string) port.Provider {
	return port.Provider{
		Name: name, Channel: kind, CallDeadline: c.CallDeadline, Lease: c.Lease, Margin: c.Margin, Rate: c.Rate, InFlight: c.InFlight,
	}
}

func (g Gateways) validate() error {
	problems := []error{g.checkReferences()}
	for _, l := range g.lists() {
		problems = append(problems, g.checkList(l))
	}
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

// needsReferences refuses a variable by which reports come, where nothing by which they would find their bill is set.
func needsReferences(variable, value string, references []string) error {
	if value == "" || len(references) > 0 {
		return nil
	}
	return fmt.Errorf("%s is set, and BALSONG_REFERENCE_SECRETS, by which a report finds its bill, is not: set it too (make one with openssl rand -hex 32)", variable)
}

// check refuses a provider with our HTTP contract that cannot work.
func (c httpChannel) check() error {
	return c.HTTPCalls.check("BALSONG_"+string(c.kind), c.URL, "set BALSONG_"+string(c.kind)+"_TOKEN")
}

// check refuses bounds and an address of a provider, whose variables begin with a name, that cannot work. instead says how it gets
// credentials, which do not belong into the address.
func (c HTTPCalls) check(name, address, instead string) error {
	if address == "" {
		return fmt.Errorf("%s_URL is not set: it is the provider's address", name)
	}
	problems := []error{checkTimes(name, c.CallDeadline, c.Lease, c.Margin, c.InFlight), checkUserinfo(name+"_URL", address, instead)}
	if err := c.CA.validate(); err != nil {
		problems = append(problems, fmt.Errorf("%s_CA: %w", name, err))
	}
	if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		problems = append(problems, fmt.Errorf("%s_URL is no http or https address", name))
	} else if u.Scheme == "http" && !c.AllowPlainHTTP && !Loopback(u.Hostname()) {
		problems = append(problems, fmt.Errorf("%s_URL is http: messages and credentials would be sent unencrypted (want https, or %s_ALLOW_PLAIN_HTTP=true on a trusted network)", name, name))
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
