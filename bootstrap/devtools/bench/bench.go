// Package bench measures the product against its performance targets: how fast a dispatcher publishes what is ready, and how fast
// one delivery process delivers through a gateway that takes a second to answer. The apps are the production commands
// and run in processes of their own; the components they stand on are real and run on the same machine. It prints what it
// found, and passes no judgement on the machine.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// Options say what to measure, and with how much.
type Options struct {
	What    string // one of Names
	DataDir string // of components, logs and profiles; has to exist

	Rows  int   // of a run of the stages; the stage that sends by SMTP takes two fifths
	Bills int   // of the stage from CSV to RENDERED
	Sizes []int // of the months whose pages are measured, each more than the one before
	Runs  int   // of each stage, each beside its baseline; the median counts

	Statements     int               // requests in the topic of stage delivery
	StatementBytes int               // a statement's text, before compression and encryption
	RandomText     bool              // a text that hardly compresses instead of an itemised bill
	Set            map[string]string // variables of the measured processes, which have production's defaults otherwise

	Kafka    string // "": Apache where it can run, else kfake; or as localenv.Options.Kafka
	Postgres string // as localenv.Options.Postgres
	Durable  bool   // PostgreSQL waits for the disk at each commit
	Profiles string // directory for CPU and allocation profiles of the apps; "": none
	Quick    bool   // shown in the report: sizes too small for a claim
	Out      io.Writer

	warmup, lasts time.Duration // of stages delivery and idle: before anything counts, and how long it counts
}

// answerAfter is how long the gateway takes to answer.
const answerAfter = time.Second

// WithDefaults fills in the sizes of the performance targets; quick runs are smaller.
func (o Options) WithDefaults() Options {
	rows, runs, statements := 100_000, 5, 700_000
	o.warmup, o.lasts = 10*time.Second, time.Minute
	if o.Quick {
		rows, runs, statements = 20_000, 1, 60_000
		o.warmup, o.lasts = 3*time.Second, 8*time.Second
	}
	bytes := 10 << 10
	if o.What == Whole || o.What == Life { // a statement of 10 KB is what the target of stage delivery is about
		statements, bytes = wholeRows, instantBytes
	}
	o.Rows, o.Runs, o.Bills = cmp.Or(o.Rows, rows), cmp.Or(o.Runs, runs), cmp.Or(o.Bills, monthRows)
	o.Statements, o.StatementBytes = cmp.Or(o.Statements, statements), cmp.Or(o.StatementBytes, bytes)
	if len(o.Sizes) == 0 {
		o.Sizes = []int{10 * rows, 100 * rows}
	}
	return o
}

// ErrOptions is wrapped where a benchmark cannot work as asked.
var ErrOptions = errors.New("the benchmark cannot work with these options")

func (o Options) validate() error {
	least := 2 * growthPage * growthPages * len(o.Sizes)
	if o.What == Migrations {
		least = 10 * growthPage
	}
	switch {
	case len(chosen(o.What)) == 0:
		names, _ := Names()
		return fmt.Errorf("%w: %q (want %s)", ErrOptions, o.What, strings.Join(names, ", "))
	case o.Rows < 5000 || o.Runs < 1 || o.Statements < 1000 || o.Bills < 1000:
		return fmt.Errorf("%w: at least 5,000 rows, 1,000 statements and bills and one run are needed", ErrOptions)
	case !slices.IsSorted(o.Sizes) || len(slices.Compact(slices.Clone(o.Sizes))) < len(o.Sizes) || o.Sizes[0] < least:
		return fmt.Errorf("%w: sizes %v (want at least %d rows, each more than the one before: half of the smallest month is measured beside the others)", ErrOptions, o.Sizes, least)
	case len(unknown(o.Set)) > 0:
		return fmt.Errorf("%w: --set: %s: neither batch nor dispatcher nor delivery reads it", ErrOptions, strings.Join(unknown(o.Set), ", "))
	case o.StatementBytes < 100 || o.StatementBytes > 60<<10:
		return fmt.Errorf("%w: a statement of %d bytes (want 100 to 61,440: the gateway takes no more)", ErrOptions, o.StatementBytes)
	}
	return nil
}

// unknown names the variables that no measured process reads, so that a mistyped name does not measure the defaults.
func unknown(set map[string]string) []string {
	names := slices.Sorted(maps.Keys(set))
	for _, v := range slices.Concat(config.Variables[config.Import](), config.Variables[config.Render](), config.Variables[config.Dispatcher](), config.Variables[config.Deliverer]()) {
		names = slices.DeleteFunc(names, func(name string) bool { return name == v.Name })
	}
	return names
}

// bench is a run under way.
type bench struct {
	Options
	trials     int // so far
	began      time.Time
	components *localenv.Set
	keyset     []byte
	report     *Report
	stops      []func() error
	calls      []Calls // of stage budget
}

// Run measures and returns the report; it is printed while it comes about.
func Run(ctx context.Context, o Options) (*Report, error) {
	return with(ctx, o, func(b *bench) error {
		for _, m := range chosen(o.What) {
			if err := m.run(b, ctx); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
		b.report.FinishedAt = time.Now().UTC().Truncate(time.Second)
		b.report.Print(o.Out)
		return nil
	})
}

// with starts the components for do, and stops them.
func with(ctx context.Context, o Options, do func(*bench) error) (report *Report, err error) {
	o = o.WithDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	b := &bench{Options: o, began: time.Now(), report: newReport(o)}
	defer func() { err = errors.Join(err, b.stopAll(0)) }()
	if err := errors.Join(b.warnIfBusy(ctx), b.start(ctx)); err != nil {
		return nil, err
	}
	return b.report, do(b)
}

// stopAll stops what was started, the latest first, but for the first kept.
func (b *bench) stopAll(kept int) (err error) {
	for _, stop := range slices.Backward(b.stops[kept:]) {
		err = errors.Join(err, stop())
	}
	b.stops = b.stops[:kept]
	return err
}

// say tells how far the run is.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.Out, "%7.1f s  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

func (b *bench) path(name string) string { return filepath.Join(b.DataDir, name) }

// logFile is a log of its own for a process.
func (b *bench) logFile(name string) (*os.File, error) {
	file, err := os.OpenFile(b.path(name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err == nil {
		b.stops = append(b.stops, file.Close)
	}
	return file, err
}

// startChild starts a process of ours; stop it, or it is stopped at the end.
func (b *bench) startChild(ctx context.Context, role child.Role, spec any) (*child.Process, error) {
	log, err := b.logFile(string(role))
	if err != nil {
		return nil, err
	}
	process, err := child.Start(ctx, child.Options{Role: role, Spec: spec, Log: log})
	if err != nil {
		return nil, fmt.Errorf("%w (its log: %s)", err, log.Name())
	}
	b.stops = append(b.stops, process.Stop)
	return process, nil
}

// nextTick waits for a tick; a process that has ended meanwhile is an error.
func (b *bench) nextTick(ctx context.Context, tick <-chan time.Time, processes ...*child.Process) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-tick:
	}
	for _, process := range processes {
		select {
		case <-process.Done():
			return fmt.Errorf("a process ended by itself: %w (logs: %s)", process.Err(), b.DataDir)
		default:
		}
	}
	return nil
}
