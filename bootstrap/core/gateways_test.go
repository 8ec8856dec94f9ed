package core_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
)

type installation struct{}

func (installation) ID(context.Context) (string, error) { return "abcdef", nil }

// The alarm ProviderHeld (docs/operations/alarms.md) is on this gauge.
func TestAProviderThatCannotBeCalledIsOneInTheGaugeUntilItTakesAMessage(t *testing.T) {
	t.Parallel()
	metrics := &memory.Metrics{}
	provider := config.HTTPGateway{URL: "http://127.0.0.1:1", HTTPCalls: config.HTTPCalls{CallDeadline: time.Second, Lease: 3 * time.Second, Margin: time.Second, InFlight: 1}}
	var lanes core.Lanes
	app := fx.New(fx.NopLogger, core.Gateways(config.Gateways{SMS: provider, Push: provider}), fx.Populate(&lanes), fx.Provide(
		func() port.Installation { return installation{} }, func() port.Log { return &memory.Log{} },
		func() port.Clock { return memory.NewClock(time.Now()) }, func() port.Metrics { return metrics },
	))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	held := func(provider string, want float64) {
		t.Helper()
		if got := metrics.Recorded(metric.GatewayHeld.Metric, provider); !slices.Equal(got, []float64{want}) {
			t.Errorf("%s: the gauge is %v, want %v", provider, got, want)
		}
	}
	call := func(kind channel.Kind, reply port.Reply) {
		t.Helper()
		permit, err := lanes[kind][0].Permits.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		permit.Release(reply)
	}
	held("sms/http", 0)
	for range 20 { // its host refuses the connection
		held("push/http", 0)
		call(channel.Push, port.Reply{Verdict: port.CallNotMade})
	}
	held("push/http", 1)
	held("sms/http", 0)
	call(channel.SMS, port.Reply{Verdict: port.CallRefused, Class: attempt.Provider, Hold: time.Millisecond})
	held("sms/http", 1)
	call(channel.SMS, port.Reply{Verdict: port.CallAccepted})
	held("sms/http", 0)
}

// serviceAccount is the file of a key, as Google Cloud makes it.
func serviceAccount(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "bills-1", "client_email": "sender@bills-1.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(file)
}

// configured has each provider that can be configured, alone, by its account.
func configured(t *testing.T) map[string]config.Gateways {
	t.Helper()
	bounds := config.HTTPCalls{CallDeadline: time.Second, Lease: 3 * time.Second, Margin: time.Second, InFlight: 1}
	return map[string]config.Gateways{
		"alimtalk/http":   {AlimTalk: config.HTTPGateway{URL: "http://127.0.0.1:1", HTTPCalls: bounds}},
		"alimtalk/nhn":    {NHNAlimTalk: config.NHNAlimTalk{URL: "http://127.0.0.1:1", AppKey: "app", SecretKey: "t0ken", SenderKey: strings.Repeat("a", 40), HTTPCalls: bounds}},
		"alimtalk/solapi": {SOLAPIAlimTalk: config.SOLAPIAlimTalk{URL: "http://127.0.0.1:1", Key: "KEY", Secret: "t0ken", From: "029302266", Profile: "KA01PF", HTTPCalls: bounds}},

		"email/smtp": {SMTP: config.SMTP{Addr: "127.0.0.1:1", TLS: "none", From: "a@b.example", CallDeadline: time.Second, Lease: 3 * time.Second, InFlight: 1}},
		"sms/http":   {SMS: config.HTTPGateway{URL: "http://127.0.0.1:1", HTTPCalls: bounds}},
		"push/http":  {Push: config.HTTPGateway{URL: "http://127.0.0.1:1", HTTPCalls: bounds}},
		"sms/aws":    {AWSSMS: config.AWSSMS{Sender: "+15005550006", URL: "http://127.0.0.1:1", HTTPCalls: bounds}},
		"email/ses":  {SES: config.SES{From: "a@b.example", URL: "http://127.0.0.1:1", HTTPCalls: bounds}},
		"push/fcm":   {FCM: config.FCM{URL: "http://127.0.0.1:1", Secret: serviceAccount(t), HTTPCalls: bounds}},
		"sms/twilio": {Twilio: config.Twilio{URL: "http://127.0.0.1:1", Account: "AC" + strings.Repeat("0", 32), Secret: "t0ken", From: "Shop", HTTPCalls: bounds}},
		"sms/nhn":    {NHN: config.NHN{URL: "http://127.0.0.1:1", AppKey: "app", SecretKey: "t0ken", From: "1544-6859", HTTPCalls: bounds}},
		"sms/solapi": {SOLAPI: config.SOLAPI{URL: "http://127.0.0.1:1", Key: "KEY", Secret: "t0ken", From: "029302266", HTTPCalls: bounds}},
	}
}

func TestEachProviderThatCanBeConfiguredHasAGateway(t *testing.T) {
	t.Parallel()
	for name, c := range configured(t) {
		providers := c.Providers()
		if len(providers) != 1 || providers[0].Account() != name {
			t.Errorf("%s: configured are %+v", name, providers)
			continue
		}
		gateway, err := core.NewGateway(c, providers[0], installation{}, memory.NewClock(time.Now()))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := gateway.Provider(); got != providers[0].Provider {
			t.Errorf("%s: its gateway says %+v", name, got)
		}
		gateway.Close()
	}
	for _, account := range (config.Gateways{}).Accounts() {
		if !core.Constructs(account) {
			t.Errorf("%s: no gateway is made for it", account)
		}
	}
}

func TestWhatAGatewayRefusesOfItsSettingsIsForAPersonToCorrect(t *testing.T) {
	t.Parallel()
	bounds := config.HTTPCalls{CallDeadline: time.Second, Lease: 3 * time.Second, Margin: time.Second, InFlight: 1}
	for name, c := range map[string]config.Gateways{
		"an address": {SMS: config.HTTPGateway{URL: "sms.example.com", HTTPCalls: bounds}},
		"an account": {Twilio: config.Twilio{URL: "https://api.twilio.com", Account: "AC1", HTTPCalls: bounds}},
		"a deadline": {SMTP: config.SMTP{Addr: "relay:25", From: "nobody"}},
	} {
		if _, err := core.NewGateway(c, c.Providers()[0], installation{}, memory.NewClock(time.Now())); !errors.Is(err, config.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
