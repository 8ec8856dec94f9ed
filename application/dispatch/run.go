package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// run is one run over one month.
type run struct {
	Ports
	config         Config
	watch          *outage.Watch
	installation   string
	month          key.Month
	snapshot       policy.Snapshot
	record         port.Run
	pageTimes      []time.Duration
	unacknowledged int // pages in a row of which nothing was acknowledged
	halted         channel.Set
	passHalted     channel.Set // halted when the pass began
	waiting        int         // candidates of the pass that wait for a halted channel
	progress       func(port.Run)
}

const (
	// countLimit bounds the counting of what is left.
	countLimit = 100_000_000
	// mostWaiting is how many candidates that wait for a halted channel a lingering run goes on beside: each of its passes locks them again.
	mostWaiting = 10_000
)

var errCapReached = errors.New("the run's cap is reached")

// passes makes one pass after another. A pass is repeated, with the same now, for rows that others held when it came
// by: those of a dispatcher that died are behind our cursor. A lingering run takes a new now once something more is
// due.
func (r *run) passes(ctx context.Context) error {
	for {
		passNow := r.Clock.Now()
		for range maxPasses {
			if err := r.pass(ctx, passNow); err != nil {
				return err
			}
			skipped, err := r.due(ctx, passNow, countLimit)
			if err != nil {
				return err
			}
			r.record.Skipped = max(0, skipped-r.waiting) // what waits for a halted channel counts as not due
			if r.record.Skipped == 0 {
				break
			}
		}
		if !r.config.Linger || r.capReached() || r.waiting > mostWaiting {
			return nil
		}
		if r.record.Skipped > 0 { // due, and held by others: awaitDue would return at once
			if err := r.pause(ctx, r.config.LingerPoll); err != nil {
				return err
			}
		}
		more, err := r.awaitDue(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// pass dispatches what is due at passNow, page by page.
func (r *run) pass(ctx context.Context, passNow time.Time) error {
	var cursor port.Cursor
	r.waiting = 0
	for {
		if err := r.checkStop(ctx); err != nil {
			return err
		}
		if cursor == (port.Cursor{}) {
			r.passHalted = r.halted
		}
		if r.capReached() {
			return errCapReached
		}
		limit := r.config.Page
		if r.config.Cap > 0 {
			limit = min(limit, r.config.Cap-r.record.Published)
		}
		began := r.Clock.Now()
		result, err := r.page(ctx, port.Page{Month: r.month, PassNow: passNow, After: cursor, Limit: limit})
		if err != nil {
			return err
		}
		if result.rows > 0 {
			r.note(result, r.Clock.Now().Sub(began))
			r.trace(result, began)
		}
		if result.dispatches > 0 {
			r.unacknowledged++
			if result.published > 0 {
				r.unacknowledged = 0
			}
		}
		if r.unacknowledged >= 2 {
			return errors.Join(ErrUnacknowledged, result.publishError)
		}
		if result.rows < limit {
			return nil
		}
		cursor = result.last
	}
}

// capReached reports whether the run has published as much as it may.
func (r *run) capReached() bool { return r.config.Cap > 0 && r.record.Published >= r.config.Cap }

// checkStop returns an error if the run must end now: ErrStopped, ErrHalted, or why the halt could not be read. It reads which channels
// are halted, too.
func (r *run) checkStop(ctx context.Context) error {
	if ctx.Err() != nil {
		return ErrStopped
	}
	var halt port.Halt
	err := r.database(ctx, func(ctx context.Context) (err error) {
		if halt, err = r.Control.Halted(ctx); err != nil {
			return err
		}
		switches, err := r.ChannelHalts.All(ctx)
		r.halted = port.HaltedChannels(switches)
		return err
	})
	if err != nil {
		return err
	}
	if halt.On {
		return fmt.Errorf("%w: by %s: %s", ErrHalted, halt.Actor, halt.Reason)
	}
	return nil
}

// due counts the candidates that are due at an instant, at most limit.
func (r *run) due(ctx context.Context, at time.Time, limit int) (n int, err error) {
	err = r.database(ctx, func(ctx context.Context) (err error) {
		n, err = r.Backlog.Due(ctx, r.month, at, limit)
		return err
	})
	return n, err
}

// database does what needs the database, again after each outage. ErrStopped if it fails because ctx has ended.
func (r *run) database(ctx context.Context, do func(context.Context) error) error {
	err := r.watch.Retry(ctx, port.ComponentDatabase, do)
	if err != nil && ctx.Err() != nil {
		return ErrStopped
	}
	return err
}

// note adds a page to the run record and the metrics.
func (r *run) note(result pageResult, took time.Duration) {
	r.record.Pages++
	r.record.Published += result.published
	r.record.Failed += result.dispatches - result.published
	r.waiting += result.waiting
	if result.waiting > 0 {
		metric.DispatchDecisions.Add(r.Metrics, result.waiting, billing.Waiting, billing.RuleChannelHalted)
	}
	for rule, n := range result.decisions {
		r.record.Decisions[rule] += n
		metric.DispatchDecisions.Add(r.Metrics, n, rule.Kind(), rule)
	}
	r.pageTimes = append(r.pageTimes, took)
	metric.DispatchPageDuration.Observe(r.Metrics, took)
	metric.DispatchRequestsPublished.Add(r.Metrics, result.published)
	if r.progress != nil {
		r.progress(r.record)
	}
}

// noteWaiting records how many candidates wait for a halted channel, as the last pass has counted them: each of its passes sees them.
func (r *run) noteWaiting() {
	if r.waiting == 0 {
		return
	}
	r.record.Decisions[billing.RuleChannelHalted] = r.waiting
	names := make([]string, 0, len(channel.All))
	for _, kind := range r.halted.Kinds() {
		names = append(names, string(kind))
	}
	r.Log.Warn("bills wait for a halted channel; they are dispatched once a run finds it lifted",
		port.Field{Key: "channels", Value: names}, port.Field{Key: "bills", Value: r.waiting})
}

// finish completes and stores the run record, also if the run was stopped, and returns it with the run's error.
func (r *run) finish(ctx context.Context, cause error) (port.Run, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	r.noteWaiting()
	r.record.FinishedAt = r.Clock.Now()
	r.record.PageTimeP50, r.record.PageTimeP99 = percentiles(r.pageTimes)
	switch {
	case cause == nil:
		r.record.Status = port.RunFinished
	case errors.Is(cause, errCapReached):
		r.record.Status, cause = port.RunFinished, nil
	case errors.Is(cause, ErrStopped):
		r.record.Status = port.RunStopped
	case errors.Is(cause, ErrHalted):
		r.record.Status = port.RunHalted
	default:
		r.record.Status = port.RunFailed
	}
	if cause != nil {
		r.record.Error = cause.Error()
	}
	if left, err := r.Backlog.Due(ctx, r.month, r.record.FinishedAt, countLimit); err == nil {
		r.record.Left = max(0, left-r.waiting)
	}
	if unrendered, err := r.Backlog.Unrendered(ctx, r.month); err == nil {
		r.record.Unrendered = unrendered
	}
	if err := r.Runs.Update(ctx, r.record); err != nil {
		r.Log.Error("the run record could not be stored", port.Field{Key: "run", Value: r.record.ID}, port.Field{Key: "error", Value: err})
	}
	return r.record, cause
}

// percentiles returns the median and the 99th percentile.
func percentiles(times []time.Duration) (p50, p99 time.Duration) {
	if len(times) == 0 {
		return 0, 0
	}
	sorted := slices.Clone(times)
	slices.Sort(sorted)
	return sorted[len(sorted)/2], sorted[len(sorted)*99/100]
}
