package restorecheck

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
)

// lock keeps a second check away. A check that changes nothing continues beside another.
func (r *run) lock(ctx context.Context) (release func(), err error) {
	err = r.database(ctx, func(ctx context.Context) (err error) {
		release, err = r.Guard.TryLock(ctx)
		return err
	})
	switch {
	case err != nil || release != nil:
		return release, err
	case r.Apply:
		r.report.Running = []string{"another restore check is under way"}
		return nil, fmt.Errorf("%w: %s: wait until it has ended", ErrRunning, r.report.Running[0])
	default:
		return func() {}, nil
	}
}

// stopped returns ErrRunning while anybody is seen at work. Each program of Balsong counts, an operator's too: it may write.
func (r *run) stopped(ctx context.Context) error {
	var sessions, running []string
	err := r.database(ctx, func(ctx context.Context) (err error) {
		sessions, err = r.Guard.Sessions(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range sessions {
		if strings.HasPrefix(name, "balsong") && name != Program {
			running = append(running, name+" is connected to the database")
		}
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
		return fmt.Errorf("%w: %s: stop them, wait until they are gone, and run it again", ErrRunning, strings.Join(running, ", "))
	}
	return nil
}

// reachesBack returns ErrGap where the log begins after the moment of the restore.
func (r *run) reachesBack() error {
	if r.report.Gap = !r.report.From.IsZero() && r.report.From.After(r.RestoredTo); r.report.Gap && !r.AllowGap {
		return fmt.Errorf("%w: messages before %s are gone, and the database was restored to %s: what happened between is not known", ErrGap, instant(r.report.From), instant(r.RestoredTo))
	}
	return nil
}

// nothingImported returns ErrImported where bills came in between the restore and the first check: their new customers have user ids
// that were given before, to customers who are lost, so that events of these would close their bills. A bill that was corrected has
// its key closed, although the call of that key may have been accepted: what the log says of it comes too late.
func (r *run) nothingImported(ctx context.Context) error {
	raised, err := r.raisedAt(ctx)
	if err != nil {
		return err
	}
	for month := range r.known.months {
		var records []port.ImportRecord
		err := r.database(ctx, func(ctx context.Context) (err error) {
			records, err = r.Report.Imports(ctx, month)
			return err
		})
		if err != nil {
			return err
		}
		for _, record := range records {
			before := record.StartedAt.Before(r.RestoredTo)
			after := !raised.IsZero() && !record.StartedAt.Before(raised)
			without := !record.FinishedAt.IsZero() && record.Inserted == 0 && record.Corrected == 0
			if !before && !after && !without {
				r.report.Imports = append(r.report.Imports, ImportReport{Month: month, ID: record.ID, File: record.File, StartedAt: record.StartedAt})
			}
		}
	}
	if len(r.report.Imports) == 0 || r.AllowImports {
		return nil
	}
	slices.SortFunc(r.report.Imports, ImportReport.compare)
	first := r.report.Imports[0]
	return fmt.Errorf("%w: %d imports since %s, the first one is import %d of %s (%s) at %s: its customers may have user ids of customers who were lost, and would count as served, and what it corrected may go out a second time: restore the database again, and check it before anything is imported",
		ErrImported, len(r.report.Imports), instant(r.RestoredTo), first.ID, first.Month, first.File, instant(first.StartedAt))
}

// raisedAt returns when a check has first raised the user ids of the restored database; the zero time: none has.
func (r *run) raisedAt(ctx context.Context) (at time.Time, err error) {
	filter := port.AuditFilter{Action: port.ActionRestoreCheck, Since: r.RestoredTo}
	for {
		var acts []port.AuditRecord
		err := r.database(ctx, func(ctx context.Context) (err error) {
			acts, err = r.Audit.List(ctx, filter, page)
			return err
		})
		if err != nil || len(acts) == 0 {
			return at, err
		}
		last := acts[len(acts)-1]
		at, filter.Before = last.By.At, last.ID
	}
}
