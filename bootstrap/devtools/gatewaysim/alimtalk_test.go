package gatewaysim

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/nhn"
	"github.com/balsong/balsong/adapters/gateway/solapi"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/domain/channel"
)

func nhnAlimTalkGateway(t *testing.T, b *testBundle) *nhn.AlimTalk {
	t.Helper()
	provider := koreanProvider("nhn")
	provider.Channel = channel.AlimTalk
	gateway, err := nhn.NewAlimTalk(nhn.AlimTalkConfig{
		Provider: provider, URL: "http://" + b.HTTPAddr(), AppKey: "kakao", SecretKey: "s3cret", SenderKey: strings.Repeat("a", 40),
		Signature: webhookSecret, References: source(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	return gateway
}

func solapiAlimTalkGateway(t *testing.T, b *testBundle) *solapi.Gateway {
	t.Helper()
	provider := koreanProvider("solapi")
	provider.Channel = channel.AlimTalk
	gateway, err := solapi.New(solapi.Config{
		Provider: provider, URL: "http://" + b.HTTPAddr(), Key: "KEY", Secret: "s3cret", From: "029302266", Profile: "KA01PF", References: source(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	return gateway
}

// approved is a template, and alimTalkBill a bill that fills it.
var approved = behaviour.Kakao{Templates: []behaviour.Template{{Code: "BILL_01", Text: "#{월} 청구 금액은 #{금액}입니다."}}}

const alimTalkText = "11월 청구 금액은 52,000원입니다."

func alimTalkBill() port.Delivery {
	d := bill("010-1234-5678", alimTalkText)
	d.Channel, d.Content.Class = channel.AlimTalk, ""
	d.Content.Template = port.AlimTalk{
		Codes: map[string]string{"nhn": "BILL_01", "solapi": "BILL_01"}, Variables: map[string]string{"월": "11월", "금액": "52,000원"},
	}.Encode()
	return d
}

// What the gateways of AlimTalk's vendors make of each thing that the simulator does, and what the accept log says of it.
func TestTheContractsOfAlimTalkAreSpoken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change      func(*behaviour.Settings)
		nhn, solapi string
		logged      string
	}{
		"accepted":       {func(*behaviour.Settings) {}, "accepted ", "accepted ", "true "},
		"no such number": {func(s *behaviour.Settings) { s.AlimTalk.Permanent = 1 }, "refused permanent", "refused permanent", "false permanent"},
		"throttled":      {func(s *behaviour.Settings) { s.AlimTalk.Throttled = 1 }, "throttled ", "throttled ", "false throttled"},
		"out of service": {func(s *behaviour.Settings) { s.AlimTalk.Temporary = 1 }, "unknown ", "unknown ", "false temporary"},
		"dropped":        {func(s *behaviour.Settings) { s.AlimTalk.AcceptThenDrop = 1 }, "unknown ", "unknown ", "true "},
		"blocked channel": {
			func(s *behaviour.Settings) { s.Kakao.Blocked = true }, "refused provider", "refused provider", "false invalid",
		},
		"no such template": {
			func(s *behaviour.Settings) { s.Kakao.Templates[0].Code = "ANOTHER" }, "refused provider", "refused provider", "false invalid",
		},
		"another template's variables": {
			func(s *behaviour.Settings) { s.Kakao.Templates[0].Text = "#{이름}님" }, "refused provider", "refused provider", "false invalid",
		},
	} {
		for vendor, of := range map[behaviour.Vendor]func(*testing.T, *testBundle) (port.Gateway, string){
			behaviour.NHNAlimTalk:    func(t *testing.T, b *testBundle) (port.Gateway, string) { return nhnAlimTalkGateway(t, b), c.nhn },
			behaviour.SOLAPIAlimTalk: func(t *testing.T, b *testBundle) (port.Gateway, string) { return solapiAlimTalkGateway(t, b), c.solapi },
		} {
			t.Run(string(vendor)+" "+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t, func(config *Config) {
					config.Settings.Kakao.Templates = slices.Clone(approved.Templates)
					c.change(&config.Settings)
				})
				gateway, want := of(t, b)
				reply := gateway.Send(t.Context(), alimTalkBill())
				if got := string(reply.Verdict) + " " + string(reply.Class); got != want {
					t.Errorf("got %s (%s), want %s", got, reply.Detail, want)
				}
				records := b.records(t)
				if len(records) != 1 || records[0].Channel != "ALIMTALK" || records[0].Vendor != string(vendor) {
					t.Fatalf("the log is %+v", records)
				}
				if about, err := source(t).Known().Read(records[0].IdempotencyKey); err != nil || about != alimTalkBill().Key {
					t.Errorf("the log's key is %q: %v", records[0].IdempotencyKey, err)
				}
				accepted := map[bool]string{true: "true ", false: "false "}[records[0].Accepted]
				if got := accepted + records[0].Class; got != c.logged {
					t.Errorf("logged %s, want %s", got, c.logged)
				}
				if records[0].Accepted && records[0].Content != acceptlog.HashContent([]byte(alimTalkText)) {
					t.Error("the vendor made another text of its template than the bill's")
				}
			})
		}
	}
}

// NHN Cloud refuses a call that it has seen within ten minutes, and no later one.
func TestNHNRefusesARepeatedAlimTalkCallForTenMinutes(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	start := time.Now()
	b := setup(t, func(config *Config) { config.now = func() time.Time { return start.Add(time.Duration(passed.Load())) } })
	gateway := nhnAlimTalkGateway(t, b)
	for _, c := range []struct {
		after time.Duration
		want  port.Verdict
		said  string
	}{
		{0, port.CallAccepted, ""},
		{nhnAgain - time.Second, port.CallUnknown, "-1005"},
		{nhnAgain + time.Second, port.CallAccepted, ""},
	} {
		passed.Store(int64(c.after))
		if reply := gateway.Send(t.Context(), alimTalkBill()); reply.Verdict != c.want || !strings.Contains(reply.Detail, c.said) {
			t.Errorf("after %v: %+v", c.after, reply)
		}
	}
}

// A message without variables is sent as the text that was approved, and no other.
func TestSOLAPITakesATextThatIsTheTemplates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]port.Verdict{"요금이 나왔습니다.": port.CallAccepted, "요금이 나왔어요.": port.CallRefused} {
		b := setup(t, func(config *Config) {
			config.Settings.Kakao.Templates = []behaviour.Template{{Code: "BILL_01", Text: "요금이 나왔습니다."}}
		})
		d := alimTalkBill()
		d.Content.Text, d.Content.Template = text, port.AlimTalk{Codes: map[string]string{"solapi": "BILL_01"}}.Encode()
		if reply := solapiAlimTalkGateway(t, b).Send(t.Context(), d); reply.Verdict != want || want == port.CallRefused && !strings.Contains(reply.Detail, "1043") {
			t.Errorf("%s: %+v", text, reply)
		}
	}
}

