package sqs

import (
	"context"
	"errors"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

const sentAttribute = string(types.MessageSystemAttributeNameSentTimestamp)

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
	r.remove(ctx, r.store(ctx, r.openAll(ctx, given)))
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
