package awssms_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/awscall/awscalltest"
	"github.com/balsong/balsong/adapters/gateway/awssms"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
)

const secret = "a-secret-of-32-characters-or-more"

var now = time.Date(2026, time.November, 30, 9, 0, 0, 0, time.UTC)

func provider(deadline time.Duration) port.Provider {
	return port.Provider{
		Name: "aws", Channel: channel.SMS, CallDeadline: deadline, Lease: deadline + 2*time.Second, Margin: time.Second, InFlight: 100,
	}
}

// sent is the body of SendTextMessage.
type sent struct {
	DestinationPhoneNumber, OriginationIdentity, MessageBody, ConfigurationSetName, MessageType string

	Context    map[string]string
	TimeToLive int
}

func references(t testing.TB) *reference.References {
	t.Helper()
	made, err := reference.New("", secret)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func source(t testing.TB) *reference.Source {
	t.Helper()
	made, err := reference.NewSource(nil, secret)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func read(own *reference.References) func(*http.Request, []byte) (key, to string, ok bool) {
	return func(r *http.Request, body []byte) (string, string, bool) {
		var call sent
		if json.Unmarshal(body, &call) != nil || r.Header.Get("X-Amz-Target") != "PinpointSMSVoiceV2.SendTextMessage" ||
			!strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/") || call.MessageBody == "" {
			return "", "", false
		}
		about, err := own.Read(call.Context["balsong"])
		return about.String(), call.DestinationPhoneNumber, err == nil
	}
}

// contract is AWS's, as far as the suite needs it: errors as the SDK's sources read them.
func contract(own *reference.References) *porttest.HTTPContract {
	return &porttest.HTTPContract{
		Read: read(own), Accepted: accepted,
		Answer: func(act porttest.FarAct, to, key string) string {
			switch act {
			case porttest.ActRefusePermanent:
				return refusal(400, "ConflictException", `"Reason":"DESTINATION_PHONE_NUMBER_OPTED_OUT","Message":"opted out: `+to+`"`, "")
			case porttest.ActThrottle:
				return refusal(400, "ThrottlingException", `"Message":"Rate exceeded"`, "Retry-After: 7\r\n")
			case porttest.ActRefuseTemporary, porttest.ActRefuseContent, porttest.ActGarble: // AWS has neither refusal
				return answer(500, "", "<html>oops</html>")
			default:
				return accepted("m-17", key)
			}
		},
		Lacks: []porttest.FarAct{porttest.ActRefuseTemporary, porttest.ActRefuseContent},
	}
}

func accepted(id, _ string) string { return answer(http.StatusOK, "", `{"MessageId":"`+id+`"}`) }

func refusal(status int, kind, said, header string) string {
	return answer(status, header, fmt.Sprintf(`{"__type":"com.amazonaws.pinpointsmsvoicev2#%s",%s}`, kind, said))
}

func answer(status int, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/x-amz-json-1.0\r\n%sContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), header, len(body), body)
}

func config(t testing.TB, change func(*awssms.Config)) awssms.Config {
	t.Helper()
	c := awssms.Config{
		Provider: provider(5 * time.Second), Identity: awscalltest.Identity{Region: "ap-northeast-2"}, URL: "http://127.0.0.1:1",
		Sender: "+15005550006", ConfigurationSet: "balsong", References: source(t), Now: func() time.Time { return now },
	}
	if change != nil {
		change(&c)
	}
	return c
}

func prepared(t testing.TB, change func(*awssms.Config)) *awssms.Gateway {
	t.Helper()
	g, err := awssms.New(config(t, change))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	if err := g.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestAWSKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.HTTPGatewayOf(t, contract(references(t)), func(t testing.TB, far porttest.HTTPFarEnd, deadline time.Duration) porttest.GatewayRig {
		g := prepared(t, func(c *awssms.Config) { c.Provider, c.URL, c.TLS = provider(deadline), far.URL(), far.ClientTLS() })
		return porttest.GatewayRig{Gateway: g, Far: far}
	})
}

