package config

import (
	"errors"
	"regexp"
)

// SOLAPI is an account there.
type SOLAPI struct {
	URL     string `env:"URL" envDefault:"https://api.solapi.com" help:"where SOLAPI is called"`
	Key     string `env:"KEY" help:"API key"`
	Secret  string `env:"SECRET" secret:"true" help:"secret of the API key"`
	From    string `env:"FROM" help:"registered sender number that messages come from"`
	Webhook string `env:"WEBHOOK_SECRET" secret:"true" help:"last part of the webhook's address, at least 32 letters and digits: SOLAPI signs nothing; without it no webhook is taken"`
	HTTPCalls
}

// pathSecret is a secret that stands in a path.
var pathSecret = regexp.MustCompile(`^[A-Za-z0-9]{32,200}$`)

// check refuses an account that cannot send, or whose webhooks would find no bill.
func (s SOLAPI) check(references []string) error { return s.checkAs("BALSONG_SOLAPI", references) }

// checkAs is check for an account whose variables begin with a name.
func (s SOLAPI) checkAs(name string, references []string) error {
	problems := []error{
		s.HTTPCalls.check(name, s.URL, "set "+name+"_KEY and "+name+"_SECRET"), needsReferences(name+"_WEBHOOK_SECRET", s.Webhook, references),
	}
	wrong := func(variable, said string) { problems = append(problems, errors.New(name+variable+said)) }
	if s.Key == "" {
		wrong("_KEY", " is not set: it is made in the console, at API Key")
	}
	if s.Secret == "" {
		wrong("_SECRET", " is not set: it is made with "+name+"_KEY")
	}
	if !koreanSender.MatchString(s.From) {
		wrong("_FROM", " is no sender number (want digits, as in 029302266)")
	}
	if s.Webhook != "" && !pathSecret.MatchString(s.Webhook) {
		wrong("_WEBHOOK_SECRET", " has not at least 32 letters and digits, and nothing else (make one with openssl rand -hex 32)")
	}
	return errors.Join(problems...)
}

// SOLAPIAlimTalk is an account there from which AlimTalk goes. It may be the one of SMS: then its key and secret are written twice.
type SOLAPIAlimTalk struct {
	URL     string `env:"URL" envDefault:"https://api.solapi.com" help:"where SOLAPI is called"`
	Key     string `env:"KEY" help:"API key"`
	Secret  string `env:"SECRET" secret:"true" help:"secret of the API key"`
	From    string `env:"FROM" help:"registered sender number, which SOLAPI wants although no SMS is sent in the place of AlimTalk"`
	Profile string `env:"PFID" help:"id that SOLAPI gave to the KakaoTalk channel (pfId)"`
	Webhook string `env:"WEBHOOK_SECRET" secret:"true" help:"last part of the address of a webhook of AlimTalk's own, at least 32 letters and digits; without it none is taken"`
	HTTPCalls
}

// check refuses an account that cannot send, or whose webhooks would find no bill.
func (s SOLAPIAlimTalk) check(references []string) error {
	account := SOLAPI{URL: s.URL, Key: s.Key, Secret: s.Secret, From: s.From, Webhook: s.Webhook, HTTPCalls: s.HTTPCalls}
	problems := []error{account.checkAs("BALSONG_SOLAPI_ALIMTALK", references)}
	if s.Profile == "" {
		problems = append(problems, errors.New("BALSONG_SOLAPI_ALIMTALK_PFID is not set: the console shows it at the KakaoTalk channel"))
	}
	return errors.Join(problems...)
}
