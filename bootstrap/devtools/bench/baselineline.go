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

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// baselineLine is the work of delivery and of settlement without the product: plain sarama and lib/pq, one connection, pages of
// 500 rows, one step after the other, over the messages that the product was given and as many rows of another month.
type baselineLine struct {
	*stage
	month                         key.Month
	rows                          int
	deliverSeconds, settleSeconds float64
}

// baselinePage is how many rows the statements of the baseline take at once, as the product's do at most.
const baselinePage = 500

func (r *baselineLine) measure(ctx context.Context) (err error) {
	brokers, prefix := r.config.Kafka.Brokers, r.config.Kafka.TopicPrefix
	topic := prefix + "baseline-results"
	if err := createTopic(brokers, topic); err != nil {
		return err
	}
	results, err := readTopic(ctx, brokers, prefix+string(port.TopicResults))
	if err != nil {
		return err
	}
	for _, m := range results {
		m.Topic = topic
	}
	db, err := postgres.Open(postgres.Config{URL: r.config.Database.URL, Application: "balsong-bench-baseline", MaxConns: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	day := r.month.Start(time.UTC).Format(time.DateOnly)
	if _, err := r.db.ExecContext(ctx, `UPDATE billing_targets SET dispatch_status = 'REQUESTED', requested_at = now(), run_id = 1, policy_id = 1, policy_version = 1
		WHERE billing_month = $1::date`, day); err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducer(brokers, kafkaSettings())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	inPage := func(users []int64, statement string) error {
		return baselineStatement(ctx, db.DB, r.named(statement), day, users)
	}

	requests, consuming, err := consumeBaseline(ctx, brokers, prefix+string(port.TopicRequests))
	if err != nil {
		return err
	}
	if requests < r.rows || len(results) < r.rows {
		return fmt.Errorf("%d requests and %d results lie in the topics, want %d", requests, len(results), r.rows)
	}
	began := time.Now()
	next := 0
	for users := range slices.Chunk(rowsOf(r.rows), baselinePage) {
		page := results[next : next+len(users)]
		next += len(users)
		if err := errors.Join(inPage(users, baselineClaim), inPage(users, baselineOutcome), producer.SendMessages(page)); err != nil {
			return err
		}
	}
	r.deliverSeconds = consuming + time.Since(began).Seconds()

	if _, consuming, err = consumeBaseline(ctx, brokers, topic); err != nil {
		return err
	}
	began = time.Now()
	for users := range slices.Chunk(rowsOf(r.rows), baselinePage) {
		if err := r.settle(ctx, db.DB, day, users); err != nil {
			return err
		}
	}
	r.settleSeconds = consuming + time.Since(began).Seconds()
	return nil
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

// baselineStatement runs one statement over a page in a transaction of its own.
func baselineStatement(ctx context.Context, db *sql.DB, statement, day string, users []int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, statement, day, pq.Array(users)); err != nil {
		return err
	}
	return tx.Commit()
}

// named puts the month's partitions into a statement, as the product does: without, it looks into those of all months.
func (r *baselineLine) named(statement string) string {
	month := strings.ReplaceAll(r.month.String(), "-", "_")
	return strings.NewReplacer("delivery_attempts l", "delivery_attempts_"+month+" l", "billing_targets t", "billing_targets_"+month+" t").Replace(statement)
}

// settle locks a page of targets, reads their ledger rows and updates them, in one transaction.
func (r *baselineLine) settle(ctx context.Context, db *sql.DB, day string, users []int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	for _, query := range []string{baselineLock, baselineLook} {
		if err := baselineRead(ctx, tx, r.named(query), day, users); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, r.named(baselineSucceed), day, pq.Array(users)); err != nil {
		return err
	}
	return tx.Commit()
}

// baselineRead reads all rows of a query, as bytes.
func baselineRead(ctx context.Context, tx *sql.Tx, query, day string, users []int64) error {
	rows, err := tx.QueryContext(ctx, query, day, pq.Array(users))
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	n := 0
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n != len(users) {
		return fmt.Errorf("%d of %d rows are there", n, len(users))
	}
	return nil
}
