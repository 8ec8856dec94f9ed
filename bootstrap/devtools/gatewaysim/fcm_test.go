package gatewaysim

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/fcm"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/domain/channel"
)

// googleTokens are those that the simulator gives out.
type googleTokens struct{ token string }

func (googleTokens) Prepare(context.Context) error { return nil }
func (k googleTokens) Held() (string, bool)        { return k.token, k.token != "" }
func (googleTokens) Refused(string)                {}

// tokenOf asks the simulator for a token as Google is asked.
func tokenOf(t *testing.T, b *testBundle) googleTokens {
	t.Helper()
	answer, err := http.PostForm("http://"+b.HTTPAddr()+"/token", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
		Type    string `json:"token_type"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil || said.Token == "" || said.Expires <= 0 || said.Type != "Bearer" {
		t.Fatalf("%+v %v", said, err)
	}
	return googleTokens{said.Token}
}

func fcmGateway(t *testing.T, b *testBundle) *fcm.Gateway {
	t.Helper()
	provider := koreanProvider("fcm")
	provider.Channel = channel.Push
	gateway, err := fcm.New(fcm.Config{Provider: provider, URL: "http://" + b.HTTPAddr(), Project: "bills-1", Tokens: tokenOf(t, b), References: source(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	return gateway
}

// What the gateway of FCM makes of each thing that the simulator does, and what the accept log says of it.
func TestTheContractOfFCMIsSpoken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change       func(*behaviour.ChannelSettings)
		want, logged string
	}{
		"accepted":        {func(*behaviour.ChannelSettings) {}, "accepted ", "true "},
		"unregistered":    {func(c *behaviour.ChannelSettings) { c.Permanent = 1 }, "refused permanent", "false permanent"},
		"another project": {func(c *behaviour.ChannelSettings) { c.Content = 1 }, "refused permanent", "false content"},
		"throttled":       {func(c *behaviour.ChannelSettings) { c.Throttled = 1 }, "throttled ", "false throttled"},
		"overloaded":      {func(c *behaviour.ChannelSettings) { c.Temporary = 1 }, "unknown ", "false temporary"},
		"overloaded, until when": {func(c *behaviour.ChannelSettings) {
			c.Temporary, c.RetryAfter = 1, behaviour.Duration(7*time.Second)
		}, "throttled ", "false temporary"},
		"dropped": {func(c *behaviour.ChannelSettings) { c.AcceptThenDrop = 1 }, "unknown ", "true "},
		"no rights": {func(c *behaviour.ChannelSettings) {
			c.Everybody = behaviour.Everybody{Code: 403, Text: `{"error":{"code":403,"message":"denied","status":"PERMISSION_DENIED"}}`}
		}, "refused provider", "false everybody"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(config *Config) { c.change(&config.Settings.Push) })
			d := bill("device-token", "52,000원")
			d.Channel, d.Content.Title, d.Content.Class = channel.Push, "청구서", ""
			reply := fcmGateway(t, b).Send(t.Context(), d)
			isSpoken(t, b, reply, c.want, c.logged, "PUSH fcm", []byte("청구서\n52,000원"))
		})
	}
}

// isSpoken checks what became of one bill, whose key travels as a reference, or as it is.
func isSpoken(t *testing.T, b *testBundle, reply port.Reply, want, logged, by string, content []byte) {
	t.Helper()
	if got := string(reply.Verdict) + " " + string(reply.Class); got != want {
		t.Errorf("got %s (%s), want %s", got, reply.Detail, want)
	}
	records := b.records(t)
	if len(records) != 1 || records[0].Channel+" "+records[0].Vendor != by || content != nil && records[0].Content != acceptlog.HashContent(content) {
		t.Fatalf("the log is %+v", records)
	}
	about, err := source(t).Known().Read(records[0].IdempotencyKey)
	if key := bill("", "").Key; records[0].IdempotencyKey != key.String() && (err != nil || about != key) {
		t.Errorf("the log's key is %q: %v", records[0].IdempotencyKey, err)
	}
	accepted := map[bool]string{true: "true ", false: "false "}[records[0].Accepted]
	if got := accepted + records[0].Class; got != logged {
		t.Errorf("logged %s, want %s", got, logged)
	}
}

func TestTheCheckOfFCMSendsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	if err := fcmGateway(t, b).Check(t.Context()); err != nil {
		t.Error(err)
	}
	if records := b.records(t); len(records) != 0 {
		t.Errorf("the log is %+v", records)
	}
}
