package porttest_test

import (
	"context"
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

func TestTheMemoryPermitsKeepThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.Permits(t, func(testing.TB, int, int, float64) porttest.PermitsRig {
		return porttest.PermitsRig{Permits: memory.NewPermits()}
	})
}

// brokenPermits promise every bound and break what they are told to break.
type brokenPermits struct {
	slots      chan struct{}
	returnsAll bool // every release gives a place back
	blind      bool // looks at no context
}

func (b brokenPermits) Acquire(ctx context.Context) (func(port.Verdict, bool), error) {
	if ctx.Err() != nil && !b.blind {
		return nil, ctx.Err()
	}
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	released := false
	return func(port.Verdict, bool) {
		if released && !b.returnsAll {
			return
		}
		released = true
		select {
		case <-b.slots:
		default:
		}
	}, nil
}

func TestThePermitsSuiteRejectsBrokenPermits(t *testing.T) {
	t.Parallel()
	checks := porttest.PermitsChecks()
	opens := func(broken brokenPermits, slots int) func(testing.TB) porttest.PermitsBench {
		return func(testing.TB) porttest.PermitsBench {
			return func(_ testing.TB, inFlight, failures int, rate float64) porttest.PermitsRig {
				broken.slots = make(chan struct{}, slots)
				return porttest.PermitsRig{Permits: broken, InFlight: inFlight, Failures: failures, Rate: rate}
			}
		}
	}
	porttest.Reject(t, checks, opens(brokenPermits{}, 1_000),
		"holds as many as may run at once, and ends a wait with the context",
		"opens after failures in a row, tests, and closes after an answer",
		"loses no test to a wait that ended", "goes on testing after a test that made no call",
		"keeps to the rate, and gives up at once what would come too late")
	porttest.Reject(t, checks, opens(brokenPermits{returnsAll: true}, 1), "takes a permit back once, however often it is released")
	porttest.Reject(t, checks, opens(brokenPermits{blind: true}, 1_000), "gives none once the context has ended")
}
