package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
)

func batch(from, n int) []port.Message {
	all := make([]port.Message, 0, n)
	for i := from; i < from+n; i++ {
		all = append(all, port.Message{Key: fmt.Sprint(i), Value: fmt.Appendf(nil, "%d", i)})
	}
	return all
}

func unacknowledged(answers []error) []error {
	var failed []error
	for _, err := range answers {
		if err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

// until asks until the answer is yes.
func until(t *testing.T, what string, ask func() bool) {
	t.Helper()
	waittest.Wait{Limit: 40 * time.Second}.Until(t, what, ask)
}

// member runs a consumer that finishes everything and tells what it got.
func member(t *testing.T, c rig, group string) (got chan port.Received, leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	got, ended := make(chan port.Received, 100_000), make(chan struct{})
	consumer := consumer(t, c, group)
	go func() {
		defer close(ended)
		_ = consumer.Run(ctx, func(_ context.Context, m port.Received) {
			m.Done()
			got <- m
		})
	}()
	leave = func() {
		cancel()
		<-ended
	}
	t.Cleanup(leave)
	return got, leave
}

func receive(t *testing.T, from <-chan port.Received, n int) {
	t.Helper()
	deadline := time.NewTimer(40 * time.Second)
	defer deadline.Stop()
	seen := make(map[string]bool)
	for len(seen) < n {
		select {
		case m := <-from:
			seen[string(m.Value)] = true
		case <-deadline.C:
			t.Fatalf("%d of %d messages came", len(seen), n)
		}
	}
}

func TestAPublisherOutlivesBrokersThatAreDownAtItsStart(t *testing.T) {
	t.Parallel()
	c := setup(t)
	withTopics(t, c, kafka.TopicSettings{Partitions: 3})
	c, net := overNetwork(t, c)
	net.set(refuses)
	p := publisher(t, c)
	for range 3 {
		answers := p.Publish(within(t, 3*time.Second), port.TopicRequests, batch(0, 5))
		if failed := unacknowledged(answers); len(failed) != 5 || !errors.Is(failed[0], port.ErrUnavailable) {
			t.Fatalf("publish without brokers: %v", answers)
		}
	}
	net.set(works)
	until(t, "the publisher connects by itself", func() bool {
		return len(unacknowledged(p.Publish(within(t, 3*time.Second), port.TopicRequests, batch(0, 5)))) == 0 && len(c.at(memory.LevelInfo)) > 0
	})
	if warned := c.at(memory.LevelWarn); len(warned) != 1 {
		t.Errorf("the outage was told %d times: %v", len(warned), warned)
	}
}

func TestPublishReturnsWithItsContextWhenTheNetworkSwallowsEverything(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mode{"no byte passes": stalls, "answers are lost": swallows} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := setup(t)
			withTopics(t, c, kafka.TopicSettings{Partitions: 3})
			c.Timeouts.Close = time.Second
			c, net := overNetwork(t, c)
			p := publisher(t, c)
			if failed := unacknowledged(p.Publish(within(t, 10*time.Second), port.TopicRequests, batch(0, 50))); len(failed) > 0 {
				t.Fatalf("publish: %v", failed[0])
			}
			net.set(fault)
			started := time.Now()
			failed := unacknowledged(p.Publish(within(t, 1500*time.Millisecond), port.TopicRequests, batch(50, 2000)))
			if took := time.Since(started); took > 2500*time.Millisecond {
				t.Errorf("Publish returned after %v, its context had 1.5 s", took)
			}
			if len(failed) != 2000 || !errors.Is(failed[0], port.ErrUnavailable) || !errors.Is(failed[0], context.DeadlineExceeded) {
				t.Fatalf("%d of 2000 failed, the first with: %v", len(failed), failed[0])
			}
			net.set(works)
			until(t, "the publisher goes on", func() bool {
				return len(unacknowledged(p.Publish(within(t, 3*time.Second), port.TopicRequests, batch(50, 2000)))) == 0
			})
			got, _ := member(t, c, "g")
			receive(t, got, 2050)
		})
	}
}

