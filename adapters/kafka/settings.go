package kafka

import (
	"crypto/tls"
	"time"

	"github.com/IBM/sarama"
)

// maxDecompressed bounds what one compressed batch may grow to in memory.
const maxDecompressed = 32 << 20

// A bound on decompression is a variable of the whole library; it is set before anything can decompress.
func init() { sarama.MaxDecompressedBatchSize = maxDecompressed }

// settings are what every client of sarama gets.
func (c Config) settings(through *dialer) *sarama.Config {
	s := sarama.NewConfig()
	s.ClientID = c.ClientID
	s.Net.DialTimeout = c.DialTimeout
	s.Net.ReadTimeout = c.RequestTimeout
	s.Net.WriteTimeout = c.RequestTimeout
	s.Net.Proxy.Enable = true // not a proxy: the way to hand a dialer in
	s.Net.Proxy.Dialer = through
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
	s.Metadata.Retry.Backoff = 200 * time.Millisecond
	s.Metadata.RefreshFrequency = time.Minute
	return s
}

// producing are the settings of a publisher.
func (c Config) producing(through *dialer) *sarama.Config {
	s := c.settings(through)
	s.Net.MaxOpenRequests = 1 // with Idempotent: what keeps the order of a partition over retries
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

// fetchMin is for how many bytes a broker waits before it answers a fetch, for MaxWaitTime at most: under load it makes
// answers fewer and larger, and with them the bulk statements of whoever consumes.
const fetchMin = 32 << 10

// consuming are the settings of a group's member. What 12 partitions may hold in memory: per partition a response of
// FetchBytes, what it decompresses to, and ChannelBufferSize messages; 8 MiB over all partitions of a response.
func (c Config) consuming(through *dialer) *sarama.Config {
	s := c.settings(through)
	// The answer to a join comes when the last member has joined.
	s.Net.ReadTimeout = max(c.RequestTimeout, c.RebalanceTimeout+5*time.Second)
	s.Consumer.Return.Errors = true
	s.Consumer.Offsets.Initial = sarama.OffsetOldest // the default, newest, skips what came before the group's first look
	s.Consumer.Offsets.AutoCommit.Enable = false
	s.Consumer.MaxWaitTime = 100 * time.Millisecond // commits and heartbeats queue behind this long poll
	s.Consumer.MaxProcessingTime = 100 * time.Millisecond
	s.Consumer.Retry.Backoff = time.Second
	s.Consumer.Fetch.Min = fetchMin
	s.Consumer.Fetch.Default = int32(c.FetchBytes)
	s.Consumer.Fetch.Max = int32(max(4*c.FetchBytes, 2*c.MaxMessageBytes))
	s.Consumer.Fetch.MaxBytes = int32(max(8<<20, 2*c.MaxMessageBytes))
	s.Consumer.Group.ResetInvalidOffsets = false // the default skips silently: see member.Setup
	s.Consumer.Group.Session.Timeout = c.SessionTimeout
	s.Consumer.Group.Heartbeat.Interval = c.HeartbeatInterval
	s.Consumer.Group.Rebalance.Timeout = c.RebalanceTimeout
	s.Consumer.Group.Rebalance.Retry.Backoff = 200 * time.Millisecond
	// Eager, because only the end of its session tells a blocked handler that its partition is gone.
	s.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
	s.ChannelBufferSize = 64
	return s
}
