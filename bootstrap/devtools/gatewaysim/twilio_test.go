package gatewaysim

import (
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/twilio"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

func twilioGateway(t *testing.T, b *testBundle) *twilio.Gateway {
	t.Helper()
	gateway, err := twilio.New(twilio.Config{
		Provider: port.Provider{Name: "sms", Channel: channel.SMS, CallDeadline: 20 * time.Second, Lease: time.Minute, InFlight: 1},
		URL:      "http://" + b.HTTPAddr(), Account: "AC" + strings.Repeat("0", 32), Secret: "s3cret", From: "+15005550006",
		StatusURL: "https://reports.example.com/twilio",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	return gateway
}

func bill(to, text string) port.Delivery {
	month, _ := key.NewMonth(2026, time.November)
	return port.Delivery{
		Key: key.Delivery{Month: month, UserID: 7, Attempt: 1, Round: 2}, Channel: channel.SMS, Destination: to,
		Content: port.Variant{Text: text, Class: "SMS"},
	}
}

// What the gateway of Twilio makes of each thing that the simulator does, and what the accept log says of it.
func TestTwiliosContractIsSpoken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*behaviour.ChannelSettings)
		to     string
		want   string
		logged string
	}{
		"accepted":       {func(*behaviour.ChannelSettings) {}, "010-1234-5678", "accepted ", "true "},
		"abroad":         {func(*behaviour.ChannelSettings) {}, "+15147214711", "accepted ", "true "},
		"no number":      {func(*behaviour.ChannelSettings) {}, "12", "refused permanent", "false invalid"},
		"not mobile":     {func(c *behaviour.ChannelSettings) { c.Permanent = 1 }, "01012345678", "refused permanent", "false permanent"},
		"opted out":      {func(c *behaviour.ChannelSettings) { c.Content = 1 }, "01012345678", "refused permanent", "false content"},
		"throttled":      {func(c *behaviour.ChannelSettings) { c.Throttled = 1 }, "01012345678", "throttled ", "false throttled"},
		"out of service": {func(c *behaviour.ChannelSettings) { c.Temporary = 1 }, "01012345678", "unknown ", "false temporary"},
		"dropped":        {func(c *behaviour.ChannelSettings) { c.AcceptThenDrop = 1 }, "01012345678", "unknown ", "true "},
		"suspended": {func(c *behaviour.ChannelSettings) {
			c.Everybody = behaviour.Everybody{Code: 401, Text: `{"code":20005,"message":"Account not active"}`}
		}, "01012345678", "refused provider", "false everybody"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(config *Config) { c.change(&config.Settings.SMS) })
			reply := twilioGateway(t, b).Send(t.Context(), bill(c.to, "청구서: 52,000원"))
			if got := string(reply.Verdict) + " " + string(reply.Class); got != c.want {
				t.Errorf("got %s (%s), want %s", got, reply.Detail, c.want)
			}
			if reply.Verdict == port.CallAccepted && !strings.HasPrefix(reply.MessageID, "SM") {
				t.Errorf("the id is %q", reply.MessageID)
			}
			records := b.records(t)
			if len(records) != 1 || records[0].IdempotencyKey != "2026-11/7/1/2" || records[0].Content != acceptlog.HashContent([]byte("청구서: 52,000원")) {
				t.Fatalf("the log is %+v", records)
			}
			accepted := map[bool]string{true: "true ", false: "false "}[records[0].Accepted]
			if got := accepted + records[0].Class; got != c.logged {
				t.Errorf("logged %s, want %s", got, c.logged)
			}
		})
	}
}

func TestTwiliosCheckSendsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	if err := twilioGateway(t, b).Check(t.Context()); err != nil {
		t.Error(err)
	}
	if records := b.records(t); len(records) != 0 {
		t.Errorf("the log is %+v", records)
	}
}
