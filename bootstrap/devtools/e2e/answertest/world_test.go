package answertest_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
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
	t.Cleanup(apptest.Start(t, fx.Options(wholebatch.Options(apptest.Load[wholebatch.Config](t)), fx.Invoke(func(b wholebatch.Batch) { w.batch = b }))))
	if err := w.batch.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := attempt.Backoff{Base: time.Second, Factor: 1, Max: time.Second}
	spec := policy.Spec{
		Name: "answers", Zone: time.UTC, Route: route, MaxRounds: 1,
		Backoff: map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: second, attempt.Throttled: second},
	}
	for _, change := range change {
		change(&spec)
	}
	drafted, err := w.batch.Policies.Draft(t.Context(), spec, by)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.batch.Policies.Activate(t.Context(), drafted.Ref(), by); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(apptest.Start(t, deliveryapp.Options(deliveryapp.Both, apptest.Load[config.Deliverer](t))))
	t.Cleanup(apptest.Start(t, fx.Options(dispatcherapp.Options(apptest.Load[config.Dispatcher](t)), fx.Populate(&w.runner))))
	return w
}

// prepare imports and renders bills of a month for customers who can be reached on each channel.
func (w *world) prepare(t *testing.T, month key.Month, customers int) {
	t.Helper()
	var file bytes.Buffer
	out := csv.NewWriter(&file)
	_ = out.Write(importing.Columns)
	for n := range customers {
		row := make([]string, len(importing.Columns))
		set := func(column, value string) { row[slices.Index(importing.Columns, column)] = value }
		for column, value := range map[string]string{"customer_number": fmt.Sprintf("C-%05d", n), "currency": "KRW", "amount": fmt.Sprint(12_300 + int(month)), "due_date": month.String() + "-25", "language": "ko"} {
			set(column, value)
		}
		for _, d := range importing.Destinations() {
			set(d.Column, d.Example)
		}
		_ = out.Write(row)
	}
	out.Flush()
	imported, err := w.batch.Importer.Import(t.Context(), importing.NewSource(importing.File{Name: "answers.csv"}, &file), importing.Options{
		Rules: importing.Rules{Month: month, NotBefore: time.Now().Add(-time.Minute), Zone: time.UTC}, Rejects: io.Discard,
	})
	if err != nil || imported.Inserted != customers {
		t.Fatalf("%d of %d imported: %v", imported.Inserted, customers, err)
	}
	if rendered, err := w.batch.Renderer(rendering.Options{AllowSample: true}).Render(t.Context(), month); err != nil || rendered.Rendered != customers {
		t.Fatalf("%d rendered: %v", rendered.Rendered, err)
	}
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
