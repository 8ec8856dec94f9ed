package config

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/balsong/balsong/adapters/gateway/sns"
)

// AWSSMS is an account at AWS End User Messaging SMS. Who signs in is the process's own identity at AWS.
type AWSSMS struct {
	Sender           string `env:"SENDER" help:"number in E.164, sender id, pool or ARN that messages come from; without it no SMS goes by AWS"`
	ConfigurationSet string `env:"CONFIGURATION_SET" help:"configuration set, which publishes what became of a message (docs/providers/aws-sms.md); without it the account's own"`
	Topic            string `env:"TOPIC" help:"ARN of the SNS topic to which the configuration set publishes, and which the feedback service is subscribed to; without it no report of AWS's is taken"`
	Region           string `env:"REGION" help:"region of the service; without it that of AWS_REGION"`
	URL              string `env:"URL" help:"https address of a server that is not AWS, for tests; without it AWS is called"`
	HTTPCalls
}

// check refuses an account that cannot work.
func (s AWSSMS) check(references []string) error {
	problems := []error{s.HTTPCalls.check("BALSONG_AWS_SMS", cmp.Or(s.URL, "https://sms-voice.amazonaws.com"), "AWS's own variables have the credentials")}
	problems = append(problems, checkTopic("BALSONG_AWS_SMS", s.Topic, references))
	if s.Sender == "" {
		problems = append(problems, errors.New("BALSONG_AWS_SMS_SENDER is not set: it is the number, sender id or pool that messages come from"))
	}
	return errors.Join(problems...)
}

// checkTopic refuses what is no topic, or one whose events would find no bill. name is what the variables begin with.
func checkTopic(name, topic string, references []string) error {
	if topic == "" {
		return nil
	}
	if _, err := sns.New(topic, nil); err != nil {
		return fmt.Errorf("%s_TOPIC is %w", name, err)
	}
	return needsReferences(name+"_TOPIC", topic, references)
}
