package kafka_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/port"
)

func TestEnsureSaysWhichTopicHasTooFewPartitions(t *testing.T) {
	t.Parallel()
	c := config(t)
	withTopics(t, c, kafka.TopicSettings{Partitions: 3})
	more, err := kafka.NewTopics(c, kafka.TopicSettings{Partitions: 5, Replication: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer more.Close()
	err = more.Ensure(within(t, 10*time.Second))
	if !errors.Is(err, port.ErrInvalid) || errors.Is(err, port.ErrUnavailable) {
		t.Fatalf("ensure with more partitions than there are: %v, want port.ErrInvalid", err)
	}
	for _, word := range []string{c.TopicName(port.TopicRequests), "3", "5"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not name %q: %v", word, err)
		}
	}
	fewer, err := kafka.NewTopics(c, kafka.TopicSettings{Partitions: 2, Replication: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer fewer.Close()
	if err := fewer.Ensure(within(t, 10*time.Second)); err != nil {
		t.Errorf("ensure with fewer partitions than there are: %v", err)
	}
}

func TestEnsureMayRunTwiceAndInSeveralProcessesAtOnce(t *testing.T) {
	t.Parallel()
	c := config(t)
	ends := make(chan error, 4)
	for range cap(ends) {
		go func() {
			topics, err := kafka.NewTopics(c, kafka.TopicSettings{Partitions: 3, Replication: 1})
			if err == nil {
				err = topics.Ensure(within(t, 20*time.Second))
				_ = topics.Close()
			}
			ends <- err
		}()
	}
	for range cap(ends) {
		if err := <-ends; err != nil {
			t.Errorf("ensure at once: %v", err)
		}
	}
	withTopics(t, c, kafka.TopicSettings{Partitions: 3})
}

func TestWithoutEnsureNoTopicComesIntoBeing(t *testing.T) {
	t.Parallel()
	c := config(t)
	answers := publisher(t, c).Publish(within(t, 10*time.Second), port.TopicRequests, []port.Message{{Key: "1"}})
	if err := answers[0]; !errors.Is(err, port.ErrUnavailable) {
		t.Fatalf("publish to a topic that is not there: %v, want port.ErrUnavailable", err)
	}
	withTopics(t, c, kafka.TopicSettings{Partitions: 3}) // would find one partition, had it been made by accident
}

func TestInvalidTopicConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]kafka.TopicSettings{
		"no partitions":                     {Partitions: -1},
		"more in sync than replicas":        {Replication: 1, MinInSync: 2},
		"a retention that keeps nothing":    {Retention: time.Second},
		"no partitions of the dead letters": {DeadLetterPartitions: -1},
		"a negative number of replicas":     {Replication: -1, MinInSync: 1},
	} {
		if _, err := kafka.NewTopics(kafka.Config{Brokers: []string{"127.0.0.1:1"}}, settings); !errors.Is(err, port.ErrInvalid) {
			t.Errorf("%s: %v, want port.ErrInvalid", name, err)
		}
	}
}