func TestTheCheckOfAlimTalkSeesABlockedChannel(t *testing.T) {
	t.Parallel()
	for _, blocked := range []bool{false, true} {
		b := setup(t, func(config *Config) { config.Settings.Kakao.Blocked = blocked })
		if err := nhnAlimTalkGateway(t, b).Check(t.Context()); (err != nil) != blocked {
			t.Errorf("blocked %t: %v", blocked, err)
		}
		if records := b.records(t); len(records) != 0 {
			t.Errorf("the log is %+v", records)
		}
	}
}

// Where nobody set templates, every code is taken, and the log tells different contents apart.
func TestWithoutTemplatesEveryCodeIsTaken(t *testing.T) {
	t.Parallel()
	fill := func(variables map[string]string) string {
		text, err := behaviour.Kakao{}.Fill("BILL_01", "", variables)
		if err != nil {
			t.Error(err)
		}
		return text
	}
	one := fill(map[string]string{"월": "11월", "금액": "1원"})
	if one != fill(map[string]string{"금액": "1원", "월": "11월"}) || one == fill(map[string]string{"월": "11월", "금액": "2원"}) {
		t.Errorf("%q", one)
	}
}

// Half of NHN Cloud's webhooks spell the reference as the example of its documents does.
func TestAReferenceIsFoundHoweverNHNSpellsIt(t *testing.T) {
	t.Parallel()
	for _, vendor := range []behaviour.Vendor{behaviour.NHN, behaviour.NHNAlimTalk} {
		t.Run(string(vendor), func(t *testing.T) {
			t.Parallel()
			r := setupReporting(t, func(*Settings) {})
			for n := range 2 { // the second one has an even number: two lines about the first one come before it
				d := billBy(vendor)
				d.Key.UserID += int64(n)
				r.gateways[vendor].Send(t.Context(), d)
				waittest.Until(t, "all is said", func() bool { return r.Stats().Reports.Pending == 0 })
			}
			if said := r.said(); len(said) != 2 {
				t.Errorf("%q", said)
			}
		})
	}
}
