package kafka

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// committedOffsets asks the group's coordinator for the committed offset of each partition; -1 where there is none.
func committedOffsets(client sarama.Client, group, topic string, partitions []int32) (map[int32]int64, error) {
	request := sarama.NewOffsetFetchRequest(client.Config().Version, group, map[string][]int32{topic: partitions})
	var failure error
	for range 3 { // the coordinator may have moved or may still be loading
		coordinator, err := client.Coordinator(group)
		if err != nil {
			return nil, fmt.Errorf("find the coordinator of the group %s: %w", group, err)
		}
		var offsets map[int32]int64
		offsets, failure = fetchOffsets(coordinator, request, topic, partitions)
		if failure == nil {
			return offsets, nil
		}
		_ = client.RefreshCoordinator(group)
	}
	return nil, fmt.Errorf("read the committed offsets of the group %s: %w", group, failure)
}

// membersOf counts the members of a group; none where there is no such group.
func membersOf(client sarama.Client, group string) (members int, failure error) {
	request := &sarama.DescribeGroupsRequest{Groups: []string{group}}
	for range 3 { // as for the offsets
		coordinator, err := client.Coordinator(group)
		if err != nil {
			return 0, fmt.Errorf("find the coordinator of the group %s: %w", group, err)
		}
		var response *sarama.DescribeGroupsResponse
		response, failure = coordinator.DescribeGroups(request)
		switch {
		case failure != nil:
			_ = coordinator.Close() // the client connects again
		case len(response.Groups) != 1:
			failure = sarama.ErrIncompleteResponse
		case errors.Is(response.Groups[0].Err, sarama.ErrNoError), errors.Is(response.Groups[0].Err, sarama.ErrGroupIDNotFound):
			return len(response.Groups[0].Members), nil
		default:
			failure = response.Groups[0].Err
		}
		_ = client.RefreshCoordinator(group)
	}
	return 0, fmt.Errorf("describe the group %s: %w", group, failure)
}

func fetchOffsets(from *sarama.Broker, request *sarama.OffsetFetchRequest, topic string, partitions []int32) (map[int32]int64, error) {
	response, err := from.FetchOffset(request)
	if err != nil {
		_ = from.Close() // the client connects again
		return nil, err
	}
	offsets := make(map[int32]int64, len(partitions))
	if errors.Is(response.Err, sarama.ErrGroupIDNotFound) { // some brokers say so where others answer -1
		for _, partition := range partitions {
			offsets[partition] = -1
		}
		return offsets, nil
	}
	if !errors.Is(response.Err, sarama.ErrNoError) {
		return nil, response.Err
	}
	for _, partition := range partitions {
		block := response.GetBlock(topic, partition)
		if block == nil {
			return nil, sarama.ErrIncompleteResponse
		}
		switch {
		case errors.Is(block.Err, sarama.ErrGroupIDNotFound):
			offsets[partition] = -1
		case !errors.Is(block.Err, sarama.ErrNoError):
			return nil, block.Err
		default:
			offsets[partition] = block.Offset
		}
	}
	return offsets, nil
}

// bounds returns the oldest offset of a partition and the one behind its newest message.
func bounds(client sarama.Client, topic string, partition int32) (oldest, end int64, err error) {
	if oldest, err = client.GetOffset(topic, partition, sarama.OffsetOldest); err != nil {
		return 0, 0, fmt.Errorf("oldest offset of %s/%d: %w", topic, partition, err)
	}
	if end, err = client.GetOffset(topic, partition, sarama.OffsetNewest); err != nil {
		return 0, 0, fmt.Errorf("newest offset of %s/%d: %w", topic, partition, err)
	}
	return oldest, end, nil
}
