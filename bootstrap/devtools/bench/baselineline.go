package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/lib/pq"

	"github.com/balsong/balsong/application/port"
)

// baselinePage is how many rows the statements of the baseline take at once, as the product's do at most.
const baselinePage = 500

// line does the work of delivery and then of settlement, over the messages that the product was given and as many rows of another
// month, in pages of 500 rows.
func (p *plain) line(ctx context.Context, rows int) (delivering, settling float64, err error) {
	results, err := p.published(ctx, port.TopicResults)
	if err != nil {
		return 0, 0, err
	}
	if len(results) < rows {
		return 0, 0, fmt.Errorf("%d results lie in the topic, want %d", len(results), rows)
	}
	if _, err := p.stage.db.ExecContext(ctx, `UPDATE billing_targets SET dispatch_status = 'REQUESTED', requested_at = now(), run_id = 1, policy_id = 1, policy_version = 1
		WHERE billing_month = $1::date`, p.day); err != nil {
		return 0, 0, err
	}
	delivering, err = p.pages(ctx, p.Kafka.TopicPrefix+string(port.TopicRequests), rows, func(users []int64) error {
		page := results[:len(users)]
		results = results[len(users):]
		return errors.Join(p.execute(ctx, users, baselineClaim), p.execute(ctx, users, baselineOutcome), p.producer.SendMessages(page))
	})
	if err != nil {
		return 0, 0, err
	}
	settling, err = p.pages(ctx, p.topic, rows, func(users []int64) error { return p.settle(ctx, users) })
	return delivering, settling, err
}

// pages consumes a topic, then takes the users 1 to rows in pages, and returns the seconds of both.
func (p *plain) pages(ctx context.Context, topic string, rows int, do func(users []int64) error) (seconds float64, err error) {
	consuming, err := p.consume(ctx, topic, func(*sarama.ConsumerMessage) {})
	if err != nil {
		return 0, err
	}
	users := make([]int64, rows)
	for i := range users {
		users[i] = int64(i + 1)
	}
	began := time.Now()
	for page := range slices.Chunk(users, baselinePage) {
		if err := do(page); err != nil {
			return 0, err
		}
	}
	return consuming + time.Since(began).Seconds(), nil
}

const (
	baselineUsers = `(SELECT $1::date AS billing_month, u.user_id, 0::smallint AS attempt, 0::smallint AS round FROM unnest($2::bigint[]) AS u(user_id) OFFSET 0) AS v`

	baselineClaim = `INSERT INTO delivery_attempts (billing_month, user_id, attempt, round, state, owner, claimed_at, lease_until, channel, step, policy_id, policy_version, run_id,
		unknown_policy, provider, changed_at)
		SELECT $1::date, v.user_id, 0, 0, 'CLAIMED', gen_random_uuid(), clock_timestamp(), clock_timestamp() + interval '90 seconds', 'SMS', 0, 1, 1, 1, 'hold', 'sms', clock_timestamp()
		FROM unnest($2::bigint[]) AS v(user_id) ON CONFLICT DO NOTHING`

	baselineOutcome = `UPDATE delivery_attempts l SET state = 'SUCCEEDED', provider_message_id = v.user_id::text, finished_at = clock_timestamp(), changed_at = clock_timestamp()
		FROM ` + baselineUsers + ` WHERE l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round`

	baselineLock = `SELECT t.user_id, t.dispatch_status, t.attempt, t.round, t.step, t.requeues, t.available_at, t.reachable FROM ` + baselineUsers + `
		JOIN billing_targets t ON t.billing_month = v.billing_month AND t.user_id = v.user_id ORDER BY t.user_id FOR NO KEY UPDATE OF t`

	baselineLook = `SELECT l.user_id, l.state, l.step, l.channel, l.finished_at FROM ` + baselineUsers + `
		JOIN delivery_attempts l ON l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round`

	baselineSucceed = `UPDATE billing_targets t SET dispatch_status = 'SUCCEEDED' FROM ` + baselineUsers + ` WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id`
)

// execute runs one statement over a page in a transaction of its own.
func (p *plain) execute(ctx context.Context, users []int64, statement string) error {
	return inTransaction(ctx, p.db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, p.named(statement), p.day, pq.Array(users))
		return err
	})
}

// named puts the month's partitions into a statement, as the product does: without, it looks into those of all months.
func (p *plain) named(statement string) string {
	month := strings.ReplaceAll(p.month.String(), "-", "_")
	return strings.NewReplacer("delivery_attempts l", "delivery_attempts_"+month+" l", "billing_targets t", "billing_targets_"+month+" t").Replace(statement)
}

// settle locks a page of targets, reads their ledger rows and updates them, in one transaction.
func (p *plain) settle(ctx context.Context, users []int64) error {
	return inTransaction(ctx, p.db, func(tx *sql.Tx) error {
		for _, query := range []string{baselineLock, baselineLook} {
			read, err := readRows(ctx, tx, p.named(query), p.day, pq.Array(users))
			if err != nil {
				return err
			}
			if len(read) != len(users) {
				return fmt.Errorf("%d of %d rows are there", len(read), len(users))
			}
		}
		_, err := tx.ExecContext(ctx, p.named(baselineSucceed), p.day, pq.Array(users))
		return err
	})
}
