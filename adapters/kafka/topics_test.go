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
	c := setup(t)
	withTopics(t, c, kafka.TopicSettings{Partitions: 3})
	more, err := kafka.NewTopics(c.Cluster, kafka.TopicSettings{Partitions: 5, Replication: 1})
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
	fewer, err := kafka.NewTopics(c.Cluster, kafka.TopicSettings{Partitions: 2, Replication: 1})
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
	c := setup(t)
	ends := make(chan error, 4)
	for range cap(ends) {
		go func() {
			topics, err := kafka.NewTopics(c.Cluster, kafka.TopicSettings{Partitions: 3, Replication: 1})
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
	c := setup(t)
	answers := publisher(t, c).Publish(within(t, 10*time.Second), port.TopicRequests, []port.Message{{Key: "1"}})
	if err := answers[0]; !errors.Is(err, port.ErrUnavailable) {
		t.Fatalf("publish to a topic that is not there: %v, want port.ErrUnavailable", err)
	}
	withTopics(t, c, kafka.TopicSettings{Partitions: 3}) // would find one partition, had it been made by accident
}
