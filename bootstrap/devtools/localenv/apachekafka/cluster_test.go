package apachekafka_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/apachekafka"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child/childtest"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedkafka/kafkatest"
)

// running is what the process that a test kills tells of its cluster.
type running struct {
	PID int `json:"pid"`
}

var owner = child.Register("test-owner", func(ctx context.Context, link *child.Link) error {
	ctx, err := link.Spec(ctx, &running{})
	if err != nil {
		return err
	}
	cluster, err := apachekafka.Start(ctx, apachekafka.Options{Log: os.Stderr})
	if err != nil {
		return err
	}
	if err := link.Ready(running{PID: cluster.Brokers()[0].PID()}); err != nil {
		return err
	}
	<-ctx.Done()
	return cluster.Stop()
})

func TestMain(m *testing.M) {
	child.Main()
	os.Exit(m.Run())
}

// needKafka skips on a laptop without Java, and fails in CI.
func needKafka(t *testing.T) {
	t.Helper()
	cache, err := cachedir.Default()
	if err != nil {
		t.Fatal(err)
	}
	if err := apachekafka.Available(cache); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("NOT TESTED: ", err)
	}
}

func start(t *testing.T, options apachekafka.Options) *apachekafka.Cluster {
	t.Helper()
	needKafka(t)
	options.Log = t.Output()
	cluster, err := apachekafka.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
		for _, broker := range cluster.Brokers() {
			childtest.WaitGone(t, broker.PID())
		}
	})
	return cluster
}

func TestBrokerServesSaramaAndSurvivesKills(t *testing.T) {
	t.Parallel()
	cluster := start(t, apachekafka.Options{DataDir: t.TempDir()})
	addrs := cluster.Addrs()
	kafkatest.CreateTopic(t, addrs, "topic", 4, 1)
	kafkatest.Produce(t, addrs, "topic")
	kafkatest.ConsumeRound(t, addrs, "topic", "group")
	kafkatest.CheckOffsetsByTime(t, addrs, "topic", 4)
	kafkatest.CheckNoAccidentalTopic(t, addrs)
	kafkatest.Produce(t, addrs, "topic")
	broker := cluster.Brokers()[0]
	if err := broker.Restart(t.Context()); !errors.Is(err, child.ErrRunning) {
		t.Errorf("Restart of a running broker: %v, want ErrRunning", err)
	}
	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := broker.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	kafkatest.ConsumeRound(t, addrs, "topic", "group")
}

func TestBrokerEndsWithTheKilledOwner(t *testing.T) {
	t.Parallel()
	needKafka(t)
	p, err := child.Start(t.Context(), child.Options{Role: owner, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	var r running
	if err := p.Info(&r); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	childtest.WaitGone(t, r.PID)
}

// With three brokers, two must have a record before it is acknowledged: one
// may die, two may not.
func TestReplicasDecideWhatIsAcknowledged(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs three brokers")
	}
	cluster := start(t, apachekafka.Options{
		Brokers: 3, HeapMiB: 192, Settings: map[string]string{"min.insync.replicas": "2"},
	})
	kafkatest.CreateTopic(t, cluster.Addrs(), "topic", 1, 3)
	brokers := cluster.Brokers()
	if err := brokers[2].Kill(); err != nil {
		t.Fatal(err)
	}
	kafkatest.Produce(t, cluster.Addrs(), "topic")
	if err := brokers[1].Kill(); err != nil {
		t.Fatal(err)
	}
	config := kafkatest.Config()
	config.Producer.Timeout = time.Second
	config.Producer.Retry.Max = 1
	config.Net.ReadTimeout = 5 * time.Second
	producer, err := sarama.NewSyncProducer(cluster.Addrs()[:1], config)
	if err == nil { // without a majority of controllers even that may fail
		defer func() { _ = producer.Close() }()
		_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: "topic", Value: sarama.StringEncoder("lost?")})
	}
	if err == nil {
		t.Error("a record with one replica left was acknowledged")
	}
}
