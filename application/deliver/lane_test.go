package deliver

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsong/balsong/application/port"
)

// farPermits are those of a provider whose next call lies behind every deadline: who has one is told at once.
type farPermits struct{ asked atomic.Int32 }

func (p *farPermits) HeldBack() bool { return false }

func (p *farPermits) Acquire(ctx context.Context) (port.Permit, error) {
	p.asked.Add(1)
	if _, bounded := ctx.Deadline(); bounded {
		return nil, context.DeadlineExceeded
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// At a rate of less than a call a second, no permit is there within any of the waits.
func TestAMessageWaitsBetweenItsLooksAtProvidersWithALowRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow, spare := &farPermits{}, &farPermits{}
		l := &lane{providers: []*provider{{permits: slow, weight: 1}, {permits: spare, weight: 1}}}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*lookAgain, cancel)
		if _, permit, err := l.acquire(ctx); permit != nil || err == nil {
			t.Errorf("a permit, %v", err)
		}
		if n := slow.asked.Load() + spare.asked.Load(); n > 40 {
			t.Errorf("the providers were asked %d times in 10 s", n)
		}
	})
}
