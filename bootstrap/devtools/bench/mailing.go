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

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/domain/channel"
)

// smtpConnections is how many connections to the relay the product holds by default, and the baseline here.
const smtpConnections = 100

// mailBytes is the length of a statement's texts here: an LMS of 2,000 bytes, and an e-mail's plain text and HTML, of 500 and 1,500.
const mailBytes = 4000

// smtpStage delivers by SMTP to the simulator, and sends as many messages of the same texts to it with go-mail alone.
func (b *bench) smtpStage(ctx context.Context) error {
	mails, sink := 2*b.Rows/5, 0 // in short runs Kafka's machine code is still being compiled
	return b.repeat(ctx, SMTP, b.Runs, func(ctx context.Context, s *stage) ([]StageRun, error) {
		if err := errors.Join(s.activate(ctx, channel.Email), b.filled(ctx, s, mails, mailBytes)); err != nil {
			return nil, err
		}
		sink++
		gateway, err := b.startGateway(ctx, fmt.Sprintf("smtp-%d", sink), gatewaysim.Settings{Seed: 1})
		if err != nil {
			return nil, err
		}
		for name, value := range map[string]string{"ADDR": gateway.SMTP, "TLS": "none", "FROM": "billing@example.com", "CALL_DEADLINE": "30s", "LEASE": "90s", "MARGIN": "5s"} {
			s.environment["BALSONG_SMTP_"+name] = value
		}
		accepted := func() int {
			stats, err := gateway.stats(ctx)
			if err != nil {
				return 0
			}
			return int(stats.Accepted)
		}
		delivery, err := b.service(ctx, s, deliveryRole)
		if err != nil {
			return nil, err
		}
		run, err := b.span(ctx, delivery.Process, accepted, mails)
		if err := errors.Join(err, delivery.Stop()); err != nil {
			return nil, err
		}
		seconds, err := mailBaseline(ctx, gateway.SMTP, mails)
		if err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		run.BaselineSeconds = seconds * float64(run.Rows) / float64(mails)
		if n := accepted(); n != 2*mails {
			return nil, fmt.Errorf("the simulator accepted %d messages, want %d", n, 2*mails)
		}
		return []StageRun{run}, gateway.Stop()
	}, &Stage{
		Name: SMTP, Rows: mails, Target: Target{Share: 0.8},
		Label:    fmt.Sprintf("from a filled topic, by SMTP over %d connections to the simulator, which fsyncs what it accepts", smtpConnections),
		Baseline: "messages of the same texts to the same simulator with go-mail alone, over as many connections",
	})
}

// mailBaseline sends messages with go-mail alone.
func mailBaseline(ctx context.Context, address string, mails int) (seconds float64, err error) {
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
			for user := connection; user < mails; user += smtpConnections {
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
