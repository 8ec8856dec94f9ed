// Package demo takes a month's real billing data through the whole life of a bill on one machine: import, render, store,
// dispatch, deliver, settle, report. The components are embedded; the apps and adapters are those of production.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/lockfile"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/domain/key"
)

// Options say how the demo runs.
type Options struct {
	DataDir  string // keeps everything between runs
	Fresh    bool   // remove what is there first
	Month    key.Month
	Data     func() (io.Reader, error) // the canonical billing data
	Out      io.Writer
	Terminal bool // Out is a terminal
	Postgres string
	Kafka    string
	Limit    time.Duration // how long the statements may take; after that the demo reports how things stand
}

// ErrBusy says that a demo is running on the same data already.
var ErrBusy = errors.New("a demo is running on the same data already")

// Running is a demo that has reported; its inbox can be read until Stop.
type Running struct {
	Summary Summary
	Inbox   string // URL
	// Environment are the variables, as NAME=value, with which `balsong why`, `status` and `target` can ask while the demo runs.
	Environment []string
	stops       []func() error
}

// Stop ends everything that the demo started.
func (r *Running) Stop() error {
	var errs []error
	for i := len(r.stops) - 1; i >= 0; i-- {
		errs = append(errs, r.stops[i]())
	}
	return errors.Join(errs...)
}

// demo is a demo under way.
type demo struct {
	Options
	stages     stages
	running    *Running
	clock      observe.Clock
	zone       *time.Location
	log        *zap.Logger
	components *localenv.Set
	gateway    *gatewaysim.Server
	config     config.Deliverer
	rows       int // of the import
}

// Run runs the demo to its report. Call Stop on what it returns, also beside an error.
func Run(ctx context.Context, options Options) (*Running, error) {
	d := &demo{Options: options, running: &Running{}, stages: stages{out: options.Out, terminal: options.Terminal}}
	began := time.Now()
	if err := d.prepare(ctx); err != nil {
		return d.running, err
	}
	report, err := d.live(ctx)
	if err != nil {
		return d.running, err
	}
	accepted, err := acceptedEver(filepath.Join(d.DataDir, "gateway"))
	if err != nil {
		return d.running, err
	}
	d.running.Summary = summarize(report, accepted, time.Since(began))
	printReport(d.Out, d.running.Summary, report)
	return d.running, nil
}

// prepare takes the lock, sets the clock and starts the components.
func (d *demo) prepare(ctx context.Context) error {
	if err := os.MkdirAll(d.DataDir, 0o711); err != nil {
		return fmt.Errorf("make the demo's directory: %w", err)
	}
	if err := holdsDemo(d.DataDir); d.Fresh && err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, 3*time.Second) // a killed demo's children may need a moment
	lock, err := lockfile.Acquire(waiting, filepath.Join(d.DataDir, lockName))
	cancel()
	if errors.Is(err, lockfile.ErrHeld) {
		return fmt.Errorf("%w: %s (end it, or give --data another directory)", ErrBusy, d.DataDir)
	}
	if err != nil {
		return err
	}
	d.running.stops = append(d.running.stops, lock.Close)
	if d.Fresh {
		if err := removeData(d.DataDir); err != nil {
			return fmt.Errorf("begin anew: %w", err)
		}
	}
	if d.clock, err = openClock(d.DataDir, time.Now()); err != nil {
		return err
	}
	if d.zone, err = time.LoadLocation(zoneName); err != nil {
		return err
	}
	logFile, err := os.OpenFile(filepath.Join(d.DataDir, "demo.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	d.running.stops = append(d.running.stops, logFile.Close)
	d.log = observe.NewZapTo(logFile)
	return d.startParts(ctx, logFile)
}

const lockName = "lock"

// holdsDemo refuses a directory that holds something, and no demo.
func holdsDemo(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 || slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == lockName }) {
		return err
	}
	return fmt.Errorf("%s holds no demo, so nothing in it is deleted: name an empty directory, or a demo's", dir)
}

// removeData removes everything in a directory but the lock, which is held.
func removeData(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.Name() != lockName {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}

func (d *demo) startParts(ctx context.Context, logFile io.Writer) (err error) {
	d.stages.begin("start")
	d.components, err = localenv.Start(ctx, localenv.Options{Postgres: d.Postgres, Kafka: d.Kafka, DataDir: filepath.Join(d.DataDir, "components"), Log: logFile})
	if err != nil {
		return err
	}
	d.running.stops = append(d.running.stops, d.components.Stop)
	if err := d.startGateway(ctx); err != nil {
		return err
	}
	keyset, err := openKeyset(filepath.Join(d.DataDir, "keyset.json"))
	if err != nil {
		return err
	}
	addresses := d.components.Addresses()
	url, err := addresses.Database(ctx, database)
	if err != nil {
		return err
	}
	d.running.Environment = []string{
		"DATABASE_URL=" + url, "BALSONG_KEYSET_FILE=" + filepath.Join(d.DataDir, "keyset.json"), "BALSONG_KAFKA_BROKERS=" + strings.Join(addresses.KafkaBrokers, ","),
	}
	d.config = settings(addresses, url, keyset, d.gateway.SMTPAddr(), d.gateway.HTTPAddr(), "info")
	d.stages.end("PostgreSQL, Kafka (%s), S3 and the gateway simulator answer", addresses.KafkaKind)
	return nil
}

// startGateway takes the inbox's usual port, or a free one where that is taken.
func (d *demo) startGateway(ctx context.Context) error {
	start := func(inbox string) (*gatewaysim.Server, error) {
		return gatewaysim.Start(ctx, gatewaysim.Config{
			SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: inbox,
			DataDir: filepath.Join(d.DataDir, "gateway"), Settings: gatewaySettings(), Log: d.log,
		})
	}
	server, err := start("127.0.0.1:8026")
	if err != nil {
		server, err = start("127.0.0.1:0")
	}
	if err != nil {
		return fmt.Errorf("start the gateway simulator: %w", err)
	}
	d.gateway = server
	d.running.Inbox = "http://" + server.AdminAddr() + "/"
	d.running.stops = append(d.running.stops, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second) // nothing is under way any more
		defer cancel()
		return server.Stop(ctx)
	})
	return nil
}

// inDemo puts the demo's clock and log into an app.
func (d *demo) inDemo() fx.Option {
	return fx.Options(
		fx.Decorate(func() port.Clock { return d.clock }),
		fx.Decorate(func() *zap.Logger { return d.log }),
	)
}
