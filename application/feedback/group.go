package feedback

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

const (
	// atOnce is how many transactions store reports at the same time: what comes meanwhile is the next one's.
	atOnce = 2
	// storeLimit is how long one of them may take.
	storeLimit = 30 * time.Second
)

// group lets requests that come at about the same time share a commit: each has few reports, and a commit costs the same for one as for
// a thousand. A request that comes alone waits for nobody.
type group struct {
	store func(ctx context.Context, reports []report.Report) error // at most port.MaxReports

	mu      sync.Mutex
	waiting []request // at most port.MaxReports each
	running int       // transactions
}

type request struct {
	reports []report.Report
	done    chan error // takes one
}

// do stores at most port.MaxReports reports. Where the context ends first, its error is returned, and they may be stored all the same.
func (g *group) do(ctx context.Context, reports []report.Report) error {
	r := request{reports, make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, r)
	if g.running < atOnce {
		g.running++
		go g.work(context.WithoutCancel(ctx))
	}
	g.mu.Unlock()
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work stores until nothing waits.
func (g *group) work(ctx context.Context) {
	for some := g.take(); len(some) > 0; some = g.take() {
		g.storeAll(ctx, some)
	}
}

// take takes as many requests as fit into one transaction; none: the caller is over.
func (g *group) take() []request {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, reports := 0, 0
	for ; n < len(g.waiting); n++ {
		if reports += len(g.waiting[n].reports); n > 0 && reports > port.MaxReports {
			break
		}
	}
	if n == 0 {
		g.running--
		g.waiting = nil
		return nil
	}
	some := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return some
}

// storeAll stores the reports of requests in one transaction. Where that fails although the database answers, each is stored by itself, so
// that none fails because of another one.
func (g *group) storeAll(ctx context.Context, some []request) {
	var all []report.Report
	for _, r := range some {
		all = append(all, r.reports...)
	}
	err := g.limited(ctx, all)
	alone := err != nil && len(some) > 1 && !errors.Is(err, port.ErrUnavailable) && !errors.Is(err, port.ErrConflict) && !errors.Is(err, port.ErrCommitUnknown)
	for _, r := range some {
		if alone {
			err = g.limited(ctx, r.reports)
		}
		r.done <- err
	}
}

func (g *group) limited(ctx context.Context, reports []report.Report) error {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	return g.store(ctx, reports)
}
