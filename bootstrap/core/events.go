package core

import (
	"crypto/tls"
	"io"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/adapters/oauth"
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

// KafkaCluster is how the Kafka adapter reaches the brokers. client names the process in the brokers' logs.
func KafkaCluster(brokers []string, c config.KafkaAccess, client string, identity *awsidentity.Identity) kafka.Cluster {
	cluster := kafka.Cluster{
		Brokers: brokers, ClientID: client, Prefix: c.TopicPrefix, SASL: kafka.SASL{Mechanism: kafka.Mechanism(c.SASL), User: c.User, Password: c.Password},
	}
	switch c.SASL {
	case config.AWSIAM:
		cluster.SASL.Mechanism, cluster.SASL.Tokens = kafka.OAuthBearer, kafkaTokens{oauth.Keep(brokerTokens{identity, brokers})}
	case config.OAuthBearer:
		cluster.SASL.Extensions = c.OAuth.Extensions
		cluster.SASL.Tokens = kafkaTokens{tokens(c.OAuth.OAuthClient, "")}
	}
	if cluster.TLS = c.CA.TLS(); c.TLS && cluster.TLS == nil {
		cluster.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return cluster
}

// Events provides the event log. client names the process in the brokers' logs.
func Events(c config.Kafka, client string) fx.Option {
	return fx.Module("events",
		fx.Supply(kafka.Group{SessionTimeout: c.SessionTimeout}),
		fx.Provide(func(identity *awsidentity.Identity) kafka.Cluster {
			return KafkaCluster(c.Brokers, c.KafkaAccess, client, identity)
		}, fx.Private),
		fx.Provide(
			func(lc fx.Lifecycle, cluster kafka.Cluster, log port.Log, metrics port.Metrics) (port.Publisher, error) {
				publisher, err := kafka.NewPublisher(cluster, log, metrics)
				return publisher, closing(lc, publisher, err)
			},
			func(cluster kafka.Cluster, group kafka.Group, log port.Log, metrics port.Metrics) (RequestConsumer, error) {
				group.Name = DeliveryGroup
				consumer, err := kafka.NewConsumer(cluster, group, port.TopicRequests, log, metrics)
				return RequestConsumer{consumer}, err
			},
			func(cluster kafka.Cluster, group kafka.Group, log port.Log, metrics port.Metrics) (ResultConsumer, error) {
				group.Name = SettlementGroup
				consumer, err := kafka.NewConsumer(cluster, group, port.TopicResults, log, metrics)
				return ResultConsumer{consumer}, err
			},
			func(lc fx.Lifecycle, cluster kafka.Cluster) (port.ConsumerGroup, error) {
				group, err := kafka.NewConsumerGroup(cluster, DeliveryGroup)
				return group, closing(lc, group, err)
			},
			func(lc fx.Lifecycle, cluster kafka.Cluster) (port.Topics, error) {
				topics, err := kafka.NewTopics(cluster, kafka.TopicSettings{
					Partitions: c.Partitions, Replication: c.Replication, MinInSync: c.MinInSync,
				})
				return topics, closing(lc, topics, err)
			},
		))
}

// closing closes what was made at the app's end; it returns the error of making it.
func closing(lc fx.Lifecycle, made io.Closer, err error) error {
	if err == nil {
		lc.Append(fx.StopHook(made.Close))
	}
	return err
}
