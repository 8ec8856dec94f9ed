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
	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// plain is what does the same work without the product: lib/pq on one connection with the services' planner settings, and a
// sarama producer with theirs, one step after the other.
type plain struct {
	*stage
	day      string // of the month whose rows it takes
	month    key.Month
	db       *sqlx.DB
	producer sarama.SyncProducer
	topic    string // where it produces
}

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

// plainly connects, and lets do work over a month's rows.
func (s *stage) plainly(month key.Month, do func(p *plain) error) (err error) {
	p := &plain{stage: s, month: month, day: day(month), topic: s.Kafka.TopicPrefix + "baseline"}
	admin, err := sarama.NewClusterAdmin(s.Kafka.Brokers, kafkaSettings())
	if err != nil {
		return err
	}
	err = admin.CreateTopic(p.topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false)
	if err := errors.Join(err, admin.Close()); err != nil {
		return err
	}
	p.db, err = postgres.Open(postgres.Config{URL: s.Database.URL, Application: "balsong-bench-baseline", MaxConns: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.db.Close()) }()
	if p.producer, err = sarama.NewSyncProducer(s.Kafka.Brokers, kafkaSettings()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.producer.Close()) }()
	if err := do(p); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	return nil
}

// consume consumes a topic from its beginning to its present end, all partitions at once, and returns the seconds that it
// took until the last message was there. keep is called for each message, by several partitions at a time.
func (p *plain) consume(ctx context.Context, topic string, keep func(*sarama.ConsumerMessage)) (seconds float64, err error) {
	client, err := sarama.NewClient(p.Kafka.Brokers, kafkaSettings())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	group, within := errgroup.WithContext(ctx)
	for partition := range int32(partitions) {
		end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err != nil {
			return 0, errors.Join(err, group.Wait())
		}
		if end == 0 {
			continue
		}
		claim, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		if err != nil {
			return 0, errors.Join(err, group.Wait())
		}
		group.Go(func() error {
			defer claim.AsyncClose()
			for {
				select {
				case <-within.Done():
					return within.Err()
				case m := <-claim.Messages():
					keep(m)
					if m.Offset >= end-1 {
						return nil
					}
				}
			}
		})
	}
	err = group.Wait()
	return time.Since(began).Seconds(), err
}

// published reads what the product published in a topic, as messages to be produced again, one partition after the other.
func (p *plain) published(ctx context.Context, topic port.Topic) (messages []*sarama.ProducerMessage, err error) {
	var read [partitions][]*sarama.ProducerMessage
	_, err = p.consume(ctx, p.Kafka.TopicPrefix+string(topic), func(m *sarama.ConsumerMessage) {
		headers := make([]sarama.RecordHeader, len(m.Headers))
		for i, h := range m.Headers {
			headers[i] = *h
		}
		read[m.Partition] = append(read[m.Partition], &sarama.ProducerMessage{
			Topic: p.topic, Key: sarama.ByteEncoder(m.Key), Value: sarama.ByteEncoder(m.Value), Headers: headers,
		})
	})
	for _, part := range read {
		messages = append(messages, part...)
	}
	return messages, err
}

// pageRows selects and locks a page; available_at is the same for all, so the user id alone is the cursor.
const pageRows = `SELECT t.user_id, t.attempt, t.round, t.step, t.available_at, t.reachable, t.quiet_from, t.quiet_to, t.quiet_zone
	FROM billing_targets t
	WHERE t.billing_month = $1::date AND t.batch_status = 'RENDERED' AND t.dispatch_status IN ('READY', 'FAILED')
	AND t.available_at <= now() AND (t.available_at, t.user_id) > ('-infinity'::timestamptz, $2::bigint) AND t.user_id > $2
	ORDER BY t.available_at, t.user_id LIMIT 1000 FOR NO KEY UPDATE OF t SKIP LOCKED`

const pageContents = `SELECT d.user_id, d.email, d.sms, d.push, d.statement
	FROM (SELECT $1::date AS billing_month, u.user_id FROM unnest($2::bigint[]) AS u(user_id) OFFSET 0) AS v
	JOIN billing_data d ON d.billing_month = v.billing_month AND d.user_id = v.user_id`

const pageRequested = `UPDATE billing_targets t SET dispatch_status = 'REQUESTED', requested_at = clock_timestamp(), run_id = 1,
	policy_id = 1, policy_version = 1, last_decision = 'due'
	FROM (SELECT $1::date AS billing_month, u.user_id FROM unnest($2::bigint[]) AS u(user_id) OFFSET 0) AS v
	WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id`

// dispatch takes a month's READY rows through the work of the dispatcher and returns its seconds: for each page of 1,000 rows one
// transaction that selects and locks them, reads their contents, produces the very bytes that the dispatcher had published, waits
// for the acknowledgements, and updates the same rows.
func (p *plain) dispatch(ctx context.Context) (seconds float64, err error) {
	left, err := p.published(ctx, port.TopicRequests)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	for cursor, more := int64(0), true; more; {
		err := inTransaction(ctx, p.db, func(tx *sql.Tx) error {
			users, err := readRows(ctx, tx, pageRows, p.day, cursor)
			if more = len(users) > 0; err != nil || !more {
				return err
			}
			if _, err := readRows(ctx, tx, pageContents, p.day, pq.Array(users)); err != nil {
				return err
			}
			page := left[:min(len(users), len(left))]
			left, cursor = left[len(page):], users[len(users)-1]
			if err := p.producer.SendMessages(page); err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, pageRequested, p.day, pq.Array(users))
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	seconds = time.Since(began).Seconds()
	if len(left) > 0 {
		return 0, fmt.Errorf("%d messages are left over: the runs differ", len(left))
	}
	return seconds, nil
}

// readRows reads all rows of a query, as bytes but for the first column, which is the user.
func readRows(ctx context.Context, tx *sql.Tx, query string, args ...any) (users []int64, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var user int64
	into := []any{&user}
	for range columns[1:] {
		into = append(into, new(sql.RawBytes))
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, rows.Err()
}
