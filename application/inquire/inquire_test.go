package inquire_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsong/balsong/application/inquire"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

const (
	november = key.Month(2026*12 + 10)
	settling = time.Hour
	deadline = 30 * time.Second
	lease    = 90 * time.Second
)

var noon = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

// vendor is a provider that can be asked.
type vendor struct {
	mu       sync.Mutex
	knows    map[key.Delivery]port.Finding
	asked    map[key.Delivery]int
	down     bool
	panics   bool
	complete bool
	hold     chan struct{} // before an answer; nil: at once
}

func (v *vendor) InquiryTerms() port.InquiryTerms {
	return port.InquiryTerms{Settling: settling, Window: 30 * 24 * time.Hour, Complete: v.complete, Source: "https://vendor.example/docs"}
}

func (v *vendor) Inquire(ctx context.Context, about key.Delivery, _ time.Time) (port.Finding, error) {
	if v.hold != nil {
		select {
		case <-v.hold:
		case <-ctx.Done():
			return port.Finding{}, ctx.Err()
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked[about]++
	if v.panics {
		panic("no such index")
	}
	if v.down {
		return port.Finding{}, errors.New("connection refused")
	}
	if found, there := v.knows[about]; there {
		return found, nil
	}
	return port.Finding{Found: port.FoundNothing}, nil
}

type world struct {
	*testing.T
	store   *memory.Store
	clock   *memory.Clock
	vendor  *vendor
	service *inquire.Service
	asked   inquire.Asked
	permits *memory.Permits
	reports []report.Report
	fails   error         // of Receive
	refused *key.Delivery // Receive refuses what has a report about it
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, clock: memory.NewClock(noon), vendor: &vendor{knows: map[key.Delivery]port.Finding{}, asked: map[key.Delivery]int{}}}
	w.store = memory.NewStore(w.clock)
	if err := w.store.Months().Open(t.Context(), november); err != nil {
		t.Fatal(err)
	}
	w.permits = memory.NewPermits()
	w.asked = inquire.Asked{Inquirer: w.vendor, Permits: w.permits, Provider: port.Provider{Name: "nhn", Channel: channel.SMS, CallDeadline: deadline}}
	service, err := inquire.New(inquire.Ports{
		Months: w.store.Months(), Sweeps: w.store.Sweeps(), Inquiries: w.store.Inquiries(), Ledger: w.store.Ledger(),
		Receive: w.receive, Clock: w.clock, Log: &memory.Log{}, Metrics: &memory.Metrics{},
	}, inquire.Config{Batch: 3}, w.asked)
	if err != nil {
		t.Fatal(err)
	}
	w.service = service
	return w
}

func (w *world) receive(_ context.Context, reports []report.Report) error {
	if w.refused != nil && slices.ContainsFunc(reports, func(r report.Report) bool { return r.Key == *w.refused }) {
		return fmt.Errorf("%w: a report", port.ErrInvalid)
	}
	if w.fails == nil {
		w.reports = append(w.reports, reports...)
	}
	return w.fails
}

// unknown makes a key UNKNOWN, called now.
func (w *world) unknown(n int64) key.Delivery {
	w.Helper()
	k := key.Delivery{Month: november, UserID: n}
	claim := attempt.Claim{Key: k, Facts: attempt.Facts{Channel: channel.SMS}, Token: attempt.Token{1}, Provider: "nhn", Lease: lease}
	if mine, err := w.store.Ledger().Claim(w.Context(), []attempt.Claim{claim}); err != nil || len(mine) != 1 {
		w.Fatalf("claim: %v, %v", mine, err)
	}
	unknown := attempt.Outcome{Key: k, Token: claim.Token, State: attempt.Unknown, Reason: attempt.ReasonNoAnswer, FinishedAt: w.clock.Now()}
	if _, err := w.store.Ledger().Record(w.Context(), []attempt.Outcome{unknown}); err != nil {
		w.Fatal(err)
	}
	return k
}

// look adds what is UNKNOWN and asks about what is due.
func (w *world) look() int {
	w.Helper()
	if err := w.service.Enqueue(w.Context(), w.asked, port.Span{}); err != nil {
		w.Fatal(err)
	}
	n, err := w.service.AskDue(w.Context(), w.asked)
	if err != nil {
		w.Fatal(err)
	}
	return n
}

func (w *world) row(k key.Delivery) attempt.Row {
	w.Helper()
	rows, err := w.store.Ledger().Find(w.Context(), []key.Delivery{k})
	if err != nil || len(rows) != 1 {
		w.Fatalf("%v, %v", rows, err)
	}
	return rows[0]
}

func TestNobodyIsAskedBeforeTheProviderKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unknown(1)
	for _, wait := range []time.Duration{0, lease + deadline, settling - time.Second} {
		if w.clock.Advance(wait); w.look() != 0 {
			t.Errorf("asked at %s", w.clock.Now())
		}
	}
	if w.clock.Advance(2 * time.Second); w.look() != 1 {
		t.Errorf("not asked at %s", w.clock.Now())
	}
}

func TestAnUnknownEndsByTheProvidersAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	accepted, refused, delivered, lost := w.unknown(1), w.unknown(2), w.unknown(3), w.unknown(4)
	w.vendor.knows = map[key.Delivery]port.Finding{
		accepted: {Found: port.FoundAccepted, MessageID: "m-1"}, refused: {Found: port.FoundRefused, Class: attempt.Permanent, Detail: "no such number"},
		delivered: {Found: port.FoundDelivered, MessageID: "m-3"},
	}
	w.clock.Advance(2 * settling)
	if n := w.look(); n != 4 {
		t.Fatalf("%d questions, want 4", n)
	}
	if row := w.row(accepted); row.State != attempt.Succeeded || row.ProviderMessageID != "m-1" || row.Reason != attempt.ReasonInquiry {
		t.Errorf("accepted: %+v", row)
	}
	if row := w.row(refused); row.State != attempt.Failed || row.Class != attempt.Permanent || row.Detail != "no such number" {
		t.Errorf("refused: %+v", row)
	}
	if row := w.row(delivered); row.State != attempt.Unknown || len(w.reports) != 1 || w.reports[0].Key != delivered || w.reports[0].Kind != report.Delivered {
		t.Errorf("delivered: %+v, reports %+v", row, w.reports)
	}
	if row := w.row(lost); row.State != attempt.Unknown {
		t.Errorf("what the provider does not find is %+v", row)
	}
	w.clock.Advance(2 * time.Minute)
	if n := w.look(); n != 1 || w.vendor.asked[lost] != 2 {
		t.Errorf("%d questions later, want one about what was not found: %v", n, w.vendor.asked)
	}
}

func TestWhatACompleteListDoesNotHaveWasRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.vendor.complete = true
	k := w.unknown(1) // no target is there, so it is nobody's current key
	w.clock.Advance(2 * settling)
	w.look()
	if row := w.row(k); row.State != attempt.Unknown {
		t.Errorf("a key that is not current: %+v", row)
	}
}

func TestEachRowIsAskedAboutOnceHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range int64(100) { // batches of 3
		w.vendor.knows[w.unknown(n+1)] = port.Finding{Found: port.FoundAccepted, MessageID: fmt.Sprint("m-", n)}
	}
	w.clock.Advance(2 * settling)
	if n := w.look(); n != 100 {
		t.Errorf("%d questions", n)
	}
	for k, n := range w.vendor.asked {
		if n != 1 || w.row(k).State != attempt.Succeeded {
			t.Errorf("%s: asked %d times, %s", k, n, w.row(k).State)
		}
	}
	if n := w.look(); n != 0 {
		t.Errorf("%d questions again", n)
	}
}

