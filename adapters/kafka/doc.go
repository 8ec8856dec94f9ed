// Package kafka is the log of events on Apache Kafka, by IBM/sarama: it publishes (Publisher), consumes as a member of
// a group (Consumer), tells how far a group has read (ConsumerGroup), creates the topics (Topics) and describes them for a check
// of the installation (Describe). Cluster says how to reach the brokers; Group and TopicSettings are for those who need them.
//
// Where a received message goes: Consumer.Run joins the group (consumer.go), a session hands the message out and commits
// (session.go), and the tracker of its partition knows up to where (tracker.go).
//
// What holds for all of them:
//   - Constructors do no I/O. Brokers that are down are no reason not to start: calls answer port.ErrUnavailable, and
//     the consumer waits.
//   - sarama takes no contexts. Each connection is opened through a dialer of this package, so that whatever blocks
//     inside sarama can be ended by closing its sockets.
//   - No topic is created by accident: automatic creation is off, only Topics.Ensure creates.
//   - Messages go to partitions by the murmur2 hash of their key, modulo the number of partitions: the same as the
//     default partitioner of Kafka's Java client and its command line tools. The number of partitions is therefore
//     part of the contract with messages that are under way: see Topics.
//
// Delivery is at least once. A committed offset never passes a message that is not done (see tracker).
package kafka
