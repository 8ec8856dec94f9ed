package nhn

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers/answerstest"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
)

// signature is what webhooks of the tests carry.
var signature = strings.Repeat("w", MinSignature)

func good() Config {
	return Config{
		Provider: port.Provider{Name: "nhn", Channel: channel.SMS, CallDeadline: 20 * time.Second, Lease: time.Minute, InFlight: 10},
		AppKey:   "app", SecretKey: "s3cret", From: "15446859", Signature: signature,
	}
}

// ours are the references of an installation without an id, which are known.
func ours(t testing.TB) *reference.Source {
	t.Helper()
	source, err := reference.NewSource(nil, strings.Repeat("r", 32))
	if err == nil {
		err = source.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func deliveryKey() key.Delivery {
	month, _ := key.NewMonth(2026, time.November)
	return key.Delivery{Month: month, UserID: 7, Attempt: 1, Round: 2}
}

func bill() port.Delivery {
	return port.Delivery{Key: deliveryKey(), Channel: channel.SMS, Destination: "010-1234-5678", Content: port.Variant{Text: "청구서 & <1>", Class: "SMS"}}
}

// seen is a request as a server got it.
type seen struct {
	method, url, secret, body string
}

// far is a gateway whose server answers each request with the next of the answers, the last one again.
func far(t *testing.T, c Config, answers ...string) (*Gateway, <-chan seen) {
	t.Helper()
	all := make(chan seen, 16)
	next := make(chan string, len(answers))
	for _, answer := range answers {
		next <- answer
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		all <- seen{r.Method, r.URL.RequestURI(), r.Header.Get("X-Secret-Key"), string(body)}
		answer := <-next
		if len(next) == 0 {
			next <- answer
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	c.URL = server.URL + "/"
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g, all
}

const taken = `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":{"data":{"requestId":"R1","statusCode":"2","sendResultList":[{"resultCode":0,"recipientSeq":1}]}}}`

func TestARequestIsNHNClouds(t *testing.T) {
	t.Parallel()
	source := ours(t)
	written := source.Known().To(deliveryKey())
	for name, c := range map[string]struct {
		change    func(*Config, *port.Delivery)
		url, body string
	}{
		"an SMS": {
			func(*Config, *port.Delivery) {}, "/sms/v3.0/appKeys/app/sender/sms",
			`{"body":"청구서 \u0026 \u003c1\u003e","sendNo":"15446859","recipientList":[{"recipientNo":"01012345678","recipientGroupingKey":"` + written + `"}]}`,
		},
		"an LMS": {
			func(_ *Config, d *port.Delivery) {
				d.Content = port.Variant{Title: "11월", Text: "##a##", Class: "LMS"}
			}, "/sms/v3.0/appKeys/app/sender/mms",
			`{"title":"11월","body":"##a##","sendNo":"15446859","recipientList":[{"recipientNo":"01012345678","recipientGroupingKey":"` + written + `"}]}`,
		},
		"abroad, without references": {func(c *Config, d *port.Delivery) {
			c.References, d.Destination, d.Content.Text = nil, "+15147214711", "a"
		}, "/sms/v3.0/appKeys/app/sender/sms", `{"body":"a","sendNo":"15446859","recipientList":[{"internationalRecipientNo":"15147214711"}]}`},
	} {
		config, d := good(), bill()
		config.References = source
		c.change(&config, &d)
		g, got := far(t, config, taken)
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted || reply.MessageID != "R1" {
			t.Fatalf("%s: %+v", name, reply)
		}
		if r := <-got; r.method != http.MethodPost || r.url != c.url || r.secret != "s3cret" || r.body != c.body {
			t.Errorf("%s: %+v, want %s", name, r, c.body)
		}
	}
}

func TestTheReplySaysWhatNHNCloudCharges(t *testing.T) {
	t.Parallel()
	for class, want := range map[string]cost.Unit{"SMS": cost.SMS, "LMS": cost.LMS} {
		d := bill()
		d.Content.Class = class
		g, _ := far(t, good(), taken)
		if reply := g.Send(t.Context(), d); reply.Units != (cost.Units{Unit: want, Count: 1}) {
			t.Errorf("%s: charged are %+v", class, reply.Units)
		}
	}
}

func TestEachRuleOfTheTableHoldsForItsExamples(t *testing.T) {
	t.Parallel()
	answerstest.Holds(t, table, Answers())
}

func FuzzNHNCloudsReply(f *testing.F) { answerstest.Fuzz(f, table, false) }

// The status is 200 for all of them: the header and the recipient's own code decide.
func TestASuccessOfTheRequestIsNoneOfTheRecipient(t *testing.T) {
	t.Parallel()
	const begin = `{"header":{"isSuccessful":true,"resultCode":0},"body":{"data":{"requestId":"R1","statusCode":"2","sendResultList":[`
	for said, want := range map[string]string{
		begin + `{"resultCode":0}]}}}`:                             "accepted ",
		begin + `{"resultCode":"0"}]}}}`:                           "accepted ",
		begin + `{"recipientSeq":1}]}}}`:                           "accepted ",
		begin + `{"resultCode":-2019,"resultMessage":"no"}]}}}`:    "refused permanent",
		begin + `{"resultCode":-2312}]}}}`:                         "refused provider",
		begin + `{"resultCode":-31337}]}}}`:                        "unknown ",
		begin + `{"resultCode":0},{"resultCode":0}]}}}`:            "unknown ",
		strings.Replace(begin, `"2"`, `"3"`, 1) + `]}}}`:           "unknown ",
		strings.Replace(begin, "true", "false", 1) + `]}}}`:        "unknown ",
		`{"header":{"isSuccessful":true,"resultCode":0}}`:          "unknown ",
		`{"header":{"isSuccessful":false,"resultCode":-31337}}`:    "unknown ",
		`{"header":{"isSuccessful":true,"resultCode":0},"body":1}`: "unknown ",
		`{"sid":"SM1"}`:        "unknown ",
		`<html>Welcome</html>`: "unknown ",
		``:                     "unknown ",
	} {
		reply := table.ReplyTo(http.StatusOK, "", readSaid([]byte(said)), []byte(said), time.Time{})
		if got := string(reply.Verdict) + " " + string(reply.Class); got != want {
			t.Errorf("%s: %s, want %s", said, got, want)
		}
	}
}

func TestAnAnswerAboutAnotherMessageSaysNothingOfOurs(t *testing.T) {
	t.Parallel()
	config := good()
	config.References = ours(t)
	other := deliveryKey()
	other.UserID++
	for of, want := range map[key.Delivery]port.Verdict{deliveryKey(): port.CallAccepted, other: port.CallUnknown} {
		g, _ := far(t, config, strings.Replace(taken, `"recipientSeq"`, `"recipientGroupingKey":"`+config.References.Known().To(of)+`","recipientSeq"`, 1))
		if reply := g.Send(t.Context(), bill()); reply.Verdict != want || reply.Answered != (want == port.CallUnknown) {
			t.Errorf("%s: %+v, want %s", of, reply, want)
		}
	}
}

func TestWithoutItsReferenceNoCallIsMade(t *testing.T) {
	t.Parallel()
	config := good()
	source, err := reference.NewSource(nil, strings.Repeat("r", 32))
	if err != nil {
		t.Fatal(err)
	}
	config.References = source
	g, got := far(t, config, taken)
	if reply := g.Send(t.Context(), bill()); reply.Verdict != port.CallNotMade || len(got) != 0 {
		t.Errorf("before Prepare: %+v", reply)
	}
	if err := g.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if reply := g.Send(t.Context(), bill()); reply.Verdict != port.CallAccepted {
		t.Errorf("after Prepare: %+v", reply)
	}
	d := bill()
	d.Channel = channel.Push
	if reply := g.Send(t.Context(), d); reply.Verdict != port.CallNotMade {
		t.Errorf("another channel: %+v", reply)
	}
	d = bill()
	d.Content.Text = ""
	if reply := g.Send(t.Context(), d); reply.Class != attempt.Content || len(got) != 1 {
		t.Errorf("no text: %+v", reply)
	}
}

func TestTheCheckAsksForTheSenderNumberAndSendsNothing(t *testing.T) {
	t.Parallel()
	const list = `{"header":{"isSuccessful":true,"resultCode":0},"body":{"data":[`
	for said, want := range map[string]string{
		list + `{"sendNo":"15446859","useYn":"Y","blockYn":"N"}]}}`: "",
		list + `{"sendNo":"15446859","useYn":"Y","blockYn":"Y"}]}}`: "is blocked",
		list + `{"sendNo":"15446859","useYn":"N","blockYn":"N"}]}}`: "not in use",
		list + `{"sendNo":"1544","useYn":"Y","blockYn":"N"}]}}`:     "is not registered",
		list + `1]}}`: "cannot be read",
		`{"header":{"isSuccessful":false,"resultCode":-1000,"resultMessage":"Invalid appKey."}}`: "200, code -1000: Invalid appKey.",
		`<html>Welcome</html>`: "200 Welcome",
	} {
		g, got := far(t, good(), said)
		err := g.Check(t.Context())
		if (err == nil) != (want == "") || err != nil && (!errors.Is(err, gateway.ErrCheck) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", said, err)
		}
		if r := <-got; r.method != http.MethodGet || r.body != "" || r.url != "/sms/v3.0/appKeys/app/sendNos?sendNo=15446859" {
			t.Errorf("%+v", r)
		}
	}
}

func TestInvalidConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := New(good()); err != nil {
		t.Errorf("the good one: %v", err)
	}
	for name, change := range map[string]func(*Config){
		"no name":           func(c *Config) { c.Provider.Name = "" },
		"push":              func(c *Config) { c.Provider.Channel = channel.Push },
		"no app key":        func(c *Config) { c.AppKey = "" },
		"a path in it":      func(c *Config) { c.AppKey = "a/b" },
		"no secret":         func(c *Config) { c.SecretKey = "" },
		"a line end in it":  func(c *Config) { c.SecretKey = "a\r\nb" },
		"no sender":         func(c *Config) { c.From = "" },
		"a name":            func(c *Config) { c.From = "Balsong" },
		"a short signature": func(c *Config) { c.Signature = "secret" },
		"ftp":               func(c *Config) { c.URL = "ftp://example.com" },
	} {
		c := good()
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
