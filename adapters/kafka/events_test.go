package kafka_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

// events opens a log of events of its own on the real brokers.
func events(t testing.TB) porttest.EventLog {
	t.Helper()
	c := setup(t)
	topics := withTopics(t, c, kafka.TopicSettings{Partitions: 4})
	return porttest.EventLog{
		Publisher:  publisher(t, c),
		Topics:     topics,
		Consumer:   func(group string) port.Consumer { return consumer(t, c, group) },
		Group:      func(name string) port.ConsumerGroup { return progress(t, c, name) },
		Reader:     reader(t, c),
		Partitions: 4,
		Tick:       func() { <-time.After(3 * time.Millisecond) },
	}
}

func TestKafkaIsALogOfEvents(t *testing.T) {
	t.Parallel()
	porttest.Events(t, events)
}

// consumer is a member of the group of that name, which no other test has.
func consumer(t testing.TB, c rig, name string) *kafka.Consumer {
	t.Helper()
	made, err := kafka.NewConsumer(c.Cluster, group(name), port.TopicRequests, c.log, &memory.Metrics{})
	if err != nil {
		t.Fatalf("consumer: %v", err)
	}
	return made
}

func reader(t testing.TB, c rig) *kafka.Reader {
	t.Helper()
	made, err := kafka.NewReader(c.Cluster)
	if err != nil {
		t.Fatalf("reader: %v", err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

func progress(t testing.TB, c rig, group string) *kafka.ConsumerGroup {
	t.Helper()
	made, err := kafka.NewConsumerGroup(c.Cluster, group)
	if err != nil {
		t.Fatalf("progress: %v", err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}
