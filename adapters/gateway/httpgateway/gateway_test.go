package httpgateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

func testProvider(kind channel.Kind) port.Provider {
	return port.Provider{
		Name: "test", Channel: kind, CallDeadline: 20 * time.Second, Lease: 30 * time.Second, Margin: time.Second, InFlight: 10_000,
	}
}

func testDelivery(kind channel.Kind, n int64) port.Delivery {
	month, _ := key.NewMonth(2026, time.November)
	return port.Delivery{
		Key: key.Delivery{Month: month, UserID: n, Attempt: 1, Round: 2}, Channel: kind, Destination: "010-1234-5678",
		Content: port.Variant{Text: "청구서", Title: "제목", Class: "LMS"},
	}
}

func httpGateway(t testing.TB, c Config) *Gateway {
	t.Helper()
	if c.Provider.Name == "" {
		c.Provider = testProvider(channel.SMS)
	}
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func TestARequestIsTheContracts(t *testing.T) {
	t.Parallel()
	for kind, path := range map[channel.Kind]string{channel.SMS: "/base/sms", channel.Push: "/base/push"} {
		var got *http.Request
		var body map[string]string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.Clone(context.Background())
			_ = json.NewDecoder(r.Body).Decode(&body)
			fmt.Fprint(w, `{"message_id":"m-1"}`)
		}))
		defer server.Close()
		g := httpGateway(t, Config{Provider: testProvider(kind), URL: server.URL + "/base/", Token: "s3cret"})
		if reply := g.Send(t.Context(), testDelivery(kind, 7)); reply.Verdict != port.CallAccepted || reply.MessageID != "m-1" {
			t.Fatalf("got %+v", reply)
		}
		if got.Method != http.MethodPost || got.URL.Path != path || got.Proto != "HTTP/1.1" || got.ContentLength <= 0 {
			t.Errorf("got %s %s %s, %d bytes", got.Method, got.URL.Path, got.Proto, got.ContentLength)
		}
		for name, want := range map[string]string{
			"Idempotency-Key": "2026-11/7/1/2", "Content-Type": "application/json", "Authorization": "Bearer s3cret", "Accept-Encoding": "",
		} {
			if value := got.Header.Get(name); value != want {
				t.Errorf("%s is %q, want %q", name, value, want)
			}
		}
		to := map[channel.Kind]string{channel.SMS: "01012345678", channel.Push: "010-1234-5678"}[kind] // a token is nobody's number
		if fmt.Sprint(body) != "map[class:LMS text:청구서 title:제목 to:"+to+"]" {
			t.Errorf("the body is %v", body)
		}
	}
}

// A status 2xx accepts a message, 3xx and 4xx do not, whatever the body, but for 303 and 409. 5xx does not where the contract or a proxy's known
// words say so; else nobody knows.
func TestAnswersByTheirStatus(t *testing.T) {
	t.Parallel()
	page := "<html><h1>words</h1></html>"
	for _, c := range []struct {
		status int
		body   string
		means  string
	}{
		{200, `{"message_id":"a"}`, "accepted a"},
		{202, `{"message_id":"a","more":1}`, "accepted a"},
		{200, `{"message_id":7}`, "accepted 7"},
		{202, `{"message_id":-1.5e3}`, "accepted -1.5e3"},
		{201, `{"message_id":"a"}`, "accepted a"},
		{204, ``, "accepted "},
		{200, `{"message_id":""}`, "accepted "},
		{200, `{"message_id":"a b"}`, "accepted "},
		{200, `{"message_id":{"id":1}}`, "accepted "},
		{202, `{}`, "accepted "},
		{200, `OK`, "accepted "},
		{202, `{"message_id":"` + strings.Repeat("a", 201) + `"}`, "accepted "},
		{400, `{"code":"invalid_destination"}`, "permanent"},
		{410, `{"code":"unregistered"}`, "permanent"},
		{400, `{"code":"content_rejected"}`, "content"},
		{503, `{"code":"temporarily_refused"}`, "temporary ?"},
		{429, `{"code":"throttled"}`, "throttled ?"},
		{429, ``, "throttled ?"},
		{429, page, "throttled ?"},
		{429, `{"code":"temporarily_refused"}`, "throttled ?"},
		{400, `{"code":"bad_request"}`, "provider ?"},
		{400, `{"code":"unregistered"}`, "provider ?"},
		{400, page, "provider ?"},
		{410, `gone`, "provider ?"},
		{413, `{"code":"too_large"}`, "provider ?"},
		{422, `{"code":17}`, "provider ?"},
		{401, `{"code":"unauthorized"}`, "provider"},
		{401, page, "provider"},
		{402, ``, "provider"},
		{403, page, "provider"},
		{404, page, "provider"},
		{301, ``, "provider"},
		{302, ``, "provider"},
		{304, ``, "provider"},
		{303, ``, "unknown"}, // a form was taken, and its result is elsewhere
		{409, ``, "unknown"},
		{409, `{"code":"duplicate","message":"this key was used"}`, "unknown"}, // by a proxy that sent it twice
		{503, `<html><h1>503 Service Temporarily Unavailable</h1></html>`, "throttled ?"},
		{503, `no healthy upstream`, "throttled ?"},
		{503, `upstream connect error or disconnect/reset before headers`, "unknown"},
		{503, page, "unknown"},
		{503, `{"code":"TEMPORARILY_REFUSED"}`, "unknown"},
		{500, `{"code":"temporarily_refused"}`, "unknown"},
		{502, `{"code":"throttled"}`, "unknown"},
		{504, `{"message_id":"a"}`, "unknown"},
		{101, ``, "unknown"},
		{999, ``, "unknown"},
	} {
		reply := table.Reply(httpclient.Answer{Status: c.status, Body: []byte(c.body)}, nil, time.Time{})
		got := gateway.Meaning{Class: reply.Class, Doubtful: reply.Doubtful}.String()
		switch reply.Verdict {
		case port.CallAccepted:
			got = "accepted " + reply.MessageID
		case port.CallThrottled:
			got = gateway.Meaning{Class: attempt.Throttled, Doubtful: reply.Doubtful}.String()
		default:
		}
		if got != c.means {
			t.Errorf("%d %.60s: %s, want %s", c.status, c.body, got, c.means)
		}
		if kept := strings.Contains(gateway.Redact(reply.Detail, "+821012345678"), strconv.Itoa(c.status)); kept != (reply.MessageID == "") {
			t.Errorf("%d %.60s: the detail is %q", c.status, c.body, reply.Detail)
		}
		if c.body == page && !strings.HasSuffix(reply.Detail, " words") {
			t.Errorf("%d: the page's words are lost: %q", c.status, reply.Detail)
		}
	}
}

