package monthtest_test

import (
	"cmp"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

const (
	customers = 7043
	month     = key.Month(2026*12 + 10)
)

var by = port.Act{Actor: "month test", Reason: "to see a month through"}

// world is the demo's month, rendered, with a gateway simulator and the apps of who dispatches and who asks.
type world struct {
	data      string // the simulator's
	customers int
	gateway   *gatewaysim.Server
	db        *sqlx.DB
	runner    *dispatch.Runner
	answers   *answer.Answers
}

// scene is what a month is about.
type scene struct {
	route     policy.Route
	rendered  rendering.Options
	bills     func(*testing.T, io.Reader) io.Reader // what becomes of the demo's billing data; nil: nothing
	customers int                                   // whom it leaves; 0: all
	variables map[string]string                     // of all apps; GATEWAY stands for the simulator's address
}

// newWorld prepares the month of a scene.
func newWorld(t *testing.T, of scene) *world {
	t.Helper()
	url := postgrestest.URL(t)
	w := &world{data: t.TempDir(), customers: cmp.Or(of.customers, customers), db: postgrestest.OpenURL(t, url)}
	w.gateway = apptest.Gateway(t, w.data)
	apptest.Configure(t, "month", url, w.gateway)
	t.Setenv("BALSONG_LOG_LEVEL", "error") // the failures are on purpose
	for name, value := range of.variables {
		t.Setenv(name, strings.ReplaceAll(value, "GATEWAY", w.gateway.HTTPAddr()))
	}
	w.prepare(t, of)
	t.Cleanup(apptest.Start(t, fx.Options(dispatcherapp.Options(apptest.Load[config.Dispatcher](t)), fx.Populate(&w.runner))))
	var useCases operatorapp.UseCases
	t.Cleanup(apptest.Start(t, fx.Options(operatorapp.CustomerBills(apptest.Load[config.CustomerBills](t)), fx.Invoke(func(u operatorapp.UseCases) { useCases = u }))))
	w.answers = useCases.Answers
	return w
}

// prepare does what batch migrate, import and render do, and activates the policy.
func (w *world) prepare(t *testing.T, of scene) {
	t.Helper()
	var b wholebatch.Batch
	defer apptest.Start(t, fx.Options(wholebatch.Options(apptest.Load[wholebatch.Config](t)), fx.Invoke(func(batch wholebatch.Batch) { b = batch })))()
	if err := b.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := attempt.Backoff{Base: time.Second, Factor: 1, Max: time.Second}
	next := map[channel.Kind]policy.Undelivered{}
	for _, leg := range of.route {
		next[leg.Channel] = policy.UndeliveredNext
	}
	drafted, err := b.Policies.Draft(t.Context(), policy.Spec{
		Name: "a month", Zone: time.UTC, Route: of.route,
		Backoff:     map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: second, attempt.Throttled: second},
		Undelivered: next,
	}, by)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Policies.Activate(t.Context(), drafted.Ref(), by); err != nil {
		t.Fatal(err)
	}
	bills, err := demodata.Bills(demodata.Telco(), month)
	if err != nil {
		t.Fatal(err)
	}
	if of.bills != nil {
		bills = of.bills(t, bills)
	}
	imported, err := b.Importer.Import(t.Context(), importing.NewSource(importing.File{Name: "demo"}, bills), importing.Options{
		Rules: importing.Rules{Month: month, NotBefore: time.Now().Add(-time.Minute), Zone: time.UTC}, By: by, Rejects: io.Discard,
	})
	if err != nil || imported.Inserted != w.customers {
		t.Fatalf("%d of %d imported: %v", imported.Inserted, customers, err)
	}
	if rendered, err := b.Renderer(of.rendered).Render(t.Context(), month); err != nil || rendered.Rendered != w.customers {
		t.Fatalf("%d rendered: %v", rendered.Rendered, err)
	}
}

// start starts a service with variables of its own, until the test ends.
func (w *world) start(t *testing.T, role deliveryapp.Role, variables map[string]string, more ...fx.Option) {
	t.Helper()
	for name, value := range variables {
		t.Setenv(name, value)
	}
	t.Cleanup(apptest.Start(t, fx.Options(deliveryapp.Options(role, apptest.Load[config.Deliverer](t)), fx.Options(more...))))
}

// dispatch runs the dispatcher once, as its schedule does.
func (w *world) dispatch(t *testing.T) {
	t.Helper()
	if _, err := w.runner.Run(t.Context(), month, by, nil); err != nil {
		t.Fatal(err)
	}
}

// await waits until something is so; meanwhile, if not nil, is done before each look but the first.
func (w *world) await(t *testing.T, what string, meanwhile func(), so func() bool) {
	t.Helper()
	looked := false
	waittest.Wait{Limit: 4 * time.Minute, Every: 250 * time.Millisecond, Explain: func() string {
		text, _ := json.Marshal(w.gateway.Stats())
		return w.month(t).text() + "\n" + string(text)
	}}.Until(t, what, func() bool {
		if looked && meanwhile != nil {
			meanwhile()
		}
		looked = true
		return so()
	})
}

// count returns a number from the database.
func (w *world) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	if err := w.db.GetContext(t.Context(), &n, query, args...); err != nil {
		t.Fatal(err)
	}
	return n
}

// numbers is how the month stands, as `balsong status` says it.
type numbers struct {
	answer.MonthStatus
	customers int
	next      []string
}

func (w *world) month(t *testing.T) numbers {
	t.Helper()
	s, err := w.answers.Status(t.Context(), []key.Month{month}, 1)
	if err != nil || len(s.Months) != 1 {
		t.Fatal(s.Months, err)
	}
	return numbers{s.Months[0], w.customers, s.Next}
}

func (n numbers) text() string {
	document, _ := json.Marshal(n.MonthStatus)
	return string(document)
}

// open counts the bills that continue by themselves.
func (n numbers) open() int {
	return n.Dispatch[billing.Ready] + n.Dispatch[billing.Failed] + n.Dispatch[billing.Requested]
}

// addUp checks that each bill of the month is in exactly one of the numbers.
func (n numbers) addUp(t *testing.T) {
	t.Helper()
	all := 0
	for _, count := range n.Dispatch {
		all += count
	}
	if r := n.Reports; n.Imported != n.customers || all != n.customers || r.Delivered+r.NotDelivered+r.NotReported != n.Dispatch[billing.Succeeded] {
		t.Errorf("the numbers of %d customers do not add up: %s", n.customers, n.text())
	}
}
