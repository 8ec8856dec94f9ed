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

// rawLine is the work of delivery and of settlement without the product: plain sarama and lib/pq, one connection, pages of
// 500 rows, one step after the other, over the messages that the product was given and as many rows of another month.
type rawLine struct {
	*stage
	month                         key.Month
	rows                          int
	deliverSeconds, settleSeconds float64
}

// rawPage is how many rows the raw statements take at once, as the product's do at most.
const rawPage = 500

func (r *rawLine) measure(ctx context.Context) (err error) {
	brokers, prefix := r.config.Kafka.Brokers, r.config.Kafka.TopicPrefix
	topic := prefix + "raw-results"
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
	db, err := postgres.Open(postgres.Config{URL: r.config.Database.URL, Application: "balsong-bench-raw", MaxConns: 1})
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
		return rawStatement(ctx, db.DB, r.named(statement), day, users)
	}

	requests, consuming, err := consumeRaw(ctx, brokers, prefix+string(port.TopicRequests))
	if err != nil {
		return err
	}
	if requests < r.rows || len(results) < r.rows {
		return fmt.Errorf("%d requests and %d results lie in the topics, want %d", requests, len(results), r.rows)
	}
	began := time.Now()
	next := 0
	for users := range slices.Chunk(rowsOf(r.rows), rawPage) {
		page := results[next : next+len(users)]
		next += len(users)
		if err := errors.Join(inPage(users, rawClaim), inPage(users, rawOutcome), producer.SendMessages(page)); err != nil {
			return err
		}
	}
	r.deliverSeconds = consuming + time.Since(began).Seconds()

	if _, consuming, err = consumeRaw(ctx, brokers, topic); err != nil {
		return err
	}
	began = time.Now()
	for users := range slices.Chunk(rowsOf(r.rows), rawPage) {
		if err := r.settle(ctx, db.DB, day, users); err != nil {
			return err
		}
	}
	r.settleSeconds = consuming + time.Since(began).Seconds()
	return nil
}

const (
	rawUsers = `(SELECT $1::date AS billing_month, u.user_id, 0::smallint AS attempt, 0::smallint AS round FROM unnest($2::bigint[]) AS u(user_id) OFFSET 0) AS v`

	rawClaim = `INSERT INTO delivery_attempts (billing_month, user_id, attempt, round, state, owner, claimed_at, lease_until, channel, step, policy_id, policy_version, run_id,
		unknown_policy, provider, changed_at)
		SELECT $1::date, v.user_id, 0, 0, 'CLAIMED', gen_random_uuid(), clock_timestamp(), clock_timestamp() + interval '90 seconds', 'SMS', 0, 1, 1, 1, 'hold', 'sms', clock_timestamp()
		FROM unnest($2::bigint[]) AS v(user_id) ON CONFLICT DO NOTHING`

	rawOutcome = `UPDATE delivery_attempts l SET state = 'SUCCEEDED', provider_message_id = v.user_id::text, finished_at = clock_timestamp(), changed_at = clock_timestamp()
		FROM ` + rawUsers + ` WHERE l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round`

	rawLock = `SELECT t.user_id, t.dispatch_status, t.attempt, t.round, t.step, t.requeues, t.available_at, t.reachable FROM ` + rawUsers + `
		JOIN billing_targets t ON t.billing_month = v.billing_month AND t.user_id = v.user_id ORDER BY t.user_id FOR NO KEY UPDATE OF t`

	rawLook = `SELECT l.user_id, l.state, l.step, l.channel, l.finished_at FROM ` + rawUsers + `
		JOIN delivery_attempts l ON l.billing_month = v.billing_month AND l.user_id = v.user_id AND l.attempt = v.attempt AND l.round = v.round`

	rawSucceed = `UPDATE billing_targets t SET dispatch_status = 'SUCCEEDED' FROM ` + rawUsers + ` WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id`
)

// rawStatement runs one statement over a page in a transaction of its own.
func rawStatement(ctx context.Context, db *sql.DB, statement, day string, users []int64) error {
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
func (r *rawLine) named(statement string) string {
	month := strings.ReplaceAll(r.month.String(), "-", "_")
	return strings.NewReplacer("delivery_attempts l", "delivery_attempts_"+month+" l", "billing_targets t", "billing_targets_"+month+" t").Replace(statement)
}

// settle locks a page of targets, reads their ledger rows and updates them, in one transaction.
func (r *rawLine) settle(ctx context.Context, db *sql.DB, day string, users []int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	for _, query := range []string{rawLock, rawLook} {
		if err := rawRead(ctx, tx, r.named(query), day, users); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, r.named(rawSucceed), day, pq.Array(users)); err != nil {
		return err
	}
	return tx.Commit()
}

// rawRead reads all rows of a query, as bytes.
func rawRead(ctx context.Context, tx *sql.Tx, query, day string, users []int64) error {
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
