package deliveryapp

import (
	"cmp"
	"context"
	"fmt"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/gateway/sqs"
	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/feedback"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// queueReader takes what AWS's services publish to topics, from the queue that these deliver to.
type queueReader struct {
	*outage.Watch
	queue  string
	reader *sqs.Reader // nil: no queue is configured
	log    port.Log
}

// queue makes the reader, with the identity of the process at AWS.
func queue(c config.Deliverer) any {
	return func(from core.Informants, s *feedback.Service, identity *awsidentity.Identity, clock port.Clock, log port.Log) (*queueReader, error) {
		q := &queueReader{Watch: outage.New(clock, log), queue: c.Feedback.Queue, log: log}
		if q.queue == "" {
			return q, nil
		}
		taken := sqs.Config{
			Queue: q.queue, Identity: identity, Topics: map[string]string{}, Providers: map[string]port.Reporter{}, Receive: s.Receive, Watch: q.Watch, Now: clock.Now,
		}
		accounts := map[string]string{}
		for _, r := range from.Reporters {
			if r.Topic != "" {
				taken.Topics[r.Topic], taken.Providers[r.Name], accounts[r.Name] = r.Name, r.Reporter, r.Account()
			}
		}
		taken.Observe = func(provider string, result webhook.Result, said port.Said, err error) {
			s.Observe(feedback.Request{Provider: cmp.Or(accounts[provider], provider), Result: string(result), Reports: len(said.Reports), Foreign: said.Foreign, Problem: err})
		}
		var err error
		if q.reader, err = sqs.New(taken); err != nil {
			return nil, fmt.Errorf("%w: BALSONG_FEEDBACK_QUEUE is %w", config.ErrInvalid, err)
		}
		return q, nil
	}
}

// run reads the queue until the context ends.
func (q *queueReader) run(ctx context.Context) error {
	if q.reader == nil {
		<-ctx.Done()
		return nil
	}
	q.log.Info("reports of AWS are taken from a queue", port.Field{Key: "queue", Value: q.queue})
	q.reader.Run(ctx)
	return nil
}