func TestAnotherChannelsMessageIsNotSent(t *testing.T) {
	t.Parallel()
	g := httpGateway(t, Config{URL: "http://127.0.0.1:1"})
	if reply := g.Send(t.Context(), testDelivery(channel.Push, 1)); reply.Verdict != port.CallNotMade || !strings.Contains(reply.Detail, "does not serve") {
		t.Errorf("got %+v", reply)
	}
}

func TestWhatTheContractDoesNotAllowIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	g := httpGateway(t, Config{URL: "http://127.0.0.1:1"}) // a call would be CallNotMade
	for class, change := range map[attempt.FailureClass][]func(*port.Delivery){
		attempt.Permanent: {
			func(d *port.Delivery) { d.Destination = "" },
			func(d *port.Delivery) { d.Destination = " " },
			func(d *port.Delivery) { d.Destination = strings.Repeat("1", maxDestination+1) },
		},
		attempt.Content: {
			func(d *port.Delivery) { d.Content.Text = "" },
			func(d *port.Delivery) { d.Content.Class = "MMS" },
			func(d *port.Delivery) { d.Content.Text = strings.Repeat("\x01", maxRequest/6) }, // each is six bytes of JSON
		},
	} {
		for i, change := range change {
			d := testDelivery(channel.SMS, 1)
			change(&d)
			if reply := g.Send(t.Context(), d); reply.Verdict != port.CallRefused || reply.Class != class {
				t.Errorf("%s %d: %+v", class, i, reply)
			}
		}
	}
	d := testDelivery(channel.SMS, 1)
	d.Content.Title = ""
	short, _ := appendBody(nil, d, "http")
	d.Content.Text += strings.Repeat("a", maxRequest-len(short))
	if body, reply := appendBody(nil, d, "http"); len(body) != maxRequest || reply.Verdict != "" {
		t.Errorf("the largest message is refused: %d bytes, %+v", len(body), reply)
	}
}

func TestInvalidConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	good := testProvider(channel.SMS)
	for name, change := range map[string]func(*Config){
		"no name":        func(c *Config) { c.Provider.Name = "" },
		"e-mail":         func(c *Config) { c.Provider.Channel = channel.Email },
		"short lease":    func(c *Config) { c.Provider.Lease = c.Provider.CallDeadline },
		"no deadline":    func(c *Config) { c.Provider.CallDeadline = 0 },
		"none in flight": func(c *Config) { c.Provider.InFlight = 0 },
		"slow rate":      func(c *Config) { c.Provider.Rate = 1e-4 },
		"bad rate":       func(c *Config) { c.Provider.Rate = -1 },
		"no url":         func(c *Config) { c.URL = "" },
		"ftp":            func(c *Config) { c.URL = "ftp://example.com" },
		"token":          func(c *Config) { c.Token = "a\r\nX: y" },
	} {
		c := Config{Provider: good, URL: "http://127.0.0.1:1"}
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
