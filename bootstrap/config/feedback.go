package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"github.com/balsong/balsong/adapters/gateway/sqs"
)

// Feedback is where providers say what became of messages.
type Feedback struct {
	Addr        string   `env:"BALSONG_FEEDBACK_ADDR" help:"host:port where webhooks of providers are taken, as in :8443; without it none"`
	URL         string   `env:"BALSONG_FEEDBACK_URL" help:"https address by which providers reach BALSONG_FEEDBACK_ADDR, its root, as in https://feedback.example.com"`
	CertFile    string   `env:"BALSONG_FEEDBACK_CERT_FILE" help:"file of PEM certificates, its own first, that are shown to providers; read again when it changes; without it requests come in plain HTTP, as from a load balancer"`
	KeyFile     string   `env:"BALSONG_FEEDBACK_KEY_FILE" help:"file with the private key of BALSONG_FEEDBACK_CERT_FILE"`
	LMTPAddr    string   `env:"BALSONG_FEEDBACK_LMTP_ADDR" help:"host:port where the mail server of the bounces' domain hands over mail by LMTP, not reachable from elsewhere; without it none is taken"`
	Complaints  []string `env:"BALSONG_FEEDBACK_COMPLAINTS" help:"e-mail addresses to which mailbox providers send complaints (ARF), comma-separated, beside those that bounces go to"`
	Queue       string   `env:"BALSONG_FEEDBACK_QUEUE" help:"URL of the Amazon SQS queue to which the topics of BALSONG_SES_TOPIC and BALSONG_AWS_SMS_TOPIC deliver, in place of webhooks (docs/providers/ses.md); without it none is read"`
	InquiryRate float64  `env:"BALSONG_FEEDBACK_INQUIRY_RATE" envDefault:"10" help:"calls a second to each provider that can be asked, to ask what became of messages (a question may take several), for all processes together; 0: no question is asked"`
}

// maxInquiryRate is the most questions a second: more than any provider's documents allow.
const maxInquiryRate = 1000

func (f Feedback) validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, at := range []struct{ name, value string }{{"BALSONG_FEEDBACK_ADDR", f.Addr}, {"BALSONG_FEEDBACK_LMTP_ADDR", f.LMTPAddr}} {
		if _, _, err := net.SplitHostPort(at.value); at.value != "" && err != nil {
			wrong("%s: %q is not host:port", at.name, at.value)
		}
	}
	if f.Addr != "" && f.URL == "" {
		wrong("BALSONG_FEEDBACK_ADDR is set, and BALSONG_FEEDBACK_URL, by which providers reach it, is not")
	}
	if u, err := url.Parse(f.URL); f.URL != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		wrong("BALSONG_FEEDBACK_URL is no https address without a user, ? and #")
	}
	if (f.CertFile == "") != (f.KeyFile == "") {
		wrong("of BALSONG_FEEDBACK_CERT_FILE and BALSONG_FEEDBACK_KEY_FILE one is set: set the other one, or take it away")
	}
	if f.CertFile != "" && f.Addr == "" {
		wrong("BALSONG_FEEDBACK_CERT_FILE is set, and BALSONG_FEEDBACK_ADDR is not")
	}
	if _, err := sqs.New(sqs.Config{Queue: f.Queue}); f.Queue != "" && err != nil {
		wrong("BALSONG_FEEDBACK_QUEUE is %w", err)
	}
	if len(f.Complaints) > 0 && f.LMTPAddr == "" {
		wrong("BALSONG_FEEDBACK_COMPLAINTS is set, and BALSONG_FEEDBACK_LMTP_ADDR, where complaints come in, is not")
	}
	if slices.ContainsFunc(f.Complaints, func(address string) bool {
		parsed, err := mail.ParseAddress(address)
		return err != nil || parsed.Address != strings.TrimSpace(address)
	}) {
		wrong("BALSONG_FEEDBACK_COMPLAINTS has an entry that is no e-mail address")
	}
	if f.InquiryRate < 0 || f.InquiryRate > maxInquiryRate {
		wrong("BALSONG_FEEDBACK_INQUIRY_RATE is %g (want 0 to %d)", f.InquiryRate, maxInquiryRate)
	}
	return errors.Join(problems...)
}

// Root is the address by which providers reach the webhooks, without a slash at its end.
func (f Feedback) Root() string { return strings.TrimSuffix(f.URL, "/") }

// Receiver is the configuration of the feedback role alone: it sends nothing, and its gateways are those that are reported about.
type Receiver struct {
	Database Database
	Feedback Feedback
	Gateways Gateways
	Health   Health
	Metrics  Metrics
	Log      Log
}
