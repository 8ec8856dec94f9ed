package sqs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
)

const (
	// checkLimit is how long the messages of a batch may wait to be verified, as for a certificate of SNS: the rest of visibility is left
	// to store what they say.
	checkLimit = visibility / 5 * 4
	// longestKept is how long SQS keeps a message: 14 days in the queue, and as long in the queue of those that could not be read, from
	// which people may put it back
	// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html).
	longestKept = 28 * 24 * time.Hour
)

// opened is a message that the provider made.
type opened struct {
	message  *types.Message
	provider string
	said     port.Said
}

// openAll opens the messages of a batch, and returns those that could be. Together they may wait for checkLimit.
func (r *Reader) openAll(ctx context.Context, given []types.Message) (read []opened) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	for i := range given {
		if one, ok := r.open(ctx, &given[i]); ok {
			read = append(read, one)
		}
	}
	return read
}

// open verifies and reads a message; false where it cannot, and so is left to the queue: SQS gives it again, and at last puts it into
// the queue of those that could not be read. So is one that makes this program panic, which would end the process each time.
func (r *Reader) open(ctx context.Context, m *types.Message) (one opened, ok bool) {
	provider := Unknown
	err := outage.Guarded(func() error {
		one, ok = r.read(ctx, m, &provider)
		return nil
	})
	if err != nil {
		r.config.Observe(provider, webhook.Failed, port.Said{}, err)
		return opened{}, false
	}
	return one, ok
}

// read is open, unguarded. It says whose message it is once it knows.
func (r *Reader) read(ctx context.Context, m *types.Message, provider *string) (one opened, ok bool) {
	body := []byte(aws.ToString(m.Body))
	var envelope struct{ TopicArn, Timestamp string }
	if json.Unmarshal(body, &envelope) != nil || envelope.TopicArn == "" {
		r.config.Observe(Unknown, webhook.Forged, port.Said{}, errEnvelope)
		return opened{}, false
	}
	named := r.config.Topics[envelope.TopicArn]
	reporter := r.config.Providers[named]
	if reporter == nil {
		r.config.Observe(Unknown, webhook.Forged, port.Said{}, errTopic)
		return opened{}, false
	}
	*provider = named
	request := port.Webhook{
		Method: http.MethodPost, URL: r.config.Queue, Body: body, Arrived: r.arrived(m, envelope.Timestamp),
		Header: map[string][]string{"Content-Type": {"text/plain; charset=UTF-8"}},
	}
	var said port.Said
	var refused error
	err := r.config.Watch.Await(ctx, "check of reports", func(ctx context.Context) error {
		said, refused = reporter.Reports(ctx, request)
		if errors.Is(refused, port.ErrForged) || errors.Is(refused, port.ErrUnreadable) {
			return nil
		}
		return refused
	})
	if err = cmp.Or(refused, err); err != nil {
		r.config.Observe(named, result(err), port.Said{}, err)
		return opened{}, false
	}
	return opened{m, named, said}, true
}

var (
	errEnvelope = errors.New("it is not in the JSON that Amazon SNS puts around what is published: switch raw message delivery off for the subscription")
	errTopic    = errors.New("it is of a topic that is not configured")
)

func result(err error) webhook.Result {
	switch {
	case errors.Is(err, port.ErrForged):
		return webhook.Forged
	case errors.Is(err, port.ErrUnreadable), errors.Is(err, port.ErrInvalid):
		return webhook.Unreadable
	}
	return webhook.Failed
}

// arrived is the instant for which a signature is checked. A message may have waited in SQS for weeks, so its age says nothing: it is
// checked for the instant that SNS signed, within what SQS keeps; otherwise for that at which SQS took the message.
func (r *Reader) arrived(m *types.Message, signed string) time.Time {
	sent := r.config.Now()
	if since, err := strconv.ParseInt(m.Attributes[sentAttribute], 10, 64); err == nil {
		sent = time.UnixMilli(since)
	}
	if at, err := time.Parse(time.RFC3339, signed); err == nil && at.Before(sent) && sent.Sub(at) <= longestKept {
		return at
	}
	return sent
}
