package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
)

// Cluster says how to reach the brokers, and what is ours there. The zero value of a field means its default.
type Cluster struct {
	// Brokers to begin with, host:port. Required.
	Brokers []string
	// ClientID names this process in the brokers' logs; default "balsong".
	ClientID string
	// Prefix stands before the name of each topic and group, so that several installations can share a cluster.
	Prefix string
	// TLS encrypts the connections, by TLS 1.2 at least; nil: they are not encrypted. Always set it where SASL is used and
	// the network is not trusted.
	TLS      *tls.Config
	SASL     SASL
	Timeouts Timeouts

	dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: a net.Dialer; set by tests
}

// Timeouts bound what a client waits for. The zero value of a field means its default.
type Timeouts struct {
	Dial    time.Duration // opening a connection; default 5 s
	Request time.Duration // an answer; default 10 s
	Close   time.Duration // the orderly end of a consumer or publisher, then its connections are cut; default 5 s
}

// complete fills in the defaults, and reports the first setting that is invalid, wrapping port.ErrInvalid.
func (c Cluster) complete() (Cluster, error) {
	c.ClientID = cmp.Or(c.ClientID, "balsong")
	c.Timeouts.Dial = cmp.Or(c.Timeouts.Dial, 5*time.Second)
	c.Timeouts.Request = cmp.Or(c.Timeouts.Request, 10*time.Second)
	c.Timeouts.Close = cmp.Or(c.Timeouts.Close, 5*time.Second)
	switch {
	case len(c.Brokers) == 0:
		return c, invalid("Brokers is empty: give at least one host:port")
	case c.Timeouts.Dial < 0 || c.Timeouts.Request < 0 || c.Timeouts.Close < 0:
		return c, invalid("Timeouts: Dial %v, Request %v, Close %v: none may be negative", c.Timeouts.Dial, c.Timeouts.Request, c.Timeouts.Close)
	}
	return c, c.SASL.validate()
}

// TopicName returns the name in Kafka of the topic with a role.
func (c Cluster) TopicName(topic port.Topic) string { return c.Prefix + string(topic) }

// GroupName returns the name in Kafka of a consumer group.
func (c Cluster) GroupName(group string) string { return c.Prefix + group }

// client returns the settings that every client of sarama gets.
func (c Cluster) client(dialer *dialer) *sarama.Config {
	s := sarama.NewConfig()
	s.ClientID = c.ClientID
	s.Net.DialTimeout = c.Timeouts.Dial
	s.Net.ReadTimeout = c.Timeouts.Request
	s.Net.WriteTimeout = c.Timeouts.Request
	s.Net.Proxy.Enable = true // there is no proxy: this is how sarama takes a dialer
	s.Net.Proxy.Dialer = dialer
	if c.TLS != nil {
		s.Net.TLS.Enable = true
		s.Net.TLS.Config = c.TLS.Clone()
		s.Net.TLS.Config.MinVersion = max(c.TLS.MinVersion, tls.VersionTLS12)
	}
	c.SASL.apply(dialer.ctx, s)
	s.Metadata.Full = false // only our topics; and a new client does no I/O
	s.Metadata.AllowAutoTopicCreation = false
	s.Metadata.Retry.Max = 3
	s.Metadata.Retry.BackoffFunc = func(int, int) time.Duration { return dialer.pause(200 * time.Millisecond) }
	s.Metadata.RefreshFrequency = time.Minute
	return s
}

const (
	maxMessageBytes = 1 << 20  // of one message, with key and headers
	maxDecompressed = 32 << 20 // of one compressed batch in memory
)

// sarama's bound on decompression is a global variable; it is set before anything can decompress.
func init() { sarama.MaxDecompressedBatchSize = maxDecompressed }

func invalid(format string, args ...any) error {
	return fmt.Errorf("kafka: "+format+": %w", append(args, port.ErrInvalid)...)
}
