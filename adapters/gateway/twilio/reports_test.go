package twilio

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/report"
)

const referenceSecret = "a-secret-of-32-characters-or-more"

func reporting(t testing.TB) *Gateway {
	t.Helper()
	c := good()
	c.StatusURL, c.AuthToken = "https://feedback.example.com/reports/twilio?month=11", "12345"
	var err error
	if c.References, err = reference.NewSource(nil, referenceSecret); err != nil {
		t.Fatal(err)
	}
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

// callback is a status callback about a bill, signed.
func callback(g *Gateway, fields url.Values, stands string) port.Webhook {
	return port.Webhook{
		Method: http.MethodPost, URL: "http://10.0.0.7:8090/reports/twilio?month=11&key=" + stands, Body: []byte(fields.Encode()),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"}, "X-Twilio-Signature": {g.sign(g.status+stands, fields)}},
	}
}

func callbackFields(status, code string) url.Values {
	fields := url.Values{
		"AccountSid": {"AC" + strings.Repeat("a", 32)}, "MessageSid": {"SM" + strings.Repeat("0", 32)}, "SmsStatus": {status},
		"MessageStatus": {status}, "To": {"+821012345678"}, "From": {"+15005550006"}, "ApiVersion": {"2010-04-01"},
	}
	if code != "" {
		fields.Set("ErrorCode", code)
	}
	return fields
}

// The example of https://www.twilio.com/docs/usage/security, as the page had it for years.
func TestASignatureIsTwilios(t *testing.T) {
	t.Parallel()
	g := &Gateway{token: []byte("12345")}
	fields := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"}, "From": {"+14158675309"}, "To": {"+18005551212"}}
	if got := g.sign("https://mycompany.com/myapp.php?foo=1&bar=2", fields); got != "RSOYDt4T1cUTdK1PDd93/VVr8B8=" {
		t.Errorf("the signature is %s", got)
	}
}

func TestWhatACallbackSays(t *testing.T) {
	t.Parallel()
	g := reporting(t)
	about := bill().Key
	stands, _ := g.standsFor(about)
	for name, c := range map[string]struct {
		status, code string
		kind         report.Kind // "": nothing is said yet
		class        attempt.FailureClass
		definitive   bool
	}{
		"on its way":            {"sent", "", "", "", false},
		"delivered":             {"delivered", "", report.Delivered, "", true},
		"read":                  {"read", "", report.Delivered, "", true},
		"no such number":        {"undelivered", "30005", report.Undelivered, attempt.Permanent, true},
		"filtered":              {"undelivered", "30007", report.Undelivered, attempt.Provider, true},
		"suspended":             {"failed", "30002", report.Undelivered, attempt.Provider, true},
		"out of reach":          {"undelivered", "30003", report.Undelivered, attempt.Temporary, true},
		"for no reason":         {"undelivered", "30008", report.Undelivered, attempt.Temporary, false},
		"for no reason, unsent": {"failed", "30008", report.Undelivered, attempt.Temporary, true},
		"a code of tomorrow":    {"undelivered", "39999", report.Undelivered, attempt.Temporary, false},
		"no code":               {"undelivered", "", report.Undelivered, attempt.Temporary, false},
		"taken back":            {"canceled", "", report.Undelivered, attempt.Temporary, true},
	} {
		fields := callbackFields(c.status, c.code)
		fields.Set("ErrorMessage", "Unknown destination handset +821012345678")
		said, err := g.Reports(t.Context(), callback(g, fields, stands))
		if err != nil || said.Foreign != 0 || len(said.Reports) > 1 || (len(said.Reports) == 0) != (c.kind == "") {
			t.Errorf("%s: %+v, %v", name, said, err)
			continue
		}
		for _, r := range said.Reports {
			if err := r.Validate(); err != nil || r.Key != about || r.Kind != c.kind || r.Class != c.class || r.Definitive != c.definitive || strings.Contains(r.Detail, "12345678") {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
		}
	}
}

func TestACallbackThatIsNotTwiliosIsNotBelieved(t *testing.T) {
	t.Parallel()
	g := reporting(t)
	stands, _ := g.standsFor(bill().Key)
	other, _ := reference.New("another", referenceSecret)
	for name, c := range map[string]struct {
		change func(*port.Webhook, url.Values)
		err    error // nil: it is Twilio's, and about nothing of ours
	}{
		"no signature": {func(w *port.Webhook, _ url.Values) { http.Header(w.Header).Del("X-Twilio-Signature") }, port.ErrForged},
		"another status": {func(w *port.Webhook, f url.Values) {
			f.Set("MessageStatus", "undelivered")
			w.Body = []byte(f.Encode())
		}, port.ErrForged},
		"a further field":   {func(w *port.Webhook, f url.Values) { f.Set("x", "y"); w.Body = []byte(f.Encode()) }, port.ErrForged},
		"another key":       {func(w *port.Webhook, _ url.Values) { w.URL = strings.Replace(w.URL, stands, other.To(bill().Key), 1) }, port.ErrForged},
		"no key":            {func(w *port.Webhook, _ url.Values) { w.URL = "http://10.0.0.7:8090/" }, port.ErrForged},
		"no address":        {func(w *port.Webhook, _ url.Values) { w.URL = ":" }, port.ErrForged},
		"GET":               {func(w *port.Webhook, _ url.Values) { w.Method = http.MethodGet }, port.ErrForged},
		"JSON":              {func(w *port.Webhook, _ url.Values) { http.Header(w.Header).Set("Content-Type", "application/json") }, port.ErrForged},
		"50 MB":             {func(w *port.Webhook, _ url.Values) { w.Body = []byte(strings.Repeat("a", 50<<20)) }, port.ErrForged},
		"truncated":         {func(w *port.Webhook, _ url.Values) { w.Body = w.Body[:len(w.Body)/2] }, port.ErrForged},
		"an unknown status": {func(w *port.Webhook, f url.Values) { f.Set("MessageStatus", "sideways"); *w = callback(g, f, stands) }, port.ErrUnreadable},
		"no message":        {func(w *port.Webhook, f url.Values) { f.Set("MessageSid", "x"); *w = callback(g, f, stands) }, port.ErrUnreadable},
		"foreign":           {func(w *port.Webhook, f url.Values) { *w = callback(g, f, other.To(bill().Key)) }, nil},
		"another account":   {func(w *port.Webhook, f url.Values) { f.Set("AccountSid", "AC1"); *w = callback(g, f, stands) }, nil},
	} {
		fields := callbackFields("delivered", "")
		request := callback(g, fields, stands)
		c.change(&request, fields)
		said, err := g.Reports(t.Context(), request)
		if !errors.Is(err, c.err) || len(said.Reports) > 0 || (err == nil) != (said.Foreign == 1) {
			t.Errorf("%s: %+v, %v", name, said, err)
		}
	}
	silent := reporting(t)
	silent.token = nil
	if _, err := silent.Reports(t.Context(), callback(silent, callbackFields("delivered", ""), stands)); !errors.Is(err, port.ErrForged) {
		t.Errorf("without a token: %v", err)
	}
}

func TestACallbacksRepetitionIsTheSameReport(t *testing.T) {
	t.Parallel()
	g := reporting(t)
	stands, _ := g.standsFor(bill().Key)
	ids := map[string]bool{}
	for _, status := range []string{"delivered", "delivered", "undelivered"} {
		said, err := g.Reports(t.Context(), callback(g, callbackFields(status, ""), stands))
		if err != nil {
			t.Fatal(err)
		}
		ids[said.Reports[0].ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("ids %v", ids)
	}
}

func TestAReportsAddressHasTheReferenceAlone(t *testing.T) {
	t.Parallel()
	address, got := far(t, http.StatusCreated, `{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}`)
	c := good()
	c.URL, c.StatusURL = address, "https://feedback.example.com/reports/twilio"
	c.References, _ = reference.NewSource(nil, referenceSecret)
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if reply := g.Send(t.Context(), bill()); reply.Verdict != port.CallNotMade {
		t.Errorf("before it is prepared: %+v", reply)
	}
	if err := g.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if reply := g.Send(t.Context(), bill()); reply.Verdict != port.CallAccepted {
		t.Fatalf("%+v", reply)
	}
	_, body := got()
	values, _ := url.ParseQuery(body)
	status, err := url.Parse(values.Get("StatusCallback"))
	if err != nil {
		t.Fatal(err)
	}
	if read, err := c.References.Known().Read(status.Query().Get("key")); err != nil || read != bill().Key || strings.Contains(body, "2026-11") {
		t.Errorf("%s names %s (%v)", body, read, err)
	}
}

func FuzzACallback(f *testing.F) {
	g := reporting(f)
	stands, _ := g.standsFor(bill().Key)
	f.Add("/reports/twilio?key="+stands, callbackFields("delivered", "").Encode(), true)
	f.Add("/reports/twilio?key="+stands, callbackFields("undelivered", "30005").Encode(), true)
	f.Add("/?key=", "a=%zz", false)
	f.Fuzz(func(t *testing.T, address, body string, signed bool) {
		request := port.Webhook{Method: http.MethodPost, URL: address, Body: []byte(body), Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
		if fields, err := url.ParseQuery(body); err == nil && signed {
			if at, err := url.Parse(address); err == nil {
				http.Header(request.Header).Set("X-Twilio-Signature", g.sign(g.status+at.Query().Get("key"), fields))
			}
		}
		said, err := g.Reports(t.Context(), request)
		if err != nil && !errors.Is(err, port.ErrForged) && !errors.Is(err, port.ErrUnreadable) {
			t.Fatal(err)
		}
		if !signed && (err == nil || len(said.Reports) > 0) {
			t.Fatalf("believed without a signature: %+v", said)
		}
		for _, r := range said.Reports {
			if err := r.Validate(); err != nil {
				t.Fatalf("%+v: %v", r, err)
			}
		}
	})
}
