package channeltest_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
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
	var b wholebatch.Batch
	stop := apptest.Start(t, fx.Options(wholebatch.Options(apptest.Load[wholebatch.Config](t)), fx.Invoke(func(batch wholebatch.Batch) { b = batch })))
	defer stop()
	if err := b.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	spec := policy.Spec{Name: "every channel", Zone: time.UTC}
	for _, kind := range channel.All {
		spec.Route = append(spec.Route, policy.Leg{Channel: kind, Tries: 1})
	}
	drafted, err := b.Policies.Draft(t.Context(), spec, by)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Policies.Activate(t.Context(), drafted.Ref(), by); err != nil {
		t.Fatal(err)
	}
	imported, err := b.Importer.Import(t.Context(), importing.NewSource(importing.File{Name: "channels.csv"}, billingData()), importing.Options{
		Rules: importing.Rules{Month: month, NotBefore: time.Now().Add(-time.Minute), Zone: time.UTC}, Rejects: io.Discard,
	})
	if err != nil || imported.Inserted != len(channel.All) {
		t.Fatalf("%d of %d imported: %v (has each channel a destination in application/importing?)", imported.Inserted, len(channel.All), err)
	}
	if rendered, err := b.Renderer(rendering.Options{AllowSample: true, Templates: apptest.AlimTalk(t)}).Render(t.Context(), month); err != nil || rendered.Rendered != len(channel.All) {
		t.Fatalf("%d rendered: %v", rendered.Rendered, err)
	}
}

// billingData has a customer for each channel, who asks for it and has no other address.
func billingData() io.Reader {
	var file bytes.Buffer
	out := csv.NewWriter(&file)
	_ = out.Write(importing.Columns)
	for _, d := range importing.Destinations() {
		row := make([]string, len(importing.Columns))
		for column, value := range map[string]string{
			"customer_number": string(d.Channel), "currency": "KRW", "amount": "12300", "due_date": "2026-12-25", "language": "ko", "channel_wish": string(d.Channel), d.Column: d.Example,
		} {
			row[slices.Index(importing.Columns, column)] = value
		}
		_ = out.Write(row)
	}
	out.Flush()
	return &file
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
