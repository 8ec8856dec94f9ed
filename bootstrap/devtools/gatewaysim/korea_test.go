package gatewaysim

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/nhn"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/solapi"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/domain/channel"
)

func koreanProvider(name string) port.Provider {
	return port.Provider{Name: name, Channel: channel.SMS, CallDeadline: 20 * time.Second, Lease: time.Minute, InFlight: 1}
}

func nhnGateway(t *testing.T, b *testBundle) *nhn.Gateway {
	t.Helper()
	gateway, err := nhn.New(nhn.Config{
		Provider: koreanProvider("nhn"), URL: "http://" + b.HTTPAddr(), AppKey: "app", SecretKey: "s3cret", From: "15446859", References: source(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	return gateway
}

func solapiGateway(t *testing.T, b *testBundle, now func() time.Time) *solapi.Gateway {
	t.Helper()
	gateway, err := solapi.New(solapi.Config{
		Provider: koreanProvider("solapi"), URL: "http://" + b.HTTPAddr(), Key: "KEY", Secret: "s3cret", From: "029302266", References: source(t), Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	return gateway
}

func source(t *testing.T) *reference.Source {
	t.Helper()
	s, err := reference.NewSource(nil, strings.Repeat("r", 32))
	if err == nil {
		err = s.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What the gateways of the Korean vendors make of each thing that the simulator does, and what the accept log says of it.
func TestTheContractsOfNHNAndSOLAPIAreSpoken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change      func(*behaviour.ChannelSettings)
		to          string
		nhn, solapi string
		logged      string
	}{
		"accepted":       {func(*behaviour.ChannelSettings) {}, "010-1234-5678", "accepted ", "accepted ", "true "},
		"blocked":        {func(c *behaviour.ChannelSettings) { c.Permanent = 1 }, "01012345678", "refused permanent", "refused permanent", "false permanent"},
		"opted out":      {func(c *behaviour.ChannelSettings) { c.Content = 1 }, "01012345678", "refused permanent", "refused permanent", "false content"},
		"throttled":      {func(c *behaviour.ChannelSettings) { c.Throttled = 1 }, "01012345678", "throttled ", "throttled ", "false throttled"},
		"out of service": {func(c *behaviour.ChannelSettings) { c.Temporary = 1 }, "01012345678", "unknown ", "unknown ", "false temporary"},
		"dropped":        {func(c *behaviour.ChannelSettings) { c.AcceptThenDrop = 1 }, "01012345678", "unknown ", "unknown ", "true "},
		"suspended": {func(c *behaviour.ChannelSettings) {
			c.Everybody = behaviour.Everybody{Code: 403, Text: `{"header":{"isSuccessful":false,"resultCode":-1008,"resultMessage":"Service is blocked."},"errorCode":"Forbidden"}`}
		}, "01012345678", "refused provider", "refused provider", "false everybody"},
	} {
		for vendor, of := range map[string]func(*testing.T, *testBundle) (port.Gateway, string){
			"NHN":    func(t *testing.T, b *testBundle) (port.Gateway, string) { return nhnGateway(t, b), c.nhn },
			"SOLAPI": func(t *testing.T, b *testBundle) (port.Gateway, string) { return solapiGateway(t, b, nil), c.solapi },
		} {
			t.Run(vendor+" "+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t, func(config *Config) { c.change(&config.Settings.SMS) })
				gateway, want := of(t, b)
				reply := gateway.Send(t.Context(), bill(c.to, "청구서: 52,000원"))
				if got := string(reply.Verdict) + " " + string(reply.Class); got != want {
					t.Errorf("got %s (%s), want %s", got, reply.Detail, want)
				}
				records := b.records(t)
				if len(records) != 1 || records[0].Content != acceptlog.HashContent([]byte("청구서: 52,000원")) {
					t.Fatalf("the log is %+v", records)
				}
				if about, err := source(t).Known().Read(records[0].IdempotencyKey); err != nil || about.String() != "2026-11/7/1/2" {
					t.Errorf("the log's key is %q: %v", records[0].IdempotencyKey, err)
				}
				accepted := map[bool]string{true: "true ", false: "false "}[records[0].Accepted]
				if got := accepted + records[0].Class; got != c.logged {
					t.Errorf("logged %s, want %s", got, c.logged)
				}
			})
		}
	}
}

// A message whose answer was lost is found, as SMS and as LMS, and no other one.
func TestNHNFindsAMessageWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	b := setup(t, func(config *Config) { config.Settings.SMS.AcceptThenDrop = 1 })
	gateway := nhnGateway(t, b)
	for name, text := range map[string]string{"an SMS": "청구서", "an LMS": strings.Repeat("청구서", 20)} {
		d := bill("01012345678", text)
		d.Key.UserID += int64(len(text))
		if found, err := gateway.Inquire(t.Context(), d.Key, time.Now()); err != nil || found.Found != port.FoundNothing {
			t.Errorf("%s, before: %+v %v", name, found, err)
		}
		if reply := gateway.Send(t.Context(), d); reply.Verdict != port.CallUnknown {
			t.Errorf("%s: %+v", name, reply)
		}
		if found, err := gateway.Inquire(t.Context(), d.Key, time.Now()); err != nil || found.Found != port.FoundDelivered {
			t.Errorf("%s: %+v %v", name, found, err)
		}
	}
}

func TestSOLAPIIsAskedAboutTheMessagesOfAWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	gateway := solapiGateway(t, b, nil)
	d := bill("01012345678", "청구서")
	reply := gateway.Send(t.Context(), d)
	said, err := gateway.Reports(t.Context(), port.Webhook{Body: []byte(`[{"messageId":"` + reply.MessageID + `","statusCode":"3032"},{"messageId":"M1"}]`)})
	if err != nil || len(said.Reports) != 1 || said.Reports[0].Key != d.Key || said.Reports[0].Code != "4000" || said.Foreign != 1 {
		t.Errorf("%+v %v", said, err)
	}
}

func TestTheChecksOfKoreanVendorsSendNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	if err := nhnGateway(t, b).Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := solapiGateway(t, b, nil).Check(t.Context()); err != nil {
		t.Error(err)
	}
	if records := b.records(t); len(records) != 0 {
		t.Errorf("the log is %+v", records)
	}
}

func TestSOLAPITakesASignatureOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for _, want := range []int{http.StatusOK, http.StatusForbidden} {
		request, err := http.NewRequest(http.MethodPost, "http://"+b.HTTPAddr()+"/messages/v4/send-many/detail",
			strings.NewReader(`{"messages":[{"to":"01012345678","from":"029302266","text":"a","type":"SMS"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "HMAC-SHA256 apiKey=KEY, date=2026-11-30T03:00:00Z, salt="+strings.Repeat("a", 12)+", signature="+strings.Repeat("0", 64))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("got %d, want %d", response.StatusCode, want)
		}
	}
	if records := b.records(t); len(records) != 1 || !records[0].Accepted {
		t.Errorf("the log is %+v", records)
	}
}
