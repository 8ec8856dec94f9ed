package config

import (
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
)

// Twilio is an account there.
type Twilio struct {
	URL       string `env:"URL" envDefault:"https://api.twilio.com" help:"where Twilio is called"`
	Account   string `env:"ACCOUNT" help:"account SID, AC…"`
	Key       string `env:"KEY" help:"SID of an API key, SK…; without it the account signs in with its token"`
	Secret    string `env:"SECRET" secret:"true" help:"secret of the API key, or the account's token"`
	From      string `env:"FROM" help:"number or alphanumeric sender that messages come from; or BALSONG_TWILIO_SERVICE"`
	Service   string `env:"SERVICE" help:"SID of a messaging service, MG…, which picks the sender"`
	StatusURL string `env:"STATUS_URL" help:"https address that Twilio reports to what became of a message, as in https://feedback.example.com/reports/twilio; what stands for the delivery key (BALSONG_REFERENCE_SECRETS) comes into its query; without it none"`
	AuthToken string `env:"AUTH_TOKEN" secret:"true" help:"the account's token, with which Twilio signs its reports; without BALSONG_TWILIO_KEY it is BALSONG_TWILIO_SECRET"`
	HTTPCalls
}

// check refuses an account that cannot work.
func (t Twilio) check(references []string) error {
	problems := []error{t.HTTPCalls.check("BALSONG_TWILIO", t.URL, "set BALSONG_TWILIO_ACCOUNT and BALSONG_TWILIO_SECRET"), needsReferences("BALSONG_TWILIO_STATUS_URL", t.StatusURL, references)}
	wrong := func(said string) { problems = append(problems, errors.New(said)) }
	if t.Account == "" {
		wrong("BALSONG_TWILIO_ACCOUNT is not set: it is the account's SID, AC…")
	} else if !sid("AC", t.Account) {
		wrong("BALSONG_TWILIO_ACCOUNT is no account SID (want AC and 32 hexadecimal digits)")
	}
	if strings.ContainsAny(t.Key, ": ") {
		wrong("BALSONG_TWILIO_KEY is no SID of an API key (want SK…, without a colon or blank)")
	}
	if t.Secret == "" {
		wrong("BALSONG_TWILIO_SECRET is not set: it belongs to BALSONG_TWILIO_KEY, or is the account's token")
	}
	if (t.From == "") == (t.Service == "") {
		wrong("set one of BALSONG_TWILIO_FROM and BALSONG_TWILIO_SERVICE")
	}
	if t.Service != "" && !sid("MG", t.Service) {
		wrong("BALSONG_TWILIO_SERVICE is no SID of a messaging service (want MG and 32 hexadecimal digits)")
	}
	if u, err := url.Parse(t.StatusURL); t.StatusURL != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.Fragment != "") {
		wrong("BALSONG_TWILIO_STATUS_URL is no https address (without #)")
	}
	if t.StatusURL != "" && t.Token() == "" {
		wrong("BALSONG_TWILIO_STATUS_URL is set, and BALSONG_TWILIO_AUTH_TOKEN, with which Twilio signs its reports, is not")
	}
	return errors.Join(problems...)
}

// Token is the account's, with which Twilio signs what it reports; "": it is not known.
func (t Twilio) Token() string {
	if t.AuthToken == "" && t.Key == "" {
		return t.Secret
	}
	return t.AuthToken
}

// sid reports whether a text is one of Twilio's identifiers, which begin with two letters that say of what.
func sid(of, text string) bool {
	digits, found := strings.CutPrefix(text, of)
	_, err := hex.DecodeString(digits)
	return found && err == nil && len(digits) == 32
}
