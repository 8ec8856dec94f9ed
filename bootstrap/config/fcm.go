package config

import (
	"errors"
	"fmt"

	"github.com/balsong/balsong/adapters/oauth"
)

// FCM is a project at Firebase Cloud Messaging.
type FCM struct {
	URL     string `env:"URL" envDefault:"https://fcm.googleapis.com" help:"where FCM is called"`
	Secret  string `env:"SECRET" secret:"true" help:"key of a Google service account that may send (roles/firebasecloudmessaging.admin): the JSON file's content, as in file:/run/secrets/fcm.json; without it no push goes by FCM"`
	Project string `env:"PROJECT" help:"id of the Firebase project; without it that of the service account"`
	HTTPCalls
}

// check refuses a project that cannot work.
func (f FCM) check() error {
	problems := []error{f.HTTPCalls.check("BALSONG_FCM", f.URL, "set BALSONG_FCM_SECRET")}
	account, err := oauth.ParseServiceAccount([]byte(f.Secret))
	switch {
	case f.Secret == "":
		problems = append(problems, errors.New("BALSONG_FCM_SECRET is not set: it is the key of a service account, as in file:/run/secrets/fcm.json"))
	case err != nil:
		problems = append(problems, fmt.Errorf("BALSONG_FCM_SECRET: %w", err))
	case f.Project == "" && account.Project == "":
		problems = append(problems, errors.New("BALSONG_FCM_PROJECT is not set, and the service account names no project"))
	}
	return errors.Join(problems...)
}
