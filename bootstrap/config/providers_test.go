package config_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/config"
)

// twilio is an account there, with changes.
func twilio(change map[string]string) map[string]string {
	set := map[string]string{
		"BALSONG_TWILIO_ACCOUNT": "AC0123456789abcdef0123456789abcdef", "BALSONG_TWILIO_SECRET": "hunter2", "BALSONG_TWILIO_FROM": "Shop",
	}
	maps.Copy(set, change)
	return set
}

func TestAProviderIsChosenByNameAndSaysWhatItNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		set     map[string]string
		refused string // "": accepted
	}{
		"another provider":      {map[string]string{"BALSONG_SMS_PROVIDERS": "carrier-pigeon"}, `BALSONG_SMS_PROVIDERS names "carrier-pigeon" (want some of http, `},
		"twilio for push":       {map[string]string{"BALSONG_PUSH_PROVIDERS": "twilio"}, `BALSONG_PUSH_PROVIDERS names "twilio"`},
		"twice":                 {map[string]string{"BALSONG_SMS_PROVIDERS": "twilio,twilio"}, "BALSONG_SMS_PROVIDERS names twilio twice"},
		"a weight in words":     {map[string]string{"BALSONG_SMS_PROVIDERS": "twilio:most"}, `the weight of "twilio" is not a whole number from 0 to 1000`},
		"a weight below none":   {map[string]string{"BALSONG_SMS_PROVIDERS": "twilio:-1,http:1"}, `the weight of "twilio"`},
		"half of the weights":   {map[string]string{"BALSONG_SMS_PROVIDERS": "twilio:70,http"}, "gives some providers a weight and others none"},
		"nobody":                {map[string]string{"BALSONG_SMS_PROVIDERS": "twilio:0"}, "nobody would send"},
		"an empty name":         {map[string]string{"BALSONG_SMS_PROVIDERS": "twilio,"}, `names ""`},
		"smtp alone":            {map[string]string{"BALSONG_EMAIL_PROVIDERS": "smtp"}, "BALSONG_SMTP_ADDR is not set"},
		"http alone":            {map[string]string{"BALSONG_SMS_PROVIDERS": "http"}, "BALSONG_SMS_URL is not set"},
		"twilio alone":          {map[string]string{"BALSONG_SMS_PROVIDERS": "twilio"}, "BALSONG_TWILIO_ACCOUNT is not set"},
		"twilio, no secret":     {twilio(map[string]string{"BALSONG_TWILIO_SECRET": ""}), "BALSONG_TWILIO_SECRET is not set"},
		"twilio, two senders":   {twilio(map[string]string{"BALSONG_TWILIO_SERVICE": "MG0123456789abcdef0123456789abcdef"}), "set one of BALSONG_TWILIO_FROM and BALSONG_TWILIO_SERVICE"},
		"twilio, http reports":  {twilio(map[string]string{"BALSONG_TWILIO_STATUS_URL": "http://example.com"}), "BALSONG_TWILIO_STATUS_URL is no https address"},
		"twilio, #reports":      {twilio(map[string]string{"BALSONG_TWILIO_STATUS_URL": "https://example.com/#a"}), "BALSONG_TWILIO_STATUS_URL is no https address"},
		"twilio, no reference":  {twilio(map[string]string{"BALSONG_TWILIO_STATUS_URL": "https://example.com/reports/twilio", "BALSONG_TWILIO_AUTH_TOKEN": "hunter2"}), "BALSONG_REFERENCE_SECRETS, by which a report finds its bill, is not"},
		"twilio, unsigned":      {twilio(map[string]string{"BALSONG_TWILIO_STATUS_URL": "https://example.com/reports/twilio", "BALSONG_TWILIO_KEY": "SK1", "BALSONG_REFERENCE_SECRETS": strings.Repeat("s", 32)}), "BALSONG_TWILIO_AUTH_TOKEN, with which Twilio signs its reports, is not"},
		"twilio reports":        {twilio(map[string]string{"BALSONG_TWILIO_STATUS_URL": "https://example.com/reports/twilio", "BALSONG_REFERENCE_SECRETS": strings.Repeat("s", 32)}), ""},
		"twilio, no account":    {twilio(map[string]string{"BALSONG_TWILIO_ACCOUNT": "AC1"}), "BALSONG_TWILIO_ACCOUNT is no account SID"},
		"twilio, a key":         {twilio(map[string]string{"BALSONG_TWILIO_KEY": "SK1:hunter2"}), "BALSONG_TWILIO_KEY is no SID"},
		"twilio, no service":    {twilio(map[string]string{"BALSONG_TWILIO_FROM": "", "BALSONG_TWILIO_SERVICE": "MG012345678gabcdef0123456789abcdef"}), "BALSONG_TWILIO_SERVICE is no SID"},
		"twilio, nowhere":       {twilio(map[string]string{"BALSONG_TWILIO_URL": "api.twilio.com"}), "BALSONG_TWILIO_URL is no http or https address"},
		"nowhere":               {map[string]string{"BALSONG_SMS_URL": "ftp://sms.example.com"}, "BALSONG_SMS_URL is no http or https address"},
		"twilio, by its group":  {map[string]string{"BALSONG_TWILIO_ACCOUNT": "AC1"}, "BALSONG_TWILIO_SECRET is not set"},
		"twilio, prices":        {twilio(map[string]string{"BALSONG_TWILIO_PRICES": "USD,segment:0.0083"}), ""},
		"twilio, another unit":  {twilio(map[string]string{"BALSONG_TWILIO_PRICES": "USD,sms:0.0083"}), `BALSONG_TWILIO_PRICES: these are no prices: "sms" is nothing that the provider charges for (want [segment])`},
		"twilio, a short lease": {twilio(map[string]string{"BALSONG_TWILIO_LEASE": "20s"}), "BALSONG_TWILIO_LEASE (20s) must be longer"},
		"both, and no list":     {twilio(map[string]string{"BALSONG_SMS_URL": "https://sms.example.com"}), "BALSONG_SMS_URL and BALSONG_TWILIO_ACCOUNT are both set: say in BALSONG_SMS_PROVIDERS"},
		"twilio, another's URL": {twilio(map[string]string{"BALSONG_SMS_PROVIDERS": "twilio", "BALSONG_SMS_URL": "https://sms.example.com"}), "BALSONG_SMS_URL is set, and http does not send on the channel SMS"},
		"another's token":       {twilio(map[string]string{"BALSONG_SMS_TOKEN": "hunter2"}), "BALSONG_SMS_TOKEN is set, and http does not send"},
		"not twilio":            {twilio(map[string]string{"BALSONG_SMS_PROVIDERS": "http", "BALSONG_SMS_URL": "https://sms.example.com"}), "BALSONG_TWILIO_ACCOUNT is set, and twilio does not send"},
		"nhn alone":             {map[string]string{"BALSONG_SMS_PROVIDERS": "nhn"}, "BALSONG_NHN_APP_KEY is not set"},
		"nhn, no secret":        {map[string]string{"BALSONG_NHN_APP_KEY": "app", "BALSONG_NHN_FROM": "15446859"}, "BALSONG_NHN_SECRET_KEY is not set"},
		"nhn, a name":           {map[string]string{"BALSONG_NHN_APP_KEY": "app", "BALSONG_NHN_SECRET_KEY": "hunter2", "BALSONG_NHN_FROM": "Shop"}, "BALSONG_NHN_FROM is no sender number"},
		"nhn":                   {map[string]string{"BALSONG_NHN_APP_KEY": "app", "BALSONG_NHN_SECRET_KEY": "hunter2", "BALSONG_NHN_FROM": "1544-6859"}, ""},
		"nhn, a short word":     {map[string]string{"BALSONG_NHN_APP_KEY": "app", "BALSONG_NHN_SECRET_KEY": "hunter2", "BALSONG_NHN_FROM": "15446859", "BALSONG_NHN_WEBHOOK_SECRET": "hunter2"}, "BALSONG_NHN_WEBHOOK_SECRET is short"},
		"nhn, no references":    {map[string]string{"BALSONG_NHN_APP_KEY": "app", "BALSONG_NHN_SECRET_KEY": "hunter2", "BALSONG_NHN_FROM": "15446859", "BALSONG_NHN_WEBHOOK_SECRET": strings.Repeat("w", 32)}, "BALSONG_NHN_WEBHOOK_SECRET is set, and BALSONG_REFERENCE_SECRETS, by which a report finds its bill, is not"},
		"solapi alone":          {map[string]string{"BALSONG_SMS_PROVIDERS": "solapi"}, "BALSONG_SOLAPI_KEY is not set"},
		"solapi, no secret":     {map[string]string{"BALSONG_SOLAPI_KEY": "KEY", "BALSONG_SOLAPI_FROM": "029302266"}, "BALSONG_SOLAPI_SECRET is not set"},
		"solapi, no sender":     {map[string]string{"BALSONG_SOLAPI_KEY": "KEY", "BALSONG_SOLAPI_SECRET": "hunter2"}, "BALSONG_SOLAPI_FROM is no sender number"},
		"solapi":                {map[string]string{"BALSONG_SOLAPI_KEY": "KEY", "BALSONG_SOLAPI_SECRET": "hunter2", "BALSONG_SOLAPI_FROM": "029302266"}, ""},
		"three, and no list":    {twilio(map[string]string{"BALSONG_NHN_APP_KEY": "app", "BALSONG_SOLAPI_KEY": "KEY"}), "say in BALSONG_SMS_PROVIDERS"},
		"twilio":                {twilio(nil), ""},
		"ses alone":             {map[string]string{"BALSONG_EMAIL_PROVIDERS": "ses"}, "BALSONG_SES_FROM is not set"},
		"ses, no address":       {map[string]string{"BALSONG_SES_FROM": "bills"}, "BALSONG_SES_FROM is no e-mail address"},
		"ses, {key}":            {map[string]string{"BALSONG_SES_FROM": "a@b.example", "BALSONG_SES_BOUNCES": "bounces+{key}@b.example"}, "BALSONG_SES_BOUNCES has { or }"},
		"ses, nowhere":          {map[string]string{"BALSONG_SES_FROM": "a@b.example", "BALSONG_SES_URL": "b.example"}, "BALSONG_SES_URL is no http or https address"},
		"ses, no lease":         {map[string]string{"BALSONG_SES_FROM": "a@b.example", "BALSONG_SES_LEASE": "20s"}, "BALSONG_SES_LEASE (20s) must be longer"},
		"ses":                   {map[string]string{"BALSONG_SES_FROM": "Bills <a@b.example>"}, ""},
		"ses or smtp":           {map[string]string{"BALSONG_SES_FROM": "a@b.example", "BALSONG_SMTP_ADDR": "relay:587", "BALSONG_SMTP_FROM": "a@b.example"}, "say in BALSONG_EMAIL_PROVIDERS"},
		"aws alone":             {map[string]string{"BALSONG_SMS_PROVIDERS": "aws"}, "BALSONG_AWS_SMS_SENDER is not set"},
		"aws":                   {map[string]string{"BALSONG_AWS_SMS_SENDER": "+15005550006"}, ""},
		"fcm alone":             {map[string]string{"BALSONG_PUSH_PROVIDERS": "fcm"}, "BALSONG_FCM_SECRET is not set"},
		"fcm, no account":       {map[string]string{"BALSONG_FCM_SECRET": "hunter2"}, "BALSONG_FCM_SECRET: no key of a Google service account"},
		"both":                  {twilio(map[string]string{"BALSONG_SMS_PROVIDERS": "http:70, twilio:0", "BALSONG_SMS_URL": "https://sms.example.com"}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			loads(t, c.set, c.refused)
		})
	}
}

