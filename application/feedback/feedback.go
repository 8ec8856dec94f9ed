// Package feedback takes what providers say about messages (R11), from wherever it comes, and keeps it. What comes of it, settlement
// finds in the database.
package feedback

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/balsong/balsong/application/channelhalt"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

// Ports are the driven ports that feedback uses.
type Ports struct {
	Reports port.Reports
	Sweeps  port.Sweeps // for looks whether the database answers
	Clock   port.Clock
	Log     port.Log
	Metrics port.Metrics

	ChannelHalts     port.ChannelHalts
	ReportDeliveries []string // names of the providers that always report deliveries, not only what failed
	ChooseReports    []string // of those whose account chooses what they report: deliveries, what failed, or both

	Accounts map[string]bool // the providers that send, as metrics name them, and whether they report by requests of their own
}

// lookEvery is the pause between two looks whether the database answers.
const lookEvery = 5 * time.Second

// Service keeps reports. Safe for concurrent use.
type Service struct {
	Ports
	watch    *outage.Watch
	halts    *channelhalt.Guard
	failures outage.Failures
	commits  group
	delivers sync.Map // names of ChooseReports that have reported a delivery to this process
}

// New returns a service; it does no I/O.
func New(ports Ports) *Service {
	watch := outage.New(ports.Clock, ports.Log)
	s := &Service{Ports: ports, watch: watch, halts: channelhalt.New(ports.ChannelHalts, watch, ports.Clock, ports.Log,
		"balsong/feedback", "final reports say that it was not delivered")}
	s.commits.store = s.store
	return s
}

// Down lists the components that feedback waits for.
func (s *Service) Down() []string { return s.watch.Down() }

// Run prepares what needs the database (nil: nothing does), then looks from time to time whether it answers, until the context ends,
// which is no error: without a report nobody else asks it anything.
func (s *Service) Run(ctx context.Context, prepare func(context.Context) error) error {
	s.expect()
	if prepare != nil {
		if err := s.watch.Await(ctx, port.ComponentDatabase, prepare); err != nil {
			return unlessEnded(ctx, err)
		}
	}
	for {
		err := s.watch.Await(ctx, port.ComponentDatabase, func(ctx context.Context) error {
			if err := s.halts.Read(ctx); err != nil {
				return err
			}
			_, err := s.Sweeps.Horizon(ctx)
			return err
		})
		if err != nil {
			return unlessEnded(ctx, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.Clock.After(lookEvery):
		}
	}
}

// expect says from whom reports are to come. Of each provider the wait for them begins.
func (s *Service) expect() {
	for account, reports := range s.Accounts {
		expected := 0.0
		if reports {
			expected = 1
			s.heard(account)
		}
		metric.ReportsExpected.Set(s.Metrics, expected, account)
	}
}

// heard notes that something of a provider was stored now.
func (s *Service) heard(account string) {
	metric.ReportLast.Set(s.Metrics, float64(s.Clock.Now().Unix()), account)
}

// unlessEnded is an error; none where the context has ended.
func unlessEnded(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// Receive keeps reports, each once, and returns when they are committed. Those that cannot be kept are dropped and counted: whoever sent
// them would send the same again. On an error some may be kept, and whoever sent them is to come again with all of them. It waits for the
// database until the context ends. ErrInvalid where they make this program panic: whoever sent them, a queue or an inquiry too, goes on.
func (s *Service) Receive(ctx context.Context, reports []report.Report) error {
	return guarded(func() error { return s.receive(ctx, reports) })
}

func (s *Service) receive(ctx context.Context, reports []report.Report) error {
	valid := slices.DeleteFunc(slices.Clone(reports), func(r report.Report) bool { return s.drop(r) })
	for some := range slices.Chunk(valid, port.MaxReports) {
		err := s.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error { return s.commits.do(ctx, some) })
		if err != nil {
			return err
		}
	}
	return nil
}

// store keeps valid reports in one transaction, and counts them.
func (s *Service) store(ctx context.Context, reports []report.Report) error {
	stored, err := s.Reports.Store(ctx, reports)
	if err == nil {
		s.count(stored)
		s.countShare(ctx, stored.Known)
	}
	return err
}

// drop reports whether a report cannot be kept, and counts it then.
func (s *Service) drop(r report.Report) bool {
	err := r.Validate()
	if err == nil {
		return false
	}
	metric.ReportsInvalid.Add(s.Metrics, 1, r.Provider)
	if count, due := s.failures.Due("invalid "+r.Provider, err.Error(), s.Clock.Now()); due {
		s.Log.Warn("a report of a provider cannot be kept and is dropped: this program reads its provider wrongly; logged at most once a minute",
			port.Field{Key: "provider", Value: r.Provider}, port.Field{Key: "error", Value: err}, port.Field{Key: "reports", Value: count})
	}
	return true
}

func (s *Service) count(stored port.StoredReports) {
	for _, r := range stored.Known {
		if r.New {
			metric.ReportsStored.Add(s.Metrics, 1, r.Kind)
		} else {
			metric.ReportsRepeated.Add(s.Metrics, 1)
		}
	}
	received := len(stored.Known)
	for _, why := range port.Strays {
		if n := stored.Stray[why]; n > 0 {
			received += n
			metric.ReportsStray.Add(s.Metrics, n, why)
		}
	}
	if received > 0 {
		metric.ReportsReceived.Add(s.Metrics, received)
	}
	if stored.Suppressed > 0 {
		metric.ReportsSuppressed.Add(s.Metrics, stored.Suppressed)
	}
}

// Results of a request that alarms ask for, as adapters name them.
const (
	Stored     = "stored"
	Forged     = "forged"
	Unreadable = "unreadable"
	TooLarge   = "too_large"
)

// Request is something that came from outside: a provider's webhook, or a mail.
type Request struct {
	Provider string // as metrics name it, as in sms/twilio
	Result   string // what became of it
	Reports  int    // that it says about messages of ours
	Foreign  int    // reports in it about messages that are not ours
	Problem  error  // what was wrong with it, or could not be done; nil: nothing. Without personal data
}

// Observe counts a request, and logs what is wrong with some at most once a minute.
func (s *Service) Observe(r Request) {
	metric.ReportRequests.Add(s.Metrics, 1, r.Provider, r.Result)
	switch r.Result {
	case Stored:
		if s.Accounts[r.Provider] && r.Reports > 0 {
			s.heard(r.Provider)
		}
	case Forged, Unreadable, TooLarge:
		metric.RequestsRefused.Add(s.Metrics, 1, r.Provider)
	}
	if r.Foreign > 0 {
		metric.ReportsForeign.Add(s.Metrics, r.Foreign, r.Provider)
	}
	if r.Problem == nil {
		return
	}
	if count, due := s.failures.Due(r.Provider+" "+r.Result, r.Problem.Error(), s.Clock.Now()); due {
		s.Log.Warn("what came as a provider's report is not taken; logged at most once a minute",
			port.Field{Key: "provider", Value: r.Provider}, port.Field{Key: "result", Value: r.Result},
			port.Field{Key: "error", Value: r.Problem}, port.Field{Key: "requests", Value: count})
	}
}