// few permits are given: then it takes too long until the next one.
type few struct {
	*memory.Permits
	left atomic.Int64
}

func (f *few) Acquire(ctx context.Context) (port.Permit, error) {
	if f.left.Add(-1) < 0 {
		return nil, context.DeadlineExceeded
	}
	return f.Permits.Acquire(ctx)
}

func TestWhatCouldNotBeAskedInTimeIsAskedLaterOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bounded := &few{Permits: w.permits}
	bounded.left.Store(2)
	w.asked.Permits = bounded
	for n := range int64(3) {
		w.vendor.knows[w.unknown(n+1)] = port.Finding{Found: port.FoundAccepted}
	}
	w.clock.Advance(2 * settling)
	w.look()
	bounded.left.Store(100)
	if w.look(); len(w.vendor.asked) != 2 {
		t.Errorf("asked with two permits: %v", w.vendor.asked)
	}
	w.clock.Advance(time.Hour)
	w.look()
	for k := range w.vendor.knows {
		if w.vendor.asked[k] != 1 || w.row(k).State != attempt.Succeeded {
			t.Errorf("%s: asked %d times, %s", k, w.vendor.asked[k], w.row(k).State)
		}
	}
}

func TestThePermitsLearnWhetherAProviderAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unknown(1)
	w.clock.Advance(2 * settling)
	w.look()
	w.vendor.down = true
	w.clock.Advance(2 * time.Minute)
	w.look()
	verdicts, noCall := w.permits.Released()
	if verdicts[port.CallAccepted] != 1 || verdicts[port.CallUnknown] != 1 || noCall != 0 {
		t.Errorf("%v, and %d without a question", verdicts, noCall)
	}
	if held, _ := w.permits.Held(); held != 0 {
		t.Errorf("%d permits are out", held)
	}
}

func TestWhatBecomesUnknownIsAddedWhileAProviderTakesLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.vendor.hold = make(chan struct{})
	w.unknown(1)
	w.clock.Advance(2 * settling)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error)
	go func() { over <- w.service.Run(ctx) }()
	waittest.Until(t, "a question", func() bool {
		w.clock.Advance(time.Minute)
		held, _ := w.permits.Held()
		return held == 1
	})
	w.unknown(2)
	other := port.Lane{Channel: w.asked.Provider.Channel, Provider: w.asked.Provider.Name}
	waittest.Until(t, "the second row among what is to be asked", func() bool {
		w.clock.Advance(time.Hour)
		_, due, err := w.store.Inquiries().Due(t.Context(), november, other, time.Nanosecond, 10)
		return err == nil && slices.ContainsFunc(due, func(q port.Inquiry) bool { return q.Key.UserID == 2 })
	})
	cancel()
	if err := <-over; err != nil {
		t.Error(err)
	}
}

func TestWithNobodyToAskItRunsUntilItIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service, err := inquire.New(inquire.Ports{Clock: memory.NewClock(noon), Log: &memory.Log{}}, inquire.Config{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error, 1)
		go func() { over <- service.Run(ctx) }()
		synctest.Wait()
		select {
		case err := <-over:
			t.Errorf("it ended by itself: %v", err)
		default:
		}
		cancel()
		if synctest.Wait(); len(over) == 1 && <-over != nil {
			t.Error("its end is an error")
		}
	})
}

func TestTermsWithoutAWindowOrASourceAreRefused(t *testing.T) {
	t.Parallel()
	for name, terms := range map[string]port.InquiryTerms{
		"no window": {Settling: time.Hour}, "complete without a source": {Window: time.Hour, Complete: true},
	} {
		if _, err := inquire.New(inquire.Ports{}, inquire.Config{}, inquire.Asked{Inquirer: fixed{terms: terms}}); !errors.Is(err, inquire.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type fixed struct {
	port.Inquirer
	terms port.InquiryTerms
}

func (f fixed) InquiryTerms() port.InquiryTerms { return f.terms }
