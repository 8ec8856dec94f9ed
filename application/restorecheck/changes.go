package restorecheck

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/port"
)

// closing are the acts of people that a check must come before: they close a delivery key although its call may have been accepted,
// or give a copy the number of one that was lost. What the log says of such a key comes too late.
var closing = []port.Action{
	port.ActionCancel, port.ActionUncancel, port.ActionSendAnyway, port.ActionDelivered, port.ActionNotDelivered, port.ActionCorrect, port.ActionCopy,
}

// nothingChanged returns ErrChanged where people worked with the restored database before it was checked.
func (r *run) nothingChanged(ctx context.Context) (err error) {
	if r.completed, err = r.first(ctx, port.ActionRestoreChecked); err != nil {
		return err
	}
	if err := r.readImports(ctx); err != nil {
		return err
	}
	if err := r.readActs(ctx); err != nil {
		return err
	}
	var what []string
	if n := len(r.report.Imports); n > 0 {
		first := r.report.Imports[0]
		what = append(what, fmt.Sprintf("%d imports, the first one is import %d of %s (%s) at %s: its customers may have user ids of customers who were lost, and would count as served, and what it corrected may go out a second time",
			n, first.ID, first.Month, first.File, instant(first.StartedAt)))
	}
	for _, a := range r.report.Acts {
		what = append(what, fmt.Sprintf("%d × %q, the first one of %s at %s: what was sent before it may go out a second time", a.Acts, a.Action, a.Subject, instant(a.At)))
	}
	if len(what) == 0 || r.AllowChanges {
		return nil
	}
	return fmt.Errorf("%w: since %s %s: restore the database again, check it before anything else, and repeat afterwards what people did", ErrChanged, instant(r.RestoredTo), strings.Join(what, "; "))
}

// readImports notes the imports between the restore and the first check: their new customers have user ids that were given before, to
// customers who are lost, so that events of these would close their bills. A bill that was corrected has its key closed, although the
// call of that key may have been accepted.
func (r *run) readImports(ctx context.Context) error {
	raised, err := r.first(ctx, port.ActionRestoreCheck) // with it, a check has raised the user ids
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
			after := raised.ID != 0 && !record.StartedAt.Before(raised.By.At)
			without := !record.FinishedAt.IsZero() && record.Inserted == 0 && record.Corrected == 0
			if !before && !after && !without {
				r.report.Imports = append(r.report.Imports, ImportReport{Month: month, ID: record.ID, File: record.File, StartedAt: record.StartedAt})
			}
		}
	}
	slices.SortFunc(r.report.Imports, ImportReport.compare)
	return nil
}

// readActs notes the closing acts between the restore and the end of the first check: one that was killed has not written all keys.
func (r *run) readActs(ctx context.Context) error {
	for _, action := range closing {
		report := ActReport{Action: action}
		err := r.acts(ctx, port.AuditFilter{Action: action, Since: r.RestoredTo, Before: r.completed.ID}, func(act port.AuditRecord) {
			report.Acts++
			report.Subject, report.At = act.Subject, act.By.At
		})
		if err != nil {
			return err
		}
		if report.Acts > 0 {
			r.report.Acts = append(r.report.Acts, report)
		}
	}
	return nil
}

// first returns the first act of a kind since the moment of the restore; one without an id where there is none.
func (r *run) first(ctx context.Context, action port.Action) (found port.AuditRecord, err error) {
	err = r.acts(ctx, port.AuditFilter{Action: action, Since: r.RestoredTo}, func(act port.AuditRecord) { found = act })
	return found, err
}

// acts calls do with each act that a filter chooses, newest first.
func (r *run) acts(ctx context.Context, filter port.AuditFilter, do func(port.AuditRecord)) error {
	for {
		var found []port.AuditRecord
		err := r.database(ctx, func(ctx context.Context) (err error) {
			found, err = r.Audit.List(ctx, filter, page)
			return err
		})
		if err != nil || len(found) == 0 {
			return err
		}
		for _, act := range found {
			do(act)
		}
		filter.Before = found[len(found)-1].ID
	}
}
