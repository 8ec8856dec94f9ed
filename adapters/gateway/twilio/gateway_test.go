package twilio

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers/answerstest"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
)

func good() Config {
	return Config{
		Provider: port.Provider{Name: "sms", Channel: channel.SMS, CallDeadline: 20 * time.Second, Lease: time.Minute, InFlight: 10},
		Account:  "AC" + strings.Repeat("a", 32), Key: "SK1", Secret: "s3cret", From: "+15005550006",
	}
}

func bill() port.Delivery {
	month, _ := key.NewMonth(2026, time.November)
	return port.Delivery{
		Key: key.Delivery{Month: month, UserID: 7, Attempt: 1, Round: 2}, Channel: channel.SMS, Destination: "010-1234-5678",
		Content: port.Variant{Text: "청구서 & 100% +1", Class: "SMS"},
	}
}

// far is a server that keeps the last request, and answers as it is told.
func far(t *testing.T, status int, answer string) (address string, got func() (*http.Request, string)) {
	t.Helper()
	type seen struct {
		request *http.Request
		body    string
	}
	all := make(chan seen, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		all <- seen{r.Clone(r.Context()), string(body)}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() (*http.Request, string) {
		s := <-all
		return s.request, s.body
	}
}

func TestARequestIsTwilios(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Config, *port.Delivery)
		form   string
		user   string
	}{
		"a number": {func(*Config, *port.Delivery) {}, "To=%2B821012345678&From=%2B15005550006&Body=%EC%B2%AD%EA%B5%AC%EC%84%9C+%26+100%25+%2B1", "SK1"},
		"a service, reports and the account itself": {func(c *Config, _ *port.Delivery) {
			c.From, c.Service, c.Key, c.StatusURL = "", "MG"+strings.Repeat("b", 32), "", "https://example.com/twilio?a=b"
		}, "To=%2B821012345678&MessagingServiceSid=MG" + strings.Repeat("b", 32) + "&Body=%EC%B2%AD%EA%B5%AC%EC%84%9C+%26+100%25+%2B1&StatusCallback=https%3A%2F%2Fexample.com%2Ftwilio%3Fa%3Db%26key%3D2026-11%252F7%252F1%252F2", "AC" + strings.Repeat("a", 32)},
		"an LMS, abroad": {func(_ *Config, d *port.Delivery) {
			d.Destination, d.Content = "+15147214711", port.Variant{Title: "Bill", Text: "text", Class: "LMS"}
		}, "To=%2B15147214711&From=%2B15005550006&Body=Bill%0Atext", "SK1"},
	} {
		config, d := good(), bill()
		address, got := far(t, http.StatusCreated, `{"sid":"SM1","status":"queued"}`)
		config.URL = address + "/"
		c.change(&config, &d)
		g, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted || reply.MessageID != "SM1" {
			t.Fatalf("%s: %+v", name, reply)
		}
		r, form := got()
		user, secret, _ := r.BasicAuth()
		if r.Method != http.MethodPost || r.URL.Path != "/2010-04-01/Accounts/"+config.Account+"/Messages.json" || user != c.user || secret != "s3cret" ||
			r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || form != c.form {
			t.Errorf("%s: %s %s by %s: %s", name, r.Method, r.URL, user, form)
		}
		values, err := url.ParseQuery(form)
		if status, parsed := url.Parse(values.Get("StatusCallback")); err != nil || parsed != nil || (config.StatusURL != "" && status.Query().Get("key") != "2026-11/7/1/2") {
			t.Errorf("%s: the key does not travel: %s", name, values.Get("StatusCallback"))
		}
	}
}

