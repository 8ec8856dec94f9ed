package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/domain/key"
)

// baselineRun is the same work without the product: for each page of 1,000 rows one transaction that selects and locks
// them, reads their contents, produces the very bytes that the dispatcher had published, waits for the
// acknowledgements, and updates the same rows. Plain lib/pq and sarama, one step after the other. The connection has
// the services' planner settings, the producer theirs.
type baselineRun struct {
	*stage
	database config.Database
	db       *sqlx.DB
	messages []*sarama.ProducerMessage
	producer sarama.SyncProducer
}

const baselineTopic = "dispatch-baseline"

func kafkaSettings() *sarama.Config {
	c := sarama.NewConfig()
	c.Net.MaxOpenRequests = 1
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Return.Successes = true
	c.Producer.Partitioner = sarama.NewMurmur2Partitioner
	c.Producer.Compression = sarama.CompressionLZ4
	c.Metadata.AllowAutoTopicCreation = false
	return c
}

// prepare reads what the first run published, and connects; once.
func (r *baselineRun) prepare(ctx context.Context) (err error) {
	if r.producer != nil {
		return nil
	}
	r.db, err = postgres.Open(postgres.Config{URL: r.database.URL, Application: "balsong-bench-baseline", MaxConns: 1})
	if err != nil {
		return err
	}
	brokers := r.config.Kafka.Brokers
	if err := createTopic(brokers, baselineTopic); err != nil {
		return err
	}
	if r.messages, err = readTopic(ctx, brokers, r.config.Kafka.TopicPrefix+string(port.TopicRequests)); err != nil {
		return err
	}
	r.producer, err = sarama.NewSyncProducer(brokers, kafkaSettings())
	return err
}

func (r *baselineRun) close() error {
	var errs []error
	if r.producer != nil {
		errs = append(errs, r.producer.Close())
	}
	if r.db != nil {
		errs = append(errs, r.db.Close())
	}
	return errors.Join(errs...)
}

// messageBytes is the mean size of a message: key, headers and value.
func (r *baselineRun) messageBytes() int {
	if len(r.messages) == 0 {
		return 0
	}
	total := 0
	for _, m := range r.messages {
		total += m.ByteSize(2)
	}
	return total / len(r.messages)
}

func createTopic(brokers []string, topic string) error {
	admin, err := sarama.NewClusterAdmin(brokers, kafkaSettings())
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }()
	err = admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false)
	if errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return nil
	}
	return err
}

// readTopic reads a topic from its beginning to its present end.
func readTopic(ctx context.Context, brokers []string, topic string) ([]*sarama.ProducerMessage, error) {
	client, err := sarama.NewClient(brokers, kafkaSettings())
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, err
	}
	defer func() { _ = consumer.Close() }()
	var messages []*sarama.ProducerMessage
	for partition := range int32(partitions) {
		end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err != nil {
			return nil, err
		}
		if messages, err = readPartition(ctx, consumer, topic, partition, end, messages); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

func readPartition(ctx context.Context, consumer sarama.Consumer, topic string, partition int32, end int64, into []*sarama.ProducerMessage) ([]*sarama.ProducerMessage, error) {
	if end == 0 {
		return into, nil
	}
	claim, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	defer func() { _ = claim.Close() }()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case m := <-claim.Messages():
			headers := make([]sarama.RecordHeader, len(m.Headers))
			for i, h := range m.Headers {
				headers[i] = *h
			}
			into = append(into, &sarama.ProducerMessage{
				Topic: baselineTopic, Key: sarama.ByteEncoder(m.Key), Value: sarama.ByteEncoder(m.Value), Headers: headers,
			})
			if m.Offset >= end-1 {
				return into, nil
			}
		}
	}
}

// run takes a month's READY rows through the same work without the product and returns its seconds.
func (r *baselineRun) run(ctx context.Context, month key.Month) (float64, error) {
	day := month.Start(time.UTC).Format(time.DateOnly)
	left := r.messages
	began := time.Now()
	for cursor := int64(0); ; {
		n, last, err := r.page(ctx, day, cursor, &left)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			break
		}
		cursor = last
	}
	seconds := time.Since(began).Seconds()
	if len(left) > 0 {
		return 0, fmt.Errorf("%d messages are left over: the runs differ", len(left))
	}
	return seconds, nil
}

func (r *baselineRun) page(ctx context.Context, day string, cursor int64, left *[]*sarama.ProducerMessage) (n int, last int64, err error) {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	users, err := lockBaseline(ctx, tx, day, cursor)
	if err != nil || len(users) == 0 {
		return 0, 0, err
	}
	if err := contentsBaseline(ctx, tx, day, users); err != nil {
		return 0, 0, err
	}
	page := (*left)[:min(len(users), len(*left))]
	*left = (*left)[len(page):]
	if err := r.producer.SendMessages(page); err != nil {
		return 0, 0, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE billing_targets t SET dispatch_status = 'REQUESTED', requested_at = clock_timestamp(), run_id = 1,
		policy_id = 1, policy_version = 1, last_decision = 'due'
		FROM (SELECT $1::date AS billing_month, u.user_id FROM unnest($2::bigint[]) AS u(user_id) OFFSET 0) AS v
		WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id`, day, pq.Array(users))
	if err != nil {
		return 0, 0, err
	}
	return len(users), users[len(users)-1], tx.Commit()
}

// lockBaseline selects and locks a page; available_at is the same for all, so the user id alone is the cursor.
func lockBaseline(ctx context.Context, tx *sql.Tx, day string, cursor int64) (users []int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT t.user_id, t.attempt, t.round, t.step, t.available_at, t.reachable, t.quiet_from, t.quiet_to, t.quiet_zone
		FROM billing_targets t
		WHERE t.billing_month = $1::date AND t.batch_status = 'RENDERED' AND t.dispatch_status IN ('READY', 'FAILED')
		AND t.available_at <= now() AND (t.available_at, t.user_id) > ('-infinity'::timestamptz, $2::bigint) AND t.user_id > $2
		ORDER BY t.available_at, t.user_id LIMIT 1000 FOR NO KEY UPDATE OF t SKIP LOCKED`, day, cursor)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var user int64
		var rest [8]sql.RawBytes
		if err := rows.Scan(&user, &rest[0], &rest[1], &rest[2], &rest[3], &rest[4], &rest[5], &rest[6], &rest[7]); err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, rows.Err()
}

func contentsBaseline(ctx context.Context, tx *sql.Tx, day string, users []int64) error {
	rows, err := tx.QueryContext(ctx, `SELECT d.user_id, d.email, d.sms, d.push, d.statement
		FROM (SELECT $1::date AS billing_month, u.user_id FROM unnest($2::bigint[]) AS u(user_id) OFFSET 0) AS v
		JOIN billing_data d ON d.billing_month = v.billing_month AND d.user_id = v.user_id`, day, pq.Array(users))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var user int64
		var contents [4]sql.RawBytes
		if err := rows.Scan(&user, &contents[0], &contents[1], &contents[2], &contents[3]); err != nil {
			return err
		}
	}
	return rows.Err()
}
