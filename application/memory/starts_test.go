package memory_test

import (
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

func TestTheStarterInMemoryKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.RunStarter(t, func(testing.TB) porttest.StarterRig {
		s := &memory.RunStarter{}
		return porttest.StarterRig{Starter: s, End: s.End, Orders: s.Orders}
	})
	porttest.RunSchedules(t, func(testing.TB) port.RunSchedules { return &memory.RunSchedules{} })
}
