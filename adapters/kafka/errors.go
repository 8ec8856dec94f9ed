package kafka

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
)

// unavailable wraps what went wrong as port.ErrUnavailable, or as port.ErrInvalid where trying again cannot help.
func unavailable(what string, err error) error {
	if err == nil || errors.Is(err, port.ErrUnavailable) || errors.Is(err, port.ErrInvalid) {
		return err
	}
	kind := port.ErrUnavailable
	if refused(err) {
		kind = port.ErrInvalid
	}
	if errors.Is(err, sarama.ErrInvalidReplicationFactor) {
		return fmt.Errorf("kafka: %s: %w: %w (more copies than brokers: ask for fewer; one broker alone needs replication 1 and min in-sync 1)", what, port.ErrInvalid, err)
	}
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return fmt.Errorf("kafka: %s: %w: %w (create the topics with the migrate step)", what, kind, err)
	}
	return fmt.Errorf("kafka: %s: %w: %w", what, kind, err)
}

// refused reports whether Kafka does not take a message because of the message itself.
func refused(err error) bool {
	var settings sarama.ConfigurationError // sarama's word for a message over Producer.MaxMessageBytes
	return errors.As(err, &settings) || errors.Is(err, sarama.ErrMessageSizeTooLarge) ||
		errors.Is(err, sarama.ErrMessageSetSizeTooLarge) || errors.Is(err, sarama.ErrInvalidRecord)
}

// isRebalanceError reports whether an error only says that the group rebalances.
func isRebalanceError(err error) bool {
	return errors.Is(err, sarama.ErrRebalanceInProgress) || errors.Is(err, sarama.ErrIllegalGeneration) ||
		errors.Is(err, sarama.ErrUnknownMemberId)
}
