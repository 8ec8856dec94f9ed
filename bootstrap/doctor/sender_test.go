package doctor

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// records answers for one domain; err is what every question comes to instead.
type records struct {
	mx  []*net.MX
	a   []string
	txt []string
	err error
}

var errNothing = &net.DNSError{Err: "no such host", IsNotFound: true}

func answerOf[T any](found []T, err error) ([]T, error) {
	if err == nil && len(found) == 0 {
		err = errNothing
	}
	return found, err
}

func (r records) LookupMX(context.Context, string) ([]*net.MX, error) { return answerOf(r.mx, r.err) }

func (r records) LookupHost(context.Context, string) ([]string, error) { return answerOf(r.a, r.err) }

func (r records) LookupTXT(context.Context, string) ([]string, error) { return answerOf(r.txt, r.err) }

func TestTheSendersDomainIsLookedAtWhereAResolverAnswers(t *testing.T) {
	t.Parallel()
	mx := []*net.MX{{Host: "mx.balsong.dev."}}
	spf := []string{"some text", "v=spf1 include:relay -all"}
	for name, c := range map[string]struct {
		from  string
		dns   records
		found string // "": nothing is said
	}{
		"sound":                     {"Bills <billing@balsong.dev>", records{mx: mx, txt: spf}, ""},
		"an address, no MX":         {"billing@balsong.dev", records{a: []string{"192.0.2.1"}, txt: spf}, ""},
		"not there":                 {"billing@balsong.dev", records{}, "neither an MX nor an address"},
		"takes no mail":             {"billing@balsong.dev", records{mx: []*net.MX{{Host: "."}}, txt: spf}, "a null MX"},
		"a bare SPF":                {"billing@balsong.dev", records{mx: mx, txt: []string{"v=spf1"}}, ""},
		"no SPF":                    {"billing@balsong.dev", records{mx: mx, txt: []string{"v=spf10"}}, "no SPF record"},
		"no texts":                  {"billing@balsong.dev", records{mx: mx}, "no SPF record"},
		"two SPF records":           {"billing@balsong.dev", records{mx: mx, txt: append([]string{"v=spf1 -all"}, spf...)}, "has 2 SPF records"},
		"SPF for everybody":         {"billing@balsong.dev", records{mx: mx, txt: []string{"v=spf1 include:relay +all"}}, "lets everybody send"},
		"SPF for everybody, short":  {"billing@balsong.dev", records{mx: mx, txt: []string{"v=spf1 all"}}, "lets everybody send"},
		"SPF for nobody":            {"billing@balsong.dev", records{mx: mx, txt: []string{"v=spf1 -all"}}, "lets nobody send"},
		"no resolver":               {"billing@balsong.dev", records{err: &net.DNSError{Err: "timeout", IsTimeout: true}}, ""},
		"no network":                {"billing@balsong.dev", records{err: errors.New("network is unreachable")}, ""},
		"for examples":              {"billing@mail.example.com", records{err: errNothing}, "no domain of the internet"},
		"for examples, in capitals": {"billing@Mail.Example.COM", records{err: errNothing}, "no domain of the internet"},
		"ends as one for examples":  {"billing@myexample.com", records{mx: mx, txt: spf}, ""},
		"a machine of this network": {"billing@mailhost", records{}, "no domain of the internet"},
		"not an address":            {"billing", records{}, ""},
	} {
		var p component
		p.senders(t.Context(), c.dns, map[string]string{"BALSONG_SMTP_FROM": c.from})
		said := ""
		for _, f := range p.list {
			said += f.Found
			if f.Level != Advice || f.Do == "" {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if !strings.Contains(said, c.found) || (c.found == "") != (said == "") {
			t.Errorf("%s: it says %q, want %q", name, said, c.found)
		}
	}
}

func TestSendersDomainsComeInAFixedOrder(t *testing.T) {
	t.Parallel()
	from := map[string]string{}
	for _, letter := range "fbdaec" {
		from["BALSONG_"+string(letter)] = "billing@" + string(letter) + ".test"
	}
	var p component
	p.senders(t.Context(), records{}, from)
	if len(p.list) != 6 || !slices.IsSortedFunc(p.list, func(a, b Finding) int { return strings.Compare(a.Found, b.Found) }) {
		t.Errorf("found %+v", p.list)
	}
}

func TestMailAdviceGoesByWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"EHLO: 501 Syntactically invalid HELO argument":                                              "BALSONG_SMTP_EHLO",
		"MAIL FROM: 504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname":     "BALSONG_SMTP_EHLO",
		"MAIL FROM: 550 5.7.1 <relay>: Helo command rejected: Host not found":                        "BALSONG_SMTP_EHLO",
		"MAIL FROM: 530 5.7.0 Must issue a STARTTLS command first":                                   "BALSONG_SMTP_TLS=mandatory",
		"MAIL FROM: 538 5.7.11 Encryption required for requested authentication mechanism":           "BALSONG_SMTP_TLS=mandatory",
		"MAIL FROM: 530 5.7.1 Authentication required":                                               "BALSONG_SMTP_USER",
		"MAIL FROM: 550 5.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.7]": "reverse",
		"MAIL FROM: 553 5.7.1 <a@b.c>: Sender address rejected: not owned by user":                   "BALSONG_SMTP_FROM",
		"STARTTLS: tls: first record does not look like a TLS handshake":                             "BALSONG_SMTP_TLS=mandatory",
		"STARTTLS: tls: failed to verify certificate: x509: certificate signed by unknown authority": "set BALSONG_SMTP_CA",
		"TLS: tls: failed to verify certificate: x509: certificate is valid for a.test, not b.test":  "use the name that it has in BALSONG_SMTP_ADDR",
		"STARTTLS: remote error: tls: protocol version not supported":                                "versions of TLS",
		"the server does not offer STARTTLS, which the TLS policy asks for":                          "offers no STARTTLS on this port",
		"greeting: no answer in time":                                                                "check host and port",
		"greeting: EOF":                                                                              "BALSONG_SMTP_TLS=implicit",
		"AUTH: 535 5.7.8 Authentication credentials invalid":                                         "BALSONG_SMTP_PASSWORD",
		"dial tcp 127.0.0.1:25: connect: connection refused":                                         "nothing listens",
		"tls: failed to verify certificate: x509: certificate signed":                                "BALSONG_SMTP_CA",
	} {
		if advice := mailAdvice(said); !strings.Contains(advice, want) {
			t.Errorf("%q is answered with %q, want %q", said, advice, want)
		}
	}
}

