package bench

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"
)

// consumeBaseline consumes a topic from its beginning to its present end, all partitions at once, and returns the seconds that it
// took until the last message was there.
func consumeBaseline(ctx context.Context, brokers []string, topic string) (messages int, seconds float64, err error) {
	client, err := sarama.NewClient(brokers, kafkaSettings())
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	group, within := errgroup.WithContext(ctx)
	for partition := range int32(partitions) {
		end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err != nil {
			return 0, 0, errors.Join(err, group.Wait())
		}
		if end == 0 {
			continue
		}
		messages += int(end)
		claim, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		if err != nil {
			return 0, 0, errors.Join(err, group.Wait())
		}
		group.Go(func() error {
			for {
				select {
				case <-within.Done():
					return within.Err()
				case m := <-claim.Messages():
					if m.Offset >= end-1 {
						claim.AsyncClose()
						return nil
					}
				}
			}
		})
	}
	err = group.Wait()
	return messages, time.Since(began).Seconds(), err
}
