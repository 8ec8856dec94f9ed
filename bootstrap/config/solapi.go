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

// check refuses an account that cannot send.
func (s SOLAPI) check(references []string) error {
	problems := []error{s.HTTPCalls.check("BALSONG_SOLAPI", s.URL, "set BALSONG_SOLAPI_KEY and BALSONG_SOLAPI_SECRET")}
	wrong := func(said string) { problems = append(problems, errors.New(said)) }
	if s.Key == "" {
		wrong("BALSONG_SOLAPI_KEY is not set: it is made in the console, at API Key")
	}
	if s.Secret == "" {
		wrong("BALSONG_SOLAPI_SECRET is not set: it is made with BALSONG_SOLAPI_KEY")
	}
	if !koreanSender.MatchString(s.From) {
		wrong("BALSONG_SOLAPI_FROM is no sender number (want digits, as in 029302266)")
	}
	if s.Webhook != "" && !pathSecret.MatchString(s.Webhook) {
		wrong("BALSONG_SOLAPI_WEBHOOK_SECRET has not at least 32 letters and digits, and nothing else (make one with openssl rand -hex 32)")
	}
	if s.Webhook != "" && len(references) == 0 {
		wrong("BALSONG_SOLAPI_WEBHOOK_SECRET is set, and BALSONG_REFERENCE_SECRETS is not: no webhook would find its bill (set it too)")
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

// check refuses an account that cannot send.
func (s SOLAPIAlimTalk) check(references []string) error {
	problems := []error{s.HTTPCalls.check("BALSONG_SOLAPI_ALIMTALK", s.URL, "set BALSONG_SOLAPI_ALIMTALK_KEY and BALSONG_SOLAPI_ALIMTALK_SECRET")}
	wrong := func(said string) { problems = append(problems, errors.New(said)) }
	if s.Key == "" {
		wrong("BALSONG_SOLAPI_ALIMTALK_KEY is not set: it is made in the console, at API Key")
	}
	if s.Secret == "" {
		wrong("BALSONG_SOLAPI_ALIMTALK_SECRET is not set: it is made with BALSONG_SOLAPI_ALIMTALK_KEY")
	}
	if !koreanSender.MatchString(s.From) {
		wrong("BALSONG_SOLAPI_ALIMTALK_FROM is no sender number (want digits, as in 029302266)")
	}
	if s.Profile == "" {
		wrong("BALSONG_SOLAPI_ALIMTALK_PFID is not set: the console shows it at the KakaoTalk channel")
	}
	if s.Webhook != "" && !pathSecret.MatchString(s.Webhook) {
		wrong("BALSONG_SOLAPI_ALIMTALK_WEBHOOK_SECRET has not at least 32 letters and digits, and nothing else (make one with openssl rand -hex 32)")
	}
	if s.Webhook != "" && len(references) == 0 {
		wrong("BALSONG_SOLAPI_ALIMTALK_WEBHOOK_SECRET is set, and BALSONG_REFERENCE_SECRETS is not: no webhook would find its bill (set it too)")
	}
	return errors.Join(problems...)
}
