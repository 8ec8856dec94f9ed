// Package kafka is the log of events on Apache Kafka, by IBM/sarama: it publishes (Publisher), consumes as a member of
// a group (Consumer), tells how far a group has read (Progress) and makes the topics (Topics).
//
// What holds for all of them:
//   - Constructors do no I/O. Brokers that are down are no reason not to start: calls answer port.ErrUnavailable, and
//     the consumer waits.
//   - sarama knows no contexts. Each connection is dialled through a dialer of this package, so that whatever blocks
//     inside sarama can be ended by closing its sockets.
//   - Nothing makes a topic by accident: automatic creation is off, Topics.Ensure alone creates.
//   - Messages go to partitions by the murmur2 hash of their key, modulo the number of partitions: the same as the
//     default partitioner of Kafka's Java client and its command line tools. The number of partitions is therefore
//     part of the contract with messages that are under way: see Topics.
//
// Delivery is at least once. A committed offset never passes a message that is not done (see tracker).
package kafka
