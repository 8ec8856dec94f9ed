package kafka_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/kafka"
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

// config is a config of its own for a test, with topics of its own, quick to notice what happens in the group.
func config(t testing.TB) kafka.Config {
	t.Helper()
	return kafka.Config{
		Brokers:           brokers(t),
		ClientID:          "balsong-test",
		TopicPrefix:       "test-" + strings.ToLower(rand.Text()) + "-",
		CommitInterval:    50 * time.Millisecond,
		SessionTimeout:    6 * time.Second,
		HeartbeatInterval: 100 * time.Millisecond,
	}
}

// withTopics makes the topics of a config and removes them at the end of the test.
func withTopics(t testing.TB, config kafka.Config, settings kafka.TopicSettings) *kafka.Topics {
	t.Helper()
	settings.Replication = 1
	topics, err := kafka.NewTopics(config, settings)
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

func publisher(t testing.TB, config kafka.Config) *kafka.Publisher {
	t.Helper()
	p, err := kafka.NewPublisher(config)
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
