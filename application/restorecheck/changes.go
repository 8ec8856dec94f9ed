package restorecheck

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/port"
)

// nothingChanged returns ErrChanged where people worked with the restored database before it was checked, or while it is.
func (r *run) nothingChanged(ctx context.Context) error {
	r.history, r.report.Imports, r.report.Acts = newHistory(), nil, nil
	if err := r.readHistory(ctx); err != nil {
		return err
	}
	for _, action := range closing {
		if report, done := r.history.closed[action]; done {
			r.report.Acts = append(r.report.Acts, report)
		}
	}
	if err := r.readImports(ctx); err != nil {
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
	raised := r.history.raised
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
