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
	problems := []error{nhnService{"BALSONG_NHN", "the SMS service", n.URL, n.AppKey, n.SecretKey, n.Signature, n.HTTPCalls}.check(references)}
	if !koreanSender.MatchString(n.From) {
		problems = append(problems, errors.New("BALSONG_NHN_FROM is no sender number (want digits, as in 15446859)"))
	}
	return errors.Join(problems...)
}

// nhnService is what every service of NHN Cloud has.
type nhnService struct {
	name, title, url, appKey, secretKey, signature string
	calls                                          HTTPCalls
}

// check refuses a service that cannot be called, or whose webhooks would find no bill.
func (s nhnService) check(references []string) error {
	problems := []error{
		s.calls.check(s.name, s.url, "set "+s.name+"_APP_KEY and "+s.name+"_SECRET_KEY"),
		needsReferences(s.name+"_WEBHOOK_SECRET", s.signature, references),
	}
	wrong := func(variable, said string) { problems = append(problems, errors.New(s.name+variable+said)) }
	if s.appKey == "" {
		wrong("_APP_KEY", " is not set: the console shows it at "+s.title+", URL & Appkey")
	}
	if s.secretKey == "" {
		wrong("_SECRET_KEY", " is not set: the console shows it at "+s.title+", beside the app key")
	}
	if s.signature != "" && len(s.signature) < minSignature {
		wrong("_WEBHOOK_SECRET", " is short: who guesses it forges reports (make one with openssl rand -hex 32)")
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
	problems := []error{nhnService{"BALSONG_NHN_ALIMTALK", "KakaoTalk Bizmessage", n.URL, n.AppKey, n.SecretKey, n.Signature, n.HTTPCalls}.check(references)}
	if len(n.SenderKey) != senderKeyLength {
		problems = append(problems, errors.New("BALSONG_NHN_ALIMTALK_SENDER_KEY is no key of a sender profile (40 characters; the console shows it at the sender profile)"))
	}
	return errors.Join(problems...)
}
