package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

func availableAt(s *billing.State) time.Time { return s.AvailableAt }
func requestedAt(s *billing.State) time.Time { return s.RequestedAt }

var lockPageSQL = `/* lock_page */ SELECT ` + targetColumns + `
FROM billing_targets t
WHERE t.billing_month = $1::date AND t.batch_status = 'RENDERED' AND t.dispatch_status IN ('READY', 'FAILED')
  AND t.available_at <= $2::timestamptz AND (t.available_at, t.user_id) > ($3::timestamptz, $4::bigint)
ORDER BY t.available_at, t.user_id
LIMIT $5::int
FOR NO KEY UPDATE OF t SKIP LOCKED`

// The contents are read by a second statement. A statement that locks a row sees other tables as they were when it
// began: after a correction in between, the old contents would go out under the new key.
func pageDataSQL(in partitions) string {
	return `/* page_data */ SELECT d.user_id, ` + destinations("d.") + `, d.statement
FROM ` + monthUsers + ` JOIN ` + in.data + ` d ON d.billing_month = v.billing_month AND d.user_id = v.user_id`
}

// LockPage implements port.TargetTx.
func (t *targetTx) LockPage(ctx context.Context, page port.Page) ([]port.Candidate, error) {
	if page.Limit < 1 || page.Limit > 1000 {
		return nil, t.s.fail(ctx, "lock a page", fmt.Errorf("%w: a page of %d (want 1 to 1,000)", port.ErrInvalid, page.Limit))
	}
	candidates := make([]port.Candidate, 0, page.Limit)
	args := append([]any{day(page.Month), instant(page.PassNow)}, cursorArgs(page.After)...)
	err := t.s.query(ctx, "lock a page", lockPageSQL, append(args, page.Limit), func(scan func(...any) error) error {
		target, err := t.s.db.readTarget(page.Month, scan)
		candidates = append(candidates, port.Candidate{Target: target})
		return err
	})
	if err != nil || len(candidates) == 0 {
		return nil, err
	}
	// A row that changed while its lock was waited for comes at its old place with its new values.
	slices.SortFunc(candidates, func(a, b port.Candidate) int {
		x, y := a.Target.State(), b.Target.State()
		return cmp.Or(x.AvailableAt.Compare(y.AvailableAt), cmp.Compare(x.Key.UserID, y.Key.UserID))
	})
	if len(t.locked) == 0 {
		t.locked = make(map[key.Target]billing.State, len(candidates))
	}
	place := make(map[int64]int, len(candidates))
	for i, c := range candidates {
		t.locked[c.Target.Key()] = c.Target.State()
		place[c.Target.Key().UserID] = i
	}
	return candidates, t.contents(ctx, page.Month, candidates, place)
}

// contents fills in what the candidates' events carry. place is the index of each user in candidates.
func (t *targetTx) contents(ctx context.Context, month key.Month, candidates []port.Candidate, place map[int64]int) error {
	users := each(candidates, func(c *port.Candidate) int64 { return c.Target.Key().UserID })
	slices.Sort(users)
	return t.s.query(ctx, "read a page's contents", pageDataSQL(partitionsOf(month)), []any{day(month), bigints(users)}, func(scan func(...any) error) error {
		var user int64
		var statement []byte
		sealed := make([][]byte, len(channel.All))
		if err := scan(scanned([]any{&user}, sealed, &statement)...); err != nil {
			return err
		}
		c := &candidates[place[user]]
		c.Statement = statement
		for i, kind := range channel.All {
			if sealed[i] != nil {
				c.Destinations = append(c.Destinations, port.Destination{Channel: kind, Sealed: sealed[i]})
			}
		}
		return nil
	})
}

// cursorArgs are a cursor as two parameters.
func cursorArgs(c port.Cursor) []any {
	if c == (port.Cursor{}) {
		return []any{"-infinity", 0}
	}
	return []any{instant(c.AvailableAt), c.UserID}
}
