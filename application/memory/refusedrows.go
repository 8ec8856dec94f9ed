package memory

import (
	"cmp"
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// RefusedRows is the store as port.RefusedRows. Operations: refused_rows.waiting, refused_rows.dismiss.
func (s *Store) RefusedRows() port.RefusedRows { return refusedRows{s} }

type refusedRows struct{ s *Store }

func (p refusedRows) Waiting(ctx context.Context, month key.Month, after port.RejectedRow, limit int) ([]port.Reject, error) {
	if err := p.s.fault(ctx, "refused_rows.waiting"); err != nil {
		return nil, err
	}
	var list []port.Reject
	for _, r := range p.s.Rejects(month) {
		if cmp.Or(cmp.Compare(r.File, after.File), cmp.Compare(r.Line, after.Line)) > 0 && len(list) < limit {
			list = append(list, r)
		}
	}
	return list, nil
}

func (p refusedRows) Dismiss(ctx context.Context, month key.Month, row port.RejectedRow, by port.Act) error {
	return p.s.audited(ctx, "refused_rows.dismiss", func() error {
		r, there := p.s.rejects[month][row]
		if !there {
			return fmt.Errorf("%w: %s has no refused row on line %d of %s", port.ErrNotFound, month, row.Line, row.File)
		}
		if !r.resolved {
			r.resolved, r.dismissed = true, true
			p.s.rejects[month][row] = r
			entry := port.DismissEntry(month, row, by)
			p.s.note(entry.Action, entry.Subject, by)
		}
		return nil
	})
}
