package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
)

// Facts is what Describe finds out about a cluster.
type Facts struct {
	Brokers    int
	Topics     []TopicFacts
	AutoCreate string // auto.create.topics.enable of one broker: "true", "false", or "" where it does not say
}

// TopicFacts is what Describe finds out about one topic.
type TopicFacts struct {
	Role        port.Topic
	Name        string
	Exists      bool
	Partitions  int
	Replication int
	MinInSync   int       // 0 where the broker does not say
	Unclean     string    // unclean.leader.election.enable, "" where the broker does not say
	Newest      time.Time // the broker's time of the newest message; zero where there is none
}

// Failure is why a cluster cannot be described.
type Failure string

// The failures.
const (
	FailureHost     Failure = "host"     // no machine of that name
	FailureRefused  Failure = "refused"  // nothing listens at the port
	FailureLogin    Failure = "login"    // user or password, or the token
	FailureSASL     Failure = "sasl"     // the brokers know another SASL mechanism
	FailureTrust    Failure = "trust"    // the brokers' certificate is not trusted, or for another name
	FailureProtocol Failure = "protocol" // something answers that is not Kafka, or speaks TLS where we do not
	FailureTimeout  Failure = "timeout"  // no answer in time
	FailureNoTLS    Failure = "no-tls"   // we speak TLS, and the port does not
	FailureWantsTLS Failure = "tls"      // the port speaks TLS, and we do not

	FailureTokenRefused     Failure = "token-refused"     // the token endpoint knows no such client, secret or scope
	FailureTokenTrust       Failure = "token-trust"       // the token endpoint's certificate is not trusted, or for another name
	FailureTokenUnavailable Failure = "token-unavailable" // the token endpoint gives no answer, or none with a token
)

// FailureOf returns why Describe failed.
func FailureOf(err error) Failure {
	_, host := errors.AsType[*net.DNSError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	token, noToken := errors.AsType[*TokenError](err)
	switch {
	case noToken:
		return token.Failure
	case errors.Is(err, errNoTLS):
		return FailureNoTLS
	case errors.Is(err, errWantsTLS):
		return FailureWantsTLS
	case errors.Is(err, sarama.ErrUnsupportedSASLMechanism):
		return FailureSASL
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed):
		return FailureLogin
	case host:
		return FailureHost
	case untrusted:
		return FailureTrust
	case errors.Is(err, syscall.ECONNREFUSED):
		return FailureRefused
	case errors.Is(err, context.DeadlineExceeded):
		return FailureTimeout
	}
	return FailureProtocol
}

// Describe reads Facts of the cluster and the topics; it changes nothing. FailureOf says what an error means.
func Describe(ctx context.Context, cluster Cluster) (facts Facts, err error) {
	cluster, err = cluster.complete()
	if err != nil {
		return facts, err
	}
	conn := newConnection(cluster, true)
	defer conn.close()
	found := Facts{}
	err = conn.use(ctx, "describe the cluster", func(client sarama.Client) error { return found.read(cluster, client) })
	if err != nil && (FailureOf(err) == FailureProtocol || FailureOf(err) == FailureTimeout) {
		if mismatch := encryption(ctx, cluster); mismatch != nil {
			err = unavailable("describe the cluster", mismatch)
		}
	}
	if err != nil && FailureOf(err) == FailureProtocol && offersAnother(ctx, cluster) {
		err = unavailable("log in by "+string(cluster.SASL.Mechanism), sarama.ErrUnsupportedSASLMechanism)
	}
	if err != nil {
		return facts, err // what was found is not ours to read: the work may still run
	}
	return found, nil
}

// Why client and broker do not understand each other.
var (
	errNoTLS    = errors.New("the port does not speak TLS")
	errWantsTLS = errors.New("the port speaks TLS")
)

// encryption finds out by a handshake whether a port speaks TLS where we do not, or the other way about: all that the client
// sees is a connection that ends. Nil where that is not the cause.
func encryption(ctx context.Context, cluster Cluster) error {
	dialer := newDialer(cluster)
	defer context.AfterFunc(ctx, dialer.abort)()
	defer dialer.abort()
	for _, address := range cluster.Brokers {
		conn, err := dialer.Dial("tcp", address)
		if err != nil {
			continue
		}
		_ = conn.SetDeadline(time.Now().Add(cluster.Timeouts.Dial))
		err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) // nothing is sent over it
		_, alert := errors.AsType[tls.AlertError](err)
		_, answered := errors.AsType[*net.OpError](err)
		speaks := err == nil || alert || answered && strings.Contains(err.Error(), "remote error: tls")
		switch {
		case speaks && cluster.TLS == nil:
			return errWantsTLS
		case !speaks && cluster.TLS != nil:
			return errNoTLS
		}
		return nil
	}
	return nil
}

