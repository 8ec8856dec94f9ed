package kafka

import (
	"crypto/tls"
	"time"

	"github.com/IBM/sarama"
)

// maxDecompressed bounds what one compressed batch may grow to in memory.
const maxDecompressed = 32 << 20

// sarama's bound on decompression is a global variable; it is set before anything can decompress.
func init() { sarama.MaxDecompressedBatchSize = maxDecompressed }

// settings returns the settings that every client of sarama gets.
func (c Config) settings(dialer *dialer) *sarama.Config {
	s := sarama.NewConfig()
	s.ClientID = c.ClientID
	s.Net.DialTimeout = c.DialTimeout
	s.Net.ReadTimeout = c.RequestTimeout
	s.Net.WriteTimeout = c.RequestTimeout
	s.Net.Proxy.Enable = true // there is no proxy: this is how sarama takes a dialer
	s.Net.Proxy.Dialer = dialer
	if c.TLS {
		s.Net.TLS.Enable = true
		s.Net.TLS.Config = &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
	}
	if c.User != "" {
		s.Net.SASL.Enable = true
		s.Net.SASL.Mechanism = sarama.SASLTypeSCRAMSHA512
		s.Net.SASL.User = c.User
		s.Net.SASL.Password = c.Password
		s.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{} }
	}
	s.Metadata.Full = false // only our topics; and a new client does no I/O
	s.Metadata.AllowAutoTopicCreation = false
	s.Metadata.Retry.Max = 3
	s.Metadata.Retry.BackoffFunc = func(int, int) time.Duration { return dialer.pause(200 * time.Millisecond) }
	s.Metadata.RefreshFrequency = time.Minute
	return s
}

// producing returns the settings of a publisher.
func (c Config) producing(dialer *dialer) *sarama.Config {
	s := c.settings(dialer)
	s.Net.MaxOpenRequests = 1 // together with Idempotent it keeps a partition's order when sarama retries
	s.Producer.Idempotent = true
	s.Producer.RequiredAcks = sarama.WaitForAll
	s.Producer.Return.Successes = true
	s.Producer.Return.Errors = true
	s.Producer.Partitioner = sarama.NewMurmur2Partitioner
	s.Producer.MaxMessageBytes = c.MaxMessageBytes
	s.Producer.Timeout = c.RequestTimeout / 2
	s.Producer.Compression = sarama.CompressionLZ4 // BenchmarkProduce: as fast as none or faster, zstd a third slower
	s.Producer.Retry.Max = 6                       // about four seconds: as long as the election of a partition's leader takes
	s.Producer.Retry.BackoffFunc = func(retries, _ int) time.Duration {
		return min(50*time.Millisecond<<retries, time.Second)
	}
	s.Producer.Retry.MaxBufferLength = 16 << 10
	s.Producer.Retry.MaxBufferBytes = 32 << 20
	s.Producer.Transaction.Retry.Max = 3 // asking for the producer id; the default keeps trying for five seconds
	s.ChannelBufferSize = 256
	return s
}

// fetchMin is how many bytes a broker waits for, MaxWaitTime at most, before it answers a fetch. Under load this makes
// answers fewer and larger, and with them the bulk statements of the consumer.
const fetchMin = 32 << 10

// maxProcessing is how long a handler may leave a message waiting before sarama takes its partition out of the fetches
// until everything fetched of it is consumed. A partition that comes back waits up to 100 ms for its next fetch, and falls
// behind the others meanwhile. At sarama's default of 100 ms, Delivery read 1.5 bytes of statements for a byte sent; at 2 s
// it reads 0.65, because the partitions stay side by side in the month.
const maxProcessing = 2 * time.Second

// consuming returns the settings of a group's member. Memory that a partition may hold: a response of FetchBytes, what
// it decompresses to, and ChannelBufferSize messages. A response of all partitions together is bounded by
// Fetch.MaxBytes.
func (c Config) consuming(dialer *dialer) *sarama.Config {
	s := c.settings(dialer)
	// The answer to a join comes when the last member has joined.
	s.Net.ReadTimeout = max(c.RequestTimeout, c.RebalanceTimeout+5*time.Second)
	s.Consumer.Return.Errors = true
	s.Consumer.Offsets.Initial = sarama.OffsetOldest // the default, newest, skips what came before the group's first commit
	s.Consumer.Offsets.AutoCommit.Enable = false
	s.Consumer.MaxWaitTime = 100 * time.Millisecond // commits and heartbeats queue behind this long poll
	s.Consumer.MaxProcessingTime = maxProcessing
	s.Consumer.Retry.BackoffFunc = func(int) time.Duration { return dialer.pause(time.Second) }
	s.Consumer.Fetch.Min = fetchMin
	s.Consumer.Fetch.Default = int32(c.FetchBytes)
	s.Consumer.Fetch.Max = int32(max(4*c.FetchBytes, 2*c.MaxMessageBytes))
	s.Consumer.Fetch.MaxBytes = int32(max(8<<20, 2*c.MaxMessageBytes))
	s.Consumer.Group.ResetInvalidOffsets = false // the default skips silently: see member.Setup
	s.Consumer.Group.Session.Timeout = c.SessionTimeout
	s.Consumer.Group.Heartbeat.Interval = c.HeartbeatInterval
	s.Consumer.Group.Rebalance.Timeout = c.RebalanceTimeout
	s.Consumer.Group.Rebalance.Retry.Backoff = 200 * time.Millisecond
	// An eager strategy, because a handler that blocks learns only from the end of its session that its partition is
	// gone.
	s.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
	s.ChannelBufferSize = 64
	return s
}