func TestAdviceAboutVendorsGoesByWhatTheySaid(t *testing.T) {
	t.Parallel()
	for said, c := range map[string]struct{ provider, want string }{
		"the account is in the sandbox in this region: it writes to verified addresses alone":            {"ses", "production access"},
		"invalid: no AWS region is set: set AWS_REGION":                                                  {"ses", "BALSONG_SES_REGION"},
		"unavailable: AWS's own chain gives no credentials (the role of the task or the machine)":        {"aws", "AWS_PROFILE"},
		"GetAccount (allow ses:GetAccount): User: x is not authorized to perform: ses:GetAccount":        {"ses", "SesSender="},
		"DescribeSpendLimits (allow sms-voice:DescribeSpendLimits): 400 AccessDeniedException":           {"aws", "SmsSender="},
		"GetAccount: 403 UnrecognizedClientException: The security token included in the request is bad": {"ses", "does not know the credentials"},
		"dial tcp: lookup email.ap-nowhere-9.amazonaws.com: no such host":                                {"ses", "its name is wrong"},
		"dial tcp: i/o timeout":                                                        {"aws", "BALSONG_AWS_SMS_REGION"},
		"sending is paused for the account in this region":                             {"ses", "appeal"},
		"the account's quota is used up: 50000 of 50000 messages in the last 24 hours": {"ses", "above a day's bills"},
		"the account may spend 1 USD a month on text messages, as a new one":           {"aws", "spending limit"},
		"403 PERMISSION_DENIED: Permission 'cloudmessaging.messages.create' denied":    {"fcm", "roles/firebasecloudmessaging.admin"},
		"401 UNAUTHENTICATED: Request had invalid authentication credentials.":         {"fcm", "BALSONG_FCM_SECRET"},
		"404 NOT_FOUND: Requested entity was not found.":                               {"fcm", "BALSONG_FCM_PROJECT"},
		"the token endpoint refuses the client: invalid_grant":                         {"fcm", "clock"},
	} {
		if advice := vendorAdvice(config.Provider{Provider: port.Provider{Name: c.provider}}, said); !strings.Contains(advice, c.want) {
			t.Errorf("%s: %q is answered with %q, want %q", c.provider, said, advice, c.want)
		}
	}
}

// limited is a gateway that works, and not for every customer.
type limited struct{ core.Gateway }

func (limited) Check(context.Context) error { return nil }
func (limited) Close()                      {}
func (limited) Limits() string              { return "the account is in the sandbox" }

func TestAnAccountThatDoesNotReachEveryCustomerIsAdvice(t *testing.T) {
	t.Parallel()
	var p component
	p.byHTTP(t.Context(), config.Provider{Provider: port.Provider{Name: config.ProviderSES}, Variables: "BALSONG_SES"}, limited{})
	if !finds(p, Advice, "the account is in the sandbox", "production access") || !finds(p, OK, "it can be reached", "") {
		t.Errorf("%+v", p.list)
	}
}

func TestAPoolerThatSharesSessionsIsNamed(t *testing.T) {
	t.Parallel()
	var shared, own component
	shared.pooler(postgres.Facts{Shared: true})
	own.pooler(postgres.Facts{})
	if !finds(shared, Advice, "transaction mode", "pool_mode=session") || len(own.list) != 0 {
		t.Errorf("shared %+v, own %+v", shared.list, own.list)
	}
	var refused component
	refused.connectFailed(&postgres.ExamineError{Failure: postgres.FailureSetting, State: "08P01", Setting: "lock_timeout"}, nil)
	if !finds(refused, Problem, "refuses the setting lock_timeout (SQLSTATE 08P01)", "ignore_startup_parameters") {
		t.Errorf("refused %+v", refused.list)
	}
}
