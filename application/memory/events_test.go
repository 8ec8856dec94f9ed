package memory_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
)

func newBroker() *memory.Broker {
	return memory.NewBroker(2, memory.NewClock(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)))
}

func TestALostAcknowledgementLeavesTheMessageInTheLogAndADropDoesNot(t *testing.T) {
	t.Parallel()
	b := newBroker()
	b.SetFault(func(_ port.Topic, m port.Message) memory.Fault {
		return map[string]memory.Fault{"lost": memory.FaultAckLost, "dropped": memory.FaultDropped}[m.Key]
	})
	answers := b.Publisher().Publish(t.Context(), port.TopicResults, []port.Message{{Key: "lost"}, {Key: "dropped"}, {Key: "fine"}})
	if !errors.Is(answers[0], port.ErrUnavailable) || !errors.Is(answers[1], port.ErrUnavailable) || answers[2] != nil {
		t.Errorf("answers: %v", answers)
	}
	in := make(map[string]bool)
	for _, m := range b.Messages(port.TopicResults) {
		in[m.Key] = true
	}
	if !in["lost"] || in["dropped"] || !in["fine"] {
		t.Errorf("in the log: %v", in)
	}
}

func TestABrokerThatIsDownTakesNothingGivesNothingAndCommitsNothing(t *testing.T) {
	t.Parallel()
	b := newBroker()
	one, two := port.Message{Key: "k", Value: []byte("1")}, port.Message{Key: "k", Value: []byte("2")}
	b.Publisher().Publish(t.Context(), port.TopicRequests, []port.Message{one})
	ctx, cancel := context.WithCancel(t.Context())
	got, ended := make(chan port.Received, 2), make(chan error, 1)
	go func() {
		ended <- b.Consumer("g", port.TopicRequests).Run(ctx, func(_ context.Context, m port.Received) { got <- m })
	}()
	first := <-got
	b.SetDown(true)
	first.Done()
	if answers := b.Publisher().Publish(t.Context(), port.TopicRequests, []port.Message{two}); !errors.Is(answers[0], port.ErrUnavailable) {
		t.Errorf("publish while it is down: %v", answers[0])
	}
	if _, err := b.Group("g").Position(t.Context()); !errors.Is(err, port.ErrUnavailable) {
		t.Errorf("lag while it is down: %v", err)
	}
	if err := b.Topics().Ensure(t.Context()); !errors.Is(err, port.ErrUnavailable) {
		t.Errorf("ensure while it is down: %v", err)
	}
	b.SetDown(false)
	if at, err := b.Group("g").Position(t.Context()); err != nil || at.Lag != 0 {
		t.Errorf("once it is up again the done message is committed: lag %d, %v", at.Lag, err)
	}
	b.Publisher().Publish(t.Context(), port.TopicRequests, []port.Message{two})
	if m := <-got; string(m.Value) != "2" {
		t.Errorf("got %q", m.Value)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
}

func TestWhatIsDoneAfterThePartitionWasLetGoIsNotCommitted(t *testing.T) {
	t.Parallel()
	b := newBroker()
	b.Publisher().Publish(t.Context(), port.TopicRequests, []port.Message{{Key: "k"}})
	ctx, cancel := context.WithCancel(t.Context())
	var late port.Received
	_ = b.Consumer("g", port.TopicRequests).Run(ctx, func(_ context.Context, m port.Received) {
		late = m
		cancel()
	})
	late.Done()
	if at, err := b.Group("g").Position(t.Context()); err != nil || at.Lag != 1 {
		t.Errorf("lag %d, %v; want 1", at.Lag, err)
	}
}
