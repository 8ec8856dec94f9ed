package monthtest_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

const (
	references = "a-secret-of-references-of-32-characters"
	signature  = "a-signature-of-webhooks-of-32-characters"
	path       = "asecretofapathof32charactersormore"
)

// byNHN are the variables of NHN Cloud, for AlimTalk and SMS.
var byNHN = map[string]string{
	"BALSONG_REFERENCE_SECRETS": references,

	"BALSONG_ALIMTALK_URL": "", "BALSONG_NHN_ALIMTALK_URL": "http://GATEWAY", "BALSONG_NHN_ALIMTALK_APP_KEY": "kakao", "BALSONG_NHN_ALIMTALK_SECRET_KEY": "secret",
	"BALSONG_NHN_ALIMTALK_SENDER_KEY": "0123456789abcdef0123456789abcdef01234567",

	"BALSONG_SMS_URL": "", "BALSONG_NHN_URL": "http://GATEWAY", "BALSONG_NHN_APP_KEY": "app", "BALSONG_NHN_SECRET_KEY": "secret", "BALSONG_NHN_FROM": "15446859",
}

// reporting are those of who reports: mail that bounces, NHN Cloud, and SOLAPI, which shares AlimTalk with it.
var reporting = map[string]string{
	"BALSONG_SMTP_ENVELOPE_FROM": "bounces+{key}@example.com", "BALSONG_NHN_ALIMTALK_WEBHOOK_SECRET": signature, "BALSONG_NHN_WEBHOOK_SECRET": signature,

	"BALSONG_ALIMTALK_PROVIDERS":  "nhn:60,solapi:40",
	"BALSONG_SOLAPI_ALIMTALK_URL": "http://GATEWAY", "BALSONG_SOLAPI_ALIMTALK_KEY": "key", "BALSONG_SOLAPI_ALIMTALK_SECRET": "secret",
	"BALSONG_SOLAPI_ALIMTALK_FROM": "029302266", "BALSONG_SOLAPI_ALIMTALK_PFID": "KA01PF", "BALSONG_SOLAPI_ALIMTALK_WEBHOOK_SECRET": path,
}

// Three of a hundred e-mails bounce, and two of a hundred who get AlimTalk have no KakaoTalk by the vendor's report, late, twice and out of
// order: who was not reached is reached by what the route has next, AlimTalk after e-mail and SMS after AlimTalk; nobody gets the bill twice,
// each story is told, and the numbers add up.
func TestWhoseMessageBouncedIsReachedByTheNextChannelAndNobodyTwice(t *testing.T) {
	variables := maps.Clone(byNHN)
	maps.Copy(variables, reporting)
	w := newWorld(t, scene{
		route:    policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.AlimTalk, Tries: 1}, {Channel: channel.SMS, Tries: 1}},
		rendered: rendering.Options{AllowSample: true, Templates: apptest.AlimTalk(t)},
		bills:    withoutMail, variables: variables,
	})
	bounces, webhooks := observetest.FreeAddr(t), observetest.FreeAddr(t)
	w.report(t, bounces, webhooks)
	w.start(t, deliveryapp.Settlement, nil)
	w.start(t, deliveryapp.Feedback, map[string]string{
		"BALSONG_FEEDBACK_LMTP_ADDR": bounces, "BALSONG_FEEDBACK_ADDR": webhooks, "BALSONG_FEEDBACK_URL": "https://feedback.example.com",
	})
	w.start(t, deliveryapp.Delivery, nil)
	w.await(t, "the month is through, and nothing more is reported", func() { w.dispatch(t) }, func() bool {
		return w.gateway.Stats().Reports.Pending == 0 && w.month(t).open() == 0 && w.through(t)
	})

	to := w.witnessed(t, references)
	if len(to) != customers {
		t.Errorf("%d customers got a message, want %d", len(to), customers)
	}
	again, contradicted, routes, rejected := 0, 0, map[string]int{}, map[string]int{}
	for user, messages := range to {
		w.reached(t, user, messages)
		routes[routeOf(messages)]++
		for _, m := range messages {
			if hard[m.vendor][m.code] {
				rejected[m.channel]++
			}
			routes["by "+string(m.vendor)]++
		}
		if len(messages) > 1 {
			again++
		}
		if len(messages) > 1 && messages[0].contradicted {
			contradicted++
		}
		if len(messages) > 1 || user%500 == 0 {
			w.told(t, user, messages)
		}
	}
	if least := customers * 15 / 1000; again < least || contradicted == 0 {
		t.Errorf("%d customers got a second message and %d have contradictory reports: the test shows little", again, contradicted)
	}
	for _, route := range []string{"EMAIL", "ALIMTALK", "EMAIL ALIMTALK", "ALIMTALK SMS", "by nhn-alimtalk", "by solapi-alimtalk"} {
		if routes[route] == 0 {
			t.Errorf("nobody was reached by %s: %v", route, routes)
		}
	}
	t.Logf("%d customers needed another message: %v", again, routes)
	w.countedAs(t, to)
	for _, kind := range []channel.Kind{channel.Email, channel.AlimTalk, channel.SMS} {
		if n := w.count(t, `SELECT count(*) FROM suppressions WHERE channel = $1`, kind); n != rejected[string(kind)] {
			t.Errorf("%d customers are suppressed on %s, and %d were refused for good there", n, kind, rejected[string(kind)])
		}
	}
}

