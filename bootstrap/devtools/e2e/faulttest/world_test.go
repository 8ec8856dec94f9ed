package faulttest_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver
	"go.uber.org/fx"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// customers is how many bills a test has: several blocks of a pack, and some seconds of work for the gateway.
const customers = 1000

// inFlight is how many calls each of the two channels makes at the same time.
const inFlight = 8

// by is who does things in the tests.
var by = port.Act{Actor: "fault test", Reason: "to see what an outage does"}

// worlds numbers the tests' databases, buckets and topics.
var worlds atomic.Int32

// world is a month's rendered bills, ready to be dispatched, and the apps that do it.
type world struct {
	name    string
	month   key.Month
	url     string
	db      *sql.DB
	config  config.Deliverer
	gateway *simulator
	logs    *observer.ObservedLogs
	logger  *zap.Logger
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, func(name string) string {
		url, err := started(t).Addresses().Database(t.Context(), name)
		must(t, err)
		return url
	})
}

// newWorldOn is newWorld with a database from elsewhere.
func newWorldOn(t *testing.T, database func(name string) string) *world {
	t.Helper()
	set := started(t)
	month, err := key.ParseMonth("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.InfoLevel)
	w := &world{name: fmt.Sprintf("fault%d", worlds.Add(1)), month: month, logs: logs, logger: zap.New(core), gateway: newSimulator(t)}
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	a := set.Addresses()
	w.url = database(w.name)
	w.openDatabase(t)
	w.config = config.Deliverer{
		Database: config.Database{URL: w.url, MaxConns: 8, StatementTimeout: 10 * time.Second, LockTimeout: 5 * time.Second},
		Kafka:    config.Kafka{Brokers: a.KafkaBrokers, KafkaAccess: config.KafkaAccess{TopicPrefix: w.name + "-"}, Partitions: 6, Replication: 1, MinInSync: 1},
		S3:       a.StatementStore("balsong-"+w.name, 16),
		Keys:     config.Keys{Keyset: string(keyset)},
		Delivery: config.Delivery{InFlight: 60, Batch: 100, HaltPoll: time.Second, DrainFor: 15 * time.Second, ContentLimit: 5},
		Settlement: config.Settlement{
			Batch: 200, SweepEvery: 2 * time.Second, LeaseEvery: time.Second, ReapEvery: 5 * time.Second, ReapGrace: 30 * time.Second,
		},
		Monitor: config.Monitor{Every: 200 * time.Millisecond},
		Gateways: config.Gateways{
			SMTP: config.SMTP{
				Addr: w.gateway.smtp, TLS: "none", From: "billing@example.com",
				CallDeadline: 10 * time.Second, Lease: 90 * time.Second, Margin: time.Second, InFlight: inFlight,
			},
			SMS: config.HTTPGateway{URL: "http://" + w.gateway.http, HTTPCalls: config.HTTPCalls{CallDeadline: 10 * time.Second, Lease: 90 * time.Second, Margin: time.Second, InFlight: inFlight}},
		},
		Log: config.Log{Level: "info", Format: "json"},
	}
	w.prepare(t)
	return w
}

// openDatabase opens the database for the test's own questions.
func (w *world) openDatabase(t *testing.T) {
	t.Helper()
	var err error
	if w.db, err = sql.Open("postgres", w.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
}

// observed puts the tests' log into an app.
func (w *world) observed() fx.Option { return fx.Decorate(func() *zap.Logger { return w.logger }) }

// prepare imports the first customers of the sample data and renders their bills, with the production batch.
func (w *world) prepare(t *testing.T) {
	t.Helper()
	c := wholebatch.Config{Database: w.config.Database, Kafka: w.config.Kafka, S3: w.config.S3, Keys: w.config.Keys, Log: w.config.Log}
	var b wholebatch.Batch
	use(t, fx.Options(wholebatch.Options(c), w.observed(), fx.Invoke(func(batch wholebatch.Batch) { b = batch })), func() {
		if err := b.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		drafted, err := b.Policies.Draft(t.Context(), spec(), by)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Policies.Activate(t.Context(), drafted.Ref(), by); err != nil {
			t.Fatal(err)
		}
		data, err := demodata.Bills(firstLines(t, customers+1), w.month)
		if err != nil {
			t.Fatal(err)
		}
		imported, err := b.Importer.Import(t.Context(), importing.NewSource(importing.File{Name: "sample"}, data), importing.Options{
			Rules: importing.Rules{Month: w.month, NotBefore: time.Now().Add(-time.Minute), Zone: time.UTC}, Rejects: io.Discard,
		})
		if err != nil || imported.Inserted != customers {
			t.Fatalf("%d imported, %d rejected: %v", imported.Inserted, imported.Rejected, err)
		}
		if rendered, err := b.Renderer(rendering.Options{AllowSample: true}).Render(t.Context(), w.month); err != nil || rendered.Rendered != customers {
			t.Fatalf("%d rendered: %v", rendered.Rendered, err)
		}
	})
}

// spec is EMAIL ×2 → SMS without quiet hours, with pauses of seconds.
func spec() policy.Spec {
	second := attempt.Backoff{Base: time.Second, Factor: 1, Max: time.Second}
	return policy.Spec{
		Name: "fault test", Zone: time.UTC, PublishRetry: second,
		Route:   policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
		Backoff: map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: second, attempt.Throttled: second},
	}
}

func firstLines(t *testing.T, n int) io.Reader {
	t.Helper()
	var head strings.Builder
	lines := bufio.NewScanner(demodata.Telco())
	for range n {
		if !lines.Scan() {
			t.Fatal("the sample data is shorter than the test wants")
		}
		head.WriteString(lines.Text() + "\n")
	}
	return strings.NewReader(head.String())
}

// use starts an app, lets do work, and stops the app.
func use(t *testing.T, options fx.Option, do func()) {
	t.Helper()
	stop := apptest.Start(t, options)
	defer stop()
	do()
}

// run starts Delivery, settlement and dispatch runs, one after the other as a scheduler would, until the test ends.
func (w *world) run(t *testing.T) {
	t.Helper()
	t.Cleanup(w.deliver(t))
	w.dispatch(t)
}

// deliver starts Delivery and settlement; stop ends them in order.
func (w *world) deliver(t *testing.T) (stop func()) {
	t.Helper()
	return apptest.Start(t, fx.Options(deliveryapp.Options(deliveryapp.Both, w.config), w.observed()))
}

// dispatch starts dispatch runs, one after the other, until the test ends.
func (w *world) dispatch(t *testing.T) {
	t.Helper()
	t.Cleanup(w.dispatching(t))
}

// dispatching starts dispatch runs, one after the other; stop ends the last one and starts no other.
func (w *world) dispatching(t *testing.T) (stop func()) {
	t.Helper()
	c := config.Dispatcher{
		Database: w.config.Database, Kafka: w.config.Kafka, Log: w.config.Log,
		Dispatch: config.Dispatch{Page: 100, Cap: 200, AckTimeout: 5 * time.Second, LingerPoll: time.Second},
	}
	var runner *dispatch.Runner
	stopApp := apptest.Start(t, fx.Options(dispatcherapp.Options(c), w.observed(), fx.Populate(&runner)))
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			_, err := runner.Run(ctx, w.month, by, nil)
			if err != nil && !errors.Is(err, dispatch.ErrUnacknowledged) && ctx.Err() == nil {
				t.Errorf("a run ended with %v", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(300 * time.Millisecond):
			}
		}
	})
	return func() { end(); running.Wait(); stopApp() }
}