func TestProvidersComeInTheOrderOfTheirListsWithTheirOwnBounds(t *testing.T) {
	for name, c := range map[string]struct {
		set  map[string]string
		want string
	}{
		"none":       {nil, ""},
		"configured": {map[string]string{"BALSONG_SMTP_ADDR": "relay:587", "BALSONG_SMTP_FROM": "a@b.example", "BALSONG_SMTP_RATE": "5", "BALSONG_PUSH_URL": "https://push.example.com"}, "email/smtp 1 5 push/http 1 0"},
		"a list":     {twilio(map[string]string{"BALSONG_SMS_PROVIDERS": "twilio:0,http:70", "BALSONG_SMS_URL": "https://x", "BALSONG_SMS_RATE": "9", "BALSONG_TWILIO_RATE": "7"}), "sms/twilio 0 7 sms/http 70 9"},
		"equal":      {twilio(map[string]string{"BALSONG_SMS_PROVIDERS": "http,twilio", "BALSONG_SMS_URL": "https://x"}), "sms/http 1 0 sms/twilio 1 0"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.set)
			loaded, err := config.Load[config.Deliverer](t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range loaded.Gateways.Providers() {
				got = append(got, fmt.Sprintf("%s %d %v", p.Account(), p.Weight, p.Rate))
			}
			if said := strings.Join(got, " "); said != c.want {
				t.Errorf("%q, want %q", said, c.want)
			}
		})
	}
}

