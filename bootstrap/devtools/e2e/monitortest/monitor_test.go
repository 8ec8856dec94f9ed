package monitortest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

var by = port.Act{Actor: "monitor test", Reason: "to see what is measured"}

const customers = 40

// metrics reads the gauges and counters without labels, and those with one as name{label}.
func metrics(t *testing.T, addr string) map[string]float64 {
	t.Helper()
	_, body := observetest.Get(t, "http://"+addr+"/metrics")
	values := map[string]float64{}
	for line := range strings.Lines(string(body)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if !strings.Contains(line, "{") {
			name, value, _ = strings.Cut(strings.TrimSpace(line), " ")
		}
		name = strings.ReplaceAll(strings.TrimPrefix(name, "balsong_"), `"`, "")
		if n, err := strconv.ParseFloat(value, 64); err == nil && strings.HasPrefix(line, "balsong_") {
			values[name] = n
		}
	}
	return values
}

// prepare makes a month's bills, for a policy with a deadline.
func prepare(t *testing.T, month key.Month) {
	t.Helper()
	batch := apptest.Batch(t, policy.Spec{
		Name: "monitor", Zone: time.UTC, Route: policy.Route{{Channel: channel.Email, Tries: 1}}, Deadline: 60 * 24 * time.Hour,
	}, by)
	bills := make([]apptest.Bill, customers)
	for n := range bills {
		bills[n] = apptest.Bill{"customer_number": fmt.Sprint("C-", n), "name": "Kim", "email": "kim@example.com", "amount": "12000"}
	}
	apptest.Bills(t, batch, month, nil, bills)
}

func TestAMonthThatWaitsAndGoesOutIsMeasured(t *testing.T) {
	apptest.Configure(t, "monitor", postgrestest.URL(t), apptest.Gateway(t, t.TempDir()))
	t.Setenv("BALSONG_MONITOR_EVERY", "1s")
	now := time.Now().UTC()
	month, err := key.NewMonth(now.Year(), now.Month())
	if err != nil {
		t.Fatal(err)
	}
	prepare(t, month)
	settlement, delivery := observetest.FreeAddr(t), observetest.FreeAddr(t)
	t.Setenv("BALSONG_HEALTH_ADDR", settlement)
	c, err := deliveryapp.Load(t.Context(), deliveryapp.Settlement)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(apptest.Start(t, deliveryapp.Options(deliveryapp.Settlement, c)))
	var runner *dispatch.Runner
	t.Cleanup(apptest.Start(t, fx.Options(dispatcherapp.Options(apptest.Load[config.Dispatcher](t)), fx.Populate(&runner))))
	before := float64(time.Now().Unix())
	if _, err := runner.Run(t.Context(), month, by, nil); err != nil {
		t.Fatal(err)
	}
	var got map[string]float64
	waittest.Until(t, "the lag is the month, and no task is there", func() bool {
		got = metrics(t, settlement)
		return got["delivery_lag_messages"] == customers && got["delivery_backlog_per_task"] == customers
	})
	margin := time.Until(month.Start(time.UTC).Add(60 * 24 * time.Hour)).Seconds()
	for name, least := range map[string]float64{
		"delivery_tasks": 0, "targets_unknown": 0, "halted": 0, "component_up{component=database": 1, "component_up{component=event log": 1,
		"dispatch_last_run_timestamp_seconds": before - 60, "oldest_request_age_seconds": 0, "deadline_margin_seconds": margin - 120, "leases_expired_total": 0,
	} {
		if value, there := got[name]; !there || value < least || value > max(least+240, 60) {
			t.Errorf("%s is %v (%t), want some %v", name, value, there, least)
		}
	}
	for _, name := range []string{"standby_lag_seconds", "standbys_synchronous"} {
		if value, there := got[name]; there {
			t.Errorf("%s is %v, and there is no standby", name, value)
		}
	}
	t.Setenv("BALSONG_HEALTH_ADDR", delivery)
	if c, err = deliveryapp.Load(t.Context(), deliveryapp.Delivery); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(apptest.Start(t, deliveryapp.Options(deliveryapp.Delivery, c)))
	waittest.Until(t, "one task has brought the lag to nothing", func() bool {
		got = metrics(t, settlement)
		return got["delivery_lag_messages"] == 0 && got["delivery_tasks"] == 1 && got["delivery_time_left_seconds"] == 0 && got["oldest_request_age_seconds"] == 0
	})
	waittest.Until(t, "nothing waits for its deadline any more", func() bool {
		_, there := metrics(t, settlement)["deadline_margin_seconds"]
		return !there
	})
	own := metrics(t, delivery)
	for name, want := range map[string]float64{
		"calls_in_flight{provider=email/smtp": 0, "calls_in_flight_limit{provider=email/smtp": 100, "gateway_held{provider=email/smtp": 0, "unknown_keys_total": 0,
		"component_up{component=statements": 1, "component_up{component=keys": 1,
	} {
		if value, there := own[name]; !there || value != want {
			t.Errorf("delivery: %s is %v (%t), want %v", name, value, there, want)
		}
	}
}
