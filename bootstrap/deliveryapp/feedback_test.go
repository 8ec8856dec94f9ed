package deliveryapp_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
)

const secret = "a-secret-of-32-characters-or-more"

// reported is a configuration of nowhere whose only provider reports, and can be asked.
func reported(t *testing.T) config.Deliverer {
	t.Helper()
	c := nowhere(t)
	calls := c.Gateways.SMS.HTTPCalls
	c.Gateways = config.Gateways{
		ReferenceSecrets: []string{secret},
		NHN:              config.NHN{URL: "http://127.0.0.1:1", AppKey: "key", SecretKey: "secret", From: "15446859", Signature: secret, HTTPCalls: calls},
	}
	c.Feedback = config.Feedback{Addr: "127.0.0.1:0", URL: "https://feedback.example.com", InquiryRate: 10}
	return c
}

// Amazon SES and AWS SMS publish what the account has chosen, which may be failures alone.
func TestReportsOfAWSCountForTheHaltOnlyOnceADeliveryIsAmongThem(t *testing.T) {
	t.Parallel()
	s := deliveryapp.FeedbackService(nil, nil, nil, nil, nil, nil, core.Informants{Reporters: []core.Reporter{
		{Provider: config.Provider{Provider: port.Provider{Name: "nhn"}}}, {Provider: config.Provider{Provider: port.Provider{Name: "ses"}}, Topic: "arn:aws:sns:ap-northeast-2:123456789012:ses"},
	}})
	if !slices.Equal(s.ReportDeliveries, []string{"nhn"}) || !slices.Equal(s.ChooseReports, []string{"ses"}) {
		t.Errorf("always %v, once they do %v", s.ReportDeliveries, s.ChooseReports)
	}
}

func TestFeedbackThatWouldReceiveNothingIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*config.Deliverer)
		says   []string // none: it is taken
	}{
		"webhooks": {func(*config.Deliverer) {}, nil},
		"of two channels of a vendor": {func(c *config.Deliverer) {
			c.Gateways.NHNAlimTalk = config.NHNAlimTalk{URL: "http://127.0.0.1:1", AppKey: "key", SecretKey: "secret", SenderKey: strings.Repeat("a", 40), Signature: secret, HTTPCalls: c.Gateways.NHN.HTTPCalls}
		}, nil},
		"inquiries alone": {func(c *config.Deliverer) { c.Feedback.Addr, c.Gateways.NHN.Signature = "", "" }, nil},
		"bounces alone": {func(c *config.Deliverer) {
			c.Feedback, c.Gateways.NHN = config.Feedback{LMTPAddr: "127.0.0.1:0"}, config.NHN{}
		}, nil},
		"a queue alone": {func(c *config.Deliverer) {
			c.Feedback = config.Feedback{Queue: "https://sqs.ap-northeast-2.amazonaws.com/123456789012/reports"}
			c.Gateways.SES = config.SES{From: "a@b.example", Topic: "arn:aws:sns:ap-northeast-2:123456789012:ses", HTTPCalls: c.Gateways.NHN.HTTPCalls}
			c.Gateways.NHN = config.NHN{}
		}, nil},
		"a queue of nobody": {func(c *config.Deliverer) {
			c.Feedback.Queue = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/reports"
		}, []string{"BALSONG_FEEDBACK_QUEUE", "BALSONG_SES_TOPIC"}},
		"a queue beside webhooks": {func(c *config.Deliverer) {
			c.Feedback.Queue, c.Feedback.Addr = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/reports", ""
			c.Gateways.SES = config.SES{From: "a@b.example", Topic: "arn:aws:sns:ap-northeast-2:123456789012:ses", HTTPCalls: c.Gateways.NHN.HTTPCalls}
		}, []string{"sms/nhn is to report by webhooks", "BALSONG_FEEDBACK_QUEUE"}},
		"nothing": {func(c *config.Deliverer) { c.Feedback, c.Gateways = config.Feedback{}, config.Gateways{} }, []string{"BALSONG_FEEDBACK_ADDR", "BALSONG_FEEDBACK_LMTP_ADDR", "BALSONG_TWILIO_STATUS_URL"}},
		"nothing to ask with": {func(c *config.Deliverer) {
			c.Feedback.Addr, c.Gateways.NHN.Signature, c.Gateways.ReferenceSecrets = "", "", nil
		}, []string{"NHN Cloud, with BALSONG_REFERENCE_SECRETS"}},
		"no questions either":  {func(c *config.Deliverer) { c.Feedback, c.Gateways.NHN.Signature = config.Feedback{}, "" }, []string{"BALSONG_FEEDBACK_ADDR"}},
		"nobody reports there": {func(c *config.Deliverer) { c.Gateways.NHN.Signature = "" }, []string{"BALSONG_FEEDBACK_ADDR", "BALSONG_NHN_WEBHOOK_SECRET", "BALSONG_SES_TOPIC", "BALSONG_SOLAPI_WEBHOOK_SECRET"}},
		"nowhere to report to": {func(c *config.Deliverer) { c.Feedback.Addr = "" }, []string{"sms/nhn", "BALSONG_FEEDBACK_ADDR"}},
		"bounces of no bill": {func(c *config.Deliverer) {
			c.Feedback, c.Gateways = config.Feedback{LMTPAddr: "127.0.0.1:0"}, config.Gateways{}
		}, []string{"BALSONG_REFERENCE_SECRETS"}},
		"no certificate there": {func(c *config.Deliverer) { c.Feedback.CertFile, c.Feedback.KeyFile = "/none.pem", "/none.key" }, []string{"BALSONG_FEEDBACK_CERT_FILE", "/none.pem"}},
	} {
		configured := reported(t)
		c.change(&configured)
		err := fx.New(deliveryapp.Options(deliveryapp.Feedback, configured), fx.NopLogger).Err()
		if len(c.says) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.Is(err, config.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
			continue
		}
		for _, part := range c.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not name %s", name, err, part)
			}
		}
	}
}

