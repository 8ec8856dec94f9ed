package feedbacktest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs with it
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

const (
	secret  = "a-secret-of-32-characters-or-more"
	token   = "the-token-of-the-account"
	account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	status  = "https://feedback.example.com/reports/twilio"
)

var by = port.Act{Actor: "feedback test", Reason: "to see what a report changes"}

// world is an installation whose bills go out by SMS, and by e-mail where that was not delivered.
type world struct {
	*testing.T
	month      key.Month
	data       string // of the gateway simulator
	db         *sqlx.DB
	references *reference.References
	runner     *dispatch.Runner
	address    string // of the feedback service
}

// newWorld has delivered the bills of so many customers, and runs delivery, settlement and feedback.
func newWorld(t *testing.T, customers int) *world {
	t.Helper()
	month, err := key.ParseMonth("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, month: month, data: t.TempDir(), address: observetest.FreeAddr(t)}
	database := postgrestest.URL(t)
	server := apptest.Gateway(t, w.data)
	apptest.Configure(t, "feedback", database, server)
	for name, value := range map[string]string{
		"BALSONG_SMS_URL": "", "BALSONG_TWILIO_URL": "http://" + server.HTTPAddr(), "BALSONG_TWILIO_ACCOUNT": account, "BALSONG_TWILIO_SECRET": token,
		"BALSONG_TWILIO_FROM": "+15005550006", "BALSONG_TWILIO_STATUS_URL": status, "BALSONG_REFERENCE_SECRETS": secret,
		"BALSONG_FEEDBACK_ADDR": w.address, "BALSONG_FEEDBACK_URL": "https://feedback.example.com",
	} {
		t.Setenv(name, value)
	}
	w.prepare(customers)
	w.db = postgrestest.OpenURL(t, database)
	id, err := postgres.NewInstallation(w.db).ID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w.references, err = reference.New(id, secret); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(apptest.Start(t, deliveryapp.Options(deliveryapp.Both, apptest.Load[config.Deliverer](t))))
	receiver, err := deliveryapp.Load(t.Context(), deliveryapp.Feedback)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(apptest.Start(t, deliveryapp.Options(deliveryapp.Feedback, receiver)))
	t.Cleanup(apptest.Start(t, fx.Options(dispatcherapp.Options(apptest.Load[config.Dispatcher](t)), fx.Populate(&w.runner))))
	w.dispatched()
	return w
}

func (w *world) prepare(customers int) {
	w.Helper()
	batch := apptest.Batch(w.T, policy.Spec{
		Name: "sms, then e-mail", Zone: time.UTC, Route: policy.Route{{Channel: channel.SMS, Tries: 1}, {Channel: channel.Email, Tries: 1}},
		Undelivered: map[channel.Kind]policy.Undelivered{channel.SMS: policy.UndeliveredNext},
	}, by)
	bills := make([]apptest.Bill, customers)
	for n := range bills {
		digit := string(rune('1' + n))
		bills[n] = apptest.Bill{"customer_number": "C-" + digit, "phone": "010-1234-567" + digit, "email": "kim" + digit + "@example.com"}
	}
	apptest.Bills(w.T, batch, w.month, nil, bills)
}

// dispatched dispatches until every bill is SUCCEEDED.
func (w *world) dispatched() {
	w.Helper()
	var open []string
	waittest.Wait{Every: 100 * time.Millisecond, Explain: func() string { return strings.Join(open, "; ") }}.Until(w.T, "every bill is SUCCEEDED", func() bool {
		if _, err := w.runner.Run(w.Context(), w.month, by, nil); err != nil {
			w.Fatal(err)
		}
		open = w.bills("<> 'SUCCEEDED'")
		return len(open) == 0
	})
}

// bills are those whose status is such, as "C-1 SUCCEEDED 1": customer, status and attempt.
func (w *world) bills(such string) (list []string) {
	w.Helper()
	if err := w.db.SelectContext(w.Context(), &list, `SELECT customer || ' ' || dispatch_status || ' ' || attempt
FROM billing_targets JOIN customers USING (user_id) WHERE dispatch_status `+such+` ORDER BY 1`); err != nil {
		w.Fatal(err)
	}
	return list
}

// count is the number of rows of a table.
func (w *world) count(table string) (n int) {
	w.Helper()
	if err := w.db.GetContext(w.Context(), &n, `SELECT count(*) FROM `+table); err != nil {
		w.Fatal(err)
	}
	return n
}

// accepted are the messages that the simulator took: how many on each channel, and the references of the SMS, by the customer's id.
func (w *world) accepted() (channels map[string]int, sms map[int64]string) {
	w.Helper()
	channels, sms = map[string]int{}, map[int64]string{}
	if _, err := acceptlog.ReadFile(gatewaysim.AcceptLogPath(w.data), func(r acceptlog.Record) error {
		if !r.Accepted {
			return nil
		}
		channels[r.Channel]++
		if r.Channel == string(channel.SMS) {
			about, err := w.references.Read(r.IdempotencyKey)
			if err != nil {
				return err
			}
			sms[about.UserID] = r.IdempotencyKey
		}
		return nil
	}); err != nil {
		w.Fatal(err)
	}
	return channels, sms
}

// callback is a request as Twilio makes it.
type callback struct {
	reference string
	fields    url.Values
	token     string // that it is signed with
}

// undelivered says that the number of a message does not exist.
func undelivered(reference string) callback {
	return callback{reference, url.Values{
		"AccountSid": {account}, "MessageSid": {"SM0123456789abcdef0123456789abcdef"}, "MessageStatus": {"undelivered"}, "ErrorCode": {"30005"}, "To": {"+821012345671"},
	}, token}
}

func (c callback) signature() string {
	mac := hmac.New(sha1.New, []byte(c.token))
	mac.Write([]byte(status + "?key=" + c.reference))
	for _, name := range slices.Sorted(maps.Keys(c.fields)) {
		mac.Write([]byte(name + c.fields.Get(name)))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// request is the callback for the service at an address.
func (c callback) request(ctx context.Context, address string, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/reports/twilio?key="+c.reference, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Twilio-Signature", c.signature())
	return r, nil
}

// post returns the status with which a callback is answered; 0 where the connection is ended before.
func (w *world) post(c callback, body io.Reader) int {
	w.Helper()
	request, err := c.request(w.Context(), w.address, body)
	if err != nil {
		w.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}
