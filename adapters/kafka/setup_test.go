package kafka_test

import (
	"context"
	"crypto/rand"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/memory"
)

// brokers are the real brokers that the tests talk to.
func brokers(t testing.TB) []string {
	t.Helper()
	list := os.Getenv("BALSONG_TEST_KAFKA_BROKERS")
	if list == "" {
		t.Fatal("no brokers: run through `make test`, or set BALSONG_TEST_KAFKA_BROKERS to host:port,…")
	}
	return strings.Split(list, ",")
}

// rig is a cluster with topics and groups of a test's own, and what is logged.
type rig struct {
	kafka.Cluster
	log *memory.Log
}

func setup(t testing.TB) rig {
	t.Helper()
	return rig{log: &memory.Log{}, Cluster: kafka.Cluster{
		Brokers: brokers(t), ClientID: "balsong-test", Prefix: "test-" + strings.ToLower(rand.Text()) + "-",
	}}
}

// at returns the lines of a level.
func (r rig) at(level memory.Level) []memory.Line {
	return slices.DeleteFunc(r.log.Lines(), func(line memory.Line) bool { return line.Level != level })
}

// group is quick to notice what happens in it.
func group(name string) kafka.Group {
	return kafka.Group{Name: name, CommitInterval: 50 * time.Millisecond, SessionTimeout: 6 * time.Second, HeartbeatInterval: 100 * time.Millisecond}
}

// withTopics makes the topics of a rig and removes them at the end of the test.
func withTopics(t testing.TB, r rig, settings kafka.TopicSettings) *kafka.Topics {
	t.Helper()
	settings.Replication = 1
	topics, err := kafka.NewTopics(r.Cluster, settings)
	if err != nil {
		t.Fatalf("topics: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := topics.Remove(ctx); err != nil {
			t.Errorf("remove the topics: %v", err)
		}
		_ = topics.Close()
	})
	if err := topics.Ensure(within(t, 20*time.Second)); err != nil {
		t.Fatalf("make the topics: %v", err)
	}
	return topics
}

func publisher(t testing.TB, r rig) *kafka.Publisher {
	t.Helper()
	p, err := kafka.NewPublisher(r.Cluster, r.log, &memory.Metrics{})
	if err != nil {
		t.Fatalf("publisher: %v", err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
