package deliveryapp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/feedback"
	"github.com/balsong/balsong/application/inquire"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// feedbackStop is how long a shutdown of the feedback role waits for what is being received and stored.
const feedbackStop = 90 * time.Second

// receiving is the role feedback: whatever brings a provider's word about messages, in one process.
func receiving(c config.Deliverer) fx.Option {
	return fx.Module("feedback",
		core.Reporting(c.Gateways),
		fx.Provide(
			feedbackService,
			inquiryPorts, inquiries(c.Feedback), webhooks(c), mails(c), queue(c),
			core.WaitingPart(func(s *feedback.Service) core.Waiting { return s }),
			core.WaitingPart(func(s *inquire.Service) core.Waiting { return s }),
			core.WaitingPart(func(q *queueReader) core.Waiting { return q }),
		),
		fx.Invoke(
			func(from core.Informants) error { return checkFeedback(c, from) },
			func(lc fx.Lifecycle, shutdown fx.Shutdowner, log port.Log, s *feedback.Service, i *inquire.Service, w *webServer, m *mailServer, q *queueReader) {
				core.Announce(lc, log, "feedback")
				core.Work(lc, shutdown, log, "feedback", func(ctx context.Context) error { return s.Run(ctx, m.prepare) })
				core.Work(lc, shutdown, log, "inquiries", i.Run)
				core.Work(lc, shutdown, log, "queue of reports", q.run)
				lc.Append(fx.StartStopHook(m.start, m.stop))
				lc.Append(fx.StartStopHook(w.start, w.stop))
			},
		),
	)
}

// feedbackService counts for the halt of a channel what the providers say that report by requests of their own: those report deliveries
// too, which bounces by mail do not. What is published to topics of Amazon SNS is what the account has chosen.
func feedbackService(
	reports port.Reports, sweeps port.Sweeps, halts port.ChannelHalts, clock port.Clock, log port.Log, metrics port.Metrics, from core.Informants,
) *feedback.Service {
	ports := feedback.Ports{Reports: reports, Sweeps: sweeps, Clock: clock, Log: log, Metrics: metrics, ChannelHalts: halts, Accounts: map[string]bool{}}
	for _, account := range from.Senders {
		ports.Accounts[account] = false
	}
	for _, r := range from.Reporters {
		ports.Accounts[r.Account()] = true
		if r.Topic == "" {
			ports.ReportDeliveries = append(ports.ReportDeliveries, r.Name)
		} else {
			ports.ChooseReports = append(ports.ChooseReports, r.Name)
		}
	}
	return feedback.New(ports)
}

// checkFeedback refuses a role that would receive nothing, and addresses where nothing can come in.
func checkFeedback(c config.Deliverer, from core.Informants) error {
	f := c.Feedback
	paths := map[string]string{}
	var byRequest, byQueue []string // the providers that report so
	for _, r := range from.Reporters {
		if other, taken := paths[r.Path]; taken {
			return fmt.Errorf("%w: %s and %s report at the same address", config.ErrInvalid, other, r.Account())
		}
		paths[r.Path] = r.Account()
		if r.Topic == "" || f.Queue == "" {
			byRequest = append(byRequest, r.Account())
		} else {
			byQueue = append(byQueue, r.Account())
		}
	}
	switch {
	case f.Queue != "" && len(byQueue) == 0:
		return fmt.Errorf("%w: BALSONG_FEEDBACK_QUEUE is set, and nobody reports there: set BALSONG_SES_TOPIC or BALSONG_AWS_SMS_TOPIC, of a provider that sends", config.ErrInvalid)
	case f.Addr != "" && len(paths) == 0:
		return fmt.Errorf("%w: BALSONG_FEEDBACK_ADDR is set, and no provider reports there: set %s, of a provider that sends", config.ErrInvalid, core.ReportingVariables())
	case f.Addr == "" && len(byRequest) > 0:
		slices.Sort(byRequest)
		return fmt.Errorf("%w: %s is to report by webhooks, and BALSONG_FEEDBACK_ADDR, where they are taken, is not set (what AWS reports may come by BALSONG_FEEDBACK_QUEUE)",
			config.ErrInvalid, strings.Join(byRequest, ", "))
	case f.LMTPAddr != "" && len(c.Gateways.ReferenceSecrets) == 0:
		return fmt.Errorf("%w: BALSONG_FEEDBACK_LMTP_ADDR is set, and BALSONG_REFERENCE_SECRETS, by which a bounce finds its bill, is not", config.ErrInvalid)
	case f.Addr == "" && f.LMTPAddr == "" && f.Queue == "" && (len(from.Inquirers) == 0 || f.InquiryRate == 0):
		return fmt.Errorf("%w: nothing says what became of messages: set BALSONG_FEEDBACK_ADDR and %s (webhooks), or BALSONG_FEEDBACK_QUEUE (Amazon SQS), or BALSONG_FEEDBACK_LMTP_ADDR (bounces), or the variables of a provider that can be asked, such as NHN Cloud, with BALSONG_REFERENCE_SECRETS (docs/providers/README.md)",
			config.ErrInvalid, core.ReportingVariables())
	}
	return nil
}

func inquiryPorts(
	months port.Months, sweeps port.Sweeps, asked port.Inquiries, ledger port.Ledger, s *feedback.Service,
	clock port.Clock, log port.Log, metrics port.Metrics,
) inquire.Ports {
	return inquire.Ports{
		Months: months, Sweeps: sweeps, Inquiries: asked, Ledger: ledger, Receive: s.Receive,
		Clock: clock, Log: log, Metrics: metrics,
	}
}

// inquiries asks the providers that can be asked, each at a rate of its own that is no message's.
func inquiries(f config.Feedback) any {
	return func(ports inquire.Ports, from core.Informants, budgets port.Budgets) (*inquire.Service, error) {
		var asked []inquire.Asked
		for _, i := range from.Inquirers {
			if f.InquiryRate == 0 {
				continue
			}
			bounds, err := core.InquiryPermits(i, f.InquiryRate, budgets, ports.Clock, ports.Log)
			if err != nil {
				return nil, err
			}
			asked = append(asked, inquire.Asked{Inquirer: i.Inquirer, Provider: i.Provider.Provider, Permits: bounds})
		}
		return inquire.New(ports, inquire.Config{}, asked...)
	}
}
