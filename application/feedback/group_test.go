package feedback_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/balsong/balsong/application/feedback"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

// gate is a store that holds its transactions until it is opened, and refuses some reports.
type gate struct {
	port.Reports
	open    chan struct{}
	refuses string // id of a report
	panics  string // id of a report

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
	if slices.ContainsFunc(reports, func(r report.Report) bool { return r.ID == g.panics }) {
		panic("no such index")
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

// A panic in a transaction would end the process, and the request would come again and end it again.
func TestAPanicWhileReportsAreStoredIsTheErrorOfItsRequestAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		reports := w.said(10)
		errs := together(t, w, &gate{panics: reports[5].ID}, reports)
		for i, err := range errs {
			if i == 5 != errors.Is(err, port.ErrInvalid) || i != 5 && err != nil {
				t.Errorf("request %d gets %v", i, err)
			}
		}
		if said := errs[5].Error(); !strings.Contains(said, "group_test.go") || strings.Contains(said, "no such index") {
			t.Errorf("it says %s", said)
		}
		w.counts("new 9 repeated 0 stray 0 invalid 0 suppressed 9")
	})
}

// Whoever gives up comes again: what it left behind would wait beside its repetition.
func TestARequestThatIsGivenUpWaitsNoLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g := &gate{Reports: w.store.Reports(), open: make(chan struct{})}
		service := feedback.New(feedback.Ports{Reports: g, Sweeps: w.store.Sweeps(), Clock: w.clock, Log: &memory.Log{}, Metrics: &w.metrics})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for _, r := range w.said(5) {
			all.Go(func() {
				if err := service.Receive(ctx, []report.Report{r}); !errors.Is(err, context.Canceled) {
					t.Errorf("who gave up gets %v", err)
				}
			})
			synctest.Wait()
		}
		cancel()
		all.Wait()
		close(g.open)
		synctest.Wait()
		w.counts("new 2 repeated 0 stray 0 invalid 0 suppressed 2") // those whose transactions had begun
	})
}

func TestABoundedNumberOfReportsWaitsForADatabaseThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g := &gate{Reports: w.store.Reports(), open: make(chan struct{})}
		service := feedback.New(feedback.Ports{Reports: g, Sweeps: w.store.Sweeps(), Clock: w.clock, Log: &memory.Log{}, Metrics: &w.metrics})
		ctx, cancel := context.WithCancel(t.Context())
		reports := w.said(port.MaxReports)
		var waited, refused atomic.Int32
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				switch err := service.Receive(ctx, reports); {
				case errors.Is(err, context.Canceled):
					waited.Add(1)
				case errors.Is(err, port.ErrUnavailable):
					refused.Add(1)
				default:
					t.Errorf("got %v", err)
				}
			})
			synctest.Wait()
		}
		cancel()
		all.Wait()
		if waited.Load() != 12 || refused.Load() != 8 { // two transactions, and ten times as many reports as one has
			t.Errorf("%d waited, %d were refused", waited.Load(), refused.Load())
		}
		close(g.open)
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

// broken are metrics that panic.
type broken struct{ memory.Metrics }

func (*broken) Record(*port.Metric, float64, ...string) { panic("no such index") }

// So would one of a report that no transaction has reached yet: an SQS reader and inquiries have no guard of their own.
func TestAPanicBeforeReportsAreStoredIsAnErrorToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reports := w.said(1)
	reports[0].ID = ""
	w.ports.Metrics = &broken{}
	w.wire()
	if err := w.service.Receive(t.Context(), reports); !errors.Is(err, port.ErrInvalid) || !errors.Is(err, outage.ErrPanic) {
		t.Errorf("received: %v", err)
	}
}
