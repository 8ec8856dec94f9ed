package config_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/bootstrap/config"
)

// environment sets variables for one test, so these tests do not run in parallel. "" takes one away.
func environment(t *testing.T, variables map[string]string) {
	t.Helper()
	all := map[string]string{
		"DATABASE_URL":          "postgres://user:pass@127.0.0.1:5432/balsong?sslmode=disable",
		"BALSONG_KAFKA_BROKERS": "127.0.0.1:9092,127.0.0.1:9093",
		"BALSONG_S3_BUCKET":     "statements",
	}
	for name, value := range variables {
		all[name] = value
	}
	names := []string{"DATABASE_URL_FILE", "BALSONG_KAFKA_PASSWORD_FILE"}
	for _, v := range config.Variables[config.Deliverer]() {
		names = append(names, v.Name)
	}
	for _, name := range names {
		value, ok := all[name]
		t.Setenv(name, value) // restores it afterwards
		if !ok || value == "" {
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTheDefaultsOfADeliveryAreThoseOfProduction(t *testing.T) {
	environment(t, map[string]string{"BALSONG_SMTP_ADDR": "relay:587", "BALSONG_SMTP_FROM": "bills@example.com", "BALSONG_SMS_URL": "https://sms.example.com"})
	c, err := config.Load[config.Deliverer](t.Context())
	if err != nil {
		t.Fatal(err)
	}
	smtp, sms := c.Gateways.SMTP, c.Gateways.SMS
	if smtp.CallDeadline != 10*time.Minute || smtp.Lease != 15*time.Minute || sms.CallDeadline != 30*time.Second || sms.Lease != 90*time.Second {
		t.Fatalf("call deadlines and leases are %s, %s, %s, %s", smtp.CallDeadline, smtp.Lease, sms.CallDeadline, sms.Lease)
	}
	if smtp.TLS != "mandatory" || c.Kafka.Replication != 3 || c.Kafka.MinInSync != 2 || len(c.Kafka.Brokers) != 2 {
		t.Fatalf("the configuration is %+v", c)
	}
}

func TestEverythingThatIsMissingIsNamedAtOnce(t *testing.T) {
	environment(t, map[string]string{"DATABASE_URL": "", "BALSONG_KAFKA_BROKERS": "", "BALSONG_S3_BUCKET": ""})
	_, err := config.Load[config.Deliverer](t.Context())
	if !errors.Is(err, config.ErrInvalid) {
		t.Fatalf("the error is %v", err)
	}
	for _, name := range []string{"DATABASE_URL", "BALSONG_KAFKA_BROKERS", "BALSONG_S3_BUCKET"} {
		if !strings.Contains(err.Error(), name+" is not set") {
			t.Errorf("%s is not named in %q", name, err)
		}
	}
}

func TestAValueThatCannotBeReadIsNamedByItsVariable(t *testing.T) {
	environment(t, map[string]string{
		"BALSONG_DB_MAX_CONNS": "many", "BALSONG_SMS_CALL_DEADLINE": "30", "BALSONG_PUSH_CALL_DEADLINE": "20s",
		"BALSONG_SMTP_RATE": "fast", "BALSONG_KAFKA_TLS": "perhaps", "BALSONG_KAFKA_REPLICATION": "70000", "BALSONG_KAFKA_PASSWORD": "hunter2",
	})
	_, err := config.Load[config.Deliverer](t.Context())
	if !errors.Is(err, config.ErrInvalid) {
		t.Fatalf("the error is %v", err)
	}
	for _, want := range []string{
		`BALSONG_DB_MAX_CONNS is "many": want a whole number`, `BALSONG_SMS_CALL_DEADLINE is "30": want a duration such as`,
		`BALSONG_SMTP_RATE is "fast"`, `BALSONG_KAFKA_TLS is "perhaps": want true or false`, `BALSONG_KAFKA_REPLICATION is "70000"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
	for _, innocent := range []string{"BALSONG_PUSH_CALL_DEADLINE", "hunter2"} {
		if strings.Contains(err.Error(), innocent) {
			t.Errorf("%q is in %q", innocent, err)
		}
	}
}

func TestWhatCannotWorkTogetherIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		set  map[string]string
		want []string
	}{
		"lease shorter than the call": {
			map[string]string{"BALSONG_SMS_URL": "https://x", "BALSONG_SMS_LEASE": "20s"},
			[]string{"BALSONG_SMS_LEASE (20s)", "BALSONG_SMS_CALL_DEADLINE (30s)", "BALSONG_SMS_MARGIN (5s)"},
		},
		"lease that is used up before a call may begin": {
			map[string]string{"BALSONG_SMS_URL": "https://x", "BALSONG_SMS_LEASE": "35s"},
			[]string{"BALSONG_SMS_LEASE (35s) must be longer than", "BALSONG_SMS_CALL_DEADLINE (30s)", "BALSONG_SMS_MARGIN (5s)"},
		},
		"lease of the relay": {
			map[string]string{"BALSONG_SMTP_ADDR": "relay:587", "BALSONG_SMTP_FROM": "bills@example.com", "BALSONG_SMTP_LEASE": "10m"},
			[]string{"BALSONG_SMTP_LEASE (10m0s)"},
		},
		"no connections":      {map[string]string{"BALSONG_DB_MAX_CONNS": "0"}, []string{"BALSONG_DB_MAX_CONNS"}},
		"no way to log in":    {map[string]string{"BALSONG_DB_AUTH": "kerberos"}, []string{"BALSONG_DB_AUTH", `"kerberos"`, "password or iam"}},
		"a token, unverified": {map[string]string{"BALSONG_DB_AUTH": "iam", "DATABASE_URL": "postgres://user@db/balsong?sslmode=require"}, []string{"BALSONG_DB_AUTH is iam", "sslmode=verify-full"}},
		"a token, a password": {map[string]string{"BALSONG_DB_AUTH": "iam", "BALSONG_DB_PASSWORD": "p", "DATABASE_URL": "postgres://user@db/balsong?sslmode=verify-full"}, []string{"BALSONG_DB_PASSWORD", "BALSONG_DB_AUTH"}},
		"both in the url":     {map[string]string{"BALSONG_DB_AUTH": "iam", "DATABASE_URL": "postgres://user:pw@db/balsong?sslmode=verify-full"}, []string{"BALSONG_DB_AUTH", "take it away"}},
		"role, in the clear":  {map[string]string{"BALSONG_KAFKA_SASL": "aws-iam", "BALSONG_KAFKA_BROKERS": "kafka:9098"}, []string{"BALSONG_KAFKA_SASL is aws-iam", "BALSONG_KAFKA_TLS"}},
		"role and password":   {map[string]string{"BALSONG_KAFKA_SASL": "aws-iam", "BALSONG_KAFKA_USER": "u"}, []string{"BALSONG_KAFKA_USER", "aws-iam"}},
		"role and endpoint":   {oauth(map[string]string{"BALSONG_KAFKA_SASL": "aws-iam"}), []string{"BALSONG_KAFKA_OAUTH_", "BALSONG_KAFKA_SASL"}},
		"database url":        {map[string]string{"DATABASE_URL": "mysql://localhost/x"}, []string{"DATABASE_URL", "postgres://"}},
		"health address":      {map[string]string{"BALSONG_HEALTH_ADDR": "9464"}, []string{"BALSONG_HEALTH_ADDR", `"9464" is not host:port`}},
		"broker address":      {map[string]string{"BALSONG_KAFKA_BROKERS": "localhost"}, []string{"BALSONG_KAFKA_BROKERS", `"localhost"`}},
		"in sync":             {map[string]string{"BALSONG_KAFKA_REPLICATION": "1"}, []string{"MIN_INSYNC"}},
		"no certificate":      {map[string]string{"BALSONG_KAFKA_CA": "/etc/ca.pem", "BALSONG_KAFKA_TLS": "true"}, []string{"BALSONG_KAFKA_CA", "file:/path"}},
		"none of S3":          {map[string]string{"BALSONG_S3_CA": "x"}, []string{"BALSONG_S3_CA"}},
		"none of a gateway":   {map[string]string{"BALSONG_SMS_URL": "https://x", "BALSONG_SMS_CA": "x"}, []string{"BALSONG_SMS_CA"}},
		"none of the relay":   {map[string]string{"BALSONG_SMTP_ADDR": "relay:587", "BALSONG_SMTP_FROM": "bills@example.com", "BALSONG_SMTP_CA": "x"}, []string{"BALSONG_SMTP_CA"}},
		"mechanism":           {map[string]string{"BALSONG_KAFKA_SASL": "GSSAPI"}, []string{"BALSONG_KAFKA_SASL", `"GSSAPI"`, "PLAIN"}},
		"plain, in the clear": {map[string]string{"BALSONG_KAFKA_SASL": "PLAIN", "BALSONG_KAFKA_USER": "u", "BALSONG_KAFKA_PASSWORD": "p", "BALSONG_KAFKA_BROKERS": "kafka:9092"}, []string{"BALSONG_KAFKA_TLS"}},
		"half a token":        {map[string]string{"BALSONG_KAFKA_SASL": "OAUTHBEARER"}, []string{"BALSONG_KAFKA_OAUTH_TOKEN_URL", "BALSONG_KAFKA_OAUTH_CLIENT_ID", "BALSONG_KAFKA_OAUTH_CLIENT_SECRET"}},
		"user, no password":   {map[string]string{"BALSONG_KAFKA_USER": "u"}, []string{"BALSONG_KAFKA_USER", "BALSONG_KAFKA_PASSWORD must both be set"}},
		"password, no user":   {map[string]string{"BALSONG_KAFKA_PASSWORD": "p"}, []string{"BALSONG_KAFKA_USER", "must both be set"}},
		"token and password":  {oauth(map[string]string{"BALSONG_KAFKA_USER": "u"}), []string{"BALSONG_KAFKA_USER"}},
		"token for SCRAM":     {oauth(map[string]string{"BALSONG_KAFKA_SASL": "SCRAM-SHA-512"}), []string{"BALSONG_KAFKA_OAUTH_", "BALSONG_KAFKA_SASL"}},
		"extension":           {oauth(map[string]string{"BALSONG_KAFKA_OAUTH_EXTENSIONS": "auth=x"}), []string{"BALSONG_KAFKA_OAUTH_EXTENSIONS", `"auth"`}},
		"none of the tokens":  {oauth(map[string]string{"BALSONG_KAFKA_OAUTH_CA": "x"}), []string{"BALSONG_KAFKA_OAUTH_CA"}},
		"no address":          {oauth(map[string]string{"BALSONG_KAFKA_OAUTH_TOKEN_URL": "idp.example.com/token"}), []string{"BALSONG_KAFKA_OAUTH_TOKEN_URL", "https://"}},
		"tls word":            {map[string]string{"BALSONG_SMTP_ADDR": "relay:587", "BALSONG_SMTP_FROM": "bills@example.com", "BALSONG_SMTP_TLS": "maybe"}, []string{"BALSONG_SMTP_TLS", "mandatory"}},
		"half a word":         {map[string]string{"BALSONG_SMTP_ADDR": "relay:587", "BALSONG_SMTP_FROM": "bills@example.com", "BALSONG_SMTP_TLS": "man"}, []string{"BALSONG_SMTP_TLS"}},
		"no calls":            {map[string]string{"BALSONG_PUSH_URL": "https://x", "BALSONG_PUSH_IN_FLIGHT": "0"}, []string{"BALSONG_PUSH_IN_FLIGHT"}},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.set)
			_, err := config.Load[config.Deliverer](t.Context())
			if !errors.Is(err, config.ErrInvalid) {
				t.Fatalf("the error is %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in %q", want, err)
				}
			}
		})
	}
}

// oauth is a login to the brokers by tokens, with more settings.
func oauth(more map[string]string) map[string]string {
	set := map[string]string{
		"BALSONG_KAFKA_SASL": "OAUTHBEARER", "BALSONG_KAFKA_OAUTH_TOKEN_URL": "https://idp.example.com/token",
		"BALSONG_KAFKA_OAUTH_CLIENT_ID": "balsong", "BALSONG_KAFKA_OAUTH_CLIENT_SECRET": "hunter2",
		"BALSONG_KAFKA_OAUTH_SCOPES": "one,two", "BALSONG_KAFKA_OAUTH_EXTENSIONS": "logicalCluster=lkc-1,identityPoolId=pool-1",
	}
	maps.Copy(set, more)
	return set
}

func TestTheSettingsOfTokensAreRead(t *testing.T) {
	environment(t, oauth(nil))
	c, err := config.Load[config.Dispatcher](t.Context())
	if o := c.Kafka.OAuth; err != nil || !slices.Equal(o.Scopes, []string{"one", "two"}) || o.Extensions["identityPoolId"] != "pool-1" || o.ClientSecret != "hunter2" {
		t.Errorf("%+v, %v", o, err)
	}
}

// xoauth2 is a login to the mail server by tokens, with more settings.
func xoauth2(more map[string]string) map[string]string {
	set := map[string]string{
		"BALSONG_SMTP_ADDR": "relay:587", "BALSONG_SMTP_FROM": "bills@example.com", "BALSONG_SMTP_USER": "bills@example.com", "BALSONG_SMTP_AUTH": "XOAUTH2",
		"BALSONG_SMTP_OAUTH_TOKEN_URL": "https://idp.example.com/token", "BALSONG_SMTP_OAUTH_CLIENT_ID": "balsong", "BALSONG_SMTP_OAUTH_CLIENT_SECRET": "hunter2",
	}
	maps.Copy(set, more)
	return set
}

func TestNoSecretGoesUnencryptedToAnotherMachine(t *testing.T) {
	relay := func(more map[string]string) map[string]string {
		set := map[string]string{"BALSONG_SMTP_ADDR": "relay:587", "BALSONG_SMTP_FROM": "bills@example.com"}
		maps.Copy(set, more)
		return set
	}
	for name, c := range map[string]struct {
		set     map[string]string
		refused string // "": accepted
	}{
		"token by http":          {map[string]string{"BALSONG_SMS_URL": "http://sms.example.com", "BALSONG_SMS_TOKEN": "hunter2"}, "BALSONG_SMS_ALLOW_PLAIN_HTTP=true"},
		"bills by http":          {map[string]string{"BALSONG_PUSH_URL": "http://10.0.0.1:80"}, "BALSONG_PUSH_ALLOW_PLAIN_HTTP=true"},
		"allowed":                {map[string]string{"BALSONG_SMS_URL": "http://gateway", "BALSONG_SMS_ALLOW_PLAIN_HTTP": "true", "BALSONG_SMS_TOKEN": "hunter2"}, ""},
		"to this machine":        {map[string]string{"BALSONG_SMS_URL": "http://localhost:1", "BALSONG_PUSH_URL": "http://[::1]:1", "BALSONG_PUSH_TOKEN": "hunter2"}, ""},
		"by https":               {map[string]string{"BALSONG_SMS_URL": "https://sms.example.com", "BALSONG_SMS_TOKEN": "hunter2"}, ""},
		"password to the relay":  {relay(map[string]string{"BALSONG_SMTP_TLS": "none", "BALSONG_SMTP_USER": "u", "BALSONG_SMTP_PASSWORD": "hunter2"}), "BALSONG_SMTP_TLS is none"},
		"no password":            {relay(map[string]string{"BALSONG_SMTP_TLS": "none"}), ""},
		"a password on 465":      {relay(map[string]string{"BALSONG_SMTP_TLS": "implicit", "BALSONG_SMTP_USER": "u", "BALSONG_SMTP_PASSWORD": "hunter2"}), ""},
		"a user in the URL":      {map[string]string{"BALSONG_SMS_URL": "https://user:hunter2@sms.example.com"}, "BALSONG_SMS_URL contains a user"},
		"a password that is bad": {map[string]string{"BALSONG_SMS_URL": "https://user:hunter2%zz@sms.example.com"}, "BALSONG_SMS_URL contains a user"},
		"a user of the bucket":   {map[string]string{"BALSONG_S3_ENDPOINT": "https://user:hunter2@s3.example.com"}, "BALSONG_S3_ENDPOINT contains a user"},
		"a user of the brokers":  {map[string]string{"BALSONG_KAFKA_BROKERS": "user:hunter2@kafka:9092"}, "BALSONG_KAFKA_BROKERS contains a user"},
		"a token in the clear":   {oauth(map[string]string{"BALSONG_KAFKA_BROKERS": "kafka:9092"}), "the token would be sent unencrypted"},
		"a secret by http":       {oauth(map[string]string{"BALSONG_KAFKA_OAUTH_TOKEN_URL": "http://idp.example.com/token"}), "BALSONG_KAFKA_OAUTH_TOKEN_URL is http"},
		"a user of the tokens":   {oauth(map[string]string{"BALSONG_KAFKA_OAUTH_TOKEN_URL": "https://user:hunter2@idp.example.com"}), "BALSONG_KAFKA_OAUTH_TOKEN_URL contains a user"},
		"tokens by https":        {oauth(nil), ""},
		"a user in the relay":    {relay(map[string]string{"BALSONG_SMTP_ADDR": "user:hunter2@relay:587"}), "BALSONG_SMTP_ADDR is not host:port"},
		"nobody sends":           {relay(map[string]string{"BALSONG_SMTP_FROM": ""}), "BALSONG_SMTP_FROM is not set"},
		"bounces go nowhere":     {relay(map[string]string{"BALSONG_SMTP_ENVELOPE_FROM": "nobody"}), "BALSONG_SMTP_ENVELOPE_FROM"},
		"bounces go elsewhere":   {relay(map[string]string{"BALSONG_SMTP_ENVELOPE_FROM": "bounces@example.com"}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			loads(t, c.set, c.refused)
		})
	}
}

// loads checks that these variables are refused with these words, none for accepted, and that no secret, hunter2, is shown.
func loads(t *testing.T, set map[string]string, refused string) {
	t.Helper()
	environment(t, set)
	_, err := config.Load[config.Deliverer](t.Context())
	switch {
	case refused == "" && err != nil:
		t.Error(err)
	case refused != "" && (!errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), refused)):
		t.Errorf("%q is missing in %v", refused, err)
	case err != nil && strings.Contains(err.Error(), "hunter2"):
		t.Errorf("the error shows a secret: %v", err)
	}
}

func describes[C any](t *testing.T, name string) {
	t.Helper()
	var help bytes.Buffer
	config.Describe[C](&help)
	for _, v := range config.Variables[C]() {
		line := ""
		for candidate := range strings.Lines(help.String()) {
			if strings.HasPrefix(strings.TrimSpace(candidate), v.Name+" ") {
				line = candidate
			}
		}
		switch {
		case line == "" || v.Help == "" || !strings.Contains(line, v.Help):
			t.Errorf("%s: --help does not explain %s: %q", name, v.Name, line)
		case v.Required && !strings.Contains(line, "required"), v.Default != "" && !strings.Contains(line, "default "+v.Default):
			t.Errorf("%s: --help does not say the default of %s: %q", name, v.Name, line)
		case v.Name != "DATABASE_URL" && !strings.HasPrefix(v.Name, "BALSONG_") && !strings.HasPrefix(v.Name, "OTEL_"): // OpenTelemetry's names are its own
			t.Errorf("%s: %s is not a name of ours", name, v.Name)
		case v.Secret != (strings.Contains(v.Name, "PASSWORD") || strings.HasSuffix(v.Name, "TOKEN") || strings.Contains(v.Name, "SECRET") || strings.HasSuffix(v.Name, "_DKIM_KEY") || v.Name == "BALSONG_KEYSET" || v.Name == "DATABASE_URL" || v.Name == "OTEL_EXPORTER_OTLP_HEADERS"):
			t.Errorf("%s: is %s a secret? It says %v", name, v.Name, v.Secret)
		}
	}
}

func TestHelpListsEveryVariableWithItsDefault(t *testing.T) {
	t.Parallel()
	describes[config.Dispatcher](t, "dispatcher")
	describes[config.Deliverer](t, "delivery")
	describes[config.Settler](t, "settlement")
	describes[config.Render](t, "batch")
	describes[config.Operator](t, "operator")
}
