package monthtest_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/inquire"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// few is how many customers the month of the inquiries has.
const few = 300

// A third of the calls of AlimTalk are not answered, most of them after the message was taken, and the vendor reports nothing. The bills stay
// UNKNOWN until the vendor may be asked; then who got the message is done, who did not is reached by SMS, and of whom the vendor knows nothing the
// bill stays UNKNOWN, is asked about again, and nobody gets a second message for it.
func TestAMonthsUnknownOutcomesEndByInquiries(t *testing.T) {
	w := newWorld(t, scene{
		route:    policy.Route{{Channel: channel.AlimTalk, Tries: 1}, {Channel: channel.SMS, Tries: 1}},
		rendered: rendering.Options{AllowSample: true, Templates: apptest.AlimTalk(t)},
		bills:    firstFew, customers: few, variables: byNHN,
	})
	settings := w.gateway.Settings()
	settings.AlimTalk.AcceptThenDrop, settings.AlimTalk.Temporary = 0.25, 0.08 // NHN Cloud's words for the latter leave the outcome unknown
	settings.AlimTalk.Reports = behaviour.Reports{Silent: 1, Undelivered: 0.2, Uncertain: 0.05}
	if err := w.gateway.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
	w.start(t, deliveryapp.Settlement, nil)
	w.start(t, deliveryapp.Delivery, nil)
	w.await(t, "each bill was called about once", func() { w.dispatch(t) }, func() bool {
		m := w.month(t)
		return m.open() == 0 && m.Dispatch[billing.Succeeded]+m.Dispatch[billing.Unknown] == few
	})
	unknown := w.month(t).Dispatch[billing.Unknown]

	w.start(t, deliveryapp.Feedback, map[string]string{"BALSONG_FEEDBACK_INQUIRY_RATE": "1000"}, fx.Decorate(soon))
	w.await(t, "each UNKNOWN bill is to be asked about", nil, func() bool { return w.month(t).Asking == unknown })
	if n := w.count(t, `SELECT count(*) FROM inquiries WHERE asks > 0`); n > 0 {
		t.Errorf("the vendor was asked %d times before its list may have the message", n)
	}
	if _, err := w.db.ExecContext(t.Context(), `UPDATE inquiries SET next_at = now()`); err != nil { // the settling time passes
		t.Fatal(err)
	}
	w.await(t, "what the vendor knows has ended", func() { w.dispatch(t) }, func() bool { return w.month(t).open() == 0 && w.answered(t) })

	w.endedAs(t, unknown)
}

// soon looks for what is due without the pauses of production.
func soon(ports inquire.Ports, from core.Informants, budgets port.Budgets) (*inquire.Service, error) {
	var asked []inquire.Asked
	for _, i := range from.Inquirers {
		permits, err := core.InquiryPermits(i, 1000, budgets, ports.Clock, ports.Log)
		if err != nil {
			return nil, err
		}
		asked = append(asked, inquire.Asked{Inquirer: i.Inquirer, Provider: i.Provider.Provider, Permits: permits})
	}
	return inquire.New(ports, inquire.Config{Every: 100 * time.Millisecond}, asked...)
}

// firstFew are the first rows of the billing data.
func firstFew(t *testing.T, bills io.Reader) io.Reader {
	t.Helper()
	rows, err := csv.NewReader(bills).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var cut bytes.Buffer
	if err := csv.NewWriter(&cut).WriteAll(rows[:few+1]); err != nil {
		t.Fatal(err)
	}
	return &cut
}

// answered reports whether each inquiry has an answer, and each bill stands as the answers say.
func (w *world) answered(t *testing.T) bool {
	t.Helper()
	to := w.witnessed(t, references)
	for _, messages := range to {
		if messages[len(messages)-1].undelivered {
			return false // SMS is on its way
		}
	}
	return w.month(t).Dispatch[billing.Unknown] == few-len(to) && w.count(t, `SELECT count(*) FROM inquiries WHERE asks = 0`) == 0
}

// endedAs checks each bill, of which so many were UNKNOWN, against the messages that were taken.
func (w *world) endedAs(t *testing.T, unknown int) {
	t.Helper()
	to := w.witnessed(t, references)
	var users []int64
	if err := w.db.SelectContext(t.Context(), &users, `SELECT user_id FROM billing_targets`); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{} // of the bills that were UNKNOWN
	const asked = "nhn was asked once what became of it"
	for _, user := range users {
		messages := to[user]
		w.reached(t, user, messages)
		switch {
		case len(messages) == 0:
			got["not found"]++
			w.says(t, user, asked, "it knows nothing of it", "it is asked again on ")
		case !messages[0].dropped:
			if len(messages) != 1 {
				t.Errorf("customer %d, whose call was answered, got %d messages", user, len(messages))
			}
		case messages[0].undelivered:
			got["not delivered"]++
			if len(messages) != 2 || messages[1].channel != string(channel.SMS) {
				t.Errorf("customer %d did not get AlimTalk, and is not reached by SMS", user)
			}
			w.says(t, user, asked, "it was not delivered, ", "so it counts as refused, and the route goes on", "by SMS through nhn")
		case messages[0].delivered:
			got["delivered"]++
			w.says(t, user, asked, "it was delivered")
		default: // the vendor took it, and does not know what became of it
			got["accepted"]++
			w.says(t, user, "accepted by the gateway, as it said", asked, "it was accepted")
		}
	}
	t.Logf("of %d UNKNOWN bills %v", unknown, got)
	if got["not found"]+got["not delivered"]+got["delivered"]+got["accepted"] != unknown || got["not found"]*got["not delivered"]*got["delivered"] == 0 {
		t.Errorf("of %d UNKNOWN bills %v", unknown, got)
	}
	m := w.month(t)
	m.addUp(t)
	if left := got["not found"]; m.Dispatch[billing.Unknown] != left || m.Asking != left || m.Dispatch[billing.Succeeded] != few-left || m.Reports.Undelivered != got["not delivered"] {
		t.Errorf("%v: %s", got, m.text())
	}
	if again := w.gateway.Stats().AcceptedAgain; again > 0 {
		t.Errorf("%d messages were taken twice", again)
	}
}

// says checks that the story of a customer's bill has some texts.
func (w *world) says(t *testing.T, user int64, wanted ...string) {
	t.Helper()
	customer, s := w.why(t, user)
	text := textOf(s)
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("the story of %s does not say %q:\n%s", customer, want, text)
		}
	}
}
