package config

import (
	"errors"
)

// SOLAPI is an account there.
type SOLAPI struct {
	URL    string `env:"URL" envDefault:"https://api.solapi.com" help:"where SOLAPI is called"`
	Key    string `env:"KEY" help:"API key"`
	Secret string `env:"SECRET" secret:"true" help:"secret of the API key"`
	From   string `env:"FROM" help:"registered sender number that messages come from"`
	HTTPCalls
}

// check refuses an account that cannot send.
func (s SOLAPI) check() error {
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
	return errors.Join(problems...)
}
