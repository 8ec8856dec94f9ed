package gatewaysim

import (
	"context"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/gateway/awscall/awscalltest"
	"github.com/balsong/balsong/adapters/gateway/awssms"
	"github.com/balsong/balsong/adapters/gateway/email"
	"github.com/balsong/balsong/adapters/gateway/ses"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/domain/channel"
)

func sesGateway(t *testing.T, b *testBundle) *ses.Gateway {
	t.Helper()
	provider := koreanProvider("ses")
	provider.Channel = channel.Email
	gateway, err := ses.New(ses.Config{
		Provider: provider, Identity: awscalltest.Identity{Region: "ap-northeast-2"}, URL: "http://" + b.HTTPAddr(),
		Sender: email.SenderIdentity{From: "Example Telecom <bills@example.com>"}, References: source(t),
	})
	return prepared(t, gateway, err)
}

func awsSMSGateway(t *testing.T, b *testBundle) *awssms.Gateway {
	t.Helper()
	gateway, err := awssms.New(awssms.Config{
		Provider: koreanProvider("aws"), Identity: awscalltest.Identity{Region: "ap-northeast-2"}, URL: "http://" + b.HTTPAddr(), Sender: "+15005550006", References: source(t),
	})
	return prepared(t, gateway, err)
}

func prepared[G interface {
	Prepare(ctx context.Context) error
	Close()
}](t *testing.T, gateway G, err error) G {
	t.Helper()
	if err == nil {
		t.Cleanup(gateway.Close)
		err = gateway.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return gateway
}

func mailBill(text string) port.Delivery {
	d := bill("kim@example.com", text)
	d.Channel, d.Content.Title, d.Content.Class = channel.Email, "청구서", ""
	return d
}

// What the gateways of AWS's services make of each thing that the simulator does, and what the accept log says of it.
func TestTheContractsOfAWSAreSpoken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change           func(*behaviour.ChannelSettings)
		ses, sms, logged string
	}{
		"accepted":       {func(*behaviour.ChannelSettings) {}, "accepted ", "accepted ", "true "},
		"refused":        {func(c *behaviour.ChannelSettings) { c.Permanent = 1 }, "refused permanent", "refused permanent", "false permanent"},
		"content":        {func(c *behaviour.ChannelSettings) { c.Content = 1 }, "refused content", "refused permanent", "false content"}, // opted out
		"throttled":      {func(c *behaviour.ChannelSettings) { c.Throttled = 1 }, "throttled ", "throttled ", "false throttled"},
		"out of service": {func(c *behaviour.ChannelSettings) { c.Temporary = 1 }, "unknown ", "unknown ", "false temporary"},
		"dropped":        {func(c *behaviour.ChannelSettings) { c.AcceptThenDrop = 1 }, "unknown ", "unknown ", "true "},
		"no rights": {func(c *behaviour.ChannelSettings) {
			c.Everybody = behaviour.Everybody{Code: 403, Text: `{"__type":"AccessDeniedException","message":"denied"}`}
		}, "refused provider", "refused provider", "false everybody"},
	} {
		t.Run("SES "+name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(config *Config) { c.change(&config.Settings.Email) })
			isSpoken(t, b, sesGateway(t, b).Send(t.Context(), mailBill("52,000원")), c.ses, c.logged, "EMAIL ses", nil)
		})
		t.Run("SMS "+name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(config *Config) { c.change(&config.Settings.SMS) })
			isSpoken(t, b, awsSMSGateway(t, b).Send(t.Context(), bill("010-1234-5678", "52,000원")), c.sms, c.logged, "SMS aws", []byte("52,000원"))
		})
	}
}

// A mail may be far longer than what other vendors take, and is logged and shown as it came.
func TestALongMailIsTakenBySES(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	reply := sesGateway(t, b).Send(t.Context(), mailBill(strings.Repeat("청구 금액 ", 100_000)))
	if reply.Verdict != port.CallAccepted {
		t.Fatalf("%+v", reply)
	}
	waittest.Until(t, "the inbox has the mail", func() bool { return b.inbox.Len() == 1 })
	shown, err := b.inbox.Get(1)
	if err != nil || !strings.Contains(string(shown.Body), "X-Idempotency-Key: ") {
		t.Errorf("the inbox has no mail: %v", err)
	}
	if records := b.records(t); len(records) != 1 || records[0].Content != acceptlog.HashContent(shown.Body) {
		t.Errorf("the log is %+v", records)
	}
}

func TestTheChecksOfAWSSendNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	if err := sesGateway(t, b).Check(t.Context()); err != nil {
		t.Error(err)
	}
	if quota, err := sesGateway(t, b).Quota(t.Context()); err != nil || quota.Empty {
		t.Errorf("%+v %v", quota, err)
	}
	sms := awsSMSGateway(t, b)
	if err := sms.Check(t.Context()); err != nil || sms.Limits() != "" {
		t.Errorf("%v, limits %q", err, sms.Limits())
	}
	if records := b.records(t); len(records) != 0 {
		t.Errorf("the log is %+v", records)
	}
}
