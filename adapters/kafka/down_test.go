package kafka_test

import (
	"context"
	"net"
	"slices"
	"testing"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
)

// telling is a log that tells of its first warning.
type telling struct {
	port.Log
	warned chan struct{}
}

func (l telling) Warn(string, ...port.Field) { close(l.warned) }

func TestAConsumerThatReachesNoBrokerSaysThatTheEventLogIsDown(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	log := telling{warned: make(chan struct{})}
	consumer, err := kafka.NewConsumer(kafka.Cluster{Brokers: []string{address}}, kafka.Group{Name: "group"}, port.TopicRequests, log, &memory.Metrics{})
	if err != nil {
		t.Fatal(err)
	}
	if down := consumer.Down(); len(down) != 0 {
		t.Fatalf("before it runs: %v", down)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- consumer.Run(ctx, func(context.Context, port.Received) {}) }()
	<-log.warned
	if down := consumer.Down(); !slices.Equal(down, []string{"event log"}) {
		t.Errorf("down: %v", down)
	}
	stop()
	<-ended
}
