package config

import (
	"errors"
	"regexp"
)

// NHN is a project at NHN Cloud.
type NHN struct {
	URL       string `env:"URL" envDefault:"https://sms.api.nhncloudservice.com" help:"where NHN Cloud's SMS API is called"`
	AppKey    string `env:"APP_KEY" help:"app key of the SMS service"`
	SecretKey string `env:"SECRET_KEY" secret:"true" help:"secret key of the SMS service"`
	From      string `env:"FROM" help:"registered sender number that messages come from"`
	Signature string `env:"WEBHOOK_SECRET" secret:"true" help:"what the console is told to sign webhooks with, at least 32 characters; without it no webhook is believed"`
	HTTPCalls
}

// minSignature is the shortest text that webhooks may be signed with, in characters, as package nhn asks.
const minSignature = 32

// koreanSender is a number that messages in Korea may come from.
var koreanSender = regexp.MustCompile(`^[0-9][0-9-]{2,15}$`)

// check refuses a project that cannot send, or whose webhooks would find no bill.
func (n NHN) check(references []string) error {
	problems := []error{n.HTTPCalls.check("BALSONG_NHN", n.URL, "set BALSONG_NHN_APP_KEY and BALSONG_NHN_SECRET_KEY")}
	wrong := func(said string) { problems = append(problems, errors.New(said)) }
	if n.AppKey == "" {
		wrong("BALSONG_NHN_APP_KEY is not set: the console shows it at the SMS service, URL & Appkey")
	}
	if n.SecretKey == "" {
		wrong("BALSONG_NHN_SECRET_KEY is not set: the console shows it at the SMS service, beside the app key")
	}
	if !koreanSender.MatchString(n.From) {
		wrong("BALSONG_NHN_FROM is no sender number (want digits, as in 15446859)")
	}
	if n.Signature != "" && len(n.Signature) < minSignature {
		wrong("BALSONG_NHN_WEBHOOK_SECRET is short: who guesses it forges reports (make one with openssl rand -hex 32)")
	}
	if n.Signature != "" && len(references) == 0 {
		wrong("BALSONG_NHN_WEBHOOK_SECRET is set, and BALSONG_REFERENCE_SECRETS is not: no webhook would find its bill (set it too)")
	}
	return errors.Join(problems...)
}

// NHNAlimTalk is a project at NHN Cloud's KakaoTalk Bizmessage, a service apart from SMS.
type NHNAlimTalk struct {
	URL       string `env:"URL" envDefault:"https://kakaotalk-bizmessage.api.nhncloudservice.com" help:"where NHN Cloud's KakaoTalk Bizmessage API is called"`
	AppKey    string `env:"APP_KEY" help:"app key of the KakaoTalk Bizmessage service"`
	SecretKey string `env:"SECRET_KEY" secret:"true" help:"secret key of the KakaoTalk Bizmessage service"`
	SenderKey string `env:"SENDER_KEY" help:"key of the sender profile that messages come from, 40 characters"`
	Signature string `env:"WEBHOOK_SECRET" secret:"true" help:"what the console is told to sign webhooks with, at least 32 characters; without it no webhook is believed"`
	HTTPCalls
}

// senderKeyLength is how many characters a sender profile's key has, as package nhn asks.
const senderKeyLength = 40

// check refuses a project that cannot send, or whose webhooks would find no bill.
func (n NHNAlimTalk) check(references []string) error {
	problems := []error{n.HTTPCalls.check("BALSONG_NHN_ALIMTALK", n.URL, "set BALSONG_NHN_ALIMTALK_APP_KEY and BALSONG_NHN_ALIMTALK_SECRET_KEY")}
	wrong := func(said string) { problems = append(problems, errors.New(said)) }
	if n.AppKey == "" {
		wrong("BALSONG_NHN_ALIMTALK_APP_KEY is not set: the console shows it at KakaoTalk Bizmessage, URL & Appkey")
	}
	if n.SecretKey == "" {
		wrong("BALSONG_NHN_ALIMTALK_SECRET_KEY is not set: the console shows it at KakaoTalk Bizmessage, beside the app key")
	}
	if len(n.SenderKey) != senderKeyLength {
		wrong("BALSONG_NHN_ALIMTALK_SENDER_KEY is no key of a sender profile (40 characters; the console shows it at the sender profile)")
	}
	if n.Signature != "" && len(n.Signature) < minSignature {
		wrong("BALSONG_NHN_ALIMTALK_WEBHOOK_SECRET is short: who guesses it forges reports (make one with openssl rand -hex 32)")
	}
	if n.Signature != "" && len(references) == 0 {
		wrong("BALSONG_NHN_ALIMTALK_WEBHOOK_SECRET is set, and BALSONG_REFERENCE_SECRETS is not: no webhook would find its bill (set it too)")
	}
	return errors.Join(problems...)
}
