package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// claimWatch is what is known of a month's claims: every CLAIMED row that last changed before from is in open, and every
// UNKNOWN one of a target that may be UNKNOWN in unknown, unless there are more. The ledger has no index by state, because
// that would make every outcome more expensive to write; its BRIN index finds what changed lately.
type claimWatch struct {
	mu      sync.Mutex
	from    time.Time                  // zero: nothing is known yet
	open    map[key.Delivery]time.Time // when the lease ends
	unknown map[key.Delivery]struct{}  // as many as Sweeps.keep at most
	more    bool                       // there may be UNKNOWN rows that are not in unknown
	missed  int                        // how many rows unknown had no place for, so far
}

// addUnknown adds an UNKNOWN row while there are fewer than keep. The caller holds w.mu.
func (w *claimWatch) addUnknown(k key.Delivery, keep int) {
	if _, there := w.unknown[k]; !there && len(w.unknown) >= keep {
		w.more, w.missed = true, w.missed+1
		return
	}
	w.unknown[k] = struct{}{}
}

// watch returns the claimWatch of a month.
func (p *Sweeps) watch(month key.Month) *claimWatch {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watches[month] == nil {
		p.watches[month] = &claimWatch{open: map[key.Delivery]time.Time{}, unknown: map[key.Delivery]struct{}{}}
	}
	return p.watches[month]
}

// horizonSQL returns the database's time, and an instant before which no transaction that is still invisible can have
// written: the start of the oldest running one. The start of a transaction of another user is hidden from a role without
// pg_read_all_stats; the margin of 10 seconds stands for those that write nothing of ours.
const horizonSQL = `/* horizon */ SELECT clock_timestamp(),
  least(clock_timestamp(), (SELECT min(a.xact_start) FROM pg_stat_activity a WHERE a.datname = current_database())) - interval '10 seconds'`

func claimedSQL(in partitions) string {
	return `/* claimed */ SELECT l.user_id, l.attempt, l.round, l.state = 'UNKNOWN', l.lease_until FROM ` + in.attempts + ` l
WHERE l.changed_at >= $1::timestamptz AND l.state IN ('CLAIMED', 'UNKNOWN')`
}

// refresh adds the claims made, and what became UNKNOWN, since the last look to the watch and returns the database's time. The
// caller holds w.mu.
func (p *Sweeps) refresh(ctx context.Context, month key.Month, w *claimWatch) (time.Time, error) {
	p.summarize(ctx, month)
	var now, horizon time.Time
	from := "-infinity"
	if !w.from.IsZero() {
		from = w.from.Format(timestamp)
	}
	err := read(ctx, p.db, "look for claims", func(ctx context.Context, s *session) error {
		if err := s.wide(ctx); err != nil {
			return err
		}
		if err := s.one(ctx, "look for claims", horizonSQL, nil, utc(&now), utc(&horizon)); err != nil {
			return err
		}
		return s.query(ctx, "look for claims", claimedSQL(partitionsOf(month)), []any{from}, func(scan func(...any) error) error {
			k, unknown := key.Delivery{Month: month}, false
			var until time.Time
			err := scan(&k.UserID, &k.Attempt, &k.Round, &unknown, utc(&until))
			if unknown {
				w.addUnknown(k, p.keep)
			} else {
				w.open[k] = until
			}
			return err
		})
	})
	switch {
	case err == nil:
		w.from = horizon
	case stateOf(err) == undefinedTable: // never opened, or dropped
		w.from = time.Time{}
		clear(w.open)
		clear(w.unknown)
		w.more = false
	}
	return now, err
}

func expireSQL(in partitions) string {
	return `/* expire_leases */ UPDATE ` + in.attempts + ` l
SET state = 'UNKNOWN', reason = $5, finished_at = clock_timestamp(), changed_at = clock_timestamp()
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[])
  AS u(user_id, attempt, round) OFFSET 0) AS v
WHERE l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round
  AND l.state = 'CLAIMED' AND l.lease_until <= clock_timestamp()
RETURNING l.user_id, l.attempt, l.round`
}

// ExpireLeases implements port.Sweeps.
func (p *Sweeps) ExpireLeases(ctx context.Context, month key.Month, limit int) ([]key.Delivery, error) {
	w := p.watch(month)
	w.mu.Lock()
	defer w.mu.Unlock()
	now, err := p.refresh(ctx, month, w)
	if err != nil {
		return nil, ignoreUnopened(err)
	}
	var over []key.Delivery
	for k, until := range w.open {
		if !until.After(now) {
			over = append(over, k)
		}
	}
	slices.SortFunc(over, key.Delivery.Compare)
	var expired []key.Delivery
	for len(over) > 0 && len(expired) < limit { // several pages, because most of these claims have an outcome by now
		page := over[:min(limit-len(expired), len(over))]
		over = over[len(page):]
		keys, err := p.expire(ctx, month, page)
		if err != nil {
			return expired, err
		}
		for _, k := range page {
			delete(w.open, k)
		}
		expired = append(expired, keys...)
	}
	slices.SortFunc(expired, key.Delivery.Compare)
	return expired, nil
}

func (p *Sweeps) expire(ctx context.Context, month key.Month, page []key.Delivery) ([]key.Delivery, error) {
	var keys []key.Delivery
	err := write(ctx, p.db, "expire leases", func(ctx context.Context, s *session) (err error) {
		args := append(keyArgs(month, page, itself), string(attempt.ReasonLease))
		keys, err = s.deliveryKeys(ctx, "expire leases", expireSQL(partitionsOf(month)), args, month)
		return err
	})
	return keys, err
}

func inDoubtSQL(in partitions) string {
	return `/* in_doubt */ SELECT count(*), max(l.lease_until)
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::smallint[], $4::smallint[])
  AS u(user_id, attempt, round) OFFSET 0) AS v
JOIN ` + in.attempts + ` l ON l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round
WHERE l.state = 'CLAIMED'`
}

// InDoubt implements port.Sweeps.
func (p *Sweeps) InDoubt(ctx context.Context, month key.Month) (claimed int, until time.Time, err error) {
	w := p.watch(month)
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := p.refresh(ctx, month, w); err != nil {
		return 0, time.Time{}, ignoreUnopened(err)
	}
	open := make([]key.Delivery, 0, len(w.open))
	for k := range w.open {
		open = append(open, k)
	}
	slices.SortFunc(open, key.Delivery.Compare)
	err = read(ctx, p.db, "count what is in doubt", func(ctx context.Context, s *session) error {
		return s.one(ctx, "count what is in doubt", inDoubtSQL(partitionsOf(month)), keyArgs(month, open, itself), &claimed, utc(&until))
	})
	return claimed, until, err
}
