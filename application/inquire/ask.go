package inquire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// AskDue asks a provider about all that is due, batch by batch, and returns how many questions it asked.
func (s *Service) AskDue(ctx context.Context, a Asked) (asked int, err error) {
	months, err := s.months(ctx)
	for _, month := range months {
		n, err := s.askMonth(ctx, a, month)
		if asked += n; err != nil {
			return asked, err
		}
	}
	return asked, err
}

func (s *Service) askMonth(ctx context.Context, a Asked, month key.Month) (asked int, err error) {
	for {
		var due []port.Inquiry
		looked := 0
		err := s.database(ctx, func(ctx context.Context) (err error) {
			looked, due, err = s.Inquiries.Due(ctx, month, a.lane(), a.hold(), s.config.Batch)
			return err
		})
		if err != nil {
			return asked, err
		}
		asked += len(due)
		if err := s.askAll(ctx, a, due); err != nil || looked < s.config.Batch {
			return asked, err
		}
	}
}

// askAll asks about each inquiry of a batch, and stores what came of them. Answers that came before the context ended are stored; what
// could not be asked about in time is left. All wait for their permits together, so that these are reserved together.
func (s *Service) askAll(ctx context.Context, a Asked, due []port.Inquiry) error {
	findings := make([]port.Finding, len(due)) // zero: not asked
	within, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	group := sync.WaitGroup{}
	for i := range due {
		group.Go(func() {
			if permit := s.permit(within, a); permit != nil {
				findings[i] = s.ask(ctx, a, due[i], permit)
			}
		})
	}
	group.Wait()
	var asked []port.Inquiry
	var found []port.Finding
	for i, f := range findings {
		if f.Found != "" {
			asked, found = append(asked, due[i]), append(found, f)
		}
	}
	if err := s.store(context.WithoutCancel(ctx), a, asked, found); err != nil {
		return err
	}
	return ctx.Err()
}

// permit waits until a question may be asked; nil where the context ends first.
func (s *Service) permit(ctx context.Context, a Asked) port.Permit {
	for {
		permit, err := a.Permits.Acquire(ctx)
		if err != nil {
			return nil
		}
		if permit.Begin() {
			return permit
		}
		permit.Cancel()
	}
}

// ask asks once.
func (s *Service) ask(ctx context.Context, a Asked, q port.Inquiry, permit port.Permit) port.Finding {
	ctx, cancel := context.WithTimeout(ctx, a.Provider.CallDeadline)
	defer cancel()
	var found port.Finding
	err := outage.Guarded(func() (err error) {
		found, err = a.Inquirer.Inquire(ctx, q.Key, q.Called)
		return err
	})
	if err == nil {
		permit.Release(port.Reply{Verdict: port.CallAccepted})
	} else {
		detail := err.Error()
		if errors.Is(err, outage.ErrPanic) {
			detail = "the answer made this program panic" // the log has where
		}
		permit.Release(port.Reply{Verdict: port.CallUnknown, Detail: detail})
		found = port.Finding{Found: port.FoundNoAnswer, Detail: detail}
		s.failed(a, detail, err)
	}
	metric.Inquiries.Add(s.Metrics, 1, a.Provider.Account(), found.Found)
	return found
}

// failed logs that a question brought nothing.
func (s *Service) failed(a Asked, detail string, err error) {
	if count, due := s.failures.Due(a.Provider.Account(), detail, s.Clock.Now()); due {
		s.Log.Warn("a provider cannot be asked what became of a message; logged at most once a minute, it is asked again",
			port.Field{Key: "provider", Value: a.Provider.Account()}, port.Field{Key: "error", Value: err}, port.Field{Key: "failures", Value: count})
	}
}

// store writes what was found: verdicts and reports first, so that an inquiry whose answer is lost is made again.
func (s *Service) store(ctx context.Context, a Asked, asked []port.Inquiry, findings []port.Finding) error {
	if len(asked) == 0 {
		return nil
	}
	now, terms := s.Clock.Now(), a.Inquirer.InquiryTerms()
	var outcomes []attempt.Outcome
	var reports []report.Report
	answers := make([]port.InquiryAnswer, len(asked))
	for i, q := range asked {
		d := decide(a.lane(), terms, q, findings[i], now)
		if d.outcome != nil {
			outcomes = append(outcomes, *d.outcome)
		}
		if d.report != nil {
			reports = append(reports, *d.report)
		}
		answers[i] = port.InquiryAnswer{Key: q.Key, Found: findings[i], Again: d.again}
	}
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	if len(outcomes) > 0 {
		err := s.database(ctx, func(ctx context.Context) error {
			_, err := s.Ledger.Record(ctx, outcomes)
			return err
		})
		if err != nil {
			return err
		}
	}
	refused, err := s.receive(ctx, reports)
	if err != nil {
		return fmt.Errorf("reports of inquiries: %w", err)
	}
	for i, q := range asked {
		if err := refused[q.Key]; err != nil {
			answers[i].Found = port.Finding{Found: port.FoundNoAnswer, Detail: "what the provider says cannot be stored"}
			answers[i].Again = decide(a.lane(), terms, q, answers[i].Found, now).again
			s.failed(a, answers[i].Found.Detail, err)
		}
	}
	return s.database(ctx, func(ctx context.Context) error { return s.Inquiries.Answer(ctx, answers) })
}

// receive stores reports, and returns by their keys why some cannot be stored (port.ErrInvalid): the others do not wait for them.
func (s *Service) receive(ctx context.Context, reports []report.Report) (refused map[key.Delivery]error, err error) {
	if len(reports) == 0 {
		return nil, nil
	}
	if err := s.Receive(ctx, reports); !errors.Is(err, port.ErrInvalid) {
		return nil, err
	}
	refused = map[key.Delivery]error{}
	for _, r := range reports {
		switch err := s.Receive(ctx, []report.Report{r}); {
		case errors.Is(err, port.ErrInvalid):
			refused[r.Key] = err
		case err != nil:
			return nil, err
		}
	}
	return refused, nil
}

// storeLimit is how long answers are tried to be stored; then they are asked for again.
const storeLimit = time.Minute
