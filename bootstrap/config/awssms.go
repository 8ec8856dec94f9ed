package config

import (
	"cmp"
	"errors"
)

// AWSSMS is an account at AWS End User Messaging SMS. Who signs in is the process's own identity at AWS.
type AWSSMS struct {
	Sender           string `env:"SENDER" help:"number in E.164, sender id, pool or ARN that messages come from; without it no SMS goes by AWS"`
	ConfigurationSet string `env:"CONFIGURATION_SET" help:"configuration set, which publishes what became of a message (docs/providers/aws-sms.md); without it the account's own"`
	Region           string `env:"REGION" help:"region of the service; without it that of AWS_REGION"`
	URL              string `env:"URL" help:"https address of a server that is not AWS, for tests; without it AWS is called"`
	HTTPCalls
}

// check refuses an account that cannot work.
func (s AWSSMS) check() error {
	problems := []error{s.HTTPCalls.check("BALSONG_AWS_SMS", cmp.Or(s.URL, "https://sms-voice.amazonaws.com"), "AWS's own variables have the credentials")}
	if s.Sender == "" {
		problems = append(problems, errors.New("BALSONG_AWS_SMS_SENDER is not set: it is the number, sender id or pool that messages come from"))
	}
	return errors.Join(problems...)
}
