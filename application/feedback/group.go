package feedback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

const (
	// atOnce is how many transactions store reports at the same time: what comes meanwhile is the next one's.
	atOnce = 2
	// storeLimit is how long one of them may take.
	storeLimit = 30 * time.Second
	// mostWaiting is how many reports wait for a transaction: more come only while the database hangs.
	mostWaiting = 10 * port.MaxReports
)

var errWaiting = fmt.Errorf("%w: %d reports wait to be stored", port.ErrUnavailable, mostWaiting)

// group lets requests that come at about the same time share a commit: each has few reports, and a commit costs the same for one as for
// a thousand. A request that comes alone waits for nobody.
type group struct {
	store func(ctx context.Context, reports []report.Report) error // at most port.MaxReports

	mu      sync.Mutex
	waiting []request // at most port.MaxReports each, and mostWaiting together
	running int       // transactions
}

type request struct {
	reports []report.Report
	done    chan error // takes one
}

// do stores at most port.MaxReports reports. Where the context ends first, its error is returned: the reports wait no longer, and may be
// stored all the same where their transaction had begun. ErrUnavailable where too many wait.
func (g *group) do(ctx context.Context, reports []report.Report) error {
	r := request{reports, make(chan error, 1)}
	if !g.add(ctx, r) {
		return errWaiting
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		g.giveUp(r)
		return ctx.Err()
	}
}

// add lets a request wait for a transaction; false where too many do.
func (g *group) add(ctx context.Context, r request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	reports := len(r.reports)
	for _, other := range g.waiting {
		reports += len(other.reports)
	}
	if reports > mostWaiting {
		return false
	}
	g.waiting = append(g.waiting, r)
	if g.running < atOnce {
		g.running++
		go g.work(context.WithoutCancel(ctx))
	}
	return true
}

// giveUp takes a request out of those that wait, if it is among them: whoever sent it comes again, and each repetition would wait too.
func (g *group) giveUp(r request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = slices.DeleteFunc(g.waiting, func(other request) bool { return other.done == r.done })
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

// limited stores reports within storeLimit. Where that panics they are refused (ErrInvalid): the process would end, and whoever sent them
// comes again.
func (g *group) limited(ctx context.Context, reports []report.Report) error {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	return guarded(func() error { return g.store(ctx, reports) })
}

// guarded calls do. Where that panics it is an error of what was given (ErrInvalid).
func guarded(do func() error) error {
	err := outage.Guarded(do)
	if errors.Is(err, outage.ErrPanic) {
		return fmt.Errorf("%w: %w", port.ErrInvalid, err)
	}
	return err
}
