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
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

const (
	waitingAttribute = string(types.QueueAttributeNameApproximateNumberOfMessages)
	redriveAttribute = string(types.QueueAttributeNameRedrivePolicy)
	sentAttribute    = string(types.MessageSystemAttributeNameSentTimestamp)
	// longestKept is how long SQS keeps a message: 14 days in the queue, and as long in the queue of those that could not be read, from
	// which people may put it back
	// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html).
	longestKept = 28 * 24 * time.Hour
)

func attributes(queue string) *sqs.GetQueueAttributesInput {
	return &sqs.GetQueueAttributesInput{
		QueueUrl:       aws.String(queue),
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameRedrivePolicy},
	}
}

// next takes the next batch of the queue, for which it waits, stores what it says, and deletes it from the queue.
func (r *Reader) next(ctx context.Context) {
	var given []types.Message
	err := r.config.Watch.Await(ctx, "queue of reports", func(ctx context.Context) error {
		client, err := r.sqs(ctx)
		if err != nil {
			return err
		}
		said, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(r.config.Queue), MaxNumberOfMessages: batch,
			WaitTimeSeconds: int32(wait.Seconds()), VisibilityTimeout: int32(visibility.Seconds()),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
		})
		if err != nil {
			return unavailable("receive messages", err)
		}
		given = said.Messages
		return nil
	})
	if err != nil || len(given) == 0 {
		return // the reader is to stop, or nothing came
	}
	var read []opened
	for i := range given {
		if one, ok := r.open(ctx, &given[i]); ok {
			read = append(read, one)
		}
	}
	r.remove(ctx, r.store(ctx, read))
}

// opened is a message that the provider made.
type opened struct {
	message  *types.Message
	provider string
	said     port.Said
}

// open verifies and reads a message; false where it cannot, and so is left to the queue: SQS gives it again, and at last puts it into
// the queue of those that could not be read.
func (r *Reader) open(ctx context.Context, m *types.Message) (opened, bool) {
	body := []byte(aws.ToString(m.Body))
	var envelope struct{ TopicArn, Timestamp string }
	if json.Unmarshal(body, &envelope) != nil || envelope.TopicArn == "" {
		r.config.Observe(Unknown, webhook.Forged, port.Said{}, errEnvelope)
		return opened{}, false
	}
	provider, known := r.config.Topics[envelope.TopicArn]
	reporter := r.config.Providers[provider]
	if !known || reporter == nil {
		r.config.Observe(Unknown, webhook.Forged, port.Said{}, errTopic)
		return opened{}, false
	}
	request := port.Webhook{
		Method: http.MethodPost, URL: r.config.Queue, Body: body, Arrived: r.arrived(m, envelope.Timestamp),
		Header: map[string][]string{"Content-Type": {"text/plain; charset=UTF-8"}},
	}
	var said port.Said
	var refused error
	within, cancel := context.WithTimeout(ctx, visibility)
	defer cancel()
	err := r.config.Watch.Await(within, "check of reports", func(ctx context.Context) error {
		said, refused = reporter.Reports(ctx, request)
		if errors.Is(refused, port.ErrForged) || errors.Is(refused, port.ErrUnreadable) {
			return nil
		}
		return refused
	})
	if err = cmp.Or(refused, err); err != nil {
		r.config.Observe(provider, result(err), port.Said{}, err)
		return opened{}, false
	}
	return opened{m, provider, said}, true
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

// store stores what messages say, and returns those of which that is done. A storage that is down is waited for while the messages are
// held: no message is given again and again meanwhile, and so put with those that cannot be read.
func (r *Reader) store(ctx context.Context, read []opened) []opened {
	var all []report.Report
	for _, one := range read {
		all = append(all, one.said.Reports...)
	}
	err := r.receive(ctx, all)
	if errors.Is(err, port.ErrInvalid) && len(read) > 1 { // one of them is; the others are stored without it
		var stored []opened
		for _, one := range read {
			stored = append(stored, r.store(ctx, []opened{one})...)
		}
		return stored
	}
	for _, one := range read {
		if err != nil {
			r.config.Observe(one.provider, result(err), port.Said{}, err)
			continue
		}
		r.config.Observe(one.provider, webhook.Stored, one.said, nil)
	}
	if err != nil {
		return nil
	}
	return read
}

func (r *Reader) receive(ctx context.Context, reports []report.Report) error {
	if len(reports) == 0 {
		return nil
	}
	return r.config.Watch.Await(ctx, "storage of reports", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit) // what was begun is ended, also where the reader is to stop
		defer cancel()
		return r.config.Receive(ctx, reports)
	})
}

// remove deletes messages from the queue. What is not deleted comes again, and changes nothing then.
func (r *Reader) remove(ctx context.Context, stored []opened) {
	if len(stored) == 0 {
		return
	}
	entries := make([]types.DeleteMessageBatchRequestEntry, len(stored))
	for i, one := range stored {
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: one.message.ReceiptHandle}
	}
	_ = r.config.Watch.Await(ctx, "deletion from the queue of reports", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
		defer cancel()
		client, err := r.sqs(ctx)
		if err != nil {
			return err
		}
		if _, err = client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(r.config.Queue), Entries: entries}); err != nil {
			return unavailable("delete messages", err)
		}
		return nil
	})
}
