package feedback_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/feedback"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

const november = key.Month(2026*12 + 10)

type world struct {
	*testing.T
	store   *memory.Store
	clock   *memory.Clock
	log     memory.Log
	metrics memory.Metrics
	ports   feedback.Ports
	service *feedback.Service
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, clock: memory.NewClock(time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC))}
	w.store = memory.NewStore(w.clock)
	if err := w.store.Months().Open(t.Context(), november); err != nil {
		t.Fatal(err)
	}
	w.ports = feedback.Ports{
		Reports: w.store.Reports(), Sweeps: w.store.Sweeps(), Clock: w.clock, Log: &w.log, Metrics: &w.metrics,
		ChannelHalts: w.store.ChannelHalts(),
	}
	w.wire()
	return w
}

func (w *world) wire() { w.service = feedback.New(w.ports) }

// said are reports UNDELIVERED about the first n customers, whose messages were sent.
func (w *world) said(n int) (reports []report.Report) {
	w.Helper()
	var claims []attempt.Claim
	for user := range int64(n) {
		about := key.Delivery{Month: november, UserID: user + 1}
		claims = append(claims, attempt.Claim{
			Key: about, Facts: attempt.Facts{Channel: channel.SMS}, Provider: "nhn", Lease: time.Minute, Token: attempt.Token{1},
		})
		reports = append(reports, report.Report{Key: about, Provider: "nhn", ID: fmt.Sprint(user), Kind: report.Undelivered, Class: attempt.Permanent, Definitive: true})
	}
	if _, err := w.store.Ledger().Claim(w.Context(), claims); err != nil {
		w.Fatal(err)
	}
	return reports
}

func (w *world) counts(want string) {
	w.Helper()
	got := fmt.Sprint(
		"new ", w.metrics.Counted(metric.ReportsStored.Metric, "UNDELIVERED"), " repeated ", w.metrics.Counted(metric.ReportsRepeated.Metric),
		" stray ", w.metrics.Counted(metric.ReportsStray.Metric, "unknown_key"), " invalid ", w.metrics.Counted(metric.ReportsInvalid.Metric, "nhn"),
		" suppressed ", w.metrics.Counted(metric.ReportsSuppressed.Metric))
	if got != want {
		w.Errorf("counted %s, want %s", got, want)
	}
}

func TestGoodReportsAreKeptAlthoughOthersBesideThemAreNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reports := w.said(2*port.MaxReports + 2)
	reports[1].ID, reports[port.MaxReports+1].Class = "", "odd"
	reports[2].Key.UserID = 1 << 50
	for range 2 {
		if err := w.service.Receive(t.Context(), reports); err != nil {
			t.Fatal(err)
		}
	}
	w.counts("new 1999 repeated 1999 stray 2 invalid 4 suppressed 1999")
	if lines := w.log.Lines(); len(lines) != 2 {
		t.Errorf("logged %+v, want one line for each of two causes", lines)
	}
	if err := w.service.Receive(t.Context(), nil); err != nil {
		t.Errorf("of none: %v", err)
	}
}

func TestReceivingFailsWithoutTheDatabaseAndLosesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ at, then string }{
		"before the commit": {"reports.store", "new 3 repeated 0 stray 0 invalid 0 suppressed 3"},
		"after it":          {memory.Done("reports.store"), "new 0 repeated 3 stray 0 invalid 0 suppressed 0"},
	} {
		w := newWorld(t)
		reports := w.said(3)
		ctx, cancel := context.WithCancel(t.Context())
		w.store.Fail(func(op string) error {
			if op == c.at {
				cancel()
				return port.ErrUnavailable
			}
			return nil
		})
		if err := w.service.Receive(ctx, reports); err == nil {
			t.Errorf("%s: it says that they are kept", name)
		}
		w.store.Fail(nil)
		if err := w.service.Receive(t.Context(), reports); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		w.counts(c.then)
		if n, err := w.store.Suppressions().Count(t.Context()); n != 3 || err != nil {
			t.Errorf("%s: %d customers on the suppression list, %v", name, n, err)
		}
	}
}

func TestTheDatabaseIsMissedAlthoughNoReportComes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var down atomic.Bool
	down.Store(true)
	w.store.Fail(func(string) error {
		if down.Load() {
			return port.ErrUnavailable
		}
		return nil
	})
	var prepared atomic.Bool
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- w.service.Run(ctx, func(ctx context.Context) error {
			_, err := w.store.Installation().ID(ctx)
			prepared.Store(err == nil)
			return err
		})
	}()
	is := func(want int) func() bool {
		return func() bool {
			w.clock.Advance(time.Second)
			return len(w.service.Down()) == want
		}
	}
	waittest.Until(t, "it is down", is(1))
	if prepared.Load() {
		t.Error("prepared without the database")
	}
	down.Store(false)
	waittest.Until(t, "it is up", is(0))
	down.Store(true)
	waittest.Until(t, "it is down again", is(1))
	if !prepared.Load() {
		t.Error("not prepared")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}

func TestEachRequestIsCountedAndAProblemIsLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 10_000 {
		w.service.Observe(feedback.Request{Provider: "sms/nhn", Result: "forged", Problem: port.ErrForged})
	}
	w.service.Observe(feedback.Request{Provider: "sms/nhn", Result: "stored", Foreign: 3})
	if n := w.metrics.Counted(metric.ReportRequests.Metric, "sms/nhn", "forged"); n != 10_000 {
		t.Errorf("%d forged", n)
	}
	if n := w.metrics.Counted(metric.ReportsForeign.Metric, "sms/nhn"); n != 3 {
		t.Errorf("%d foreign", n)
	}
	lines := w.log.Lines()
	if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0]), "sms/nhn") {
		t.Errorf("logged %+v", lines)
	}
}
