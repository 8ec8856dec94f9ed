// Package killtest kills dispatchers, deliveries, settlement and feedback at every point of the protocol, again and again, on a
// real PostgreSQL and a real Apache Kafka, and lets a checker that shares no code with the product judge the result. See
// README.md.
package killtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/e2e/killtest/checker"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/killtest/failpoint"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// Options say what to run.
type Options struct {
	DataDir   string // of input, logs and records; made where it is missing
	Kafka     string // apache or kfake
	Customers int
	Kills     int           // at each point
	Limit     time.Duration // how long the work may take
	Around    Guard         // a short run around one guard; "": the full run
	Without   bool          // with Around's guard left out
	Seed      uint64
	Out       io.Writer
}

// ErrViolated says that the checker found something.
var ErrViolated = errors.New("the kill test has found something")

// test is a run under way.
type test struct {
	Options
	plan       plan
	began      time.Time
	stops      []func() error
	log        *os.File
	components *localenv.Set
	info       gatewayInfo
	receivers  receivers
	gateway    *child.Process
	url        string
	orders     orders
	db         *sql.DB
}

// Run runs the test and prints what it found. Its error is ErrViolated where an assertion does not hold.
func Run(ctx context.Context, o Options) (err error) {
	t := &test{Options: o, began: time.Now(), plan: fullPlan(o)}
	if o.Around != AllGuards {
		t.plan = shortPlan(o.Around, o)
	}
	defer func() {
		for i := len(t.stops) - 1; i >= 0; i-- {
			err = errors.Join(err, t.stops[i]())
		}
	}()
	if err := t.start(ctx); err != nil {
		return err
	}
	t.say("prepare", "%d customers", t.plan.customers)
	if err := t.prepare(ctx); err != nil {
		return err
	}
	fleet, err := t.work(ctx)
	if err != nil {
		return err
	}
	return t.judge(ctx, fleet)
}

func (t *test) say(what, format string, args ...any) {
	fmt.Fprintf(t.Out, "%7.1f s  %-10s %s\n", time.Since(t.began).Seconds(), what, fmt.Sprintf(format, args...))
}

func (t *test) path(name string) string { return filepath.Join(t.DataDir, name) }

// start starts the components, and the gateway in a process of its own.
func (t *test) start(ctx context.Context) (err error) {
	if err := os.MkdirAll(t.path("logs"), 0o755); err != nil {
		return err
	}
	if t.log, err = os.Create(t.path("logs/components.log")); err != nil {
		return err
	}
	t.stops = append(t.stops, t.log.Close)
	t.say("start", "PostgreSQL, Kafka (%s), S3, gateway", t.Kafka)
	t.components, err = localenv.Start(ctx, localenv.Options{Kafka: t.Kafka, Log: t.log})
	if err != nil {
		return err
	}
	t.stops = append(t.stops, t.components.Stop)
	log, err := os.Create(t.path("logs/gateway.log"))
	if err != nil {
		return err
	}
	t.stops = append(t.stops, log.Close)
	if t.receivers, err = freeReceivers(); err != nil {
		return err
	}
	if t.plan.vendors {
		t.plan.slow, t.plan.fast = t.receivers.report(t.plan.slow), t.receivers.report(t.plan.fast)
	}
	t.gateway, err = child.Start(ctx, child.Options{
		Role: gatewayRole, Log: log, Spec: gatewayOrders{DataDir: t.path("gateway"), Settings: t.plan.slow},
	})
	if err != nil {
		return err
	}
	t.stops = append(t.stops, t.gateway.Stop)
	return t.gateway.Info(&t.info)
}

// slots are the processes of the test: two dispatchers, two deliveries, one settlement, one that takes reports where vendors make
// them, and an operator where one acts.
func (t *test) slots() []slot {
	d, v, s, f := failpoint.Points[0:2], failpoint.Points[2:5], failpoint.Points[5:6], failpoint.Points[6:8]
	list := []slot{
		{name: "dispatcher-1", role: dispatcherRole, points: d, pause: time.Second, pace: 8 * time.Second, ends: true},
		{name: "dispatcher-2", role: dispatcherRole, points: d, pause: time.Second, pace: 8 * time.Second, ends: true},
		{name: "delivery-1", role: deliveryRole, points: v, pause: 100 * time.Millisecond},
		{name: "delivery-2", role: deliveryRole, points: v, pause: 100 * time.Millisecond},
		{name: "settlement", role: settlementRole, points: s, pause: 100 * time.Millisecond, pace: 8 * time.Second},
	}
	if t.plan.vendors {
		list = append(list, slot{name: "feedback", role: feedbackRole, points: f, pause: 100 * time.Millisecond, pace: 2 * time.Second})
	}
	if t.plan.cancel > 0 || t.plan.sendAnyway {
		list = append(list, slot{name: "operator", role: operatorRole, pause: time.Second})
	}
	for i := range list {
		list[i].orders = t.orders
		list[i].orders.Dispatch.Linger = i == 0 // the other ends and is started again
	}
	return list
}

// work fills the slots until every kill has struck and every target has come to an end.
func (t *test) work(ctx context.Context) (*fleet, error) {
	fleet := &fleet{campaign: newCampaign(t.plan, t.Seed), logs: t.path("logs"), struck: map[string]bool{}}
	working, stop := context.WithCancel(ctx)
	defer stop()
	slots := t.slots()
	errs := make([]error, len(slots)+1)
	var running sync.WaitGroup
	for i, s := range slots {
		running.Go(func() {
			if errs[i] = fleet.run(working, s); errs[i] != nil {
				stop()
			}
		})
	}
	errs[len(slots)] = t.await(working, fleet)
	stop()
	running.Wait()
	t.say("stopped", "%d processes were started, %d ended by a kill, %d in order, %d otherwise",
		fleet.started, len(fleet.struck), fleet.finished, len(fleet.failed))
	for _, end := range fleet.failed {
		fmt.Fprintln(t.Out, "           ended otherwise:", end)
	}
	return fleet, errors.Join(errs...)
}

// judge lets the checker look at everything, once nothing runs any more.
func (t *test) judge(ctx context.Context, fleet *fleet) error {
	if err := t.gateway.Stop(); err != nil {
		return err
	}
	in := checker.Inputs{Month: month, Ended: fleet.endedByKill(), Asked: map[string]bool{askedProvider: t.plan.vendors}}
	var errs [4]error
	in.Customers, errs[0] = checker.ReadCustomers(t.path("bills.csv"))
	in.Calls, errs[1] = checker.ReadCalls(gatewaysim.AcceptLogPath(t.path("gateway")))
	in.Kills, errs[2] = checker.ReadKills(t.orders.RecordFile)
	errs[3] = checker.ReadDatabase(ctx, t.url, &in)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	needs := checker.Needs{}
	if t.Around == AllGuards {
		needs = checker.Needs{Each: 5, All: 40}
	}
	report := checker.Check(in, needs)
	report.Print(t.Out)
	var failures []string
	for _, end := range fleet.failed {
		if !strings.HasPrefix(end, "dispatcher") { // a run may end unfinished: it is started again
			failures = append(failures, end)
		}
	}
	t.say("judged", "in all")
	if !report.OK() || len(failures) > 0 {
		return fmt.Errorf("%w: %d assertions do not hold, %d processes ended that should not", ErrViolated, len(report.Violations), len(failures))
	}
	return nil
}