func TestALeaseOfAGatewayThatIsNotUsedDoesNotMatter(t *testing.T) {
	environment(t, map[string]string{"BALSONG_SMS_LEASE": "1s"})
	if _, err := config.Load[config.Deliverer](t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAnAccountOfAlimTalkSaysWhatItNeedsAsThatOfSMSDoes(t *testing.T) {
	long := strings.Repeat("w", 32)
	nhn := map[string]string{"_APP_KEY": "app", "_SECRET_KEY": "hunter2"}
	solapi := map[string]string{"_KEY": "KEY", "_SECRET": "hunter2", "_FROM": "029302266"}
	for _, c := range []struct {
		name    string
		account map[string]string
		change  map[string]string
		refused string // behind the name
	}{
		{"NHN_ALIMTALK", nhn, map[string]string{"_SENDER_KEY": strings.Repeat("a", 40)}, ""},
		{"NHN_ALIMTALK", nhn, nil, "_SENDER_KEY is no key of a sender profile"},
		{"NHN_ALIMTALK", nhn, map[string]string{"_APP_KEY": ""}, "_APP_KEY is not set: the console shows it at KakaoTalk Bizmessage"},
		{"NHN_ALIMTALK", nhn, map[string]string{"_SECRET_KEY": ""}, "_SECRET_KEY is not set"},
		{"NHN_ALIMTALK", nhn, map[string]string{"_WEBHOOK_SECRET": "hunter2"}, "_WEBHOOK_SECRET is short"},
		{"NHN_ALIMTALK", nhn, map[string]string{"_WEBHOOK_SECRET": long}, "_WEBHOOK_SECRET is set, and BALSONG_REFERENCE_SECRETS, by which a report finds its bill, is not"},
		{"SOLAPI", solapi, map[string]string{"_WEBHOOK_SECRET": "hunter2"}, "_WEBHOOK_SECRET has not at least 32 letters and digits"},
		{"SOLAPI", solapi, map[string]string{"_WEBHOOK_SECRET": long}, "_WEBHOOK_SECRET is set, and BALSONG_REFERENCE_SECRETS, by which a report finds its bill, is not"},
		{"SOLAPI_ALIMTALK", solapi, map[string]string{"_PFID": "KA01PF"}, ""},
		{"SOLAPI_ALIMTALK", solapi, nil, "_PFID is not set"},
		{"SOLAPI_ALIMTALK", solapi, map[string]string{"_KEY": ""}, "_KEY is not set"},
		{"SOLAPI_ALIMTALK", solapi, map[string]string{"_SECRET": ""}, "_SECRET is not set: it is made with BALSONG_SOLAPI_ALIMTALK_KEY"},
		{"SOLAPI_ALIMTALK", solapi, map[string]string{"_FROM": "Shop"}, "_FROM is no sender number"},
		{"SOLAPI_ALIMTALK", solapi, map[string]string{"_WEBHOOK_SECRET": "hunter2"}, "_WEBHOOK_SECRET has not at least 32 letters and digits"},
		{"SOLAPI_ALIMTALK", solapi, map[string]string{"_WEBHOOK_SECRET": long}, "_WEBHOOK_SECRET is set, and BALSONG_REFERENCE_SECRETS, by which a report finds its bill, is not"},
	} {
		t.Run(c.name+c.refused, func(t *testing.T) {
			name, set := "BALSONG_"+c.name, map[string]string{}
			for _, some := range []map[string]string{c.account, c.change} {
				for variable, value := range some {
					set[name+variable] = value
				}
			}
			refused := c.refused
			if refused != "" {
				refused = name + refused
			}
			loads(t, set, refused)
		})
	}
}
