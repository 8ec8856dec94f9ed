package gatewaysim

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

// reporter says what became of messages, as their vendors do.
type reporter struct {
	client                     *http.Client
	places                     chan struct{} // what is being said at the same time
	saying                     sync.WaitGroup
	pending, made, taken, lost atomic.Int64
}

const (
	reportsAtOnce = 32
	reportTimeout = 10 * time.Second
	// reportRest is the pause before a report is repeated: minutes at the vendors.
	reportRest = time.Second
	// earlyFor bounds how long a call's answer waits for what is said before it.
	earlyFor = time.Second
)

func newReporter() *reporter {
	return &reporter{
		places: make(chan struct{}, reportsAtOnce),
		client: &http.Client{
			Timeout: reportTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: reportsAtOnce, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Reports counts what vendors said of messages.
type Reports struct {
	// Made counts what was said, each repeat too.
	Made int64 `json:"made"`
	// Taken counts those that were answered with 2xx (by LMTP 250), Lost those
	// that the vendor gave up.
	Taken int64 `json:"taken"`
	Lost  int64 `json:"lost"`
	// Pending counts what is still to be said.
	Pending int64 `json:"pending"`
}

func (r *reporter) counts() Reports {
	return Reports{Made: r.made.Load(), Taken: r.taken.Load(), Lost: r.lost.Load(), Pending: r.pending.Load()}
}

// report lets the vendor of a message say what becomes of it. What is said early
// has been said, once, when it returns, unless its receiver is slow.
func (s *Server) report(m sentMessage) {
	if !s.reports(m) {
		return
	}
	for _, said := range m.sayings() {
		s.reporter.pending.Add(1)
		first := make(chan struct{})
		s.reporter.saying.Go(func() {
			defer s.reporter.pending.Add(-1)
			if !said.Early {
				s.wait(said.After)
			}
			s.say(m, said.Result, func() { close(first) })
		})
		if said.Early {
			timer := time.NewTimer(earlyFor)
			select {
			case <-first:
			case <-timer.C:
			}
			timer.Stop()
		}
	}
}

// reports tells whether anybody is told of a message.
func (s *Server) reports(m sentMessage) bool {
	settings := s.gateway.Settings()
	vendor := settings.Vendors.Of(m.call.Vendor)
	switch m.call.Vendor {
	case behaviour.Twilio:
		return vendor.Secret != "" && m.callback != ""
	case behaviour.SMTPRelay:
		return vendor.ReportsTo != "" && m.from != "" // nobody is told of a mail without a return path
	default:
		return vendor.ReportsTo != ""
	}
}

// on is what Twilio says of a message that has left it, at any time.
const on behaviour.Result = "sent"

// sayings are what the vendor says of a message.
func (m sentMessage) sayings() []behaviour.Saying {
	said := m.fate.Said
	switch m.call.Vendor {
	case behaviour.SMTPRelay: // nobody is told of what arrives, but where that contradicts a bounce
		if m.fate.Result == behaviour.Arrived {
			return nil
		}
	case behaviour.Twilio:
		if len(said) > 0 {
			said = append(said[:len(said):len(said)], behaviour.Saying{Result: on, After: time.Duration(2 * m.fate.Draw * float64(m.fate.Known))})
		}
	default: // as it is
	}
	return said
}

// attempts is how often a vendor says something that nobody answers as it should: SOLAPI five times in all, by its own example;
// Twilio again where it could not connect; a mail server for days. Of NHN Cloud nothing is documented.
var attempts = map[behaviour.Vendor]int{behaviour.SOLAPI: 5, behaviour.Twilio: 2, behaviour.SMTPRelay: 100, behaviour.NHN: 1, behaviour.NHNAlimTalk: 1, behaviour.SOLAPIAlimTalk: 5}

// say says one thing until it is taken. tried is called after the first time.
func (s *Server) say(m sentMessage, result behaviour.Result, tried func()) {
	r := acceptlog.Report{ID: fmt.Sprintf("%d-%s", m.sequence, result), Of: m.sequence, Result: string(result), Code: m.code(result)}
	for n := 1; ; n++ {
		status := s.sayOnce(m, r)
		if n == 1 {
			tried()
		}
		switch {
		case status/100 == 2:
			s.reporter.taken.Add(1)
			return
		case n >= attempts[m.call.Vendor], m.call.Vendor == behaviour.Twilio && status != 0, m.call.Vendor == behaviour.SMTPRelay && status/100 == 5, s.isStopping():
			s.reporter.lost.Add(1)
			return
		}
		s.wait(reportRest)
	}
}

// sayOnce returns what the receiver answered, 0 if it did not.
func (s *Server) sayOnce(m sentMessage, r acceptlog.Report) (status int) {
	s.reporter.places <- struct{}{}
	defer func() { <-s.reporter.places }()
	if s.isStopping() {
		return 0
	}
	record := m.record(acceptlog.ClassReport, s.config.now(), &r)
	if err := s.log.Report(record); err != nil {
		s.config.Log.Error("accept_log_failed", zap.Error(err))
		return 0
	}
	s.reporter.made.Add(1)
	status, err := s.tell(m, r)
	if err != nil {
		s.config.Log.Info("report_not_taken", zap.String("vendor", string(m.call.Vendor)), zap.Int("status", status), zap.Error(err))
	}
	r.Status = status
	record.Time, record.Class = s.config.now(), acceptlog.ClassAnswered
	if err := s.log.Note(record); err != nil {
		s.config.Log.Error("accept_log_failed", zap.Error(err))
	}
	return status
}

// lookedUp logs what a look-up is answered about a message, and tells whether the answer may go out.
func (s *Server) lookedUp(m sentMessage, now time.Time) bool {
	result := m.fate.Result
	r := acceptlog.Report{ID: fmt.Sprintf("%d-look-up", m.sequence), Of: m.sequence, Result: string(result), Code: m.code(result)}
	if !m.known(now) {
		r.Result, r.Code = "under_way", ""
	}
	err := s.log.Report(m.record(acceptlog.ClassLookedUp, now, &r))
	if err != nil {
		s.config.Log.Error("accept_log_failed", zap.Error(err))
	}
	return err == nil
}

// record is a line of the accept log about a message that was accepted before.
func (m sentMessage) record(class string, now time.Time, r *acceptlog.Report) acceptlog.Record {
	return acceptlog.Record{
		Time: now, Channel: string(m.call.Channel), Vendor: string(m.call.Vendor), IdempotencyKey: m.call.Key,
		Destination: acceptlog.HashDestination(m.to), Content: m.content, Class: class, Report: r,
	}
}

func (s *Server) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}
