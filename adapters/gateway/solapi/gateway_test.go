package solapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
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

var noon = time.Date(2026, time.November, 30, 12, 0, 0, 0, time.FixedZone("KST", 9*60*60))

func good() Config {
	return Config{
		Provider: port.Provider{Name: "solapi", Channel: channel.SMS, CallDeadline: 20 * time.Second, Lease: time.Minute, InFlight: 10},
		Key:      "KEY", Secret: "s3cret", From: "029302266", Now: func() time.Time { return noon },
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
	return port.Delivery{Key: deliveryKey(), Channel: channel.SMS, Destination: "010-1234-5678", Content: port.Variant{Text: "청구서", Class: "SMS"}}
}

// seen is a request as a server got it.
type seen struct {
	method, url, authorization, body string
}

// far is a gateway whose server answers each request with the next of the answers, the last one again.
func far(t *testing.T, c Config, status int, answers ...string) (*Gateway, <-chan seen) {
	t.Helper()
	all, next := make(chan seen, 64), make(chan string, len(answers))
	for _, answer := range answers {
		next <- answer
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		all <- seen{r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), string(body)}
		answer := <-next
		if len(next) == 0 {
			next <- answer
		}
		w.WriteHeader(status)
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

const taken = `{"failedMessageList":[],"messageList":[{"messageId":"M1","statusCode":"2000"}],"groupInfo":{"groupId":"G1","count":{"registeredFailed":0,"registeredSuccess":1}}}`

var authorization = regexp.MustCompile(`^HMAC-SHA256 apiKey=KEY, date=(2026-11-30T03:00:00Z), salt=([A-Z2-7]{12,64}), signature=([0-9a-f]{64})$`)

func TestARequestIsSOLAPIs(t *testing.T) {
	t.Parallel()
	source := ours(t)
	written := source.Known().To(deliveryKey())
	for name, c := range map[string]struct {
		change func(*Config, *port.Delivery)
		body   string
	}{
		"an SMS": {
			func(*Config, *port.Delivery) {},
			`{"messages":[{"to":"01012345678","from":"029302266","text":"청구서","type":"SMS","autoTypeDetect":false,"customFields":{"balsong":"` + written + `"}}],"showMessageList":true}`,
		},
		"an LMS, without references": {func(c *Config, d *port.Delivery) {
			c.References, d.Content = nil, port.Variant{Title: "11월", Text: "청구서", Class: "LMS"}
		}, `{"messages":[{"to":"01012345678","from":"029302266","text":"청구서","type":"LMS","autoTypeDetect":false,"subject":"11월"}],"showMessageList":true}`},
	} {
		config, d := good(), bill()
		config.References = source
		c.change(&config, &d)
		g, got := far(t, config, http.StatusOK, taken)
		if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted || reply.MessageID != "M1" {
			t.Fatalf("%s: %+v", name, reply)
		}
		if r := <-got; r.method != http.MethodPost || r.url != "/messages/v4/send-many/detail" || r.body != c.body {
			t.Errorf("%s: %+v, want %s", name, r, c.body)
		}
	}
}

func TestTheReplySaysWhatSOLAPICharges(t *testing.T) {
	t.Parallel()
	sms, lms := bill(), bill()
	lms.Content.Class = "LMS"
	kakao, alim := alimTalk()
	for want, c := range map[cost.Unit]struct {
		config Config
		bill   port.Delivery
	}{cost.SMS: {good(), sms}, cost.LMS: {good(), lms}, cost.Message: {kakao, alim}} {
		g, _ := far(t, c.config, http.StatusOK, taken)
		if reply := g.Send(t.Context(), c.bill); reply.Units != (cost.Units{Unit: want, Count: 1}) {
			t.Errorf("charged are %+v, want one %s", reply.Units, want)
		}
	}
}

// SOLAPI takes a signature once in 15 minutes: two calls of the same second have two.
func TestEachCallHasASignatureOfItsOwn(t *testing.T) {
	t.Parallel()
	g, got := far(t, good(), http.StatusOK, taken)
	salts := map[string]bool{}
	for range 20 {
		g.Send(t.Context(), bill())
		parts := authorization.FindStringSubmatch((<-got).authorization)
		if parts == nil {
			t.Fatal("the form of Authorization is another one")
		}
		mac := hmac.New(sha256.New, []byte("s3cret"))
		mac.Write([]byte(parts[1] + parts[2]))
		if hex.EncodeToString(mac.Sum(nil)) != parts[3] || salts[parts[2]] {
			t.Errorf("the signature over %s %s is not right, or the salt is used again", parts[1], parts[2])
		}
		salts[parts[2]] = true
	}
}

func TestEachRuleOfTheTableHoldsForItsExamples(t *testing.T) {
	t.Parallel()
	answerstest.Holds(t, table, Answers())
}

func FuzzSOLAPIsReply(f *testing.F) { answerstest.Fuzz(f, table, false) }

// The status is 200 for all of them: the lists decide.
func TestAGroupWithoutItsMessageIsNoAcceptance(t *testing.T) {
	t.Parallel()
	const group = `,"groupInfo":{"groupId":"G1","count":{"registeredFailed":0,"registeredSuccess":1}}}`
	const empty = `,"groupInfo":{"groupId":"G1","count":{"registeredFailed":1,"registeredSuccess":0}}}`
	for said, want := range map[string]string{
		`{"messageList":[{"messageId":"M1","statusCode":"2000"}]` + group:                                             "accepted ",
		`{"failedMessageList":[]` + group:                                                                             "accepted ",
		`{"failedMessageList":[{"statusCode":"1062"}]` + empty:                                                        "refused provider",
		`{"failedMessageList":[{"statusCode":1061}]` + empty:                                                          "refused permanent",
		`{"failedMessageList":[{"statusCode":"1999"}]` + empty:                                                        "refused provider",
		`{"failedMessageList":[{"statusCode":"2999"}]` + empty:                                                        "unknown ",
		`{"failedMessageList":[{"statusCode":"1062"}]` + group:                                                        "unknown ",
		`{"failedMessageList":[{"statusCode":"1062"}],"messageList":[{"messageId":"M1","statusCode":"2000"}]` + group: "unknown ",
		`{"messageList":[{"messageId":"M1","statusCode":"2000"},{"messageId":"M2","statusCode":"2000"}]` + group:      "unknown ",
		`{"messageList":[{"messageId":"","statusCode":"2000"}]` + group:                                               "unknown ",
		`{"messageList":[{"messageId":"M1","statusCode":"2000"}]` + empty:                                             "unknown ",
		`{"failedMessageList":[]` + empty:                                                                             "unknown ",
		`{"errorCode":"Odd","errorMessage":"odd"}`:                                                                    "unknown ",
		`{"header":{"isSuccessful":true,"resultCode":0},"body":{"data":{"requestId":"R1"}}}`:                          "unknown ",
		`<html>Welcome</html>`: "unknown ",
		``:                     "unknown ",
	} {
		reply := table.ReplyTo(http.StatusOK, "", readSaid([]byte(said)), []byte(said), time.Time{})
		if got := string(reply.Verdict) + " " + string(reply.Class); got != want {
			t.Errorf("%s: %s, want %s", said, got, want)
		}
	}
}

// A request with our salt in it that came before was ours: what repeated it is something on the way.
func TestADuplicateMayHaveBeenTakenTheFirstTime(t *testing.T) {
	t.Parallel()
	g, _ := far(t, good(), http.StatusForbidden, `{"errorCode":"DuplicatedSignature","errorMessage":"15분 안에 동일한 signature 값"}`)
	if reply := g.Send(t.Context(), bill()); reply.Verdict != port.CallUnknown || !reply.Answered {
		t.Errorf("%+v", reply)
	}
}

func TestAnAnswerAboutAnotherMessageSaysNothingOfOurs(t *testing.T) {
	t.Parallel()
	config := good()
	config.References = ours(t)
	other := deliveryKey()
	other.UserID++
	for of, want := range map[key.Delivery]port.Verdict{deliveryKey(): port.CallAccepted, other: port.CallUnknown} {
		g, _ := far(t, config, http.StatusOK, strings.Replace(taken, `"statusCode"`, `"customFields":{"balsong":"`+config.References.Known().To(of)+`"},"statusCode"`, 1))
		if reply := g.Send(t.Context(), bill()); reply.Verdict != want || reply.Answered != (want == port.CallUnknown) {
			t.Errorf("%s: %+v, want %s", of, reply, want)
		}
	}
}

func TestWhatSOLAPIDoesNotTakeIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	config := good()
	source, err := reference.NewSource(nil, strings.Repeat("r", 32))
	if err != nil {
		t.Fatal(err)
	}
	config.References = source
	g, got := far(t, config, http.StatusOK, taken)
	if reply := g.Send(t.Context(), bill()); reply.Verdict != port.CallNotMade {
		t.Errorf("before Prepare: %+v", reply)
	}
	if err := g.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*port.Delivery)
		want   attempt.FailureClass
	}{
		"abroad":          {func(d *port.Delivery) { d.Destination = "+15147214711" }, attempt.Permanent},
		"no text":         {func(d *port.Delivery) { d.Content.Text = "" }, attempt.Content},
		"another channel": {func(d *port.Delivery) { d.Channel = channel.Push }, ""},
	} {
		d := bill()
		c.change(&d)
		if reply := g.Send(t.Context(), d); reply.Class != c.want || reply.Verdict == port.CallAccepted {
			t.Errorf("%s: %+v", name, reply)
		}
	}
	if len(got) != 0 {
		t.Error("a call was made")
	}
}