// What waits in Twilio's queue longer than it may is not sent: so no bill comes in quiet hours or after its deadline.
func TestTwilioIsToldHowLongAMessageMayWait(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for until, want := range map[time.Time]string{
		{}: "", now.Add(90500 * time.Millisecond): "90", now.Add(10*time.Hour - time.Nanosecond): "35999",
		now.Add(10 * time.Hour): "", now.Add(100 * time.Hour): "", now.Add(time.Millisecond): "1", now.Add(-time.Hour): "1",
	} {
		config, d := good(), bill()
		address, got := far(t, http.StatusCreated, `{"sid":"SM1"}`)
		config.URL, config.Now = address, func() time.Time { return now }
		g, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		d.Until = until
		g.Send(t.Context(), d)
		_, form := got()
		values, err := url.ParseQuery(form)
		if err != nil || values.Get("ValidityPeriod") != want {
			t.Errorf("until %s: %q (%v), want %q", until, values.Get("ValidityPeriod"), err, want)
		}
	}
}

func TestEachRuleOfTheTableHoldsForItsExamples(t *testing.T) {
	t.Parallel()
	answerstest.Holds(t, table, Answers())
}

func FuzzTwiliosReply(f *testing.F) { answerstest.Fuzz(f, table, false) }

func TestAnotherServersSuccessIsNoAcceptance(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"", "<html>Welcome</html>", "{}", `{"message_id":"7"}`, `{"sid":""}`} {
		reply := table.ReplyTo(http.StatusOK, "", read([]byte(said)), []byte(said), time.Time{})
		if reply.Verdict != port.CallUnknown || !reply.Answered {
			t.Errorf("%q: %+v", said, reply)
		}
	}
}

func TestWhatTwilioDoesNotTakeIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	config := good()
	config.URL = "http://127.0.0.1:1" // a call would be CallNotMade
	g, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for name, c := range map[string]struct {
		change func(*port.Delivery)
		class  attempt.FailureClass
	}{
		"no destination": {func(d *port.Delivery) { d.Destination = " " }, attempt.Permanent},
		"a long one":     {func(d *port.Delivery) { d.Destination = strings.Repeat("1", maxDestination+1) }, attempt.Permanent},
		"no text":        {func(d *port.Delivery) { d.Content.Text = " \n" }, attempt.Content},
		"a long text":    {func(d *port.Delivery) { d.Content.Text = strings.Repeat("가", maxText+1) }, attempt.Permanent},
		"too long by title": {func(d *port.Delivery) {
			d.Content = port.Variant{Class: "LMS", Title: "a", Text: strings.Repeat("가", maxText-1)}
		}, attempt.Permanent},
	} {
		d := bill()
		c.change(&d)
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallRefused || reply.Class != c.class {
			t.Errorf("%s: %+v", name, reply)
		}
	}
	d := bill()
	d.Content.Text = strings.Repeat("가", maxText)
	if reply := g.Send(t.Context(), d); reply.Verdict != port.CallNotMade {
		t.Errorf("the longest text: %+v", reply)
	}
	d.Channel = channel.Push
	if reply := g.Send(t.Context(), d); reply.Verdict != port.CallNotMade || !strings.Contains(reply.Detail, "does not serve") {
		t.Errorf("another channel: %+v", reply)
	}
}

func TestTheCheckAsksAndSendsNothing(t *testing.T) {
	t.Parallel()
	for status, answer := range map[int]string{200: `{"messages":[]}`, 401: `{"code":20003,"message":"Authenticate","status":401}`} {
		config := good()
		address, got := far(t, status, answer)
		config.URL = address
		g, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		err = g.Check(t.Context())
		if (err == nil) != (status == 200) || err != nil && (!errors.Is(err, gateway.ErrCheck) || !strings.Contains(err.Error(), "401, code 20003: Authenticate")) {
			t.Errorf("%d: %v", status, err)
		}
		if r, body := got(); r.Method != http.MethodGet || body != "" {
			t.Errorf("%s %q", r.Method, body)
		}
	}
}

func TestInvalidConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := New(good()); err != nil {
		t.Errorf("the good one: %v", err)
	}
	for name, change := range map[string]func(*Config){
		"no name":        func(c *Config) { c.Provider.Name = "" },
		"push":           func(c *Config) { c.Provider.Channel = channel.Push },
		"no account":     func(c *Config) { c.Account = "" },
		"a path in it":   func(c *Config) { c.Account = "AC" + strings.Repeat("a", 31) + "/" },
		"no secret":      func(c *Config) { c.Secret = "" },
		"a colon":        func(c *Config) { c.Key = "a:b" },
		"no sender":      func(c *Config) { c.From = "" },
		"two senders":    func(c *Config) { c.Service = "MG" + strings.Repeat("b", 32) },
		"no service":     func(c *Config) { c.From, c.Service = "", "MG" },
		"ftp":            func(c *Config) { c.URL = "ftp://example.com" },
		"reports by ftp": func(c *Config) { c.StatusURL = "ftp://example.com" },
		"a fragment":     func(c *Config) { c.StatusURL = "https://example.com/#a" },
	} {
		c := good()
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTheBalanceOfTheAccountIsAsked(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]port.Quota{
		`{"account_sid":"AC1","balance":"12.50","currency":"USD"}`: {Balance: "12.50", Currency: "USD"},
		`{"account_sid":"AC1","balance":"-0.01","currency":"USD"}`: {Balance: "-0.01", Currency: "USD", Empty: true},
		`{"account_sid":"AC1","balance":null,"currency":null}`:     {},
		`{"balance":"a lot","currency":"USD"}`:                     {},
	} {
		config := good()
		address, got := far(t, 200, answer)
		config.URL = address
		g, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		if quota, err := g.Quota(t.Context()); err != nil || quota != want {
			t.Errorf("%s: %+v, %v, want %+v", answer, quota, err, want)
		}
		if r, body := got(); r.Method != http.MethodGet || r.URL.Path != "/2010-04-01/Accounts/"+config.Account+"/Balance.json" || body != "" {
			t.Errorf("%s %s %q", r.Method, r.URL.Path, body)
		}
	}
	config := good()
	config.URL, _ = far(t, 200, "<html>")
	g, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := g.Quota(t.Context()); !errors.Is(err, gateway.ErrCheck) {
		t.Errorf("no balance: %v", err)
	}
}

func TestACheckSaysWhetherTheSenderIsTheAccounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, list string
		asks       int
		limited    bool
	}{
		"ours":        {"+15005550006", `{"incoming_phone_numbers":[{"phone_number":"+15005550006"}]}`, 2, false},
		"another's":   {"+15005550006", `{"incoming_phone_numbers":[]}`, 2, true},
		"no list":     {"+15005550006", `<html>`, 2, false},
		"not in it":   {"+15005550006", `{"code":20003}`, 2, false},
		"a name":      {"Shop", `{"incoming_phone_numbers":[]}`, 1, false},
		"a short one": {"12345", `{"incoming_phone_numbers":[]}`, 1, false},
	} {
		config := good()
		config.From = c.from
		address, got := far(t, 200, c.list)
		config.URL = address
		g, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		if err := g.Check(t.Context()); err != nil || (g.Limits() != "") != c.limited {
			t.Errorf("%s: %q, %v", name, g.Limits(), err)
		}
		for range c.asks - 1 {
			got()
		}
		if r, _ := got(); c.asks == 2 && r.URL.Query().Get("PhoneNumber") != c.from {
			t.Errorf("%s: %s", name, r.URL)
		}
	}
}

// Twilio says how many segments it charges, but where a messaging service picks the sender later.
func TestTheReplySaysTheSegmentsThatTwilioCharges(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]int{`"num_segments":"3"`: 3, `"num_segments":"0"`: 2, `"num_segments":"-1"`: 2, `"num_segments":"1e9"`: 2, `"num_segments":null`: 2} {
		config, d := good(), bill()
		d.Content.Text = strings.Repeat("가", 71)
		config.URL, _ = far(t, http.StatusCreated, `{"sid":"SM1","status":"queued",`+said+`}`)
		g, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		if reply := g.Send(t.Context(), d); reply.Units != (cost.Units{Unit: cost.Segment, Count: want}) {
			t.Errorf("%s: charged are %+v, want %d segments", said, reply.Units, want)
		}
		g.Close()
	}
}
