package monthtest_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// suspended is what Amazon SES says to every message of an account that it has suspended.
var suspended = behaviour.Everybody{Code: 554, Text: "5.7.1 Sending suspended"}

// The account is suspended in the middle of a month: no bill moves to the dearer channel, none spends an attempt, the channel waits, people
// are told by the status, the metric and the alarm's rule, and the month goes on by itself afterwards.
func TestASuspensionInTheMiddleOfAMonthMovesNoBillToAnotherChannel(t *testing.T) {
	words, err := demodata.Words()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, scene{
		route:     policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}}, // or from SMS to e-mail, for who wishes that
		rendered:  rendering.Options{Templates: words},
		variables: map[string]string{"BALSONG_SMTP_IN_FLIGHT": "10"},
	})
	bySMS := w.count(t, `SELECT count(*) FROM billing_targets WHERE wished_channel = 'SMS'`)
	byMail := customers - bySMS
	w.behave(t, func(s *behaviour.ChannelSettings) {
		s.Latency.Mean = behaviour.Duration(20 * time.Millisecond) // so that the month is under way when its account is suspended
	})
	health := observetest.FreeAddr(t)
	w.start(t, deliveryapp.Settlement, nil)
	w.start(t, deliveryapp.Delivery, map[string]string{"BALSONG_HEALTH_ADDR": health})
	mailed := func() int { return int(w.gateway.Stats().Channels[behaviour.Email].Accepted) }
	refused := func() int { return int(w.gateway.Stats().Channels[behaviour.Email].Refused["everybody"]) }

	w.dispatch(t)
	w.await(t, "the month is under way", nil, func() bool { return mailed() > 200 })
	w.behave(t, func(s *behaviour.ChannelSettings) { s.Everybody = suspended })
	w.await(t, "the account is suspended", nil, func() bool { return refused() > 0 })
	metric, value := heldRule(t)
	w.await(t, "people are told", func() { w.dispatch(t) }, func() bool {
		m := w.month(t)
		return strings.Contains(strings.Join(m.next, "\n"), `the provider email/smtp refuses every message because of the sender`) && held(t, health, metric) == value
	})
	m := w.month(t)
	m.addUp(t)
	if len(m.Refusing) != 1 || m.Refusing[0].Class != attempt.Provider || !strings.Contains(m.Refusing[0].Said, suspended.Text) {
		t.Errorf("the status does not have the relay's words: %+v", m.Refusing)
	}
	before, first := mailed(), refused()
	w.await(t, "the other channel goes on", func() { w.dispatch(t) }, func() bool {
		return w.gateway.Stats().Channels[behaviour.SMS].Accepted == uint64(bySMS)
	})
	if before == byMail || mailed() != before {
		t.Errorf("%d mails were accepted before the suspension and %d in it, of %d", before, mailed()-before, byMail)
	}
	w.await(t, "one call tests the relay after the pause", func() { w.dispatch(t) }, func() bool { return refused() > first })
	if n := refused(); n > 12 { // those that were under way, and the test
		t.Errorf("%d calls were made although the first one was refused for everybody", n)
	}

	w.behave(t, func(s *behaviour.ChannelSettings) { *s = behaviour.ChannelSettings{} })
	w.await(t, "every bill is SUCCEEDED", func() { w.dispatch(t) }, func() bool { return w.month(t).Dispatch[billing.Succeeded] == customers })
	m = w.month(t)
	m.addUp(t)
	if len(m.Refusing) > 0 || held(t, health, metric) == value {
		t.Errorf("the relay still counts as refusing: %+v", m.Refusing)
	}
	if n := w.count(t, `SELECT count(*) FROM billing_targets WHERE attempt > 0`); n > 0 {
		t.Errorf("%d bills spent an attempt", n)
	}
	if n := w.count(t, `SELECT count(*) FROM delivery_attempts WHERE state NOT IN ('SUCCEEDED', 'NOT_SENT')`); n > 0 {
		t.Errorf("%d ledger rows are neither SUCCEEDED nor NOT_SENT", n)
	}
	if n := w.count(t, `SELECT count(*) FROM delivery_attempts l JOIN billing_targets t USING (billing_month, user_id)
WHERE l.channel <> coalesce(t.wished_channel, 'EMAIL')`); n > 0 {
		t.Errorf("%d tries went by another channel than the bill's first", n)
	}
	if stats := w.gateway.Stats(); mailed() != byMail || stats.Channels[behaviour.SMS].Accepted != uint64(bySMS) || stats.AcceptedAgain > 0 {
		t.Errorf("%d mails of %d, and %d SMS of %d, were accepted; %d twice", mailed(), byMail, stats.Channels[behaviour.SMS].Accepted, bySMS, stats.AcceptedAgain)
	}
}

// behave changes how the relay answers from now on.
func (w *world) behave(t *testing.T, change func(*behaviour.ChannelSettings)) {
	t.Helper()
	settings := w.gateway.Settings()
	change(settings.Of(behaviour.Email))
	if err := w.gateway.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
}

const rulesFile = "../../../../deploy/prometheus/rules.yaml"

var heldExpression = regexp.MustCompile(`alert: BalsongProviderHeld\n\s+expr: max by \(provider\) \((\w+)\) == (\d+)\n`)

// heldRule is the metric that the alarm about a provider looks at, and the value that raises it.
func heldRule(t *testing.T) (metric string, value float64) {
	t.Helper()
	rules, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	found := heldExpression.FindSubmatch(rules)
	if found == nil {
		t.Fatal("the alarm ProviderHeld has another expression")
	}
	value, err = strconv.ParseFloat(string(found[2]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return string(found[1]), value
}

// held is the metric of the relay, as delivery shows it.
func held(t *testing.T, health, metric string) float64 {
	t.Helper()
	_, page := observetest.Get(t, "http://"+health+"/metrics")
	found := regexp.MustCompile(`(?m)^` + metric + `\{[^}]*provider="email/smtp"[^}]*\} (\S+)$`).FindSubmatch(page)
	if found == nil {
		return -1
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
