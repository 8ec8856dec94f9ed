package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/wording"
)

var _ port.Topics = (*Topics)(nil)

// TopicSettings say how the topics are created. The zero value of a field means its default.
type TopicSettings struct {
	// Partitions of the requests and of the results: how many delivery tasks can work at once; default 12. Raising it
	// later moves keys to other partitions: do so while no run is under way.
	Partitions int32
	// Replication is the number of replicas; default 3. A single broker (a laptop) needs 1.
	Replication int16
	// MinInSync is how many replicas must have a message before it is acknowledged; default 2, or Replication if that
	// is less.
	MinInSync int16
}

const (
	deadLetterPartitions = 1
	retention            = 7 * 24 * time.Hour // the ledger's partitions must outlive it
	deadLetterRetention  = 30 * 24 * time.Hour
)

// complete fills in the defaults, and reports the first setting that is invalid, wrapping port.ErrInvalid.
func (s TopicSettings) complete() (TopicSettings, error) {
	s.Partitions = cmp.Or(s.Partitions, 12)
	s.Replication = cmp.Or(s.Replication, 3)
	s.MinInSync = cmp.Or(s.MinInSync, min(2, s.Replication))
	switch {
	case s.Partitions < 1:
		return s, invalid("TopicSettings.Partitions %d: at least 1", s.Partitions)
	case s.Replication < 1:
		return s, invalid("TopicSettings.Replication %d: at least 1", s.Replication)
	case s.MinInSync < 1 || s.MinInSync > s.Replication:
		return s, invalid("TopicSettings.MinInSync %d: 1 to the number of replicas, %d", s.MinInSync, s.Replication)
	}
	return s, nil
}

// Topics creates, checks and removes the topics.
type Topics struct {
	cluster  Cluster
	settings TopicSettings
	conn     *connection
}

// NewTopics checks the configuration and the settings; it does no I/O.
func NewTopics(cluster Cluster, settings TopicSettings) (*Topics, error) {
	cluster, err := cluster.complete()
	if err != nil {
		return nil, err
	}
	if settings, err = settings.complete(); err != nil {
		return nil, err
	}
	return &Topics{cluster: cluster, settings: settings, conn: newConnection(cluster, true)}, nil
}

// Ensure implements port.Topics. It returns when every partition has a leader. Running it twice, or in several
// processes at once, is fine.
func (t *Topics) Ensure(ctx context.Context) error {
	wanted := t.wanted()
	return t.conn.use(ctx, "make the topics", func(client sarama.Client) error {
		admin, err := sarama.NewClusterAdminFromClient(client)
		if err != nil {
			return err
		}
		for _, topic := range wanted {
			if err := ensure(admin, topic); err != nil {
				return err
			}
		}
		return t.awaitLeaders(ctx, client, wanted)
	})
}

// topic is a topic as it should be.
type topic struct {
	name   string
	detail sarama.TopicDetail
}

func (t *Topics) wanted() []topic {
	one := func(role port.Topic, partitions int32, retention time.Duration) topic {
		entry := func(value string) *string { return &value }
		return topic{name: t.cluster.TopicName(role), detail: sarama.TopicDetail{
			NumPartitions:     partitions,
			ReplicationFactor: t.settings.Replication,
			ConfigEntries: map[string]*string{
				"min.insync.replicas": entry(strconv.Itoa(int(t.settings.MinInSync))),
				"retention.ms":        entry(strconv.FormatInt(retention.Milliseconds(), 10)),
				"cleanup.policy":      entry("delete"),
				// The brokers' clock, which rises within a partition: R8 asks for offsets by time.
				"message.timestamp.type": entry("LogAppendTime"),
				"max.message.bytes":      entry(strconv.Itoa(maxMessageBytes + 4<<10)),
				// A replica that lags behind must not become leader and lose what was acknowledged.
				"unclean.leader.election.enable": entry("false"),
			},
		}}
	}
	return []topic{
		one(port.TopicRequests, t.settings.Partitions, retention),
		one(port.TopicResults, t.settings.Partitions, retention),
		one(port.TopicDeadLetter, deadLetterPartitions, deadLetterRetention),
	}
}

// ensure creates one topic where it is missing and checks it where it is there.
func ensure(admin sarama.ClusterAdmin, want topic) error {
	found, err := admin.DescribeTopics([]string{want.name})
	if err != nil {
		return fmt.Errorf("examine the topic %s: %w", want.name, err)
	}
	if len(found) == 1 && errors.Is(found[0].Err, sarama.ErrNoError) {
		return checked(want, len(found[0].Partitions))
	}
	err = admin.CreateTopic(want.name, &want.detail, false)
	if err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return fmt.Errorf("create the topic %s with %s and %s: %w", want.name,
			wording.Count(int(want.detail.NumPartitions), "partition", "partitions"), wording.Count(int(want.detail.ReplicationFactor), "replica", "replicas"), err)
	}
	return nil
}

// checked refuses a topic that has fewer partitions than it should.
func checked(want topic, partitions int) error {
	if partitions >= int(want.detail.NumPartitions) {
		return nil
	}
	return invalid("the topic %s has %s, wanted are %d: add partitions while no run is under way, or lower the setting",
		want.name, wording.Count(partitions, "partition", "partitions"), want.detail.NumPartitions)
}

// awaitLeaders waits until the brokers know every partition and its leader, which takes a little longer than creating a
// topic. A topic that somebody else created meanwhile is checked here.
func (t *Topics) awaitLeaders(ctx context.Context, client sarama.Client, wanted []topic) error {
	for _, want := range wanted {
		for {
			partitions, err := withLeaders(client, want.name)
			if err == nil {
				if err := checked(want, partitions); err != nil {
					return err
				}
				break
			}
			if ctx.Err() != nil || client.Closed() {
				return fmt.Errorf("wait for the topic %s: %w", want.name, err)
			}
			wait(ctx, 50*time.Millisecond)
		}
	}
	return nil
}

// withLeaders returns the number of a topic's partitions, or an error while one of them has no leader.
func withLeaders(client sarama.Client, name string) (int, error) {
	if err := client.RefreshMetadata(name); err != nil {
		return 0, err
	}
	partitions, err := client.Partitions(name)
	if err != nil {
		return 0, err
	}
	for _, partition := range partitions {
		if _, err := client.Leader(name, partition); err != nil {
			return 0, err
		}
	}
	return len(partitions), nil
}

// Remove deletes the topics with everything in them: for tests, and for taking an installation down.
func (t *Topics) Remove(ctx context.Context) error {
	return t.conn.use(ctx, "remove the topics", func(client sarama.Client) error {
		admin, err := sarama.NewClusterAdminFromClient(client)
		if err != nil {
			return err
		}
		for _, topic := range t.wanted() {
			err := admin.DeleteTopic(topic.name)
			if err != nil && !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
				return fmt.Errorf("delete the topic %s: %w", topic.name, err)
			}
		}
		return nil
	})
}

// Close ends the connection.
func (t *Topics) Close() error {
	t.conn.close()
	return nil
}
