package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/channel"
)

// Gateways are the providers.
type Gateways struct {
	SMTP SMTP
	SMS  HTTPGateway `envPrefix:"BALSONG_SMS_"`
	Push HTTPGateway `envPrefix:"BALSONG_PUSH_"`
}

// ByHTTP lists the providers that are called by HTTP, by their channels.
func (g Gateways) ByHTTP() []HTTPLane {
	return []HTTPLane{
		{channel.SMS, g.SMS},
		{channel.Push, g.Push},
	}
}

// HTTPLane is the provider of a channel. Its variables begin with BALSONG_ and the channel.
type HTTPLane struct {
	Channel channel.Kind
	HTTPGateway
}

// SMTP is the e-mail provider.
type SMTP struct {
	Addr         string        `env:"BALSONG_SMTP_ADDR" help:"host:port of the relay; without it no e-mail is sent"`
	TLS          string        `env:"BALSONG_SMTP_TLS" envDefault:"mandatory" help:"implicit (TLS from the first byte, port 465), mandatory (STARTTLS or no call), opportunistic (STARTTLS where offered) or none"`
	CA           CA            `env:"BALSONG_SMTP_CA" help:"PEM certificates that are trusted beside the system's, as in file:/etc/ssl/ca.pem"`
	User         string        `env:"BALSONG_SMTP_USER" help:"user; without it no login"`
	Password     string        `env:"BALSONG_SMTP_PASSWORD" secret:"true" help:"password; never sent unencrypted to another machine"`
	EHLO         string        `env:"BALSONG_SMTP_EHLO" help:"name of this machine in EHLO; without it its host name where that is fully qualified, else its address as in [192.0.2.1]"`
	From         string        `env:"BALSONG_SMTP_FROM" help:"From address of bills, with or without a name; required with BALSONG_SMTP_ADDR"`
	EnvelopeFrom string        `env:"BALSONG_SMTP_ENVELOPE_FROM" help:"address that bounces go to (MAIL FROM); without it that of From"`
	ReplyTo      string        `env:"BALSONG_SMTP_REPLY_TO" help:"Reply-To address; without it none"`
	AdFrom       string        `env:"BALSONG_SMTP_ADVERTISING_FROM" help:"From address of the class ADVERTISING; without it that of bills"`
	AdReplyTo    string        `env:"BALSONG_SMTP_ADVERTISING_REPLY_TO" help:"Reply-To address of the class ADVERTISING; without it that of bills"`
	FeedbackID   string        `env:"BALSONG_SMTP_FEEDBACK_ID" help:"sender id of Feedback-ID (5 to 15 letters, digits, hyphens, dots), by which Gmail's Postmaster Tools report complaints; the relay's DKIM signature must cover the header; without it there is none"`
	CallDeadline time.Duration `env:"BALSONG_SMTP_CALL_DEADLINE" envDefault:"10m" help:"longest call (RFC 5321 asks for 10m)"`
	Lease        time.Duration `env:"BALSONG_SMTP_LEASE" envDefault:"15m" help:"how long a claim lasts; longer than call deadline and margin together"`
	Margin       time.Duration `env:"BALSONG_SMTP_MARGIN" envDefault:"30s" help:"time for what happens between claim and call"`
	Rate         float64       `env:"BALSONG_SMTP_RATE" envDefault:"0" help:"most messages a second; 0: no limit"`
	InFlight     int           `env:"BALSONG_SMTP_IN_FLIGHT" envDefault:"100" help:"most connections at the same time"`
}

// HTTPGateway is a provider that is called by HTTP: SMS, push.
type HTTPGateway struct {
	URL            string        `env:"URL" help:"https address that messages are posted to, the provider's root; without it none is sent"`
	CA             CA            `env:"CA" help:"PEM certificates that are trusted beside the system's, as in file:/etc/ssl/ca.pem"`
	Token          string        `env:"TOKEN" secret:"true" help:"bearer token; without it none is sent"`
	AllowPlainHTTP bool          `env:"ALLOW_PLAIN_HTTP" envDefault:"false" help:"let an http address of another machine have the messages and the token unencrypted"`
	CallDeadline   time.Duration `env:"CALL_DEADLINE" envDefault:"30s" help:"longest call"`
	Lease          time.Duration `env:"LEASE" envDefault:"90s" help:"how long a claim lasts; longer than call deadline and margin together"`
	Margin         time.Duration `env:"MARGIN" envDefault:"5s" help:"time for what happens between claim and call"`
	Rate           float64       `env:"RATE" envDefault:"0" help:"most messages a second; 0: no limit"`
	InFlight       int           `env:"IN_FLIGHT" envDefault:"10000" help:"most calls at the same time"`
}

func (g Gateways) validate() error {
	problems := []error{g.SMTP.check()}
	for _, lane := range g.ByHTTP() {
		problems = append(problems, lane.check())
	}
	return errors.Join(problems...)
}

func (s SMTP) check() error {
	if s.Addr == "" {
		return nil
	}
	problems := []error{checkTimes("BALSONG_SMTP", s.CallDeadline, s.Lease, s.Margin, s.InFlight)}
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	host, _, err := net.SplitHostPort(s.Addr)
	if err != nil || host == "" || strings.Contains(s.Addr, "@") {
		wrong("BALSONG_SMTP_ADDR is not host:port (a user belongs in BALSONG_SMTP_USER)")
	}
	if err := s.CA.validate(); err != nil {
		wrong("BALSONG_SMTP_CA: %w", err)
	}
	if !slices.Contains([]string{"implicit", "mandatory", "opportunistic", "none"}, s.TLS) {
		wrong("BALSONG_SMTP_TLS is %q (want implicit, mandatory, opportunistic or none)", s.TLS)
	}
	if s.User != "" && s.TLS == "none" && !Loopback(host) {
		wrong("BALSONG_SMTP_USER is set and BALSONG_SMTP_TLS is none: the password would be sent unencrypted (want implicit or mandatory)")
	}
	if s.From == "" {
		wrong("BALSONG_SMTP_FROM is not set: it is the address that bills come from")
	}
	for _, address := range []struct{ name, value string }{
		{"FROM", s.From}, {"ENVELOPE_FROM", s.EnvelopeFrom}, {"REPLY_TO", s.ReplyTo}, {"ADVERTISING_FROM", s.AdFrom}, {"ADVERTISING_REPLY_TO", s.AdReplyTo},
	} {
		if _, err := mail.ParseAddress(address.value); err != nil && address.value != "" {
			wrong("BALSONG_SMTP_%s is no e-mail address", address.name)
		}
	}
	return errors.Join(problems...)
}

func (l HTTPLane) check() error {
	if l.URL == "" {
		return nil
	}
	name := "BALSONG_" + string(l.Channel)
	problems := []error{checkTimes(name, l.CallDeadline, l.Lease, l.Margin, l.InFlight), checkUserinfo(name+"_URL", l.URL, "set "+name+"_TOKEN")}
	if err := l.CA.validate(); err != nil {
		problems = append(problems, fmt.Errorf("%s_CA: %w", name, err))
	}
	if u, err := url.Parse(l.URL); err == nil && u.Scheme == "http" && !l.AllowPlainHTTP && !Loopback(u.Hostname()) {
		problems = append(problems, fmt.Errorf("%s_URL is http: messages and token would be sent unencrypted (want https, or %s_ALLOW_PLAIN_HTTP=true on a trusted network)", name, name))
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
