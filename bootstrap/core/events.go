package core

import (
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// The consumer groups, without the topic prefix. Their committed offsets say how far delivery and settlement have read.
const (
	DeliveryGroup   = "balsong-delivery"
	SettlementGroup = "balsong-settlement"
)

// RequestConsumer reads requests as a member of the delivery group.
type RequestConsumer struct{ port.Consumer }

// ResultConsumer reads results as a member of the settlement group.
type ResultConsumer struct{ port.Consumer }

// KafkaConfig is the configuration of the Kafka adapter, without a log and metrics. client names the process in the
// brokers' logs.
func KafkaConfig(c config.Kafka, client string) kafka.Config {
	return kafka.Config{
		Brokers: c.Brokers, ClientID: client, TopicPrefix: c.TopicPrefix, TLS: c.TLS, User: c.User, Password: c.Password,
		SessionTimeout: c.SessionTimeout, RebalanceTimeout: max(20*time.Second, 2*c.SessionTimeout),
	}
}

// Events provides the event log. client names the process in the brokers' logs.
func Events(c config.Kafka, client string) fx.Option {
	return fx.Module("events", fx.Provide(
		func(log port.Log, metrics port.Metrics) kafka.Config {
			k := KafkaConfig(c, client)
			k.Log, k.Metrics = log, metrics
			return k.WithDefaults()
		},
		func(lc fx.Lifecycle, k kafka.Config) (port.Publisher, error) {
			publisher, err := kafka.NewPublisher(k)
			if err != nil {
				return nil, err
			}
			lc.Append(fx.StopHook(publisher.Close))
			return publisher, nil
		},
		func(k kafka.Config) (RequestConsumer, error) {
			consumer, err := kafka.NewConsumer(k, c.TopicPrefix+DeliveryGroup, port.TopicRequests)
			return RequestConsumer{consumer}, err
		},
		func(k kafka.Config) (ResultConsumer, error) {
			consumer, err := kafka.NewConsumer(k, c.TopicPrefix+SettlementGroup, port.TopicResults)
			return ResultConsumer{consumer}, err
		},
		func(lc fx.Lifecycle, k kafka.Config) (port.Progress, error) {
			progress, err := kafka.NewProgress(k, c.TopicPrefix+DeliveryGroup)
			if err != nil {
				return nil, err
			}
			lc.Append(fx.StopHook(progress.Close))
			return progress, nil
		},
		func(lc fx.Lifecycle, k kafka.Config) (port.Topics, error) {
			topics, err := kafka.NewTopics(k, kafka.TopicSettings{
				Partitions: c.Partitions, Replication: c.Replication, MinInSync: c.MinInSync,
			})
			if err != nil {
				return nil, err
			}
			lc.Append(fx.StopHook(topics.Close))
			return topics, nil
		},
	))
}