// count runs a counting query; -1 while the database is down.
func (w *world) count(query string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	n := -1
	if err := w.db.QueryRowContext(ctx, query).Scan(&n); err != nil {
		return -1
	}
	return n
}

// status counts the bills in one of the statuses; -1 while the database is down.
func (w *world) status(names ...string) int {
	return w.count("SELECT count(*) FROM billing_targets WHERE dispatch_status IN ('" + strings.Join(names, "', '") + "')")
}

// inDoubt lists the bills that are UNKNOWN.
func (w *world) inDoubt(t *testing.T) (doubtful []key.Target) {
	t.Helper()
	rows, err := w.db.QueryContext(t.Context(), "SELECT user_id FROM billing_targets WHERE dispatch_status = 'UNKNOWN'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		target := key.Target{Month: w.month}
		if err := rows.Scan(&target.UserID); err != nil {
			t.Fatal(err)
		}
		doubtful = append(doubtful, target)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return doubtful
}

// judge says of each UNKNOWN bill what the provider's log says.
func (w *world) judge(t *testing.T, doubtful []key.Target) {
	t.Helper()
	if len(doubtful) == 0 {
		return
	}
	accepted := w.gateway.accepted(t)
	var ports operate.Ports
	use(t, fx.Options(operatorapp.Options(config.Operator{Database: w.config.Database, Log: w.config.Log}), w.observed(), fx.Populate(&ports)), func() {
		operator := operate.New(ports, 10*time.Second)
		for _, target := range doubtful {
			if _, err := operator.Verdict(t.Context(), target, accepted[target] > 0, by); err != nil {
				t.Error(err)
			}
		}
	})
}

// lines counts log lines with a message, by the field that names what they are about.
func (w *world) lines(message, field string) map[string]int {
	counts := map[string]int{}
	for _, entry := range w.logs.FilterMessage(message).All() {
		counts[fmt.Sprint(entry.ContextMap()[field])]++
	}
	return counts
}

// await waits until the condition holds, for 50 s at most.
func await(t *testing.T, what string, holds func() bool, explain func() string) {
	t.Helper()
	waittest.Wait{Limit: 50 * time.Second, Every: 50 * time.Millisecond, Explain: explain}.Until(t, what, holds)
}

// story is the log, for a test that failed.
func (w *world) story() string {
	var b strings.Builder
	for _, entry := range w.logs.All() {
		fmt.Fprintf(&b, "%s %s %s %v\n", entry.Time.Format("15:04:05.000"), entry.Level, entry.Message, entry.ContextMap())
	}
	if b.Len() > 20_000 {
		return b.String()[:20_000] + " …"
	}
	return b.String()
}

// simulator is the gateway simulator in this process, stopped and started on the same ports.
type simulator struct {
	config     gatewaysim.Config
	smtp, http string
	mu         sync.Mutex
	running    *gatewaysim.Server
}

func newSimulator(t *testing.T) *simulator {
	t.Helper()
	slow := behaviour.ChannelSettings{Latency: behaviour.Latency{Kind: behaviour.Fixed, Mean: behaviour.Duration(40 * time.Millisecond)}}
	g := &simulator{config: gatewaysim.Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", DataDir: t.TempDir(),
		Settings: gatewaysim.Settings{Seed: 1, Email: slow, SMS: slow}, Log: zap.NewNop(), InboxKeep: -1,
	}}
	g.start(t)
	g.smtp, g.http = g.running.SMTPAddr(), g.running.HTTPAddr()
	g.config.SMTPAddr, g.config.HTTPAddr = g.smtp, g.http
	t.Cleanup(func() { g.stop(t) })
	return g
}

func (g *simulator) start(t *testing.T) {
	t.Helper()
	server, err := gatewaysim.Start(context.Background(), g.config)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running = server
}

// stop answers the calls in flight and closes the ports; stopping twice is fine.
func (g *simulator) stop(t *testing.T) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := g.running.Stop(ctx); err != nil {
		t.Error(err)
	}
	g.running = nil
}

// accepted is how often each bill was accepted, by the simulator's own log.
func (g *simulator) accepted(t *testing.T) map[key.Target]int {
	t.Helper()
	counts := map[key.Target]int{}
	_, err := acceptlog.ReadFile(filepath.Clean(gatewaysim.AcceptLogPath(g.config.DataDir)), func(r acceptlog.Record) error {
		if !r.Accepted {
			return nil
		}
		k, err := key.ParseDelivery(r.IdempotencyKey)
		counts[k.Target()]++
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return counts
}
