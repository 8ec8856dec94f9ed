// Package restorecheck makes a database that was restored to an earlier moment safe to work with (R10). What was committed since
// then is lost, and the gateways have accepted messages that the ledger knows nothing of: without this, they would be sent again. The
// check reads the event log, which lives on, and writes into the ledger what it tells of each delivery key; what it does not tell is
// UNKNOWN.
package restorecheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Program is the name by which the check's own connections are known to the database.
const Program = "balsong-restore-check"

// Errors of Run, which wrap billing.ErrRefused.
var (
	// ErrRunning: another program of Balsong is at work.
	ErrRunning = fmt.Errorf("%w: not everything is stopped", billing.ErrRefused)
	// ErrGap: messages of the lost period are no longer in the event log. Where they were removed while it was read, everything else is
	// done.
	ErrGap = fmt.Errorf("%w: the event log does not reach back to the moment of the restore", billing.ErrRefused)
	// ErrChanged: customers may have got user ids of customers who were lost, and keys may be closed of which the log tells more.
	ErrChanged = fmt.Errorf("%w: people worked with the restored database before it was checked", billing.ErrRefused)
)

// Ports are the driven ports that the check uses.
type Ports struct {
	Reader   port.EventReader
	Groups   map[string]port.ConsumerGroup // the consumer groups, by name
	Recovery port.Recovery
	Guard    port.RestoreGuard
	Report   port.Report
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
	RestoredTo   time.Time // the moment to which the database was restored; required
	Since        time.Time // reads the log from here; zero: all of it
	Apply        bool      // else nothing is changed
	AllowGap     bool      // continues although the log does not reach back to RestoredTo
	AllowChanges bool      // continues in spite of ErrChanged
	By           port.Act  // of Apply
	// Progress is told how many units of a work are done; nil: nobody is.
	Progress func(work, unit string, done int64)
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
// it is to be run again. What it refuses, it refuses before it changes anything, unless somebody begins to work or messages are removed
// from the log meanwhile. With Apply everything is halted first; lifting the halt is left to a person. It returns what was found as far
// as it came. ErrRunning, ErrGap, ErrChanged.
func (c *Checker) Run(ctx context.Context, o Options) (Report, error) {
	r := &run{Checker: c, Options: o, report: Report{RestoredTo: o.RestoredTo, Applied: o.Apply}, would: newTally(), missing: newLost(), held: map[key.Target]bool{}}
	err := r.all(ctx)
	r.report.Complete = err == nil
	return r.finish(), err
}

// run is one check.
type run struct {
	*Checker
	Options
	report  Report
	known   known
	would   tally               // what is written, or would be
	missing lost                // what the log names and the database does not have
	held    map[key.Target]bool // bills of which the log tells what cannot be
	highest int64               // customer's user id of an event
	history history
}

func (r *run) all(ctx context.Context) error {
	release, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := r.look(ctx); err != nil || !r.Apply {
		return err
	}
	// Somebody who started meanwhile may have published or claimed what the log did not have yet.
	if err := r.stopped(ctx); err != nil {
		return err
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	return r.write(ctx)
}

// look finds out what there is and whether it may be worked on. It changes nothing.
func (r *run) look(ctx context.Context) error {
	if err := r.stopped(ctx); err != nil && (r.Apply || !errors.Is(err, ErrRunning)) {
		return err
	}
	if err := r.readDatabase(ctx); err != nil {
		return err
	}
	look := r.survey
	if !r.Apply {
		look = func(ctx context.Context, recoveries []attempt.Recovery) error {
			return errors.Join(r.survey(ctx, recoveries), r.recover(ctx, recoveries))
		}
	}
	if err := r.readLog(ctx, "read", look); err != nil {
		return err
	}
	if err := r.reachesBack(); err != nil {
		return err
	}
	return r.nothingChanged(ctx)
}

// begin halts everything, and keeps the user ids that the log names from new customers, before anything else is written: an import
// may follow where this is killed.
func (r *run) begin(ctx context.Context) error {
	raise := r.entry(port.ActionRestoreCheck)
	return r.database(ctx, func(ctx context.Context) error {
		if err := r.Control.SetHalt(ctx, true, raise.By); err != nil {
			return err
		}
		return r.Recovery.RaiseUserIDs(ctx, r.highest, raise)
	})
}

// write takes over what the log tells, and settles.
func (r *run) write(ctx context.Context) error {
	first := r.report.logReport
	if err := r.readLog(ctx, "recover from", r.recover); err != nil {
		return err
	}
	r.keepFirst(first)
	for _, step := range []func(context.Context) error{r.stopped, r.settle, r.holdImplausible, r.holdNew, r.stopped, r.nothingChanged} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := r.removedNothing(); err != nil {
		return err
	}
	return r.database(ctx, func(ctx context.Context) error { return r.Audit.Record(ctx, r.entry(port.ActionRestoreChecked)) })
}

// entry is that of an act of this check.
func (r *run) entry(action port.Action) port.AuditEntry {
	by := r.By
	by.At = r.Clock.Now().Truncate(time.Microsecond) // as it is stored
	return port.AuditEntry{Action: action.With(instant(r.RestoredTo)), Subject: port.SubjectEverything, By: by}
}

func (r *run) database(ctx context.Context, do func(context.Context) error) error {
	return r.watch.Retry(ctx, "database", do)
}

func (r *run) progress(work, unit string, done int64) {
	if r.Progress != nil {
		r.Progress(work, unit, done)
	}
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