func TestCutConnectionsLoseNoAcknowledgedMessage(t *testing.T) {
	t.Parallel()
	c := setup(t)
	withTopics(t, c, kafka.TopicSettings{Partitions: 3})
	c, net := overNetwork(t, c)
	p := publisher(t, c)
	got, _ := member(t, c, "g")
	const pages, page = 40, 100
	for i := range pages {
		if i%4 == 3 {
			go net.cut()
		}
		until(t, "the page is acknowledged", func() bool {
			return len(unacknowledged(p.Publish(within(t, 10*time.Second), port.TopicRequests, batch(i*page, page)))) == 0
		})
	}
	receive(t, got, pages*page)
}

func TestAConsumerOutlivesBrokersThatAreDownAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	c := setup(t)
	withTopics(t, c, kafka.TopicSettings{Partitions: 3})
	direct := publisher(t, c)
	direct.Publish(within(t, 10*time.Second), port.TopicRequests, batch(0, 100))
	c, net := overNetwork(t, c)
	net.set(refuses)
	got, _ := member(t, c, "g")
	until(t, "the outage is told", func() bool { return len(c.at(memory.LevelWarn)) > 0 })
	net.set(works)
	receive(t, got, 100)
	until(t, "the end of the outage is told", func() bool { return len(c.at(memory.LevelInfo)) > 0 })

	net.set(refuses)
	until(t, "the second outage is told", func() bool { return len(c.at(memory.LevelWarn)) > 1 })
	direct.Publish(within(t, 10*time.Second), port.TopicRequests, batch(100, 100))
	net.set(works)
	receive(t, got, 100)
	until(t, "the end of the second outage is told", func() bool { return len(c.at(memory.LevelInfo)) > 1 })
	if warned := c.at(memory.LevelWarn); len(warned) != 2 {
		t.Errorf("two outages were told %d times: %v", len(warned), warned)
	}
}

func TestRunReturnsWithItsContextWhenTheNetworkStalls(t *testing.T) {
	t.Parallel()
	c := setup(t)
	withTopics(t, c, kafka.TopicSettings{Partitions: 3})
	publisher(t, c).Publish(within(t, 10*time.Second), port.TopicRequests, batch(0, 10))
	c.Timeouts.Close = 500 * time.Millisecond
	c, net := overNetwork(t, c)
	got, leave := member(t, c, "g")
	receive(t, got, 10)
	net.set(stalls)
	started := time.Now()
	leave()
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("Run returned %v after its context had ended", took)
	}
}

