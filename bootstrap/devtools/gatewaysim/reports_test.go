package gatewaysim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/lmtp"
	"github.com/balsong/balsong/adapters/gateway/nhn"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/smtp"
	"github.com/balsong/balsong/adapters/gateway/twilio"
	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/report"
)

// listener takes reports as the product does.
type listener struct {
	mu      sync.Mutex
	reports []report.Report
	fails   int // so many times it cannot be stored
}

func (l *listener) receive(_ context.Context, reports []report.Report) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails > 0 {
		l.fails--
		return errors.New("the database is away")
	}
	l.reports = append(l.reports, reports...)
	return nil
}

// said is what was said, each as "KIND class definitive".
func (l *listener) said() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.reports {
		all = append(all, fmt.Sprintf("%s %s %t", r.Kind, r.Class, r.Definitive))
	}
	slices.Sort(all)
	return all
}

// reporting is a simulator, the gateways that send by it, and a service that takes what it reports.
type reporting struct {
	*testBundle
	*listener
	gateways map[behaviour.Vendor]port.Gateway
}

const webhookSecret = "0123456789abcdef0123456789abcdef"

func setupReporting(t *testing.T, change func(*Settings)) *reporting {
	t.Helper()
	r := &reporting{listener: &listener{}, gateways: map[behaviour.Vendor]port.Gateway{}}
	handlers := map[string]port.Reporter{}
	root := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		webhook.New(webhook.Config{Root: "http://" + q.Host, Providers: handlers, Receive: r.receive}).ServeHTTP(w, q)
	}))
	address := "http://" + root.Listener.Addr().String()
	local, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bounces := lmtp.New(lmtp.Config{Domain: "bounces.example.com", Provider: "smtp", Receive: r.receive, Finder: func() reference.Finder { return source(t).Known() }})
	served := make(chan error, 1)
	go func() { served <- bounces.Serve(local) }()
	t.Cleanup(func() {
		if err := errors.Join(bounces.Shutdown(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	})
	r.testBundle = setup(t, func(c *Config) {
		c.Settings.Vendors = behaviour.Vendors{
			NHN: behaviour.VendorSettings{ReportsTo: address + "/reports/nhn", Secret: webhookSecret}, SOLAPI: behaviour.VendorSettings{ReportsTo: address + "/reports/solapi"},
			NHNAlimTalk:    behaviour.VendorSettings{ReportsTo: address + "/reports/nhn-alimtalk", Secret: webhookSecret},
			SOLAPIAlimTalk: behaviour.VendorSettings{ReportsTo: address + "/reports/solapi-alimtalk"},
			Twilio:         behaviour.VendorSettings{Secret: "a token"}, SMTP: behaviour.VendorSettings{ReportsTo: "lmtp://" + local.Addr().String()},
		}
		change(&c.Settings)
	})
	n, err1 := nhn.New(nhn.Config{Provider: koreanProvider("nhn"), URL: "http://" + r.HTTPAddr(), AppKey: "app", SecretKey: "s3cret", From: "15446859", References: source(t), Signature: webhookSecret})
	w, err2 := twilio.New(twilio.Config{
		Provider: koreanProvider("twilio"), URL: "http://" + r.HTTPAddr(), Account: "AC" + strings.Repeat("0", 32), Secret: "s3cret", From: "+15005550006",
		StatusURL: address + "/reports/twilio", References: source(t), AuthToken: "a token",
	})
	mail := koreanProvider("smtp")
	mail.Channel = channel.Email
	m, err3 := smtp.New(smtp.Config{Provider: mail, Address: r.SMTPAddr(), TLS: smtp.TLSNone, From: "bills@example.com", EnvelopeFrom: "bounces+{key}@example.com", References: source(t)})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	s := solapiGateway(t, r.testBundle, nil)
	na, sa := nhnAlimTalkGateway(t, r.testBundle), solapiAlimTalkGateway(t, r.testBundle)
	handlers["nhn"], handlers["twilio"], handlers["solapi"], handlers["nhn-alimtalk"], handlers["solapi-alimtalk"] = n, w, s, na, sa
	r.gateways = map[behaviour.Vendor]port.Gateway{
		behaviour.NHN: n, behaviour.Twilio: w, behaviour.SMTPRelay: m, behaviour.SOLAPI: s, behaviour.NHNAlimTalk: na, behaviour.SOLAPIAlimTalk: sa,
	}
	root.Start()
	t.Cleanup(func() { root.Close(); n.Close(); w.Close(); m.Close() })
	return r
}

// billBy is a bill as a vendor takes it.
func billBy(vendor behaviour.Vendor) port.Delivery {
	switch d := bill("01012345678", "청구서: 52,000원"); vendor {
	case behaviour.SMTPRelay:
		d.Channel, d.Destination, d.Content.Title = channel.Email, "kim@example.com", "청구서"
		return d
	case behaviour.NHNAlimTalk, behaviour.SOLAPIAlimTalk:
		return alimTalkBill()
	default:
		return d
	}
}

// send sends a bill, and returns once all has been said of it.
func (r *reporting) send(t *testing.T, vendor behaviour.Vendor) port.Reply {
	t.Helper()
	d := billBy(vendor)
	if prepared, ok := r.gateways[vendor].(port.Preparer); ok {
		if err := prepared.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	reply := r.gateways[vendor].Send(t.Context(), d)
	waittest.Until(t, "all is said", func() bool { return r.Stats().Reports.Pending == 0 })
	return reply
}

// logged is what the log has of reports, each as "class result".
func logged(records []acceptlog.Record) (all []string) {
	for _, record := range records {
		if record.Report != nil && record.Report.Result != string(on) && record.Class != acceptlog.ClassLookedUp {
			all = append(all, record.Class+" "+record.Report.Result)
		}
	}
	return all
}

// What the product makes of each thing that a vendor says, and what the accept log says of it.
func TestEachVendorsWordsAreUnderstood(t *testing.T) {
	t.Parallel()
	for result, c := range map[string]struct {
		change func(*behaviour.Reports)
		want   map[behaviour.Vendor]string
	}{
		"delivered": {func(*behaviour.Reports) {}, map[behaviour.Vendor]string{
			behaviour.NHN: "DELIVERED  true", behaviour.NHNAlimTalk: "DELIVERED  true", behaviour.SOLAPIAlimTalk: "DELIVERED  true", behaviour.Twilio: "DELIVERED  true", behaviour.SOLAPI: "DELIVERED  true", behaviour.SMTPRelay: "",
		}},
		"undelivered": {func(r *behaviour.Reports) { r.Undelivered = 1 }, map[behaviour.Vendor]string{
			behaviour.NHN: "UNDELIVERED temporary true", behaviour.NHNAlimTalk: "UNDELIVERED permanent true", behaviour.SOLAPIAlimTalk: "UNDELIVERED permanent true", behaviour.Twilio: "UNDELIVERED permanent true", behaviour.SOLAPI: "UNDELIVERED temporary true", behaviour.SMTPRelay: "UNDELIVERED permanent true",
		}},
		"about_us": {func(r *behaviour.Reports) { r.AboutUs = 1 }, map[behaviour.Vendor]string{
			behaviour.NHN: "UNDELIVERED provider true", behaviour.NHNAlimTalk: "UNDELIVERED provider true", behaviour.SOLAPIAlimTalk: "UNDELIVERED provider true", behaviour.Twilio: "UNDELIVERED provider true", behaviour.SOLAPI: "UNDELIVERED provider true", behaviour.SMTPRelay: "UNDELIVERED provider true",
		}},
		"uncertain": {func(r *behaviour.Reports) { r.Uncertain = 1 }, map[behaviour.Vendor]string{
			behaviour.NHN: "UNDELIVERED temporary false", behaviour.NHNAlimTalk: "UNDELIVERED temporary false", behaviour.SOLAPIAlimTalk: "UNDELIVERED temporary false", behaviour.Twilio: "UNDELIVERED temporary false", behaviour.SOLAPI: "UNDELIVERED temporary false", behaviour.SMTPRelay: "",
		}},
	} {
		for vendor, want := range c.want {
			t.Run(result+" "+string(vendor), func(t *testing.T) {
				t.Parallel()
				r := setupReporting(t, func(s *Settings) { c.change(&s.SMS.Reports); c.change(&s.Email.Reports); c.change(&s.AlimTalk.Reports) })
				if reply := r.send(t, vendor); reply.Verdict != port.CallAccepted {
					t.Fatalf("%+v", reply)
				}
				got := strings.Join(r.said(), ", ")
				if fields := strings.Fields(want); len(fields) == 3 && (fields[1] == "temporary" || fields[1] == "permanent") { // as the code drawn has it
					got = strings.NewReplacer("permanent", fields[1], "temporary", fields[1], "suppressed", fields[1]).Replace(got)
				}
				if got != want {
					t.Errorf("the product read %q, want %q", got, want)
				}
				r.mu.Lock()
				if want != "" && r.reports[0].Key != bill("", "").Key {
					t.Errorf("it is about %v", r.reports[0].Key)
				}
				r.mu.Unlock()
				wantLog := "report " + result + ", report_answered " + result
				if vendor == behaviour.SMTPRelay && result == "delivered" { // of what arrives nothing is said
					wantLog = ""
				}
				if got := strings.Join(logged(r.records(t)), ", "); got != wantLog {
					t.Errorf("logged %q, want %q", got, wantLog)
				}
			})
		}
	}
}

func TestReportsComeTwiceEarlyContradictoryOrNotAtAll(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*behaviour.Reports)
		want   string
	}{
		"silent":                         {func(r *behaviour.Reports) { r.Silent = 1 }, ""},
		"twice":                          {func(r *behaviour.Reports) { r.Twice = 1 }, "DELIVERED  true, DELIVERED  true"},
		"contradicted":                   {func(r *behaviour.Reports) { r.Contradicted = 1 }, "DELIVERED  true, UNDELIVERED temporary true"},
		"undelivered, then contradicted": {func(r *behaviour.Reports) { r.Undelivered, r.Contradicted = 1, 1 }, "DELIVERED  true, UNDELIVERED temporary true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setupReporting(t, func(s *Settings) { c.change(&s.SMS.Reports) })
			r.send(t, behaviour.NHN)
			if got := strings.ReplaceAll(strings.Join(r.said(), ", "), "permanent", "temporary"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if name == "twice" && r.reports[0].ID != r.reports[1].ID {
				t.Error("a repeated report has another id")
			}
		})
	}
}

