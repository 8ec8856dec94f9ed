package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/lib/pq"
	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// renderStage renders generated bills with the production command, beside the same statements and as many bytes put to S3.
func (b *bench) renderStage(ctx context.Context) error {
	return b.repeat(ctx, Render, b.Runs, func(ctx context.Context, s *stage) ([]StageRun, error) {
		ours, theirs := firstMonth, firstMonth+1
		for _, month := range []key.Month{theirs, ours} {
			if _, err := b.importGenerated(ctx, s, month); err != nil {
				return nil, err
			}
		}
		run, packBytes, err := b.rendered(ctx, s, ours, b.Rows)
		if err != nil {
			return nil, err
		}
		if run.BaselineSeconds, err = s.renderBaseline(ctx, theirs, packBytes); err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		return []StageRun{run}, nil
	}, &Stage{
		Name: Render, Label: "every channel of a bill: texts, compressed, sealed, in packs on S3", Rows: b.Rows,
		Baseline: "the same rows read, as many bytes put and the same columns updated, over as many connections: nothing made, compressed or sealed",
		Target:   Target{Rate: 15_000},
	})
}

// rendered renders a month with the production command; packBytes is the mean size of its packs.
func (b *bench) rendered(ctx context.Context, s *stage, month key.Month, rows int) (run StageRun, packBytes int, err error) {
	var said struct {
		Packs int `json:"packs"`
		Bytes int `json:"bytes"`
	}
	run, err = b.command(ctx, s, batchRole, "render", &said, "render", "--output", "json", "--month", month.String(), "--allow-sample-sender")
	run.Rows = rows
	return run, said.Bytes / max(said.Packs, 1), errors.Join(err, s.expect(ctx, month, rows, "RENDERED"))
}

// renderBaseline takes a month's IMPORTED bills through the same work without the product of rendering, in packs of so many bytes.
func (s *stage) renderBaseline(ctx context.Context, month key.Month, packBytes int) (seconds float64, err error) {
	day := month.Start(time.UTC).Format(time.DateOnly)
	pack := make([]byte, min(packBytes, port.MaxEntry))
	_, _ = rand.Read(pack) // it never fails
	began := time.Now()
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0) + 2)
	after := port.Cursor{}
	for number := 0; err == nil; number++ {
		var users []int64
		if users, after, err = s.baselineBills(within, day, after); err != nil || len(users) == 0 {
			break
		}
		group.Go(func() error {
			if _, err := s.batch.Bucket.Put(within, fmt.Sprintf("baseline/%06d", number), [][]byte{pack}); err != nil {
				return err
			}
			return s.baselineMark(within, day, users)
		})
	}
	err = errors.Join(err, group.Wait())
	seconds = time.Since(began).Seconds()
	return seconds, errors.Join(err, s.expect(ctx, month, 0, "IMPORTED"))
}

// baselineBills reads the next thousand bills.
func (s *stage) baselineBills(ctx context.Context, day string, after port.Cursor) (users []int64, last port.Cursor, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT t.user_id, t.available_at, d.data FROM (SELECT user_id, available_at FROM billing_targets
		WHERE billing_month = $1::date AND batch_status = 'IMPORTED' AND (available_at, user_id) > ($2::timestamptz, $3::bigint)
		ORDER BY available_at, user_id LIMIT 1000) AS t JOIN billing_data d ON d.billing_month = $1::date AND d.user_id = t.user_id
		ORDER BY t.available_at, t.user_id`, day, after.AvailableAt.UTC(), after.UserID)
	if err != nil {
		return nil, after, err
	}
	defer rows.Close()
	for rows.Next() {
		var data sql.RawBytes
		if err := rows.Scan(&last.UserID, &last.AvailableAt, &data); err != nil {
			return nil, after, err
		}
		users = append(users, last.UserID)
	}
	return users, last, rows.Err()
}

// baselineMark updates what the renderer updates, in its order, with references of the usual length.
func (s *stage) baselineMark(ctx context.Context, day string, users []int64) error {
	users = slices.Sorted(slices.Values(users))
	references := make(pq.ByteaArray, len(users))
	for i := range references {
		references[i] = make([]byte, 230)
	}
	return inTransaction(ctx, s.db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE billing_data d SET statement = v.statement, rendered_at = clock_timestamp()
			FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::bytea[]) AS u(user_id, statement) OFFSET 0) AS v
			WHERE d.billing_month = v.billing_month AND d.user_id = v.user_id`, day, pq.Array(users), references)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE billing_targets t SET batch_status = 'RENDERED'
			FROM (SELECT $1::date AS billing_month, u.user_id FROM unnest($2::bigint[]) AS u(user_id) OFFSET 0) AS v
			WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id`, day, pq.Array(users))
		return err
	})
}