// server answers with a body, and gives what was posted to it.
func server(t testing.TB, status int, body string) (address string, posted chan sent) {
	t.Helper()
	posted = make(chan sent, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var call sent
		if err := json.Unmarshal(raw, &call); err != nil {
			t.Error(err)
		}
		posted <- call
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL, posted
}

func bill(t testing.TB) port.Delivery {
	t.Helper()
	d, err := key.ParseDelivery("2026-11/4711/0/1")
	if err != nil {
		t.Fatal(err)
	}
	return port.Delivery{Key: d, Channel: channel.SMS, Destination: "010-1234-5678", Content: port.Variant{Text: "청구서", Title: "11월", Class: "LMS"}}
}

func TestABillGoesOutWithItsReferenceAndItsEnd(t *testing.T) {
	t.Parallel()
	address, posted := server(t, 200, `{"MessageId":"862a8790"}`)
	g := prepared(t, func(c *awssms.Config) { c.URL = address })
	for until, want := range map[time.Time]int{{}: 0, now.Add(90500 * time.Millisecond): 90, now.Add(-time.Hour): 5, now.Add(100 * time.Hour): 0} {
		d := bill(t)
		d.Until = until
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted || reply.MessageID != "862a8790" {
			t.Fatalf("%+v", reply)
		}
		got := <-posted
		if got.DestinationPhoneNumber != "+821012345678" || got.OriginationIdentity != "+15005550006" || got.ConfigurationSetName != "balsong" || got.MessageBody != "11월\n청구서" ||
			got.Context["balsong"] != references(t).To(d.Key) || got.MessageType != "TRANSACTIONAL" || got.TimeToLive != want {
			t.Errorf("until %s: %+v, want %d s", until, got, want)
		}
	}
}

// The title is sent in front of the text, and counts: 3 characters of it and the end of its line.
func TestTheReplySaysTheSegmentsThatAWSCharges(t *testing.T) {
	t.Parallel()
	address, _ := server(t, 200, `{"MessageId":"862a8790"}`)
	g := prepared(t, func(c *awssms.Config) { c.URL = address })
	for characters, want := range map[int]int{66: 1, 67: 2, 131: 3} {
		d := bill(t)
		d.Content.Text = strings.Repeat("가", characters)
		if reply := g.Send(t.Context(), d); reply.Units != (cost.Units{Unit: cost.Segment, Count: want}) {
			t.Errorf("%d characters: charged are %+v, want %d segments", characters, reply.Units, want)
		}
	}
}

func TestWhatAWSDoesNotTakeIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	address, posted := server(t, 200, `{"MessageId":"862a8790"}`)
	g := prepared(t, func(c *awssms.Config) { c.URL = address })
	for name, c := range map[string]struct {
		change func(*port.Delivery)
		want   attempt.FailureClass
	}{
		"no number":   {func(d *port.Delivery) { d.Destination = "kim" }, attempt.Permanent},
		"a long one":  {func(d *port.Delivery) { d.Destination = strings.Repeat("1", 2000) }, attempt.Permanent},
		"no text":     {func(d *port.Delivery) { d.Content.Text = " " }, attempt.Content},
		"a long text": {func(d *port.Delivery) { d.Content.Text = strings.Repeat("길", 1601) }, attempt.Permanent},
	} {
		d := bill(t)
		c.change(&d)
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallRefused || reply.Class != c.want {
			t.Errorf("%s: %+v", name, reply)
		}
	}
	mail := bill(t)
	mail.Channel = channel.Email
	if reply := g.Send(t.Context(), mail); reply.Verdict != port.CallNotMade || len(posted) != 0 {
		t.Errorf("an e-mail: %+v, %d calls", reply, len(posted))
	}
	unprepared, err := awssms.New(config(t, func(c *awssms.Config) { c.URL = address }))
	if err != nil {
		t.Fatal(err)
	}
	if reply := unprepared.Send(t.Context(), bill(t)); reply.Verdict != port.CallNotMade || len(posted) != 0 {
		t.Errorf("before it is prepared: %+v", reply)
	}
}

func TestTheLimitOfANewAccountIsSaid(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]bool{1: true, 500: false} {
		address, _ := server(t, 200, fmt.Sprintf(`{"SpendLimits":[{"Name":"VOICE_MESSAGE_MONTHLY_SPEND_LIMIT","EnforcedLimit":1},{"Name":"TEXT_MESSAGE_MONTHLY_SPEND_LIMIT","EnforcedLimit":%d}]}`, limit))
		g := prepared(t, func(g *awssms.Config) { g.URL = address })
		if err := g.Check(t.Context()); err != nil || (g.Limits() != "") != want {
			t.Errorf("%d USD: %q (%v)", limit, g.Limits(), err)
		}
	}
}

func TestTheCheckAsksForTheSpendingLimits(t *testing.T) {
	t.Parallel()
	for body, c := range map[string]struct {
		status int
		wrong  string
	}{
		`{"SpendLimits":[]}`: {200, ""},
		`{"__type":"AccessDeniedException","Message":"not authorized"}`: {400, "allow sms-voice:DescribeSpendLimits"},
	} {
		address, _ := server(t, c.status, body)
		err := prepared(t, func(g *awssms.Config) { g.URL = address }).Check(t.Context())
		if (err == nil) != (c.wrong == "") || (err != nil && (!errors.Is(err, gateway.ErrCheck) || !strings.Contains(err.Error(), c.wrong))) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestAnInvalidConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*awssms.Config){
		"channel":           func(c *awssms.Config) { c.Provider.Channel = channel.Push },
		"lease":             func(c *awssms.Config) { c.Provider.Lease = 0 },
		"sender":            func(c *awssms.Config) { c.Sender = "a b" },
		"configuration set": func(c *awssms.Config) { c.ConfigurationSet = "a\nb" },
		"url":               func(c *awssms.Config) { c.URL = "example.com" },
	} {
		if _, err := awssms.New(config(t, change)); !errors.Is(err, gateway.ErrConfig) && !errors.Is(err, port.ErrProvider) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