func TestProgressAndTopicsReturnWithTheirContextWhenTheNetworkStalls(t *testing.T) {
	t.Parallel()
	c := setup(t)
	withTopics(t, c, kafka.TopicSettings{Partitions: 3})
	c, net := overNetwork(t, c)
	p := progress(t, c, "g")
	topics, err := kafka.NewTopics(c.Cluster, kafka.TopicSettings{Partitions: 3, Replication: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer topics.Close()
	until(t, "progress answers", func() bool { // a group that nobody has asked for yet may have no coordinator for a moment
		_, err := p.Position(within(t, 10*time.Second))
		return err == nil
	})
	net.set(stalls)
	started := time.Now()
	if _, err := p.Position(within(t, 300*time.Millisecond)); !errors.Is(err, port.ErrUnavailable) {
		t.Errorf("lag while the network stalls: %v", err)
	}
	if err := topics.Ensure(within(t, 300*time.Millisecond)); !errors.Is(err, port.ErrUnavailable) {
		t.Errorf("ensure while the network stalls: %v", err)
	}
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("both took %v, their contexts had 0.3 s each", took)
	}
	net.set(works)
	until(t, "progress answers again", func() bool {
		_, err := p.Position(within(t, 5*time.Second))
		return err == nil
	})
}

func TestACommittedOffsetThatIsGoneIsToldAndNeverSkipped(t *testing.T) {
	t.Parallel()
	c := setup(t)
	withTopics(t, c, kafka.TopicSettings{Partitions: 2})
	p := publisher(t, c)
	publish := func(from, n int) {
		t.Helper()
		if failed := unacknowledged(p.Publish(within(t, 10*time.Second), port.TopicRequests, batch(from, n))); len(failed) > 0 {
			t.Fatalf("publish: %v", failed[0])
		}
	}
	publish(0, 40)
	got, leave := member(t, c, "g")
	receive(t, got, 40)
	leave()
	publish(40, 60)
	name := c.TopicName(port.TopicRequests)
	client, err := sarama.NewClient(c.Brokers, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	end, err := client.GetOffset(name, 0, sarama.OffsetNewest)
	if err != nil {
		t.Fatal(err)
	}
	before := committed(t, admin, c, name)
	if err := admin.DeleteRecords(name, map[int32]int64{0: end - 1}); err != nil {
		t.Fatalf("delete the records of partition 0: %v", err)
	}

	got, leave = member(t, c, "g")
	until(t, "the loss is told", func() bool { return len(c.at(memory.LevelError)) > 0 })
	for m := range got {
		if m.Partition == 0 {
			t.Fatalf("offset %d of the partition with the gap was handed out", m.Offset)
		}
		if len(got) == 0 {
			break
		}
	}
	leave()
	told := c.at(memory.LevelError)
	if len(told) != 1 || told[0].Field("partition") != int64(0) || told[0].Field("committed") != before[0] || told[0].Field("oldest") != end-1 {
		t.Errorf("told: %v", told)
	}
	after := committed(t, admin, c, name)
	if after[0] != before[0] {
		t.Errorf("the committed offset moved from %d to %d over lost messages", before[0], after[0])
	}
	if after[1] <= before[1] {
		t.Errorf("the other partition stands still at %d", after[1])
	}
}

func committed(t *testing.T, admin sarama.ClusterAdmin, c rig, topic string) [2]int64 {
	t.Helper()
	answer, err := admin.ListConsumerGroupOffsets(c.GroupName("g"), map[string][]int32{topic: {0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return [2]int64{answer.GetBlock(topic, 0).Offset, answer.GetBlock(topic, 1).Offset}
}

func TestAMessageThatIsTooLargeIsRefusedAloneAndForGood(t *testing.T) {
	t.Parallel()
	c := setup(t)
	withTopics(t, c, kafka.TopicSettings{Partitions: 2})
	all := batch(0, 3)
	all[1].Value = make([]byte, 2<<20)
	answers := publisher(t, c).Publish(within(t, 10*time.Second), port.TopicRequests, all)
	if answers[0] != nil || answers[2] != nil || !errors.Is(answers[1], port.ErrInvalid) || errors.Is(answers[1], port.ErrUnavailable) {
		t.Errorf("answers: %v", answers)
	}
}

func TestALogOfWhichEverythingWasRemovedReachesBackToNoTimeBefore(t *testing.T) {
	t.Parallel()
	c := setup(t)
	withTopics(t, c, kafka.TopicSettings{Partitions: 1})
	if failed := unacknowledged(publisher(t, c).Publish(within(t, 10*time.Second), port.TopicRequests, batch(0, 10))); len(failed) > 0 {
		t.Fatalf("publish: %v", failed[0])
	}
	published := time.Now()
	admin, err := sarama.NewClusterAdmin(c.Brokers, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	read := func() port.LogSpan {
		t.Helper()
		span, err := reader(t, c).Read(within(t, 10*time.Second), port.TopicRequests, time.Time{}, func(context.Context, []port.Received) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return span
	}
	if span := read(); span.Messages != 10 || !span.From.IsZero() {
		t.Errorf("with everything: %+v", span)
	}
	if err := admin.DeleteRecords(c.TopicName(port.TopicRequests), map[int32]int64{0: 4}); err != nil {
		t.Fatal(err)
	}
	if span := read(); span.Messages != 6 || span.From.IsZero() || span.From.After(published) {
		t.Errorf("with the first four removed: %+v", span)
	}
	if err := admin.DeleteRecords(c.TopicName(port.TopicRequests), map[int32]int64{0: 10}); err != nil {
		t.Fatal(err)
	}
	if span := read(); span.Messages != 0 || span.From.Before(published) {
		t.Errorf("with everything removed: %+v, want that nothing is known of before now", span)
	}
}