func TestAnEarlyReportIsSaidBeforeTheCallIsAnswered(t *testing.T) {
	t.Parallel()
	for vendor := range attempts {
		t.Run(string(vendor), func(t *testing.T) {
			t.Parallel()
			r := setupReporting(t, func(s *Settings) {
				for _, c := range []*behaviour.ChannelSettings{&s.SMS, &s.Email, &s.AlimTalk} {
					c.Reports.Early, c.Reports.Undelivered, c.Reports.Delay = 1, 1, behaviour.Latency{Kind: behaviour.Fixed, Mean: behaviour.Duration(10 * time.Minute)}
				}
			})
			d := billBy(vendor)
			if err := r.gateways[vendor].(port.Preparer).Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			if reply := r.gateways[vendor].Send(t.Context(), d); reply.Verdict != port.CallAccepted || len(r.said()) != 1 {
				t.Errorf("%+v, and %q was said", reply, r.said())
			}
		})
	}
}

// What is not answered with 2xx is said again, as the vendor does.
func TestAReportIsRepeatedAsItsVendorDoes(t *testing.T) {
	t.Parallel()
	for vendor, again := range map[behaviour.Vendor]bool{
		behaviour.SMTPRelay: true, behaviour.SOLAPI: true, behaviour.SOLAPIAlimTalk: true, behaviour.Twilio: false, behaviour.NHN: false, behaviour.NHNAlimTalk: false,
	} {
		t.Run(string(vendor), func(t *testing.T) {
			t.Parallel()
			r := setupReporting(t, func(s *Settings) {
				s.SMS.Reports.Undelivered, s.Email.Reports.Undelivered, s.AlimTalk.Reports.Undelivered = 1, 1, 1
			})
			r.fails = 1
			r.send(t, vendor)
			stats := r.Stats().Reports
			if got := len(r.said()) == 1; got != again || stats.Lost != map[bool]int64{true: 0, false: 1}[again] {
				t.Errorf("said again: %t, want %t (%+v)", got, again, stats)
			}
			statuses := []int{}
			for _, record := range r.records(t) {
				if record.Class == acceptlog.ClassAnswered && record.Report.Result != string(on) {
					statuses = append(statuses, record.Report.Status)
				}
			}
			if len(statuses) == 0 || statuses[0]/100 == 2 || again && statuses[len(statuses)-1]/100 != 2 {
				t.Errorf("answered with %v", statuses)
			}
		})
	}
}