func TestTheCheckAsksAndSendsNothing(t *testing.T) {
	t.Parallel()
	for status, answer := range map[int]string{200: `{"messageList":{}}`, 403: `{"errorCode":"SignatureDoesNotMatch","errorMessage":"no"}`} {
		g, got := far(t, good(), status, answer)
		err := g.Check(t.Context())
		if (err == nil) != (status == 200) || err != nil && (!errors.Is(err, gateway.ErrCheck) || !strings.Contains(err.Error(), "403 SignatureDoesNotMatch")) {
			t.Errorf("%d: %v", status, err)
		}
		if r := <-got; r.method != http.MethodGet || r.body != "" {
			t.Errorf("%+v", r)
		}
	}
}

func TestInvalidConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"no name":       func(c *Config) { c.Provider.Name = "" },
		"push":          func(c *Config) { c.Provider.Channel = channel.Push },
		"no key":        func(c *Config) { c.Key = "" },
		"another field": func(c *Config) { c.Key = "a, date=b" },
		"no secret":     func(c *Config) { c.Secret = "" },
		"a name":        func(c *Config) { c.From = "Balsong" },
		"ftp":           func(c *Config) { c.URL = "ftp://example.com" },
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
		`{"balance":12000.5,"point":100}`: {Balance: "12100.5", Currency: "KRW"},
		`{"balance":0,"point":0}`:         {Balance: "0", Currency: "KRW", Empty: true},
		`{"balance":7}`:                   {Balance: "7", Currency: "KRW"},
	} {
		g, got := far(t, good(), 200, answer)
		if quota, err := g.Quota(t.Context()); err != nil || quota != want {
			t.Errorf("%s: %+v, %v, want %+v", answer, quota, err, want)
		}
		if r := <-got; r.method != http.MethodGet || r.body != "" || r.url != "/cash/v1/balance" {
			t.Errorf("%+v", r)
		}
	}
	for _, answer := range []string{"{}", "<html>", `{"balance":"much"}`} {
		g, _ := far(t, good(), 200, answer)
		if _, err := g.Quota(t.Context()); !errors.Is(err, gateway.ErrCheck) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}
