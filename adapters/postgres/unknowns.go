package postgres

import (
	"context"
	"maps"
	"slices"

	"github.com/balsong/balsong/domain/key"
)

// unknownPage is how many keys are looked up at once.
const unknownPage = 1000

// keepUnknown is how many UNKNOWN rows of a month are remembered. After an outage with `unknown: hold` there may be millions.
const keepUnknown = 10_000

// unknownTargetsSQL looks at the targets of UNKNOWN ledger rows: those that are UNKNOWN themselves, and those that may still
// become so, because the row's key is the current one and no end has come.
func unknownTargetsSQL(in partitions) string {
	return `/* unknown_targets */ SELECT t.user_id, t.attempt, t.round, t.dispatch_status = 'UNKNOWN'
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[])
  AS u(user_id, attempt, round) OFFSET 0) AS v
JOIN ` + in.targets + ` t ON t.billing_month = v.billing_month AND t.user_id = v.user_id AND t.attempt = v.attempt AND t.round = v.round
JOIN ` + in.attempts + ` l ON l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round
WHERE l.state = 'UNKNOWN' AND t.dispatch_status IN ('READY', 'FAILED', 'REQUESTED', 'PAUSED', 'UNKNOWN')`
}

// unknownEverSQL looks at all UNKNOWN ledger rows of a month whose targets have one of some statuses, until it has found enough.
func unknownEverSQL(in partitions) string {
	return `/* unknown_ever */ SELECT l.user_id, l.attempt, l.round FROM ` + in.attempts + ` l
JOIN ` + in.targets + ` t ON t.billing_month = l.billing_month AND t.user_id = l.user_id AND t.attempt = l.attempt AND t.round = l.round
WHERE l.changed_at >= '-infinity' AND l.state = 'UNKNOWN' AND t.dispatch_status = ANY ($1::text[]) LIMIT $2::int`
}

// Unknown implements port.Sweeps. Neither targets nor ledger have an index by this state; but the look for claims sees each row
// that became UNKNOWN, and keeps it until an operator or a late success has decided about it. Where it saw more than it keeps,
// and of those that it kept too few are left, the whole month is looked at again.
func (p *Sweeps) Unknown(ctx context.Context, month key.Month, limit int) (n int, err error) {
	w := p.watch(month)
	known, more, err := p.unknownKeys(ctx, month, w)
	if err != nil {
		return 0, ignoreUnopened(err)
	}
	for len(known) > 0 && n < limit {
		page := known[:min(unknownPage, len(known))]
		known = known[len(page):]
		found, kept, err := p.unknownOf(ctx, month, page)
		if err != nil {
			return 0, err
		}
		w.forget(page, kept)
		n += found
	}
	if more && n < limit {
		return p.unknownAgain(ctx, month, w, limit)
	}
	return min(n, limit), nil
}

// unknownAgain counts in the whole month, and keeps what it found. Until it has, the memory stays as it is, with the note that there may
// be more: another caller who came to an empty one would count too few.
func (p *Sweeps) unknownAgain(ctx context.Context, month key.Month, w *claimWatch, limit int) (int, error) {
	w.mu.Lock()
	missed := w.missed
	w.mu.Unlock()
	found, err := p.unknownEver(ctx, month, []string{"UNKNOWN"}, limit)
	n, most := len(found), limit
	if err == nil && n < limit { // then those too that may become so
		most = p.keep
		found, err = p.unknownEver(ctx, month, []string{"READY", "FAILED", "REQUESTED", "PAUSED", "UNKNOWN"}, most)
	}
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keepFound(found, p.keep)
	w.more = len(found) >= most || w.missed != missed
	return n, nil
}

// keepFound replaces the memory by what was found in the whole month and what another look has added meanwhile. The caller holds w.mu.
func (w *claimWatch) keepFound(found []key.Delivery, keep int) {
	added := w.unknown
	w.unknown = make(map[key.Delivery]struct{}, len(found))
	for _, k := range found {
		w.addUnknown(k, keep)
	}
	for k := range added {
		w.addUnknown(k, keep)
	}
}

func (p *Sweeps) unknownEver(ctx context.Context, month key.Month, statuses []string, limit int) (keys []key.Delivery, err error) {
	const what = "count the unknown targets"
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		if err := s.wide(ctx); err != nil {
			return err
		}
		keys, err = s.deliveryKeys(ctx, what, unknownEverSQL(partitionsOf(month)), []any{texts(statuses), limit}, month)
		return err
	})
	return keys, err
}

// unknownKeys looks for claims and returns the keys of UNKNOWN rows, sorted, and whether there may be more. The lock is not held
// any longer: leases are to end meanwhile.
func (p *Sweeps) unknownKeys(ctx context.Context, month key.Month, w *claimWatch) (keys []key.Delivery, more bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := p.refresh(ctx, month, w); err != nil {
		return nil, false, err
	}
	return slices.SortedFunc(maps.Keys(w.unknown), key.Delivery.Compare), w.more, nil
}

// forget takes those of the keys away that are not kept.
func (w *claimWatch) forget(page []key.Delivery, kept map[key.Delivery]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range page {
		if !kept[k] {
			delete(w.unknown, k)
		}
	}
}

// unknownOf counts the UNKNOWN targets of keys, and returns the keys that may still be some.
func (p *Sweeps) unknownOf(ctx context.Context, month key.Month, page []key.Delivery) (n int, kept map[key.Delivery]bool, err error) {
	const what = "count the unknown targets"
	kept = make(map[key.Delivery]bool, len(page))
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		return s.query(ctx, what, unknownTargetsSQL(partitionsOf(month)), keyArgs(month, page, itself), func(scan func(...any) error) error {
			k, unknown := key.Delivery{Month: month}, false
			err := scan(&k.UserID, &k.Attempt, &k.Round, &unknown)
			if kept[k] = true; unknown {
				n++
			}
			return err
		})
	})
	return n, kept, err
}