// post sends a webhook as NHN Cloud signs it, and returns the status; 0 where nobody answers.
func post(t *testing.T, addr, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/reports/nhn", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Toast-Webhook-Signature", secret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestFeedbackStartsWithTheDatabaseDownAsksProvidersToComeAgainAndEndsWhenAsked(t *testing.T) {
	health, webhooks, mails := observetest.FreeAddr(t), observetest.FreeAddr(t), observetest.FreeAddr(t)
	environment(t, map[string]string{
		"BALSONG_HEALTH_ADDR": health, "BALSONG_FEEDBACK_ADDR": webhooks, "BALSONG_FEEDBACK_URL": "https://feedback.example.com", "BALSONG_FEEDBACK_LMTP_ADDR": mails,
		"BALSONG_SMS_URL": "unset", "BALSONG_REFERENCE_SECRETS": secret, "BALSONG_NHN_APP_KEY": "key", "BALSONG_NHN_SECRET_KEY": "secret",
		"BALSONG_NHN_FROM": "15446859", "BALSONG_NHN_WEBHOOK_SECRET": secret, "BALSONG_S3_BUCKET": "unset", "BALSONG_KEYSET": "unset", "BALSONG_KAFKA_BROKERS": "unset",
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, deliveryapp.NewCommand(), []string{"--role", "feedback"}, io.Discard, io.Discard)
	}()
	waittest.Until(t, "it waits for the database alone", func() bool {
		var ready struct{ Down []string }
		status, body := observetest.Get(t, "http://"+health+"/readyz")
		return status == http.StatusServiceUnavailable && json.Unmarshal(body, &ready) == nil && len(ready.Down) == 1 && ready.Down[0] == "database"
	})
	if status := post(t, webhooks, `{"appKey":"key","event":"MESSAGE_RESULT_UPDATE","hooks":[]}`); status != http.StatusServiceUnavailable {
		t.Errorf("a webhook is answered with %d", status)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", mails)
	if err != nil {
		t.Fatal(err)
	}
	mail := textproto.NewConn(conn)
	defer func() { _ = mail.Close() }()
	for _, line := range []struct {
		says string
		code int
	}{{"", 220}, {"LHLO mx.example.com", 250}, {"MAIL FROM:<>", 250}, {"RCPT TO:<anybody@bounces.example.com>", 451}} {
		if line.says != "" {
			if err := mail.PrintfLine("%s", line.says); err != nil {
				t.Fatal(err)
			}
		}
		if _, said, err := mail.ReadResponse(line.code); err != nil {
			t.Errorf("%s is answered with %s, %v", line.says, said, err)
		}
	}
	stop()
	select {
	case code := <-ended:
		if code != core.ExitOK {
			t.Fatalf("exit code %d", code)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	if status := post(t, webhooks, "{}"); status != 0 {
		t.Errorf("it still answers, with %d", status)
	}
}
