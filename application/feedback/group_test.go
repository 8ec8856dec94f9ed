package feedback_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/balsong/balsong/application/feedback"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

// gate is a store that holds its transactions until it is opened, and refuses some reports.
type gate struct {
	port.Reports
	open    chan struct{}
	refuses string // id of a report

	mu     sync.Mutex
	stored []int // reports of each transaction
}

var errRefused = errors.New("refused")

func (g *gate) Store(ctx context.Context, reports []report.Report) (port.StoredReports, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	if slices.ContainsFunc(reports, func(r report.Report) bool { return r.ID == g.refuses }) {
		return port.StoredReports{}, errRefused
	}
	g.stored = append(g.stored, len(reports))
	return g.Reports.Store(ctx, reports)
}

// together are requests that come at the same time, each with one report; it returns what each gets once the gate is open.
func together(t *testing.T, w *world, g *gate, reports []report.Report) []error {
	t.Helper()
	g.Reports, g.open = w.store.Reports(), make(chan struct{})
	service := feedback.New(feedback.Ports{Reports: g, Sweeps: w.store.Sweeps(), Clock: w.clock, Log: &w.log, Metrics: &w.metrics})
	errs := make([]error, len(reports))
	var all sync.WaitGroup
	for i, r := range reports {
		all.Go(func() { errs[i] = service.Receive(t.Context(), []report.Report{r}) })
		synctest.Wait()
	}
	close(g.open)
	all.Wait()
	return errs
}

func TestRequestsThatComeTogetherShareACommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g := &gate{}
		errs := together(t, w, g, w.said(port.MaxReports+102))
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		slices.Sort(g.stored)
		if want := []int{1, 1, 100, port.MaxReports}; !slices.Equal(g.stored, want) { // the first two came alone
			t.Errorf("transactions of %v reports, want %v", g.stored, want)
		}
	})
}

func TestARequestDoesNotFailBecauseOfAnotherOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		reports := w.said(10)
		errs := together(t, w, &gate{refuses: reports[5].ID}, reports)
		for i, err := range errs {
			if i == 5 != errors.Is(err, errRefused) || i != 5 && err != nil {
				t.Errorf("request %d gets %v", i, err)
			}
		}
		w.counts("new 9 repeated 0 stray 0 invalid 0 suppressed 9")
	})
}

func TestARequestThatIsGivenUpLetsTheOthersBeStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g := &gate{Reports: w.store.Reports(), open: make(chan struct{})}
		service := feedback.New(feedback.Ports{Reports: g, Sweeps: w.store.Sweeps(), Clock: w.clock, Log: &memory.Log{}, Metrics: &w.metrics})
		reports := w.said(2)
		ctx, cancel := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- service.Receive(ctx, reports[:1]) }()
		synctest.Wait()
		go func() { second <- service.Receive(t.Context(), reports[1:]) }()
		synctest.Wait()
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up gets %v", err)
		}
		close(g.open)
		if err := <-second; err != nil {
			t.Errorf("another gets %v", err)
		}
		synctest.Wait()
		w.counts("new 2 repeated 0 stray 0 invalid 0 suppressed 2")
	})
}
