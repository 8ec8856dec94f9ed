package sns_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/sns"
	"github.com/balsong/balsong/adapters/gateway/sns/snstest"
	"github.com/balsong/balsong/application/port"
)

func service(t testing.TB) (*snstest.Service, *sns.Topic) {
	t.Helper()
	s := snstest.New(t, "sns.amazonaws.com", 24*time.Hour)
	return s, topic(t, s)
}

func topic(t testing.TB, s http.RoundTripper) *sns.Topic {
	t.Helper()
	made, err := sns.New(snstest.Topic, s)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestANotificationIsReadByEitherVersionOfItsSignature(t *testing.T) {
	t.Parallel()
	s, topic := service(t)
	for _, version := range []string{"1", "2"} {
		for _, subject := range []string{"", "Amazon SES Email Event Notification"} {
			f := snstest.Notification("{\"eventType\":\"Bounce\"}\nMessageId\nx 청구서")
			f["SignatureVersion"] = version
			if subject != "" {
				f["Subject"] = subject
			}
			got, err := topic.Open(t.Context(), snstest.Request(t, s.Sign(t, f)))
			if err != nil || got.ID != f["MessageId"] || got.Text != f["Message"] || !got.At.Equal(snstest.Now.Add(-time.Second)) {
				t.Errorf("version %s, subject %q: %+v (%v)", version, subject, got, err)
			}
		}
	}
	if asked := s.Asked(); len(asked) != 1 || asked[0] != snstest.CertificateURL {
		t.Errorf("the certificate is not kept: %q", asked)
	}
}

func TestASubscriptionToOurTopicIsConfirmedByACallOfOurOwn(t *testing.T) {
	t.Parallel()
	s, topic := service(t)
	f := snstest.Confirmation()
	f["SubscribeURL"] = "https://attacker.example/?Action=ConfirmSubscription"
	if got, err := topic.Open(t.Context(), snstest.Request(t, s.Sign(t, f))); err != nil || got != nil {
		t.Fatalf("%+v (%v)", got, err)
	}
	asked := s.Asked()
	called, err := url.Parse(asked[len(asked)-1])
	if err != nil || called.Scheme != "https" || called.Host != snstest.Host || called.Path != "/" {
		t.Fatalf("%s was called", asked[len(asked)-1])
	}
	for name, want := range map[string]string{"Action": "ConfirmSubscription", "TopicArn": snstest.Topic, "Token": f["Token"]} {
		if got := called.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestAConfirmationThatSNSDoesNotTakeIsSaid(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{404: port.ErrUnreadable, 429: port.ErrUnavailable, 500: port.ErrUnavailable, 302: port.ErrUnavailable} {
		s, topic := service(t)
		s.Answer = func(r *http.Request) (int, string) {
			if strings.HasSuffix(r.URL.Path, ".pem") {
				return 200, s.Certificate()
			}
			return status, ""
		}
		_, err := topic.Open(t.Context(), snstest.Request(t, s.Sign(t, snstest.Confirmation())))
		if !errors.Is(err, want) || strings.Contains(err.Error(), snstest.Confirmation()["Token"]) || len(s.Asked()) != 2 {
			t.Errorf("%d: %v after %q", status, err, s.Asked())
		}
	}
}

func TestTheEndOfASubscriptionIsSaidAndUndoneByNobody(t *testing.T) {
	t.Parallel()
	s, topic := service(t)
	f := snstest.Confirmation()
	f["Type"] = "UnsubscribeConfirmation"
	_, err := topic.Open(t.Context(), snstest.Request(t, s.Sign(t, f)))
	if !errors.Is(err, port.ErrUnreadable) || !strings.Contains(err.Error(), "subscribe again") || len(s.Asked()) != 1 {
		t.Errorf("%v after %q", err, s.Asked())
	}
}

func TestARequestThatSNSDidNotMakeIsForged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after func(snstest.Fields) // before and after the signature
		request       func(*port.Webhook)
		asks          bool // for the certificate
	}{
		"no signature":        {after: func(f snstest.Fields) { delete(f, "Signature") }, asks: true},
		"a long signature":    {after: func(f snstest.Fields) { f["Signature"] = strings.Repeat("AAAA", 1<<10) }},
		"another message":     {after: func(f snstest.Fields) { f["Message"] += " " }, asks: true},
		"another id":          {after: func(f snstest.Fields) { f["MessageId"] = "x" }, asks: true},
		"a subject":           {after: func(f snstest.Fields) { f["Subject"] = "x" }, asks: true},
		"a split subject":     {before: func(f snstest.Fields) { f["Subject"] = "x\nTimestamp" }},
		"another type":        {after: func(f snstest.Fields) { f["Type"], f["Token"] = "SubscriptionConfirmation", "x" }, asks: true},
		"an unknown type":     {before: func(f snstest.Fields) { f["Type"] = "Other" }},
		"another version":     {after: func(f snstest.Fields) { f["SignatureVersion"] = "1" }, asks: true},
		"an unknown version":  {before: func(f snstest.Fields) { f["SignatureVersion"] = "3" }},
		"no time":             {before: func(f snstest.Fields) { f["Timestamp"] = "" }},
		"another topic":       {before: func(f snstest.Fields) { f["TopicArn"] += "x" }},
		"another host":        {before: func(f snstest.Fields) { f["SigningCertURL"] = "https://attacker.example/x.pem" }},
		"a host that ends so": {before: func(f snstest.Fields) { f["SigningCertURL"] = "https://x" + snstest.Host + "/x.pem" }},
		"a host that begins":  {before: func(f snstest.Fields) { f["SigningCertURL"] = "https://" + snstest.Host + ".attacker.example/x.pem" }},
		"another region":      {before: func(f snstest.Fields) { f["SigningCertURL"] = "https://sns.us-east-1.amazonaws.com/x.pem" }},
		"http": {before: func(f snstest.Fields) {
			f["SigningCertURL"] = "http" + strings.TrimPrefix(snstest.CertificateURL, "https")
		}},
		"a port":               {before: func(f snstest.Fields) { f["SigningCertURL"] = "https://" + snstest.Host + ":444/x.pem" }},
		"a user":               {before: func(f snstest.Fields) { f["SigningCertURL"] = "https://a@" + snstest.Host + "/x.pem" }},
		"a query":              {before: func(f snstest.Fields) { f["SigningCertURL"] += "?x=.pem" }},
		"a fragment":           {before: func(f snstest.Fields) { f["SigningCertURL"] += "#x" }},
		"an action":            {before: func(f snstest.Fields) { f["SigningCertURL"] = "https://" + snstest.Host + "/?Action=Publish&x=.pem" }},
		"another path":         {before: func(f snstest.Fields) { f["SigningCertURL"] = "https://" + snstest.Host + "/a/../b.pem" }},
		"an escaped path":      {before: func(f snstest.Fields) { f["SigningCertURL"] = "https://" + snstest.Host + "/a%2epem" }},
		"ancient":              {before: func(f snstest.Fields) { f["Timestamp"] = snstest.Now.Add(-121 * time.Minute).Format(time.RFC3339) }},
		"of the future":        {before: func(f snstest.Fields) { f["Timestamp"] = snstest.Now.Add(16 * time.Minute).Format(time.RFC3339) }},
		"a GET":                {request: func(r *port.Webhook) { r.Method = http.MethodGet }},
		"raw message delivery": {request: func(r *port.Webhook) { r.Header["X-Amz-Sns-Rawdelivery"] = []string{"true"} }},
		"no JSON":              {request: func(r *port.Webhook) { r.Body = []byte("<html>") }},
		"truncated":            {request: func(r *port.Webhook) { r.Body = r.Body[:len(r.Body)/2] }},
		"empty":                {request: func(r *port.Webhook) { r.Body = nil }},
		"50 MB":                {request: func(r *port.Webhook) { r.Body = append(r.Body, bytes.Repeat([]byte(" "), 50<<20)...) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, topic := service(t)
			f := snstest.Notification("{}")
			if c.before != nil {
				c.before(f)
			}
			s.Sign(t, f)
			if c.after != nil {
				c.after(f)
			}
			request := snstest.Request(t, f)
			if c.request != nil {
				c.request(&request)
			}
			got, err := topic.Open(t.Context(), request)
			if got != nil || !errors.Is(err, port.ErrForged) {
				t.Errorf("%+v (%v)", got, err)
			}
			if asked := s.Asked(); (len(asked) == 1) != c.asks {
				t.Errorf("%q was asked for", asked)
			}
		})
	}
}

func TestACertificateThatIsNotSNSsProvesNothing(t *testing.T) {
	t.Parallel()
	expired, young := snstest.New(t, "sns.amazonaws.com", -time.Hour), snstest.New(t, "sns.amazonaws.com", time.Hour)
	foreign := snstest.New(t, "mail.example.com", time.Hour)
	regional := snstest.New(t, "sns.ap-northeast-2.amazonaws.com", time.Hour)
	for name, c := range map[string]struct {
		s       *snstest.Service
		answer  func(*http.Request) (int, string)
		arrived time.Time
		want    error
	}{
		"valid":               {s: young},
		"of the region":       {s: regional},
		"expired":             {s: expired, want: port.ErrForged},
		"made out to another": {s: foreign, want: port.ErrForged},
		"no certificate":      {s: young, answer: func(*http.Request) (int, string) { return 200, "<html>" }, want: port.ErrForged},
		"a broken one": {s: young, answer: func(*http.Request) (int, string) {
			return 200, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
		}, want: port.ErrForged},
		"50 MB":          {s: young, answer: func(*http.Request) (int, string) { return 200, strings.Repeat(" ", 50<<20) }, want: port.ErrForged},
		"not there":      {s: young, answer: func(*http.Request) (int, string) { return 404, "" }, want: port.ErrForged},
		"a redirect":     {s: young, answer: func(*http.Request) (int, string) { return 302, "" }, want: port.ErrUnavailable},
		"out of service": {s: young, answer: func(*http.Request) (int, string) { return 503, "" }, want: port.ErrUnavailable},
	} {
		c.s.Answer = c.answer
		post := c.s.Post(t, "{}")
		if _, err := topic(t, c.s).Open(t.Context(), post); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		c.s.Answer = nil
	}
}

// broken is a line to SNS that is down.
type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }

func TestWhatCannotBeVerifiedNowIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s, _ := service(t)
	if _, err := topic(t, broken{}).Open(t.Context(), s.Post(t, "{}")); !errors.Is(err, port.ErrUnavailable) || !strings.Contains(err.Error(), "no route") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := topic(t, nil).Open(ctx, s.Post(t, "{}")); !errors.Is(err, port.ErrUnavailable) {
		t.Error(err)
	}
}

func TestOnlyTheARNOfATopicNamesOne(t *testing.T) {
	t.Parallel()
	for _, arn := range []string{snstest.Topic, "arn:aws-cn:sns:cn-north-1:123456789012:x", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:x_1-2"} {
		if _, err := sns.New(arn, nil); err != nil {
			t.Errorf("%s: %v", arn, err)
		}
	}
	for _, arn := range []string{
		"", "reports", snstest.Topic + ":0123", "arn:aws:sqs:ap-northeast-2:123456789012:x", "arn:aws:sns::123456789012:x", "arn:aws:sns:attacker.example/:123456789012:x",
		"arn:aws:sns:ap-northeast-2:1234:x", "arn:aws:sns:ap-northeast-2:123456789012:x.fifo", snstest.Topic + "\n", "arn:other:sns:ap-northeast-2:123456789012:x",
	} {
		if _, err := sns.New(arn, nil); !errors.Is(err, sns.ErrTopic) {
			t.Errorf("%q: %v", arn, err)
		}
	}
}

// FuzzOpen posts anything: what is not signed is forged, and calls nobody but SNS.
func FuzzOpen(f *testing.F) {
	s, topic := service(f)
	f.Add(snstest.Request(f, s.Sign(f, snstest.Notification("{}"))).Body)
	f.Add(snstest.Request(f, snstest.Confirmation()).Body)
	f.Add([]byte(`{"Type":"Notification","Timestamp":"2026-11-30T09:00:00Z","SigningCertURL":"https://sns.ap-northeast-2.amazonaws.com/x.pem"}`))
	s.Answer = func(r *http.Request) (int, string) {
		if r.URL.Scheme != "https" || r.URL.Host != snstest.Host {
			f.Errorf("%s was called", r.URL)
		}
		return 200, s.Certificate()
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := topic.Open(t.Context(), port.Webhook{Method: http.MethodPost, Body: body, Arrived: snstest.Now})
		if err == nil && got.Text != "{}" {
			t.Errorf("%q is taken for SNS's: %+v", body, got)
		}
	})
}