// hard are the codes by which vendors say that a customer can never be reached there.
var hard = map[behaviour.Vendor]map[string]bool{
	behaviour.SMTPRelay: {"5.1.1": true, "5.1.10": true}, behaviour.NHNAlimTalk: {"3019": true, "3020": true}, behaviour.SOLAPIAlimTalk: {"3104": true},
	behaviour.NHN: {"3001": true, "1002": true, "3006": true},
}

// withoutMail is billing data in which who did not ask for e-mail has no address, so that their bills begin with AlimTalk.
func withoutMail(t *testing.T, bills io.Reader) io.Reader {
	t.Helper()
	rows, err := csv.NewReader(bills).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	email, wish := slices.Index(rows[0], "email"), slices.Index(rows[0], "channel_wish")
	for _, row := range rows[1:] {
		if row[wish] != "" {
			row[email], row[wish] = "", ""
		}
	}
	var changed bytes.Buffer
	if err := csv.NewWriter(&changed).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return &changed
}

// routeOf are the channels by which messages went, each once.
func routeOf(messages []*message) string {
	var channels []string
	for _, m := range messages {
		channels = append(channels, m.channel)
	}
	return strings.Join(slices.Compact(channels), " ")
}

// report lets the relay's bounces and the vendor's webhooks come.
func (w *world) report(t *testing.T, bounces, webhooks string) {
	t.Helper()
	settings := w.gateway.Settings()
	delay := behaviour.Latency{Kind: behaviour.Uniform, Min: 0, Max: behaviour.Duration(2 * time.Second)}
	settings.Vendors.SMTP.ReportsTo = "lmtp://" + bounces
	settings.Kakao.Templates = []behaviour.Template{{Code: apptest.AlimTalkTemplate, Text: apptest.AlimTalkText}}
	settings.Vendors.NHNAlimTalk = behaviour.VendorSettings{ReportsTo: "http://" + webhooks + "/reports/nhn-alimtalk", Secret: signature}
	settings.Vendors.SOLAPIAlimTalk = behaviour.VendorSettings{ReportsTo: "http://" + webhooks + "/reports/solapi-alimtalk/" + path}
	settings.Vendors.NHN = behaviour.VendorSettings{ReportsTo: "http://" + webhooks + "/reports/nhn", Secret: signature}
	settings.Email.Reports = behaviour.Reports{Undelivered: 0.03, Uncertain: 0.01, Twice: 0.2, Contradicted: 0.1, Early: 0.1, Delay: delay}
	settings.AlimTalk.Reports = behaviour.Reports{Undelivered: 0.02, Twice: 0.2, Early: 0.1, Delay: delay}
	settings.SMS.Reports = settings.AlimTalk.Reports
	if err := w.gateway.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
}

// through reports whether each bill stands as the messages that were accepted say: settlement has seen each report.
func (w *world) through(t *testing.T) bool {
	t.Helper()
	to := w.witnessed(t, references)
	var rows []struct {
		User    int64 `db:"user_id"`
		Attempt int16
		Status  billing.Status `db:"dispatch_status"`
	}
	if err := w.db.SelectContext(t.Context(), &rows, `SELECT user_id, attempt, dispatch_status FROM billing_targets`); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		messages := to[row.User]
		if len(messages) == 0 {
			return false
		}
		last := messages[len(messages)-1]
		if last.key.Attempt != row.Attempt || last.undelivered != (row.Status == billing.Exhausted) {
			return false
		}
	}
	return true
}

// reached checks that of the messages to a customer each one was made after the one before it was said not to have arrived, and at most
// the last one arrived.
func (w *world) reached(t *testing.T, user int64, messages []*message) {
	t.Helper()
	for i, m := range messages {
		switch {
		case m.before:
			t.Errorf("customer %d: message %s was accepted before the one before it was said to be undelivered", user, m.key)
		case i < len(messages)-1 && !m.undelivered:
			t.Errorf("customer %d: %s arrived, and another message followed", user, m.key)
		}
	}
}

