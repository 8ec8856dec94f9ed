package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The stage inquiries.
const (
	unknowns      = 1_000_000
	inquiryRate   = 500.0 // calls a second that the provider allows
	inquiryMemory = 150_000_000
)

// inquiriesStage lets a provider be asked about a month of UNKNOWN, and counts by the provider's clock.
func (b *bench) inquiriesStage(ctx context.Context) error {
	rows, limit := unknowns, inquiryRate
	if b.Quick {
		rows, limit = b.Rows, 100
	}
	measured := &Stage{
		Name: Inquiries, Rows: rows, Target: Target{Rate: budgetFloor * limit, PeakRSS: inquiryMemory},
		Label: fmt.Sprintf("calls of one process to a provider that answers after 100 ms, over %s, a limit of %g a second; every row of a month of %d is UNKNOWN", b.lasts, limit, rows),
	}
	return b.repeat(ctx, Inquiries, 1, func(ctx context.Context, s *stage) ([]StageRun, error) {
		if err := s.called(ctx, firstMonth, rows, 1); err != nil {
			return nil, err
		}
		run, counted, err := b.inquiriesOnce(ctx, s, limit)
		if err != nil {
			return nil, err
		}
		b.calls = append(b.calls, counted)
		var added, answered int
		err = errors.Join(s.db.GetContext(ctx, &added, `SELECT count(*) FROM inquiries`), s.db.GetContext(ctx, &answered, `SELECT count(*) FROM delivery_reports`))
		measured.Details = append(measured.Details, counted.text(), fmt.Sprintf("%d rows were noted to be asked about, and %d answers stored", added, answered))
		return []StageRun{run}, err
	}, measured)
}

// inquiriesOnce starts the role feedback beside a provider, and counts from its first question on, after a while.
func (b *bench) inquiriesOnce(ctx context.Context, s *stage, limit float64) (run StageRun, counted Calls, err error) {
	asked, err := startVendor(ctx)
	if err != nil {
		return run, counted, err
	}
	defer func() { err = errors.Join(err, asked.server.Close()) }()
	if _, err := s.takesWebhooks(ctx); err != nil {
		return run, counted, err
	}
	s.asNHN(asked.url)
	s.environment["BALSONG_FEEDBACK_INQUIRY_RATE"] = strconv.FormatFloat(limit, 'f', -1, 64)
	asking, err := b.service(ctx, s, feedbackRole)
	if err != nil {
		return run, counted, err
	}
	select {
	case <-asked.first:
	case <-asking.Done():
		return run, counted, fmt.Errorf("it ended by itself: %w (logs: %s)", asking.Err(), b.DataDir)
	case <-time.After(patience):
		return run, counted, fmt.Errorf("no question was asked within %s (logs: %s)", patience, b.DataDir)
	}
	if err := b.wait(ctx, b.warmup); err != nil {
		return run, counted, err
	}
	before, from := usages(), time.Now()
	if err := b.wait(ctx, b.lasts); err != nil {
		return run, counted, err
	}
	to, after := time.Now(), usages()
	peak := peakRSS(asking.PID())
	if err := asking.Stop(); err != nil {
		return run, counted, err
	}
	counted = countCalls(asked.calls(), limit, from, to)
	return StageRun{Rows: counted.Calls, Seconds: counted.Lasted.Seconds(), CPU: between(before, after), PeakRSS: peak}, counted, nil
}

// vendor is NHN Cloud's list of messages, in this process.
type vendor struct {
	url    string
	server *http.Server
	first  chan struct{} // closed by the first call

	mu sync.Mutex
	at []time.Time // of the calls
}

func startVendor(ctx context.Context) (*vendor, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	v := &vendor{url: "http://" + listener.Addr().String(), first: make(chan struct{})}
	v.server = &http.Server{Handler: http.HandlerFunc(v.list), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = v.server.Serve(listener) }() // until Close
	return v, nil
}

// list answers that a message was delivered, where the list of LMS is asked for: so each question takes two calls, the most.
func (v *vendor) list(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	if v.at = append(v.at, time.Now()); len(v.at) == 1 {
		close(v.first)
	}
	v.mu.Unlock()
	time.Sleep(100 * time.Millisecond)
	found := ""
	if strings.Contains(r.URL.Path, "/mms") {
		found = fmt.Sprintf(`{"requestId":"R1","resultDate":"2026-11-30 10:06:42.0","countryCode":"82","recipientNo":"01000000000","msgStatus":"3","resultCode":"1000","recipientGroupingKey":%q}`,
			r.URL.Query().Get("recipientGroupingKey"))
	}
	_, _ = io.WriteString(w, fmt.Sprintf(`{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":{"totalCount":%d,"data":[%s]}}`, min(1, len(found)), found))
}

func (v *vendor) calls() []time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.at)
}
