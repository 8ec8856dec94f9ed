// Package restorecheck makes a database that was restored to an earlier moment safe to work with (R10). What was committed since
// then is lost, and the gateways have accepted messages that the ledger knows nothing of: without this, they would be sent again. The
// check reads the event log, which lives on, and writes into the ledger what it tells of each delivery key; what it does not tell is
// UNKNOWN.
package restorecheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Errors of Run, which wrap billing.ErrRefused.
var (
	// ErrRunning: something that dispatches, delivers or settles is at work.
	ErrRunning = fmt.Errorf("%w: not everything is stopped", billing.ErrRefused)
	// ErrGap: messages of the lost period are no longer in the event log.
	ErrGap = fmt.Errorf("%w: the event log does not reach back to the moment of the restore", billing.ErrRefused)
)

// Ports are the driven ports that the check uses.
type Ports struct {
	Reader   port.EventReader
	Groups   map[string]port.ConsumerGroup // the consumer groups, by name
	Recovery port.Recovery
	Targets  port.Targets
	Ledger   port.Ledger
	Months   port.Months
	Policies port.Policies
	Control  port.Control
	Audit    port.Audit
	Clock    port.Clock
	Log      port.Log
}

// Options say what is to be checked.
type Options struct {
	RestoredTo time.Time // the moment to which the database was restored; required
	Since      time.Time // reads the log from here; zero: all of it
	Apply      bool      // else nothing is changed
	AllowGap   bool      // continues although the log does not reach back to RestoredTo
	By         port.Act  // of Apply
	// Progress is told how many messages of a topic, or targets of a month, are done; nil: nobody is.
	Progress func(what string, done int64)
}

// Checker checks a restored database.
type Checker struct {
	Ports
	watch *outage.Watch
}

// New returns a checker; it does no I/O.
func New(ports Ports) *Checker {
	return &Checker{Ports: ports, watch: outage.New(ports.Clock, ports.Log)}
}

// page is how many messages, keys or targets are worked on at a time.
const page = 500

// Run checks the database, and with Apply changes it, in transactions of a page each. It is safe to run again, and after it was killed
// it is to be run again. With Apply everything is halted first; lifting the halt is left to a person. It returns what was found as
// far as it came. ErrRunning, ErrGap.
func (c *Checker) Run(ctx context.Context, o Options) (Report, error) {
	r := &run{Checker: c, Options: o, report: Report{RestoredTo: o.RestoredTo, Applied: o.Apply}, would: map[key.Delivery]attempt.State{}, missing: map[key.Target]bool{}}
	err := r.all(ctx)
	return r.finish(), err
}

// run is one check.
type run struct {
	*Checker
	Options
	report   Report
	months   map[key.Month]port.MonthState
	versions map[policy.Ref]policy.Version
	since    time.Time                      // of the halt
	would    map[key.Delivery]attempt.State // what Apply would have written so far
	missing  map[key.Target]bool
	highest  int64 // customer's user id of an event
}

func (r *run) all(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	if err := r.readLog(ctx); err != nil {
		return err
	}
	if r.report.Gap = !r.report.From.IsZero() && r.report.From.After(r.RestoredTo); r.report.Gap && !r.AllowGap {
		return fmt.Errorf("%w: messages before %s are gone, and the database was restored to %s: what happened between is not known", ErrGap, instant(r.report.From), instant(r.RestoredTo))
	}
	if !r.Apply {
		return nil
	}
	// Somebody who started meanwhile may have published or claimed what the log did not have yet.
	if err := r.stopped(ctx); err != nil {
		return err
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	if err := r.holdNew(ctx); err != nil {
		return err
	}
	return r.database(ctx, func(ctx context.Context) error { return r.Recovery.RaiseUserIDs(ctx, r.highest) })
}

// begin looks who is at work, halts everything, and reads what the database has.
func (r *run) begin(ctx context.Context) error {
	if err := r.stopped(ctx); err != nil && (r.Apply || !errors.Is(err, ErrRunning)) {
		return err
	}
	if r.Apply {
		if err := r.halt(ctx); err != nil {
			return err
		}
	}
	return r.database(ctx, func(ctx context.Context) error {
		months, err := r.Months.All(ctx)
		if err != nil {
			return err
		}
		r.months = make(map[key.Month]port.MonthState, len(months))
		for _, m := range months {
			r.months[m.Month] = m
		}
		versions, err := r.Policies.Versions(ctx)
		r.versions = make(map[policy.Ref]policy.Version, len(versions))
		for _, v := range versions {
			r.versions[v.Ref()] = v
		}
		return err
	})
}

func (r *run) halt(ctx context.Context) error {
	by := r.By
	by.At = r.Clock.Now().Truncate(time.Microsecond) // as it is stored
	return r.database(ctx, func(ctx context.Context) error {
		if err := r.Control.SetHalt(ctx, true, by); err != nil {
			return err
		}
		halt, err := r.Control.Halted(ctx)
		if err != nil {
			return err
		}
		r.since = halt.Since
		return r.Audit.Record(ctx, port.AuditEntry{Action: port.ActionRestoreCheck.With(instant(r.RestoredTo)), Subject: port.SubjectEverything, By: by})
	})
}

// operators are the programs that may stay connected: they dispatch, deliver and settle nothing.
const operators = "balsong-operator"

// stopped returns ErrRunning while anybody is seen at work.
func (r *run) stopped(ctx context.Context) error {
	var running []string
	err := r.database(ctx, func(ctx context.Context) (err error) {
		running, err = r.Recovery.Sessions(ctx)
		return err
	})
	if err != nil {
		return err
	}
	running = slices.DeleteFunc(running, func(name string) bool { return name == operators })
	for i, name := range running {
		running[i] = name + " is connected to the database"
	}
	for name, group := range r.Groups {
		members, err := group.Members(ctx)
		if err != nil {
			return fmt.Errorf("ask for the members of the consumer group %s: %w", name, err)
		}
		if members > 0 {
			running = append(running, fmt.Sprintf("the consumer group %s has %d members", name, members))
		}
	}
	slices.Sort(running)
	if r.report.Running = running; len(running) > 0 {
		return fmt.Errorf("%w: %s: stop the services, wait until they are gone, and run it again", ErrRunning, strings.Join(running, ", "))
	}
	return nil
}

func (r *run) database(ctx context.Context, do func(context.Context) error) error {
	return r.watch.Retry(ctx, "database", do)
}

func (r *run) progress(what string, done int64) {
	if r.Progress != nil {
		r.Progress(what, done)
	}
}

// find is billing.Policies over what the database has.
func (r *run) find(ref policy.Ref) (policy.Version, bool) {
	v, ok := r.versions[ref]
	return v, ok
}

var _ billing.Policies = (*run)(nil).find

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
