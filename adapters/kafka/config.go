package kafka

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"time"

	"github.com/balsong/balsong/application/port"
)

// Config configures every part of this package. The zero value of a field means its default.
type Config struct {
	// Brokers to begin with, host:port. Required.
	Brokers []string
	// ClientID names this process in the brokers' logs; default "balsong".
	ClientID string
	// TopicPrefix stands before each topic's name, so that several installations can share a cluster.
	TopicPrefix string

	// TLS encrypts the connections. Always set it where User is set and the network is not trusted.
	TLS bool
	// RootCAs that may sign the brokers' certificates; nil: those of the system.
	RootCAs *x509.CertPool
	// User and Password for SASL/SCRAM-SHA-512; no SASL where User is empty.
	User     string
	Password string

	// CommitInterval is the time between two commits of a consumer's offsets; default 1 s.
	CommitInterval time.Duration
	// SessionTimeout is how long the group waits for a member's heartbeat before it gives the member up; default 10 s.
	// The brokers bound it (group.min.session.timeout.ms, 6 s by default).
	SessionTimeout time.Duration
	// HeartbeatInterval is the time between two heartbeats, and so about how long a member takes to notice a rebalance;
	// default 1 s.
	HeartbeatInterval time.Duration
	// RebalanceTimeout is how long the group waits for its members during a rebalance; default 20 s.
	RebalanceTimeout time.Duration
	// CloseTimeout bounds the orderly end of a consumer or publisher, after which its connections are cut; default 5 s.
	CloseTimeout time.Duration
	// DialTimeout bounds the opening of a connection, RequestTimeout the wait for an answer; default 5 s and 10 s.
	DialTimeout    time.Duration
	RequestTimeout time.Duration

	// MaxMessageBytes is the size of the largest message, with key and headers; default 1 MiB.
	MaxMessageBytes int
	// FetchBytes is how much a consumer asks for per partition and request; default 256 KiB.
	FetchBytes int

	// Log and Metrics say what happens; nil: nothing is logged or counted.
	Log     port.Log
	Metrics port.Metrics

	dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: a net.Dialer; set by tests
}

// WithDefaults returns the config with every empty field set to its default.
func (c Config) WithDefaults() Config {
	fill(&c.ClientID, "balsong")
	fill(&c.CommitInterval, time.Second)
	fill(&c.SessionTimeout, 10*time.Second)
	fill(&c.HeartbeatInterval, time.Second)
	fill(&c.RebalanceTimeout, 20*time.Second)
	fill(&c.CloseTimeout, 5*time.Second)
	fill(&c.DialTimeout, 5*time.Second)
	fill(&c.RequestTimeout, 10*time.Second)
	fill(&c.MaxMessageBytes, 1<<20)
	fill(&c.FetchBytes, 256<<10)
	if c.Log == nil {
		c.Log = silent{}
	}
	if c.Metrics == nil {
		c.Metrics = silent{}
	}
	return c
}

// fill sets a field that is zero to its default.
func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports the first setting that cannot work, wrapping port.ErrInvalid. It expects the defaults to be filled
// in.
func (c Config) Validate() error {
	switch {
	case len(c.Brokers) == 0:
		return invalid("no brokers: give at least one host:port")
	case c.User == "" && c.Password != "":
		return invalid("a password without a user: set both, or neither")
	case c.User != "" && c.Password == "":
		return invalid("the user %q has no password", c.User)
	case c.RootCAs != nil && !c.TLS:
		return invalid("root certificates without TLS: switch TLS on")
	case c.CommitInterval < 0, c.CloseTimeout < 0, c.DialTimeout < 0, c.RequestTimeout < 0:
		return invalid("a negative interval or timeout")
	case c.HeartbeatInterval < 10*time.Millisecond:
		return invalid("heartbeat interval %v: at least 10ms", c.HeartbeatInterval)
	case c.SessionTimeout < 3*c.HeartbeatInterval:
		return invalid("session timeout %v: at least three heartbeat intervals of %v", c.SessionTimeout, c.HeartbeatInterval)
	case c.RebalanceTimeout < c.SessionTimeout:
		return invalid("rebalance timeout %v: at least the session timeout of %v", c.RebalanceTimeout, c.SessionTimeout)
	case c.MaxMessageBytes < 1<<10 || c.MaxMessageBytes > 64<<20:
		return invalid("largest message %d bytes: 1 KiB to 64 MiB", c.MaxMessageBytes)
	case c.FetchBytes < 1<<10 || c.FetchBytes > 64<<20:
		return invalid("fetch size %d bytes: 1 KiB to 64 MiB", c.FetchBytes)
	}
	return nil
}

// complete fills in the defaults and validates.
func (c Config) complete() (Config, error) {
	c = c.WithDefaults()
	return c, c.Validate()
}

// TopicName returns the name in Kafka of the topic with a role.
func (c Config) TopicName(topic port.Topic) string { return c.TopicPrefix + string(topic) }

func invalid(format string, args ...any) error {
	return fmt.Errorf("kafka: "+format+": %w", append(args, port.ErrInvalid)...)
}

// silent discards logs and metrics.
type silent struct{}

func (silent) Info(string, ...port.Field)              {}
func (silent) Warn(string, ...port.Field)              {}
func (silent) Error(string, ...port.Field)             {}
func (silent) Record(*port.Metric, float64, ...string) {}
