package channeltest_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

var by = port.Act{Actor: "channel test", Reason: "to see that each channel delivers"}

// A customer who asks for a channel, and can be reached on it, gets the bill there, for each channel that there is.
func TestEveryChannelDelivers(t *testing.T) {
	month, err := key.ParseMonth("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	url := postgrestest.URL(t)
	apptest.Configure(t, "channels", url, apptest.Gateway(t, data))
	prepareBills(t, month)
	deliverBills(t, postgrestest.OpenURL(t, url), month)

	accepted := map[string]int{}
	if _, err := acceptlog.ReadFile(gatewaysim.AcceptLogPath(data), func(r acceptlog.Record) error {
		if r.Accepted {
			accepted[r.Channel]++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, kind := range channel.All {
		want[string(kind)] = 1
	}
	if !maps.Equal(accepted, want) {
		t.Fatalf("the gateway accepted %v, want one message on each channel", accepted)
	}
}

// prepareBills imports a customer for each channel and renders the bills.
func prepareBills(t *testing.T, month key.Month) {
	t.Helper()
	spec := policy.Spec{Name: "every channel", Zone: time.UTC}
	for _, kind := range channel.All {
		spec.Route = append(spec.Route, policy.Leg{Channel: kind, Tries: 1})
	}
	var bills []apptest.Bill
	for _, d := range importing.Destinations() { // who asks for the channel, and has no other address
		bills = append(bills, apptest.Bill{"customer_number": string(d.Channel), "channel_wish": string(d.Channel), d.Column: d.Example})
	}
	apptest.Bills(t, apptest.Batch(t, spec, by), month, apptest.AlimTalk(t), bills)
}

// deliverBills runs Delivery, settlement and a dispatch until every bill is SUCCEEDED.
func deliverBills(t *testing.T, db *sqlx.DB, month key.Month) {
	t.Helper()
	t.Cleanup(apptest.Start(t, deliveryapp.Options(deliveryapp.Both, apptest.Load[config.Deliverer](t))))
	var runner *dispatch.Runner
	t.Cleanup(apptest.Start(t, fx.Options(dispatcherapp.Options(apptest.Load[config.Dispatcher](t)), fx.Populate(&runner))))
	if _, err := runner.Run(t.Context(), month, by, nil); err != nil {
		t.Fatal(err)
	}
	var statuses []string
	waittest.Wait{Every: 50 * time.Millisecond, Explain: func() string { return strings.Join(statuses, "; ") }}.Until(t, "every bill is delivered", func() bool {
		statuses = nil
		if err := db.SelectContext(t.Context(), &statuses, `SELECT customer || ' ' || dispatch_status || ' ' || coalesce(last_decision, '')
FROM billing_targets JOIN customers USING (user_id) WHERE dispatch_status <> 'SUCCEEDED' ORDER BY 1`); err != nil {
			t.Fatal(err)
		}
		return len(statuses) == 0
	})
}
