package kafka_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
)

const page = 1000

// requests is a page of messages like those of a dispatch: a JSON value of about 700 bytes, most of it ciphertext.
func requests() []port.Message {
	all := make([]port.Message, 0, page)
	for i := range page {
		secret := make([]byte, 150)
		_, _ = rand.Read(secret)
		sealed := base64.StdEncoding.EncodeToString(secret)
		all = append(all, port.Message{
			Key: fmt.Sprint(i),
			Headers: []port.Header{
				{Name: "ce_specversion", Value: "1.0"},
				{Name: "ce_type", Value: "balsong.dispatch.requested.v1"},
				{Name: "ce_source", Value: "balsong/dispatcher"},
				{Name: "ce_id", Value: fmt.Sprintf("2026-11/%d/0/0", i)},
			},
			Value: fmt.Appendf(nil, `{"billing_month":"2026-11","user_id":%d,"attempt":0,"round":0,"step":0,"channel":"EMAIL",`+
				`"policy_id":1,"policy_version":3,"run_id":17,"destination":%q,"statement_reference":%q,`+
				`"quiet_hours":{"from":"21:00","to":"08:00","zone":"Asia/Seoul"},"unknown_policy":"hold"}`, i, sealed, sealed),
		})
	}
	return all
}

// rawConfig is what the adapter sets, in so far as it matters for speed.
func rawConfig(c sarama.CompressionCodec) *sarama.Config {
	s := sarama.NewConfig()
	s.Net.MaxOpenRequests = 1
	s.Producer.Idempotent = true
	s.Producer.RequiredAcks = sarama.WaitForAll
	s.Producer.Return.Successes = true
	s.Producer.Compression = c
	s.Consumer.Offsets.Initial = sarama.OffsetOldest
	s.Consumer.MaxWaitTime = 100 * time.Millisecond
	return s
}

// BenchmarkProduce publishes pages of 1,000 messages to 12 partitions: by the adapter, and by sarama alone (the messages
// of the next page are only handed in when the page before is acknowledged, as the dispatcher does).
func BenchmarkProduce(b *testing.B) {
	b.Run("adapter", func(b *testing.B) {
		c := setup(b)
		withTopics(b, c, kafka.TopicSettings{})
		p, all := publisher(b, c), requests()
		for b.Loop() {
			for _, err := range p.Publish(b.Context(), port.TopicRequests, all) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(page)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	})
	for _, codec := range []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionLZ4, sarama.CompressionZSTD} {
		b.Run("sarama/"+codec.String(), func(b *testing.B) {
			c := setup(b)
			withTopics(b, c, kafka.TopicSettings{})
			p, err := sarama.NewAsyncProducer(c.Brokers, rawConfig(codec))
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			all := requests()
			for b.Loop() {
				go func() {
					for _, m := range all {
						headers := make([]sarama.RecordHeader, 0, len(m.Headers))
						for _, h := range m.Headers {
							headers = append(headers, sarama.RecordHeader{Key: []byte(h.Name), Value: []byte(h.Value)})
						}
						p.Input() <- &sarama.ProducerMessage{
							Topic: c.TopicName(port.TopicRequests), Key: sarama.StringEncoder(m.Key), Value: sarama.ByteEncoder(m.Value), Headers: headers,
						}
					}
				}()
				for range all {
					<-p.Successes()
				}
			}
			b.ReportMetric(float64(page)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// counting is the least a handler of sarama can do.
type counting struct{ got chan int }

func (counting) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (counting) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (c counting) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for m := range claim.Messages() {
		s.MarkMessage(m, "")
		c.got <- 1
	}
	return nil
}

// BenchmarkConsume reads 200,000 messages from 12 partitions and finishes each at once; an operation is one message.
func BenchmarkConsume(b *testing.B) {
	const filled = 200 * page
	c := setup(b)
	withTopics(b, c, kafka.TopicSettings{})
	p, all := publisher(b, c), requests()
	for range filled / page {
		if failed := unacknowledged(p.Publish(b.Context(), port.TopicRequests, all)); len(failed) > 0 {
			b.Fatal(failed[0])
		}
	}
	measure := func(name string, read func(ctx context.Context, group string, got chan int)) {
		round := 0
		b.Run(name, func(b *testing.B) {
			took := time.Duration(0)
			for range b.N {
				round++
				ctx, cancel := context.WithCancel(b.Context())
				got, ended := make(chan int, 10*page), make(chan struct{})
				started := time.Now()
				go func() {
					defer close(ended)
					read(ctx, fmt.Sprint(name, round), got)
				}()
				<-got // the group has formed
				for range filled - 1 {
					<-got
				}
				took += time.Since(started)
				cancel()
				<-ended
			}
			b.ReportMetric(filled*float64(b.N)/took.Seconds(), "messages/s")
		})
	}
	measure("adapter", func(ctx context.Context, group string, got chan int) {
		consumer, err := kafka.NewConsumer(c.Cluster, kafka.Group{Name: group, SessionTimeout: 6 * time.Second, HeartbeatInterval: 100 * time.Millisecond}, port.TopicRequests, c.log, &memory.Metrics{})
		if err != nil {
			b.Error(err)
			return
		}
		_ = consumer.Run(ctx, func(_ context.Context, m port.Received) {
			m.Done()
			got <- 1
		})
	})
	measure("sarama", func(ctx context.Context, name string, got chan int) {
		group, err := sarama.NewConsumerGroup(c.Brokers, c.GroupName(name), rawConfig(sarama.CompressionNone))
		if err != nil {
			b.Error(err)
			return
		}
		_ = group.Consume(ctx, []string{c.TopicName(port.TopicRequests)}, counting{got: got})
		_ = group.Close()
	})
}
