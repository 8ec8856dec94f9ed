package doctor

import (
	"slices"
	"strings"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/domain/channel"
)

// vendorAdvice says what to do where a vendor refuses the check in its own words; "": nothing more is known.
func vendorAdvice(provider config.Provider, said string) string {
	switch provider.Name {
	case config.ProviderSES, config.ProviderAWSSMS:
		return awsAdvice(provider.Name, said)
	case config.ProviderFCM:
		return fcmAdvice(said)
	case config.ProviderTwilio:
		return twilioAdvice(said)
	case config.ProviderNHN:
		return nhnAdvice(provider, said)
	case config.ProviderSOLAPI:
		return solapiAdvice(provider.Variables, said)
	}
	return ""
}

func twilioAdvice(said string) string {
	switch {
	case strings.Contains(said, ": 401"):
		return "check BALSONG_TWILIO_ACCOUNT, BALSONG_TWILIO_KEY and BALSONG_TWILIO_SECRET; a restricted key must be allowed to read messages for this check alone"
	case strings.Contains(said, "sender number"):
		return "take one of the account's numbers (Twilio's console, Phone Numbers) for BALSONG_TWILIO_FROM, or check that BALSONG_TWILIO_ACCOUNT is the account that has it"
	}
	return ""
}

// The codes by which NHN Cloud's AlimTalk refuses the keys, and the sender profile; SMS refuses its keys by -10 and what follows.
var (
	alimTalkKeys    = []string{"code -1000", "code -1001", "code -4004", "code -4005"}
	alimTalkProfile = []string{"code -1006", "code -1014", "code -1027", "code -2017", "sender profile"}
)

// nhnAdvice says what to do by what one of NHN Cloud's services said: each has keys of its own.
func nhnAdvice(provider config.Provider, said string) string {
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(said, w) })
	}
	variable, service, keys := provider.Variables, "SMS", []string{", code -10"}
	if provider.Channel == channel.AlimTalk {
		service, keys = "KakaoTalk Bizmessage", alimTalkKeys
		if says(alimTalkProfile...) {
			return "register the sender profile at NHN Cloud (console: KakaoTalk Bizmessage, sender profiles), or end its block there; or check " + variable + "_SENDER_KEY"
		}
	}
	switch {
	case says("sender number"):
		return "register the number at NHN Cloud (console: SMS, sender numbers), or check " + variable + "_FROM"
	case says(keys...), says(": 401", ": 403"):
		return "check " + variable + "_APP_KEY and " + variable + "_SECRET_KEY; the console shows both at the service " + service + ", which must be switched on"
	}
	return ""
}

// solapiAdvice says what to do by what SOLAPI said about the account of some variables.
func solapiAdvice(variable, said string) string {
	switch {
	case strings.Contains(said, "RequestTimeTooSkewed"):
		return "set this machine's clock: SOLAPI takes no call from one that is more than 15 minutes wrong"
	case strings.Contains(said, ": 403"):
		return "check " + variable + "_KEY and " + variable + "_SECRET, and which addresses the key may be used from"
	}
	return ""
}

// awsAdvice says what to do by what Amazon SES or AWS End User Messaging said.
func awsAdvice(provider, said string) string {
	region, parameter, name := "BALSONG_SES_REGION", "SesSender", "Amazon SES"
	if provider == config.ProviderAWSSMS {
		region, parameter, name = "BALSONG_AWS_SMS_REGION", "SmsSender", "AWS End User Messaging"
	}
	words := strings.ToLower(said)
	switch {
	case strings.Contains(words, "no verified identity"):
		return "verify the address or its domain at Amazon SES in the region of " + region + " (else AWS_REGION), or correct BALSONG_SES_FROM and BALSONG_SES_ADVERTISING_FROM"
	case strings.Contains(words, "sandbox"):
		return "request production access for the region of " + region + " (else AWS_REGION), before the first month: a day or more"
	case strings.Contains(words, "1 usd a month"):
		return "let AWS raise the spending limit above a month of messages, before the first one (docs/providers/aws-sms.md)"
	case strings.Contains(words, "no aws region"):
		return "set " + region + ", or AWS_REGION"
	case strings.Contains(words, "gives no credentials"):
		return "let this process have a role: the task's, the machine's, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	case strings.Contains(words, "security token"), strings.Contains(words, "unrecognizedclient"), strings.Contains(words, "invalidclienttoken"), strings.Contains(words, "expiredtoken"), strings.Contains(words, "signaturedoesnotmatch"):
		return "AWS does not know the credentials: they have expired, are of another partition, or of a region that the account has not switched on; look at " + region + " too"
	case strings.Contains(words, "not authorized"), strings.Contains(words, "accessdenied"):
		return "give the role of this process the right that is named; with the templates of deploy/aws: deploy.sh access " + parameter + "=…"
	case strings.Contains(words, "no such host"):
		return "the region has no such service, or its name is wrong: check " + region + " and AWS_REGION"
	case strings.Contains(words, "paused"):
		return "AWS paused sending for bounces or complaints: the console of " + name + " (account dashboard) says why, and takes the appeal"
	case strings.Contains(words, "quota"):
		return "let AWS raise the quota of 24 hours above a day's bills; until then bills wait"
	}
	return "check " + region + " and AWS_REGION, and that this machine may reach " + name
}

// fcmAdvice says what to do by what Google or FCM said.
func fcmAdvice(said string) string {
	switch {
	case strings.Contains(said, "UNAUTHENTICATED"), strings.Contains(said, ": 401"):
		return "check BALSONG_FCM_SECRET: the key of the service account was deleted, or is another one's; and this machine's clock"
	case strings.Contains(said, "PERMISSION_DENIED"), strings.Contains(said, ": 403"):
		return "give the service account the role roles/firebasecloudmessaging.admin in the project, and switch the Firebase Cloud Messaging API on there; check BALSONG_FCM_PROJECT"
	case strings.Contains(said, "NOT_FOUND"), strings.Contains(said, ": 404"):
		return "there is no such project: check BALSONG_FCM_PROJECT (its id, not its name or number)"
	case strings.Contains(said, "invalid_grant"):
		return "Google takes no token from this key: it was deleted, or this machine's clock is wrong"
	}
	return ""
}
