package memory

import (
	"context"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Recovery is the store as port.Recovery. Operations: recovery.unsettled, recovery.missing, recovery.imported_since,
// recovery.highest_user_id,
// recovery.raise_user_ids.
func (s *Store) Recovery() port.Recovery { return recovery{s} }

type recovery struct{ s *Store }

func (p recovery) Unsettled(ctx context.Context, month key.Month, after int64, limit int) ([]key.Target, error) {
	return p.chosen(ctx, "recovery.unsettled", month, after, limit, func(b bill) bool {
		rows := p.s.ledger[b.state.Key]
		if !agrees(b.state, rows) {
			return true
		}
		if b.state.Dispatch.Final() && b.state.Dispatch != billing.Cancelled && b.state.Dispatch != billing.Succeeded {
			return false
		}
		current := key.Delivery{Month: month, UserID: b.state.Key.UserID, Attempt: b.state.Attempt, Round: b.state.Round}
		for k := range rows {
			if k.Compare(current) > 0 {
				return true
			}
		}
		return b.state.Dispatch == billing.Requested && rows[current].State == ""
	})
}

// chosen returns the bills of a month that are chosen, behind a user id.
func (p recovery) chosen(ctx context.Context, op string, month key.Month, after int64, limit int, choose func(bill) bool) ([]key.Target, error) {
	return read(ctx, p.s, op, func() ([]key.Target, error) {
		var keys []key.Target
		for k, b := range p.s.bills {
			if k.Month == month && k.UserID > after && choose(b) {
				keys = append(keys, k)
			}
		}
		slices.SortFunc(keys, key.Target.Compare)
		return keys[:min(limit, len(keys))], nil
	})
}

func (p recovery) Missing(ctx context.Context, keys []key.Target) ([]key.Target, error) {
	return read(ctx, p.s, "recovery.missing", func() ([]key.Target, error) {
		return slices.DeleteFunc(sortedTargets(keys), func(k key.Target) bool {
			_, there := p.s.bills[k]
			return there
		}), nil
	})
}

func (p recovery) ImportedSince(ctx context.Context, month key.Month, above int64, since time.Time, after int64, limit int) ([]key.Target, error) {
	return p.chosen(ctx, "recovery.imported_since", month, max(above, after), limit, func(b bill) bool {
		untouched := b.state.Dispatch == billing.Ready && b.state.Attempt == 0 && b.state.Round == 0 && len(p.s.ledger[b.state.Key]) == 0
		return untouched && b.state.Key.CopyNumber() == 0 && b.importID > 0 && !p.s.imports[b.importID-1].StartedAt.Before(since)
	})
}

func (p recovery) HighestUserID(ctx context.Context) (int64, error) {
	return read(ctx, p.s, "recovery.highest_user_id", func() (highest int64, err error) {
		for _, user := range p.s.customers {
			highest = max(highest, user)
		}
		return highest, nil
	})
}

func (p recovery) RaiseUserIDs(ctx context.Context, above int64, entry port.AuditEntry) error {
	return p.s.audited(ctx, "recovery.raise_user_ids", func() error {
		p.s.lastUser = max(p.s.lastUser, above)
		p.s.note(entry.Action, entry.Subject, entry.By)
		return nil
	})
}

// RestoreGuard is the store as port.RestoreGuard. Operations: restore_guard.try_lock, restore_guard.sessions. Nobody is connected
// to it.
func (s *Store) RestoreGuard() port.RestoreGuard { return restoreGuard{s} }

type restoreGuard struct{ s *Store }

func (p restoreGuard) TryLock(ctx context.Context) (release func(), err error) {
	err = p.s.do(ctx, "restore_guard.try_lock", func() error {
		if p.s.checking {
			return nil
		}
		p.s.checking = true
		release = func() {
			p.s.mu.Lock()
			defer p.s.mu.Unlock()
			p.s.checking = false
		}
		return nil
	})
	if err != nil && release != nil { // the answer was lost
		release()
		return nil, err
	}
	return release, err
}

func (p restoreGuard) Sessions(ctx context.Context) ([]string, error) {
	return read(ctx, p.s, "restore_guard.sessions", func() ([]string, error) { return nil, nil })
}
