package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway/smtp"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
)

// SMTP is the e-mail provider.
type SMTP struct {
	Addr         string        `env:"BALSONG_SMTP_ADDR" help:"host:port of the relay; without it no e-mail goes by SMTP"`
	TLS          string        `env:"BALSONG_SMTP_TLS" envDefault:"mandatory" help:"implicit (TLS from the first byte, port 465), mandatory (STARTTLS or no call), opportunistic (STARTTLS where offered) or none"`
	CA           CA            `env:"BALSONG_SMTP_CA" help:"PEM certificates that are trusted beside the system's, as in file:/etc/ssl/ca.pem"`
	User         string        `env:"BALSONG_SMTP_USER" help:"user, with XOAUTH2 the mailbox; without it no login"`
	Password     string        `env:"BALSONG_SMTP_PASSWORD" secret:"true" help:"password; never sent unencrypted to another machine"`
	Auth         string        `env:"BALSONG_SMTP_AUTH" envDefault:"password" help:"how the user logs in: password (PLAIN, or LOGIN where the server does not offer PLAIN), or XOAUTH2 (a token of BALSONG_SMTP_OAUTH_TOKEN_URL)"`
	OAuth        SMTPOAuth     `envPrefix:"BALSONG_SMTP_OAUTH_"`
	EHLO         string        `env:"BALSONG_SMTP_EHLO" help:"name of this machine in EHLO; without it its host name where that is fully qualified, else its address as in [192.0.2.1]"`
	From         string        `env:"BALSONG_SMTP_FROM" help:"From address of bills, with or without a name; required with BALSONG_SMTP_ADDR"`
	EnvelopeFrom string        `env:"BALSONG_SMTP_ENVELOPE_FROM" help:"address that bounces go to (MAIL FROM); with {key} before its @, as in bounces+{key}@example.com, one for each message, by which a bounce finds its bill (takes BALSONG_REFERENCE_SECRETS); without it that of From"`
	ReplyTo      string        `env:"BALSONG_SMTP_REPLY_TO" help:"Reply-To address; without it none"`
	AdFrom       string        `env:"BALSONG_SMTP_ADVERTISING_FROM" help:"From address of the class ADVERTISING; without it that of bills"`
	AdReplyTo    string        `env:"BALSONG_SMTP_ADVERTISING_REPLY_TO" help:"Reply-To address of the class ADVERTISING; without it that of bills"`
	FeedbackID   string        `env:"BALSONG_SMTP_FEEDBACK_ID" help:"sender id of Feedback-ID (5 to 15 letters, digits, hyphens, dots), by which Gmail's Postmaster Tools report complaints; the DKIM signature, the relay's or ours, must cover the header; without it there is none"`
	DKIM         DKIM          `envPrefix:"BALSONG_SMTP_DKIM_"`
	CallDeadline time.Duration `env:"BALSONG_SMTP_CALL_DEADLINE" envDefault:"10m" help:"longest call (RFC 5321 asks for 10m)"`
	Lease        time.Duration `env:"BALSONG_SMTP_LEASE" envDefault:"15m" help:"how long a claim lasts; longer than call deadline and margin together"`
	Margin       time.Duration `env:"BALSONG_SMTP_MARGIN" envDefault:"30s" help:"time for what happens between claim and call"`
	Prices       []string      `env:"BALSONG_SMTP_PRICES" help:"what the relay charges by the contract: the currency and the price of a message, as in USD,message:0.0001; without it costs are not known"`
	Rate         float64       `env:"BALSONG_SMTP_RATE" envDefault:"0" help:"the provider's limit of messages a second, for all processes together; 0: no limit"`
	InFlight     int           `env:"BALSONG_SMTP_IN_FLIGHT" envDefault:"100" help:"most connections at the same time"`
}

// XOAuth2 is the value of BALSONG_SMTP_AUTH that logs in with a token.
const XOAuth2 = "XOAUTH2"

// SMTPOAuth is where a login by XOAUTH2 gets its tokens.
type SMTPOAuth struct {
	OAuthClient
	RefreshToken string `env:"REFRESH_TOKEN" secret:"true" help:"refresh token that a person has granted, for the grant refresh_token; without it client_credentials"`
}

func (o SMTPOAuth) set() bool { return o.OAuthClient.set() || o.RefreshToken != "" }

// provider is the relay with its bounds.
func (s SMTP) provider() port.Provider {
	return port.Provider{
		Name: ProviderSMTP, Channel: channel.Email, CallDeadline: s.CallDeadline, Lease: s.Lease, Margin: s.Margin, Rate: s.Rate, InFlight: s.InFlight,
	}
}

// check refuses a relay that cannot work.
func (s SMTP) check(references []string) error {
	if s.Addr == "" {
		return errors.New("BALSONG_SMTP_ADDR is not set: it is the relay, host:port")
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
	problems = append(problems, s.checkLogin(), s.checkEnvelope(references), s.DKIM.check(s.From, s.AdFrom))
	return errors.Join(problems...)
}

// checkLogin refuses a login by tokens that is not complete, or that would not be used.
func (s SMTP) checkLogin() error {
	switch {
	case !slices.Contains([]string{"", "password", XOAuth2}, s.Auth):
		return fmt.Errorf("BALSONG_SMTP_AUTH is %q (want password or XOAUTH2)", s.Auth)
	case s.Auth != XOAuth2 && s.OAuth.set():
		return errors.New("BALSONG_SMTP_OAUTH_… is set, and BALSONG_SMTP_AUTH is not XOAUTH2: set it, or take them away")
	case s.Auth != XOAuth2:
		return nil
	case s.User == "":
		return errors.New("BALSONG_SMTP_USER is not set: with BALSONG_SMTP_AUTH=XOAUTH2 it is the mailbox that sends")
	case s.Password != "":
		return errors.New("BALSONG_SMTP_PASSWORD is set, and BALSONG_SMTP_AUTH is XOAUTH2, which has none: take one away")
	}
	var unused error
	if s.OAuth.RefreshToken != "" && len(s.OAuth.Scopes) > 0 {
		unused = errors.New("BALSONG_SMTP_OAUTH_SCOPES is set, and a refresh token has the scopes that it was granted for: take one away")
	}
	return errors.Join(unused, s.OAuth.check("BALSONG_SMTP_OAUTH", "BALSONG_SMTP_AUTH=XOAUTH2", s.OAuth.RefreshToken != ""))
}

// checkEnvelope refuses addresses of bounces that could not be written, or whose keys could not be signed.
func (s SMTP) checkEnvelope(secrets []string) error {
	if !smtp.IsPattern(s.EnvelopeFrom) {
		return nil
	}
	var problems []error
	if _, err := smtp.ParsePattern(s.EnvelopeFrom); err != nil {
		problems = append(problems, fmt.Errorf("BALSONG_SMTP_ENVELOPE_FROM: %w", err))
	}
	if len(secrets) == 0 {
		problems = append(problems, errors.New("BALSONG_SMTP_ENVELOPE_FROM has {key}, and BALSONG_REFERENCE_SECRETS, which sign it, is not set (make one with openssl rand -hex 32)"))
	}
	return errors.Join(problems...)
}
