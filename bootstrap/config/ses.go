package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/mail"
	"strings"
)

// SES is an account at Amazon SES. Who signs in is the process's own identity at AWS.
type SES struct {
	From             string `env:"FROM" help:"From address of bills, with or without a name, verified at SES; without it no e-mail goes by SES"`
	ReplyTo          string `env:"REPLY_TO" help:"Reply-To address; without it none"`
	AdFrom           string `env:"ADVERTISING_FROM" help:"From address of the class ADVERTISING; without it that of bills"`
	AdReplyTo        string `env:"ADVERTISING_REPLY_TO" help:"Reply-To address of the class ADVERTISING; without it that of bills"`
	FeedbackID       string `env:"FEEDBACK_ID" help:"sender id of Feedback-ID (5 to 15 letters, digits, hyphens, dots), by which Gmail's Postmaster Tools report complaints; without it there is none"`
	ConfigurationSet string `env:"CONFIGURATION_SET" help:"configuration set, which publishes what became of a message (docs/providers/ses.md); without it the identity's own"`
	Topic            string `env:"TOPIC" help:"ARN of the SNS topic to which the configuration set publishes, and which the feedback service is subscribed to; without it no report of SES is taken"`
	Bounces          string `env:"BOUNCES" help:"address that SES forwards bounces and complaints to by mail; without it as the identity is set"`
	Region           string `env:"REGION" help:"region of SES; without it that of AWS_REGION"`
	URL              string `env:"URL" help:"https address of a server that is not AWS, for tests; without it AWS is called"`
	HTTPCalls
}

// check refuses an account that cannot work.
func (s SES) check(references []string) error {
	problems := []error{s.HTTPCalls.check("BALSONG_SES", cmp.Or(s.URL, "https://email.amazonaws.com"), "AWS's own variables have the credentials")}
	problems = append(problems, checkTopic("BALSONG_SES", s.Topic, references))
	if s.From == "" {
		problems = append(problems, errors.New("BALSONG_SES_FROM is not set: it is the address that bills come from, verified at SES"))
	}
	for _, address := range []struct{ name, value string }{
		{"FROM", s.From}, {"REPLY_TO", s.ReplyTo}, {"ADVERTISING_FROM", s.AdFrom}, {"ADVERTISING_REPLY_TO", s.AdReplyTo}, {"BOUNCES", s.Bounces},
	} {
		if _, err := mail.ParseAddress(address.value); err != nil && address.value != "" {
			problems = append(problems, fmt.Errorf("BALSONG_SES_%s is no e-mail address", address.name))
		}
	}
	if strings.ContainsAny(s.Bounces, "{}") { // a letter of an address, by RFC 5322
		problems = append(problems, errors.New("BALSONG_SES_BOUNCES has { or }: {key} is replaced in BALSONG_SMTP_ENVELOPE_FROM alone; what SES forwards names its bill by a tag"))
	}
	return errors.Join(problems...)
}
