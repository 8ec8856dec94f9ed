package answertest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// A provider that refuses everybody costs no bill an attempt, a round or its channel: few calls are made, nothing is sent
// another way, no outcome is unknown, and every bill goes out once the provider is back.
func TestAProviderThatRefusesEverybodyCostsNoBillAnything(t *testing.T) {
	const bills = 2_000
	month, _ := key.NewMonth(2026, time.November)
	second := behaviour.Duration(time.Second)
	for name, c := range map[string]struct {
		kind   behaviour.Channel
		route  policy.Route
		answer behaviour.Everybody
	}{
		"suspended": {behaviour.Email, policy.Route{{Channel: channel.Email, Tries: 1}, {Channel: channel.SMS, Tries: 1}}, behaviour.Everybody{Code: 554, Text: "5.7.1 Sending suspended"}},
		"401":       {behaviour.SMS, policy.Route{{Channel: channel.SMS, Tries: 1}, {Channel: channel.Email, Tries: 1}}, behaviour.Everybody{Code: 401, Text: `{"code":"unauthorized"}`}},
		"429":       {behaviour.SMS, policy.Route{{Channel: channel.SMS, Tries: 1}, {Channel: channel.Email, Tries: 1}}, behaviour.Everybody{Code: 429, Text: "<html>later</html>", RetryAfter: 5 * second}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.route)
			w.prepare(t, month, bills)
			w.everybody(t, c.kind, c.answer)
			w.dispatch(t, month)
			refused := func() int { return int(w.gateway.Stats().Channels[c.kind].Refused["everybody"]) }
			await(t, "the provider refuses", nil, func() bool { return refused() > 0 })
			first := refused()
			await(t, "one call tests the provider after the pause", func() { w.dispatch(t, month) }, func() bool { return refused() > max(first, 16) || refused() > first+1 })
			if n := refused(); n >= 100 {
				t.Errorf("%d calls were made although the first one was refused for everybody", n)
			}
			t.Logf("%d calls were refused", refused())
			w.everybody(t, c.kind, behaviour.Everybody{})
			await(t, "every bill is SUCCEEDED", func() { w.dispatch(t, month) }, func() bool {
				return w.count(t, `SELECT count(*) FROM billing_targets WHERE dispatch_status = 'SUCCEEDED'`) == bills
			})
			if n := w.count(t, `SELECT count(*) FROM billing_targets WHERE attempt > 0 OR step > 0`); n > 0 {
				t.Errorf("%d bills spent an attempt", n)
			}
			if n := w.count(t, `SELECT count(*) FROM delivery_attempts WHERE state = 'UNKNOWN' OR state = 'FAILED'`); n > 0 {
				t.Errorf("%d ledger rows are UNKNOWN or FAILED", n)
			}
			stats := w.gateway.Stats()
			for kind, counts := range stats.Channels {
				if want := map[bool]uint64{true: bills}[kind == c.kind]; counts.Accepted != want {
					t.Errorf("%s: %d messages were accepted, want %d", kind, counts.Accepted, want)
				}
			}
			if stats.AcceptedAgain > 0 || refused() >= 100 {
				t.Errorf("%d were accepted twice, %d refused", stats.AcceptedAgain, refused())
			}
		})
	}
}

