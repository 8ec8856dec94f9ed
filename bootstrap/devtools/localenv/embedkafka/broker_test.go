package embedkafka_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedkafka"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedkafka/kafkatest"
)

// running is what the process that a test kills tells of its broker.
type running struct {
	DataDir string   `json:"data_dir"`
	Addrs   []string `json:"addrs"`
}

var owner = child.Register("test-owner", func(ctx context.Context, link *child.Link) error {
	var r running
	ctx, err := link.Spec(ctx, &r)
	if err != nil {
		return err
	}
	broker, err := embedkafka.Start(embedkafka.Options{DataDir: r.DataDir})
	if err != nil {
		return err
	}
	if err := link.Ready(running{Addrs: broker.Addrs()}); err != nil {
		return err
	}
	<-ctx.Done()
	return broker.Stop()
})

func TestMain(m *testing.M) {
	child.Main()
	os.Exit(m.Run())
}

func start(t *testing.T, options embedkafka.Options) *embedkafka.Broker {
	t.Helper()
	options.Log = t.Output()
	broker, err := embedkafka.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Stop(); err != nil {
			t.Error(err)
		}
	})
	return broker
}

func TestBrokerServesSarama(t *testing.T) {
	t.Parallel()
	addrs := start(t, embedkafka.Options{}).Addrs()
	kafkatest.CreateTopic(t, addrs, "topic", 4, 1)
	kafkatest.Produce(t, addrs, "topic")
	kafkatest.ConsumeRound(t, addrs, "topic", "group")
	kafkatest.CheckOffsetsByTime(t, addrs, "topic", 4)
	kafkatest.CheckNoAccidentalTopic(t, addrs)
}

func TestRestartedBrokerHasItsPortRecordsAndOffsets(t *testing.T) {
	t.Parallel()
	broker := start(t, embedkafka.Options{DataDir: t.TempDir()})
	addrs := broker.Addrs()
	kafkatest.CreateTopic(t, addrs, "topic", 4, 1)
	kafkatest.Produce(t, addrs, "topic")
	kafkatest.ConsumeRound(t, addrs, "topic", "group")
	kafkatest.Produce(t, addrs, "topic")
	if err := broker.Restart(); !errors.Is(err, embedkafka.ErrRunning) {
		t.Errorf("Restart of a running broker: %v, want ErrRunning", err)
	}
	if err := broker.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := broker.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := broker.Addrs()[0]; got != addrs[0] {
		t.Fatalf("address changed from %s to %s", addrs[0], got)
	}
	kafkatest.ConsumeRound(t, addrs, "topic", "group")
	kafkatest.Produce(t, addrs, "topic")
	kafkatest.ConsumeRound(t, addrs, "topic", "group")
}

func TestRecordsAndOffsetsOutliveTheKilledOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, err := child.Start(t.Context(), child.Options{Role: owner, Spec: running{DataDir: dir}, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	var r running
	if err := p.Info(&r); err != nil {
		t.Fatal(err)
	}
	kafkatest.CreateTopic(t, r.Addrs, "topic", 4, 1)
	kafkatest.Produce(t, r.Addrs, "topic")
	kafkatest.ConsumeRound(t, r.Addrs, "topic", "group")
	kafkatest.Produce(t, r.Addrs, "topic")
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	broker := start(t, embedkafka.Options{DataDir: dir})
	kafkatest.ConsumeRound(t, broker.Addrs(), "topic", "group")
}
