// Package upgradetest lets the services of two versions work beside each other, under load and on one database, as a rolling upgrade does: the old version
// prepares a month and begins it, the new one migrates the schema meanwhile, and then each dispatcher works beside the other version's delivery and settlement.
// The checker of the kill test judges.
package upgradetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	_ "github.com/lib/pq" // the driver
	"go.uber.org/zap"

	"github.com/balsong/balsong/bootstrap/devtools/e2e/killtest"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/killtest/checker"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
)

// Options say what to run.
type Options struct {
	Old, New  string // directories with batch, dispatcher, delivery and balsong of each version
	DataDir   string // of input and logs; made where it is missing
	Kafka     string // apache or kfake
	Customers int
	Limit     time.Duration // of a stage
	Out       io.Writer
}

// ErrViolated says that something does not hold.
var ErrViolated = errors.New("the upgrade test has found something")

const (
	month  = "2026-11"
	bucket = "balsong-upgrade-test"
	policy = `{"name": "upgrade test", "zone": "Asia/Seoul", "class": "TRANSACTIONAL",
  "route": [{"channel": "EMAIL", "tries": 1}, {"channel": "SMS", "tries": 1}],
  "backoff": {"temporary": {"base": "1s", "factor": 1, "max": "1s"}, "throttled": {"base": "1s", "factor": 1, "max": "1s"}},
  "publish_retry": {"base": "1s", "factor": 1, "max": "1s"}, "unknown": {"EMAIL": "hold", "SMS": "hold"}}`
)

// test is a run under way.
type test struct {
	Options
	began       time.Time
	components  *localenv.Set
	log         *os.File // of the components
	gateway     *gatewaysim.Server
	url         string
	db          *sql.DB
	environment []string
	services    map[string]*service // by name
}

// Run runs the test and prints what it found. Its error is ErrViolated where an assertion does not hold.
func Run(ctx context.Context, o Options) (err error) {
	t := &test{Options: o, began: time.Now(), services: map[string]*service{}}
	defer func() { err = errors.Join(err, t.close()) }()
	if err := t.start(ctx); err != nil {
		return err
	}
	if err := t.prepare(ctx); err != nil {
		return err
	}
	for _, s := range t.stages() {
		if err := t.stage(ctx, s); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrViolated, s.what, err)
		}
	}
	return t.judge(ctx)
}

func (t *test) say(what, format string, args ...any) {
	fmt.Fprintf(t.Out, "%7.1f s  %-10s %s\n", time.Since(t.began).Seconds(), what, fmt.Sprintf(format, args...))
}

func (t *test) path(name string) string { return filepath.Join(t.DataDir, name) }

// start starts the components and the gateway: 5% temporary refusals, 2% permanent ones, no drops. So nothing has a reason to become UNKNOWN.
func (t *test) start(ctx context.Context) (err error) {
	if err := os.MkdirAll(t.path("logs"), 0o755); err != nil {
		return err
	}
	if t.log, err = os.Create(t.path("logs/components.log")); err != nil {
		return err
	}
	t.say("start", "PostgreSQL, Kafka (%s), S3, gateway", t.Kafka)
	if t.components, err = localenv.Start(ctx, localenv.Options{Kafka: t.Kafka, Log: t.log}); err != nil {
		return err
	}
	channel := behaviour.ChannelSettings{
		Latency:   behaviour.Latency{Kind: behaviour.Uniform, Min: behaviour.Duration(200 * time.Millisecond), Max: behaviour.Duration(600 * time.Millisecond)},
		Temporary: 0.05, Permanent: 0.02,
	}
	t.gateway, err = gatewaysim.Start(ctx, gatewaysim.Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", DataDir: t.path("gateway"), InboxKeep: -1,
		Settings: gatewaysim.Settings{Seed: 1, Email: channel, SMS: channel}, Log: zap.NewNop(),
	})
	if err != nil {
		return err
	}
	addresses := t.components.Addresses()
	if t.url, err = addresses.Database(ctx, "balsong_upgrade_test"); err != nil {
		return err
	}
	if t.db, err = sql.Open("postgres", t.url); err != nil {
		return err
	}
	t.environment = t.variables(addresses)
	return nil
}

// prepare makes the month with the old version's programs.
func (t *test) prepare(ctx context.Context) error {
	if err := killtest.WriteBills(t.path("bills.csv"), t.Customers); err != nil {
		return err
	}
	if err := os.WriteFile(t.path("policy.json"), []byte(policy), 0o600); err != nil {
		return err
	}
	for _, command := range [][]string{
		{"balsong", "keyset", "new", "--file", t.path("keyset.json")},
		{"batch", "migrate"},
		{"balsong", "policy", "draft", "--file", t.path("policy.json"), "--reason", "test"},
		{"balsong", "policy", "activate", "1v1", "--reason", "test"},
		{"batch", "import", "--month", month, "--file", t.path("bills.csv")},
		{"batch", "render", "--month", month, "--allow-sample-sender"},
	} {
		if err := t.run(ctx, t.Old, command...); err != nil {
			return err
		}
	}
	t.say("prepared", "%d bills by the old version", t.Customers)
	return nil
}

// judge lets the checker look at everything, once nothing runs any more.
func (t *test) judge(ctx context.Context) error {
	if err := errors.Join(t.stopServices(ctx), t.gateway.Stop(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	in := checker.Inputs{Month: month}
	var errs [3]error
	in.Customers, errs[0] = checker.ReadCustomers(t.path("bills.csv"))
	in.Calls, errs[1] = checker.ReadCalls(gatewaysim.AcceptLogPath(t.path("gateway")))
	errs[2] = checker.ReadDatabase(ctx, t.url, &in)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	report := checker.Check(in, checker.Needs{})
	report.Print(t.Out)
	unsound := 0
	for _, target := range in.Targets {
		if target.Status != "SUCCEEDED" && target.Status != "EXHAUSTED" {
			unsound++
			t.say("found", "%s/%d is %s %s", target.Month, target.User, target.Status, target.Pause)
		}
	}
	if !report.OK() || unsound > 0 {
		return fmt.Errorf("%w: %d assertions do not hold, %d bills are neither SUCCEEDED nor EXHAUSTED", ErrViolated, len(report.Violations), unsound)
	}
	t.say("judged", "%d bills, each accepted once or refused on every channel; none UNKNOWN", len(in.Targets))
	return nil
}

// close ends what start began.
func (t *test) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	errs := []error{t.stopServices(ctx)}
	if t.db != nil {
		errs = append(errs, t.db.Close())
	}
	if t.gateway != nil {
		errs = append(errs, t.gateway.Stop(ctx))
	}
	if t.components != nil {
		errs = append(errs, t.components.Stop())
	}
	if t.log != nil {
		errs = append(errs, t.log.Close())
	}
	return errors.Join(errs...)
}
