package answertest_test

import (
	"fmt"
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
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

var by = port.Act{Actor: "answer test", Reason: "to see what becomes of refusals"}

// world is a gateway simulator, a database, and the apps between them.
type world struct {
	data    string // the simulator's
	gateway *gatewaysim.Server
	db      *sqlx.DB
	batch   wholebatch.Batch
	runner  *dispatch.Runner
}

// newWorld starts everything, with a policy of the given route, changed.
func newWorld(t *testing.T, route policy.Route, change ...func(spec *policy.Spec)) *world {
	t.Helper()
	url := postgrestest.URL(t)
	data := t.TempDir()
	w := &world{data: data, gateway: apptest.Gateway(t, data), db: postgrestest.OpenURL(t, url)}
	apptest.Configure(t, "answers", url, w.gateway)
	t.Setenv("BALSONG_LOG_LEVEL", "error") // the refusals are on purpose
	second := attempt.Backoff{Base: time.Second, Factor: 1, Max: time.Second}
	spec := policy.Spec{
		Name: "answers", Zone: time.UTC, Route: route, MaxRounds: 1,
		Backoff: map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: second, attempt.Throttled: second},
	}
	for _, change := range change {
		change(&spec)
	}
	w.batch = apptest.Batch(t, spec, by)
	t.Cleanup(apptest.Start(t, deliveryapp.Options(deliveryapp.Both, apptest.Load[config.Deliverer](t))))
	t.Cleanup(apptest.Start(t, fx.Options(dispatcherapp.Options(apptest.Load[config.Dispatcher](t)), fx.Populate(&w.runner))))
	return w
}

// prepare imports and renders bills of a month for customers who can be reached on each channel.
func (w *world) prepare(t *testing.T, month key.Month, customers int) {
	t.Helper()
	bills := make([]apptest.Bill, customers)
	for n := range bills {
		bills[n] = apptest.Bill{"customer_number": fmt.Sprintf("C-%05d", n), "amount": fmt.Sprint(12_300 + int(month))}
		for _, d := range importing.Destinations() {
			bills[n][d.Column] = d.Example
		}
	}
	apptest.Bills(t, w.batch, month, nil, bills)
}

// everybody lets a channel answer every call alike; a code of 0 lets it answer as usual again.
func (w *world) everybody(t *testing.T, kind behaviour.Channel, answer behaviour.Everybody) {
	t.Helper()
	settings := w.gateway.Settings()
	settings.Of(kind).Everybody = answer
	if err := w.gateway.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
}

// dispatch runs the dispatcher once.
func (w *world) dispatch(t *testing.T, month key.Month) {
	t.Helper()
	if _, err := w.runner.Run(t.Context(), month, by, nil); err != nil {
		t.Fatal(err)
	}
}

// count returns a number from the database.
func (w *world) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	if err := w.db.GetContext(t.Context(), &n, query, args...); err != nil {
		t.Fatal(err)
	}
	return n
}

// await waits until something is so, and calls meanwhile, if not nil, before each look but the first.
func await(t *testing.T, what string, meanwhile func(), so func() bool) {
	t.Helper()
	looked := false
	waittest.Wait{Limit: 4 * time.Minute, Every: 100 * time.Millisecond}.Until(t, what, func() bool {
		if looked && meanwhile != nil {
			meanwhile()
		}
		looked = true
		return so()
	})
}