// One answer of each class of docs/operations/answers.md, and what becomes of the bill.
func TestAnAnswerOfEachClassLeadsToItsEnd(t *testing.T) {
	w := newWorld(t, policy.Route{{Channel: channel.SMS, Tries: 1}, {Channel: channel.Email, Tries: 1}})
	for n, c := range []struct {
		class string
		code  int
		text  string
		row   string // state, class and reason in the ledger
		bill  string // status, attempt and round after it
	}{
		{"permanent", 400, `{"code":"invalid_destination"}`, "FAILED permanent refused", "FAILED 1 0"},
		{"temporary", 503, `{"code":"temporarily_refused"}`, "FAILED temporary refused", "FAILED 1 0"},
		{"throttled", 429, ``, "NOT_SENT throttled throttled", "READY 0 1"},
		{"content", 400, `{"code":"content_rejected"}`, "FAILED content refused", "PAUSED 0 0"},
		{"provider ?", 413, `<html>Too Large</html>`, "NOT_SENT provider refused", "READY 0 1"},
		{"unknown", 502, `<html>Bad Gateway</html>`, "UNKNOWN unclear_answer", "UNKNOWN 0 0"},
		{"provider", 403, `<html>Forbidden</html>`, "NOT_SENT provider provider", "READY 0 1"},
	} {
		month, _ := key.NewMonth(2026, time.Month(n+1))
		w.prepare(t, month, 1)
		w.everybody(t, behaviour.SMS, behaviour.Everybody{Code: c.code, Text: c.text})
		w.dispatch(t, month)
		var bill string
		await(t, c.class, nil, func() bool {
			if err := w.db.GetContext(t.Context(), &bill, `SELECT dispatch_status || ' ' || attempt || ' ' || round FROM billing_targets WHERE billing_month = $1::date`, month.String()+"-01"); err != nil {
				t.Fatal(err)
			}
			return !strings.HasPrefix(bill, "REQUESTED")
		})
		var row, said string
		if err := w.db.QueryRowContext(t.Context(), `SELECT concat_ws(' ', state, failure_class, reason), coalesce(detail, '') FROM delivery_attempts WHERE billing_month = $1::date`,
			month.String()+"-01").Scan(&row, &said); err != nil {
			t.Fatal(err)
		}
		if bill != c.bill || row != c.row || !strings.HasPrefix(said, "4") && !strings.HasPrefix(said, "5") {
			t.Errorf("%s: the bill is %s, want %s; the row is %s, want %s; the gateway said %q", c.class, bill, c.bill, row, c.row, said)
		}
	}
}

// An SMS that a 2xx has accepted is never posted again, whatever the rest of the answer says, and although the policy lets calls
// with an unknown outcome be made again.
func TestAnAcceptedMessageIsPostedOnceWhateverItsIDLooksLike(t *testing.T) {
	w := newWorld(t, policy.Route{{Channel: channel.SMS, Tries: 3}}, func(spec *policy.Spec) {
		spec.MaxRounds, spec.Unknown = 3, map[channel.Kind]attempt.UnknownPolicy{channel.SMS: attempt.Resend}
	})
	posted := func() int { return int(w.gateway.Stats().Channels[behaviour.SMS].Accepted) }
	for n, c := range []behaviour.Everybody{
		{Code: 202},
		{Code: 202, Text: "OK"},
		{Code: 202, Text: `{}`},
		{Code: 202, Text: `{"message_id":17}`},
		{Code: 202, Text: `{"message_id":""}`},
		{Code: 202, Text: `{"message_id":"번호"}`},
		{Code: 202, Text: `{"message_id":{"a":`},
		{Code: 200, Text: "<html>done</html>"},
		{Code: 204},
		{Code: 202, Text: `{"code":"temporarily_refused"}`},
	} {
		month, _ := key.NewMonth(2026, time.Month(n+1))
		w.prepare(t, month, 1)
		w.everybody(t, behaviour.SMS, c)
		before := posted()
		ended := func(query string) func() bool {
			return func() bool { return w.count(t, query, month.String()+"-01") == 1 }
		}
		await(t, fmt.Sprintf("%d %s", c.Code, c.Text), func() { w.dispatch(t, month) }, ended(`SELECT count(*) FROM billing_targets WHERE billing_month = $1::date AND dispatch_status NOT IN ('READY', 'FAILED', 'REQUESTED')`))
		for range 3 {
			w.dispatch(t, month)
		}
		if !ended(`SELECT count(*) FROM billing_targets WHERE billing_month = $1::date AND dispatch_status = 'SUCCEEDED' AND attempt = 0 AND round = 0`)() || posted() != before+1 {
			t.Errorf("%d %s: it was posted %d times, and is not SUCCEEDED by its first call", c.Code, c.Text, posted()-before)
		}
	}
}
