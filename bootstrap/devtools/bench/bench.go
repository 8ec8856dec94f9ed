// Package bench measures the product against its performance targets: how fast a dispatcher publishes what is ready, and how fast
// one delivery process delivers through a gateway that takes a second to answer. The apps are wired as in production
// and run in processes of their own; the components they stand on are real and run on the same machine. It prints what it
// found, and passes no judgement on the machine.
package bench

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

	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// What a run measures.
const (
	Import       = "import"
	Render       = "render"
	Dispatch     = "dispatch"
	Line         = "line" // delivery with an instant sender, and settlement alone
	SMTP         = "smtp"
	Delivery     = "delivery"
	IdleServices = "idle"
	Whole        = "whole" // 1,000,000 READY to SUCCEEDED: by itself
	Month        = "month" // 5,000,000 from CSV to RENDERED: by itself
	Life         = "life"  // 5,000,000 from nothing to SUCCEEDED: by itself
	Growth       = "growth"
	All          = "all"
)

// Options say what to measure, and with how much.
type Options struct {
	What    string // one of Names
	DataDir string // of components, logs and profiles; has to exist

	Rows  int   // READY rows of stage dispatch, bills of the stages
	Mails int   // messages of the stage that sends by SMTP
	Bills int   // of the stage from CSV to RENDERED
	Sizes []int // of the months whose pages are measured, each more than the one before
	Runs  int   // of each stage, each beside its baseline; the median counts

	Statements     int           // requests in the topic of stage deliver
	StatementBytes int           // a statement's text, before compression and encryption
	RandomText     bool          // a text that hardly compresses instead of an itemised bill
	Warmup         time.Duration // after the first accepted message, before anything counts
	For            time.Duration // how long stage deliver is measured
	Answer         time.Duration // the gateway's latency
	InFlight       int           // messages in flight of the delivery process
	Batch          int           // rows of a bulk statement of Delivery and settlement
	CacheMiB       int           // of packs, kept by the delivery process for the neighbours of a statement
	Linger         time.Duration // how long Delivery's wait for more rows under load, settlement's twice as long; negative: not at all

	Kafka    string // "": Apache where it can run, else kfake; or as localenv.Options.Kafka
	Postgres string // as localenv.Options.Postgres
	Durable  bool   // PostgreSQL waits for the disk at each commit
	Profiles string // directory for CPU and allocation profiles of the apps; "": none
	Quick    bool   // shown in the report: sizes too small for a claim
	Out      io.Writer
}

// WithDefaults fills in the sizes of the performance targets; quick runs are smaller.
func (o Options) WithDefaults() Options {
	type sizes struct {
		rows, runs, statements int
		warmup, lasts          time.Duration
	}
	full := sizes{rows: 100_000, runs: 5, statements: 700_000, warmup: 10 * time.Second, lasts: time.Minute}
	if o.Quick {
		full = sizes{rows: 20_000, runs: 1, statements: 60_000, warmup: 3 * time.Second, lasts: 8 * time.Second}
	}
	set(&o.Rows, full.rows)
	set(&o.Mails, full.rows*2/5)
	set(&o.Bills, monthRows)
	set(&o.Runs, full.runs)
	if len(o.Sizes) == 0 {
		o.Sizes = []int{10 * full.rows, 100 * full.rows}
	}
	set(&o.Warmup, full.warmup)
	set(&o.For, full.lasts)
	if o.What == Whole || o.What == Life { // a statement of 10 KB is what the target of stage deliver is about
		set(&o.Statements, wholeRows)
		set(&o.StatementBytes, instantBytes)
	}
	set(&o.Statements, full.statements)
	set(&o.StatementBytes, 10<<10)
	set(&o.Answer, time.Second)
	set(&o.InFlight, 10_000)
	set(&o.Batch, 500)
	set(&o.CacheMiB, 48)
	set(&o.Linger, 50*time.Millisecond)
	return o
}

func set[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// ErrOptions is wrapped where a benchmark cannot work as asked.
var ErrOptions = errors.New("the benchmark cannot work with these options")

func (o Options) validate() error {
	switch {
	case len(chosen(o.What)) == 0:
		names, _ := Names()
		return fmt.Errorf("%w: %q (want %s)", ErrOptions, o.What, strings.Join(names, ", "))
	case o.Rows < 1000 || o.Runs < 1 || o.Statements < 1000 || o.Mails < 1000 || o.Bills < 1000:
		return fmt.Errorf("%w: at least 1,000 rows, statements, mails and bills and one run are needed", ErrOptions)
	case !slices.IsSorted(o.Sizes) || len(slices.Compact(slices.Clone(o.Sizes))) < len(o.Sizes) || o.Sizes[0] < 2*growthPage*growthPages*len(o.Sizes):
		return fmt.Errorf("%w: sizes %v (want at least %d rows, each more than the one before: half of the smallest month is measured beside the others)", ErrOptions, o.Sizes, 2*growthPage*growthPages*len(o.Sizes))
	case o.StatementBytes < 100 || o.StatementBytes > 60<<10:
		return fmt.Errorf("%w: a statement of %d bytes (want 100 to 61,440: the gateway takes no more)", ErrOptions, o.StatementBytes)
	case o.CacheMiB < 1:
		return fmt.Errorf("%w: a cache of %d MiB (want at least 1)", ErrOptions, o.CacheMiB)
	case o.InFlight < 1 || o.Batch < 1 || o.Batch > 1000:
		return fmt.Errorf("%w: in flight %d, batch %d (want at least 1, and a batch of 1 to 1,000)", ErrOptions, o.InFlight, o.Batch)
	}
	return nil
}

// bench is a run under way.
type bench struct {
	Options
	partitions, trials int // of the topics; trials so far
	began              time.Time
	log                *os.File
	components         *localenv.Set
	keyset             []byte
	report             *Report
	stops              []func() error
}

// Run measures and returns the report; it is printed while it comes about.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	o = o.WithDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	b := &bench{Options: o, partitions: partitions, began: time.Now(), report: newReport(o)}
	defer func() { err = errors.Join(err, b.stopAll()) }()
	if err := errors.Join(b.warnIfBusy(ctx), b.start(ctx)); err != nil {
		return nil, err
	}
	for _, m := range chosen(o.What) {
		if err := m.run(b, ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		b.report.keep(m.name)
	}
	b.report.FinishedAt = time.Now().UTC().Truncate(time.Second)
	b.report.Print(o.Out)
	return b.report, nil
}

// stopAll stops what was started, the latest first.
func (b *bench) stopAll() (err error) {
	for i := len(b.stops) - 1; i >= 0; i-- {
		err = errors.Join(err, b.stops[i]())
	}
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

// untilEnd waits for a process that ends by itself, and returns its error, or the context's.
func untilEnd(ctx context.Context, process *child.Process) error {
	select {
	case <-process.Done():
		return process.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
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
