// Package kafkatest checks that a broker does what Balsong asks of Kafka
// through sarama; the tests of each broker run it.
package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// records is how many records a round produces and consumes.
const records = 100

// Config is how Balsong's adapter talks to Kafka, as far as a broker notices.
func Config() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Metadata.AllowAutoTopicCreation = false
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Producer.Return.Successes = true
	config.Producer.Retry.Max = 300 // × 100 ms: longer than the election after a broker's death
	config.Net.MaxOpenRequests = 1
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	return config
}

// CreateTopic makes a topic, and fails the test when the broker has it.
func CreateTopic(t *testing.T, addrs []string, topic string, partitions int32, replicas int16) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin(addrs, Config())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	detail := &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: replicas}
	if err := admin.CreateTopic(topic, detail, false); err != nil {
		t.Fatal(err)
	}
	if err := admin.CreateTopic(topic, detail, false); !errors.Is(err, sarama.ErrTopicAlreadyExists) {
		t.Errorf("second CreateTopic: %v, want ErrTopicAlreadyExists", err)
	}
}

// Produce sends the records of a round and waits for every ack.
func Produce(t *testing.T, addrs []string, topic string) {
	t.Helper()
	producer, err := sarama.NewSyncProducer(addrs, Config())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = producer.Close() }()
	for i := range records {
		key := fmt.Sprintf("key-%d", i)
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder("value"),
		}); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
}

// handler marks and commits every record, and ends its session after a round.
type handler struct {
	received chan<- string
}

func (handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case <-session.Context().Done():
			return nil
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			session.MarkMessage(message, "")
			session.Commit()
			select {
			case h.received <- string(message.Key):
			case <-session.Context().Done():
			}
		}
	}
}

// ConsumeRound reads one round as a member of a group, and commits it: the next
// round begins where this one ended.
func ConsumeRound(t *testing.T, addrs []string, topic, group string) {
	t.Helper()
	member, err := sarama.NewConsumerGroup(addrs, group, Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	received := make(chan string)
	ended := make(chan error, 1)
	go func() {
		var err error
		for ctx.Err() == nil && err == nil {
			err = member.Consume(ctx, []string{topic}, handler{received})
		}
		ended <- err
	}()
	seen := map[string]bool{}
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	for len(seen) < records {
		select {
		case key := <-received:
			if seen[key] {
				t.Errorf("%s came twice", key)
			}
			seen[key] = true
		case err := <-ended:
			t.Fatalf("the consumer ended: %v", err)
		case <-timeout.C:
			t.Fatalf("%d of %d records within a minute", len(seen), records)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Logf("the consumer ended: %v", err)
	}
	if err := member.Close(); err != nil {
		t.Error(err)
	}
}

// CheckOffsetsByTime asks for the offset of the first record at or after an
// instant, as the reaper does.
func CheckOffsetsByTime(t *testing.T, addrs []string, topic string, partitions int32) {
	t.Helper()
	client, err := sarama.NewClient(addrs, Config())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	total := int64(0)
	for partition := range partitions {
		newest, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err != nil {
			t.Fatal(err)
		}
		total += newest
		for instant, want := range map[time.Time]int64{
			time.Now().Add(-time.Hour): 0,
			time.Now().Add(time.Hour):  -1, // no record is that young
		} {
			got, err := client.GetOffset(topic, partition, instant.UnixMilli())
			if err != nil {
				t.Fatal(err)
			}
			if newest > 0 && got != want {
				t.Errorf("partition %d: offset at %s = %d, want %d", partition, instant, got, want)
			}
		}
	}
	if total < records {
		t.Errorf("%d records in all partitions, want at least %d", total, records)
	}
}

// CheckNoAccidentalTopic fails when producing to a missing topic makes it.
func CheckNoAccidentalTopic(t *testing.T, addrs []string) {
	t.Helper()
	config := Config()
	config.Metadata.AllowAutoTopicCreation = true
	config.Metadata.Retry.Max = 0
	config.Producer.Retry.Max = 1
	producer, err := sarama.NewSyncProducer(addrs, config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = producer.Close() }()
	_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: "accident", Value: sarama.StringEncoder("x")})
	if err == nil {
		t.Error("a topic was made by accident")
	}
}