// offersAnother reports whether a broker refuses the login for its mechanism. A client of sarama hides that answer.
func offersAnother(ctx context.Context, cluster Cluster) bool {
	dialer := newDialer(cluster)
	defer context.AfterFunc(ctx, dialer.abort)()
	defer dialer.abort()
	for _, address := range cluster.Brokers {
		broker := sarama.NewBroker(address)
		if broker.Open(cluster.client(dialer)) != nil {
			continue
		}
		_, err := broker.Connected() // waits for the login
		_ = broker.Close()
		if errors.Is(err, sarama.ErrUnsupportedSASLMechanism) {
			return true
		}
	}
	return false
}

func (f *Facts) read(cluster Cluster, client sarama.Client) error {
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return err
	}
	f.Brokers = len(client.Brokers())
	for _, broker := range client.Brokers()[:min(1, f.Brokers)] {
		settings := settingsOf(admin, sarama.BrokerResource, strconv.Itoa(int(broker.ID())))
		f.AutoCreate = settings["auto.create.topics.enable"]
	}
	for _, role := range []port.Topic{port.TopicRequests, port.TopicResults, port.TopicDeadLetter} {
		topic, err := readTopic(admin, client, role, cluster.TopicName(role))
		if err != nil {
			return err
		}
		f.Topics = append(f.Topics, topic)
	}
	return nil
}

func readTopic(admin sarama.ClusterAdmin, client sarama.Client, role port.Topic, name string) (TopicFacts, error) {
	facts := TopicFacts{Role: role, Name: name}
	found, err := admin.DescribeTopics([]string{name})
	if err != nil {
		return facts, err
	}
	if len(found) != 1 || errors.Is(found[0].Err, sarama.ErrUnknownTopicOrPartition) {
		return facts, nil
	}
	if !errors.Is(found[0].Err, sarama.ErrNoError) {
		return facts, found[0].Err
	}
	facts.Exists, facts.Partitions = true, len(found[0].Partitions)
	for i, partition := range found[0].Partitions {
		if i == 0 || len(partition.Replicas) < facts.Replication {
			facts.Replication = len(partition.Replicas)
		}
	}
	settings := settingsOf(admin, sarama.TopicResource, name)
	facts.MinInSync, _ = strconv.Atoi(settings["min.insync.replicas"]) // 0 where it is not told
	facts.Unclean = settings["unclean.leader.election.enable"]
	facts.Newest = newest(client, name, found[0].Partitions)
	return facts, nil
}

// settingsOf reads the settings of a broker or topic; none if the broker does not tell them.
func settingsOf(admin sarama.ClusterAdmin, kind sarama.ConfigResourceType, name string) map[string]string {
	settings := map[string]string{}
	results, err := admin.DescribeConfigs([]*sarama.ConfigResource{{Type: kind, Name: name}}, sarama.DescribeConfigsOptions{})
	if err != nil {
		return settings
	}
	for _, result := range results {
		for _, entry := range result.Configs {
			settings[entry.Name] = entry.Value
		}
	}
	return settings
}

// newest returns the time of the last message of the first partition that has one; zero if it cannot be read.
func newest(client sarama.Client, topic string, partitions []*sarama.PartitionMetadata) time.Time {
	for _, partition := range partitions {
		oldest, end, err := bounds(client, topic, partition.ID)
		if err != nil || end <= oldest {
			continue
		}
		consumer, err := sarama.NewConsumerFromClient(client)
		if err != nil {
			return time.Time{}
		}
		defer func() { _ = consumer.Close() }()
		reading, err := consumer.ConsumePartition(topic, partition.ID, end-1)
		if err != nil {
			return time.Time{}
		}
		timer := time.NewTimer(3 * time.Second)
		defer timer.Stop()
		defer func() { _ = reading.Close() }()
		select {
		case message := <-reading.Messages():
			if message != nil {
				return message.Timestamp
			}
		case <-timer.C:
		}
		return time.Time{}
	}
	return time.Time{}
}