// A vendor that dies has taken the messages that it does not answer, and works on afterwards.
func TestADyingVendorTakesMessagesAndAnswersNothing(t *testing.T) {
	t.Parallel()
	for _, vendor := range []behaviour.Vendor{behaviour.NHN, behaviour.Twilio, behaviour.SOLAPI, behaviour.SMTPRelay, behaviour.SOLAPIAlimTalk} {
		t.Run(string(vendor), func(t *testing.T) {
			t.Parallel()
			dies := behaviour.Death{After: 1, Calls: 2}
			r := setupReporting(t, func(s *Settings) {
				s.Vendors.NHN.Dies, s.Vendors.Twilio.Dies, s.Vendors.SOLAPI.Dies, s.Vendors.SMTP.Dies = dies, dies, dies, dies
				s.Vendors.SOLAPIAlimTalk.Dies = dies
				s.SMS.Reports.Silent, s.Email.Reports.Silent, s.AlimTalk.Reports.Silent = 1, 1, 1
			})
			var got []port.Verdict
			for range 4 {
				got = append(got, r.send(t, vendor).Verdict)
			}
			if want := []port.Verdict{port.CallAccepted, port.CallUnknown, port.CallUnknown, port.CallAccepted}; !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
			for _, record := range r.records(t) {
				if !record.Accepted || record.Vendor != string(vendor) {
					t.Errorf("%+v", record)
				}
			}
		})
	}
}

