package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"
	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/domain/channel"
)

// smtpConnections is how many connections to the relay the product holds by default, and the baseline here.
const smtpConnections = 100

// mailBytes is the length of a statement's texts here: an LMS of 2,000 bytes, and an e-mail's plain text and HTML, of 500 and 1,500.
const mailBytes = 4000

// smtpStage delivers by SMTP to the simulator, and sends as many messages of the same texts to it with go-mail alone.
func (b *bench) smtpStage(ctx context.Context) error {
	measured := &Stage{
		Name: "smtp", Rows: b.Mails, Target: Target{Share: 0.8},
		Label:    fmt.Sprintf("from a filled topic, by SMTP over %d connections to the simulator, which fsyncs what it accepts", smtpConnections),
		Baseline: "messages of the same texts to the same simulator with go-mail alone, over as many connections",
	}
	b.report.Stages = append(b.report.Stages, measured)
	for n := range b.Runs {
		name := fmt.Sprintf("smtp%d", n) // with topics of its own
		err := b.open(ctx, name, func(ctx context.Context, s *stage) error {
			run, err := b.smtpOnce(ctx, s, n)
			measured.Runs = append(measured.Runs, run)
			return err
		})
		if err := errors.Join(err, b.dropDatabase(ctx, name)); err != nil {
			return err
		}
		b.told(measured, n)
	}
	measured.summarize()
	return nil
}

func (b *bench) smtpOnce(ctx context.Context, s *stage, n int) (run StageRun, err error) {
	if err := s.activate(ctx, channel.Email); err != nil {
		return run, err
	}
	if err := s.seed(ctx, firstMonth, b.Mails, mailBytes); err != nil {
		return run, fmt.Errorf("seed: %w", err)
	}
	if _, err := b.dispatchOnce(ctx, s, firstMonth); err != nil {
		return run, fmt.Errorf("fill the topic: %w", err)
	}
	sink, err := b.startChild(ctx, gatewayRole, gatewayOrders{DataDir: b.path("smtp-" + strconv.Itoa(n)), Settings: gatewaysim.Settings{Seed: 1}})
	if err != nil {
		return run, err
	}
	var where gatewayInfo
	if err := sink.Info(&where); err != nil {
		return run, err
	}
	s.config.Gateways.SMTP = config.SMTP{
		Addr: where.SMTP, TLS: "none", From: "billing@example.com", CallDeadline: 30 * time.Second, Lease: 90 * time.Second, Margin: 5 * time.Second,
		InFlight: smtpConnections,
	}
	accepted := func() int {
		var stats gatewaysim.Stats
		if err := getJSON(ctx, "http://"+where.Admin+"/stats", &stats); err != nil {
			return 0
		}
		return int(stats.Accepted)
	}
	if run, err = b.mailed(ctx, s, accepted); err != nil {
		return run, err
	}
	seconds, err := b.mailBaseline(ctx, where.SMTP)
	if err != nil {
		return run, fmt.Errorf("baseline: %w", err)
	}
	run.BaselineSeconds = seconds * float64(run.Rows) / float64(b.Mails)
	if n := accepted(); n != 2*b.Mails {
		return run, fmt.Errorf("the simulator accepted %d messages, want %d", n, 2*b.Mails)
	}
	return run, sink.Stop()
}

// mailed lets delivery send what lies in the topic.
func (b *bench) mailed(ctx context.Context, s *stage, accepted func() int) (run StageRun, err error) {
	o := orders{Config: s.config, Month: firstMonth}
	if o.Config.Health.Addr, err = freeAddress(ctx); err != nil {
		return run, err
	}
	var delivery *child.Process
	if delivery, err = b.startChild(ctx, deliveryRole, o); err != nil {
		return run, err
	}
	run, err = b.span(ctx, delivery, accepted, b.Mails)
	return run, errors.Join(err, delivery.Stop())
}

// mailBaseline sends messages with go-mail alone.
func (b *bench) mailBaseline(ctx context.Context, address string) (seconds float64, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	group, within := errgroup.WithContext(ctx)
	for connection := range smtpConnections {
		group.Go(func() error {
			client, err := mail.NewClient(host, mail.WithPort(number), mail.WithTLSPolicy(mail.NoTLS), mail.WithTimeout(30*time.Second))
			if err != nil {
				return err
			}
			if err := client.DialWithContext(within); err != nil {
				return err
			}
			for user := connection; user < b.Mails; user += smtpConnections {
				message, err := baselineMail(user)
				if err == nil {
					err = client.Send(message)
				}
				if err != nil {
					return err
				}
			}
			return client.Close()
		})
	}
	err = group.Wait()
	return time.Since(began).Seconds(), err
}

// baselineMail is a message with texts as long as those of a seeded statement.
func baselineMail(user int) (*mail.Msg, error) {
	message := mail.NewMsg()
	if err := errors.Join(message.From("billing@example.com"), message.To(fmt.Sprintf("customer.%09d@example.com", user))); err != nil {
		return nil, err
	}
	message.Subject("Your bill")
	lines := callLines()
	text := ""
	for n := user; len(text) < 500; n++ {
		text += lines[n%len(lines)]
	}
	message.SetBodyString(mail.TypeTextPlain, text)
	message.AddAlternativeString(mail.TypeTextHTML, text+text+text)
	return message, nil
}
