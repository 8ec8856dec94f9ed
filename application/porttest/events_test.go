package porttest_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

// memoryEvents opens a log in memory.
func memoryEvents(testing.TB) porttest.EventLog {
	clock := memory.NewClock(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
	broker := memory.NewBroker(4, clock)
	return porttest.EventLog{
		Publisher:  broker.Publisher(),
		Topics:     broker.Topics(),
		Consumer:   func(group string) port.Consumer { return broker.Consumer(group, port.TopicRequests) },
		Group:      broker.Group,
		Reader:     broker.Reader(),
		Partitions: 4,
		Tick:       func() { clock.Advance(10 * time.Millisecond) },
	}
}

func TestTheMemoryBrokerIsALogOfEvents(t *testing.T) {
	t.Parallel()
	porttest.Events(t, memoryEvents)
}