// A look-up knows what becomes of a message only when it has become of it.
func TestALookUpKnowsWhatTheReportsSay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*behaviour.Reports)
		want   port.Found
	}{
		"on its way": {func(r *behaviour.Reports) {
			r.Silent, r.Delay = 1, behaviour.Latency{Kind: behaviour.Fixed, Mean: behaviour.Duration(10 * time.Minute)}
		}, port.FoundAccepted},
		"delivered":   {func(r *behaviour.Reports) { r.Silent = 1 }, port.FoundDelivered},
		"undelivered": {func(r *behaviour.Reports) { r.Undelivered, r.Silent = 1, 1 }, port.FoundUndelivered},
		"uncertain":   {func(r *behaviour.Reports) { r.Uncertain, r.Silent = 1, 1 }, port.FoundAccepted},
	} {
		for _, vendor := range []behaviour.Vendor{behaviour.NHN, behaviour.NHNAlimTalk} {
			t.Run(name+" "+string(vendor), func(t *testing.T) {
				t.Parallel()
				r := setupReporting(t, func(s *Settings) { c.change(&s.SMS.Reports); c.change(&s.AlimTalk.Reports) })
				r.send(t, vendor)
				found, err := r.gateways[vendor].(port.Inquirer).Inquire(t.Context(), bill("", "").Key, time.Now())
				if err != nil || found.Found != c.want {
					t.Errorf("%+v %v, want %s", found, err, c.want)
				}
			})
		}
	}
}
