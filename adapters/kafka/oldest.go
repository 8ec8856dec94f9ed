package kafka

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// oldest returns when the log took the oldest message that a group has not committed; zero where all are committed.
func oldest(client sarama.Client, topic string, positions []position) (first time.Time, err error) {
	for _, at := range positions {
		if at.committed >= at.end {
			continue
		}
		taken, err := timeAt(client, topic, at.partition, at.committed)
		if err != nil {
			return time.Time{}, fmt.Errorf("time of the message %s/%d/%d: %w", topic, at.partition, at.committed, err)
		}
		if first.IsZero() || !taken.IsZero() && taken.Before(first) {
			first = taken
		}
	}
	return first, nil
}

// timeAt returns when the log took the first message of a partition at or behind an offset; zero where there is none. It reads
// one batch: a request for one partition is answered with a whole batch, however few bytes it asks for (KIP-74).
func timeAt(client sarama.Client, topic string, partition int32, offset int64) (time.Time, error) {
	leader, err := client.Leader(topic, partition)
	if err != nil {
		return time.Time{}, err
	}
	request := &sarama.FetchRequest{Version: 10, MaxWaitTime: 100, MinBytes: 1, MaxBytes: 1, SessionEpoch: -1}
	request.AddBlock(topic, partition, offset, 1, -1)
	response, err := leader.Fetch(request)
	if err != nil {
		_ = leader.Close() // the client connects again
		return time.Time{}, err
	}
	block := response.GetBlock(topic, partition)
	switch {
	case block == nil:
		return time.Time{}, sarama.ErrIncompleteResponse
	case !errors.Is(block.Err, sarama.ErrNoError):
		return time.Time{}, block.Err
	}
	for _, records := range block.RecordsSet {
		if taken := timeIn(records.RecordBatch, offset); !taken.IsZero() {
			return taken, nil
		}
	}
	return time.Time{}, nil
}

// timeIn is timeAt in a batch.
func timeIn(batch *sarama.RecordBatch, offset int64) time.Time {
	if batch == nil {
		return time.Time{}
	}
	for _, record := range batch.Records {
		switch {
		case batch.FirstOffset+record.OffsetDelta < offset:
		case batch.LogAppendTime:
			return batch.MaxTimestamp
		default:
			return batch.FirstTimestamp.Add(record.TimestampDelta)
		}
	}
	return time.Time{}
}