// told checks the story of a customer's bill against the messages.
func (w *world) told(t *testing.T, user int64, messages []*message) {
	t.Helper()
	customer, s := w.why(t, user)
	text := textOf(s)
	at := 0
	says := func(want string) {
		t.Helper()
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Errorf("the story of %s does not say %q next:\n%s", customer, want, text)
			return
		}
		at += i
	}
	last := messages[len(messages)-1]
	for _, m := range messages {
		follows := "so it counts as refused, and the route goes on."
		if m == last {
			follows = "so it counts as refused, and the bill ends as EXHAUSTED."
		}
		attempt := fmt.Sprintf("Attempt %d, round 0, by %s", m.key.Attempt, spoken(m.channel))
		says(attempt + " through ")
		says("accepted by the gateway on ")
		if m.undelivered && (!strings.Contains(text, attempt+": ") || !strings.Contains(text, follows)) {
			t.Errorf("the story of %s does not say that %s was not delivered:\n%s", customer, m.key, text)
		}
		if (m.code == "3019" || m.code == "3104") && !strings.Contains(text, "the customer has no KakaoTalk") {
			t.Errorf("the story of %s does not say that there is no KakaoTalk:\n%s", customer, text)
		}
		if m.contradicted && !strings.Contains(text, "that contradicts its report that it was not delivered, and changes nothing") {
			t.Errorf("the story of %s has no contradiction:\n%s", customer, text)
		}
	}
	headline, status := fmt.Sprintf("was accepted by the %s gateway on ", spoken(last.channel)), billing.Succeeded
	if last.undelivered {
		headline, status = "every step of its route was refused or not delivered (EXHAUSTED)", billing.Exhausted
	}
	if !strings.Contains(s.Headline, headline) || s.Dispatch != status || s.Next.WaitsFor != story.ForNothing {
		t.Errorf("the story of %s does not end with %q: %s %q, next %q", customer, headline, s.Dispatch, s.Headline, s.Next.Text)
	}
}

// why is the story of a customer's bill.
func (w *world) why(t *testing.T, user int64) (customer string, s story.Story) {
	t.Helper()
	if err := w.db.GetContext(t.Context(), &customer, `SELECT customer FROM customers WHERE user_id = $1`, user); err != nil {
		t.Fatal(err)
	}
	s, err := w.answers.Why(t.Context(), month, customer)
	if err != nil {
		t.Fatal(err)
	}
	return customer, s
}

func textOf(s story.Story) string {
	var text strings.Builder
	for _, line := range s.Lines {
		text.WriteString(line.Text + "\n")
	}
	return text.String()
}

// spoken is a channel as a story names it.
func spoken(kind string) string {
	switch kind {
	case string(channel.Email):
		return "e-mail"
	case string(channel.AlimTalk):
		return "AlimTalk"
	default:
		return kind
	}
}

// countedAs checks the numbers of the status against the messages.
func (w *world) countedAs(t *testing.T, to map[int64][]*message) {
	t.Helper()
	m := w.month(t)
	m.addUp(t)
	exhausted, delivered, undelivered := 0, 0, map[key.Delivery]bool{}
	for _, messages := range to {
		for _, each := range messages {
			if each.undelivered {
				undelivered[each.key] = true
			}
		}
		switch last := messages[len(messages)-1]; {
		case last.undelivered:
			exhausted++
		case last.delivered:
			delivered++
		}
	}
	if m.Dispatch[billing.Exhausted] != exhausted || m.Dispatch[billing.Succeeded] != customers-exhausted {
		t.Errorf("%d customers were not reached: %s", exhausted, m.text())
	}
	if r := m.Reports; r.Delivered != delivered || r.NotDelivered != 0 || r.Undelivered != len(undelivered) || len(r.KeptApart) > 0 {
		t.Errorf("%d bills were reported as delivered and %d messages as not: %s", delivered, len(undelivered), m.text())
	}
	if n := w.count(t, `SELECT count(*) FROM delivery_reports WHERE kind = $1 AND definitive`, report.Undelivered); n < len(undelivered) {
		t.Errorf("%d reports are stored about %d messages that did not arrive", n, len(undelivered))
	}
	if n := w.count(t, `SELECT count(*) FROM delivery_attempts WHERE state <> 'SUCCEEDED'`); n != 0 {
		t.Errorf("%d ledger rows are not SUCCEEDED, although every call was accepted", n)
	}
}
