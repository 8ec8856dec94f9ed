package kafka

import (
	"cmp"
	"time"

	"github.com/IBM/sarama"
)

// Group says which consumer group a consumer is a member of, and how. The zero value of an interval means its default.
type Group struct {
	// Name of the group, without Cluster.Prefix. Required.
	Name string
	// SessionTimeout is how long the group waits for a member's heartbeat before it gives the member up; default 10 s.
	// The brokers bound it (group.min.session.timeout.ms, 6 s by default).
	SessionTimeout time.Duration
	// HeartbeatInterval is the time between two heartbeats, and so about how long a member takes to notice a rebalance;
	// default 1 s.
	HeartbeatInterval time.Duration
	// RebalanceTimeout is how long the group waits for its members during a rebalance; default 20 s, or two session
	// timeouts if that is longer.
	RebalanceTimeout time.Duration
	// CommitInterval is the time between two commits of offsets; default 1 s.
	CommitInterval time.Duration
}

// complete fills in the defaults, and reports the first setting that is invalid, wrapping port.ErrInvalid.
func (g Group) complete() (Group, error) {
	g.SessionTimeout = cmp.Or(g.SessionTimeout, 10*time.Second)
	g.HeartbeatInterval = cmp.Or(g.HeartbeatInterval, time.Second)
	g.RebalanceTimeout = cmp.Or(g.RebalanceTimeout, max(20*time.Second, 2*g.SessionTimeout))
	g.CommitInterval = cmp.Or(g.CommitInterval, time.Second)
	switch {
	case g.Name == "":
		return g, invalid("Group.Name is empty")
	case g.HeartbeatInterval < 10*time.Millisecond:
		return g, invalid("Group.HeartbeatInterval %v: at least 10ms", g.HeartbeatInterval)
	case g.SessionTimeout < 3*g.HeartbeatInterval:
		return g, invalid("Group.SessionTimeout %v: at least three heartbeat intervals of %v", g.SessionTimeout, g.HeartbeatInterval)
	case g.RebalanceTimeout < g.SessionTimeout:
		return g, invalid("Group.RebalanceTimeout %v: at least the session timeout of %v", g.RebalanceTimeout, g.SessionTimeout)
	case g.CommitInterval < 0:
		return g, invalid("Group.CommitInterval %v is negative", g.CommitInterval)
	}
	return g, nil
}

// fetchBytes is how much a member asks for per partition and request.
const fetchBytes = 256 << 10

// fetchMin is how many bytes a broker waits for, MaxWaitTime at most, before it answers a fetch. Under load this makes
// answers fewer and larger, and with them the bulk statements of the consumer.
const fetchMin = 32 << 10

// maxProcessing is how long a handler may leave a message waiting before sarama takes its partition out of the fetches
// until everything fetched of it is consumed. A partition that comes back waits up to 100 ms for its next fetch, and falls
// behind the others meanwhile. At sarama's default of 100 ms, Delivery read 1.5 bytes of statements for a byte sent; at 2 s
// it reads 0.65, because the partitions stay side by side in the month.
const maxProcessing = 2 * time.Second

// member returns the settings of sarama for a member of the group. Memory that a partition may hold: a response of
// fetchBytes, what it decompresses to, and ChannelBufferSize messages. A response of all partitions together is bounded
// by Fetch.MaxBytes.
func (g Group) member(cluster Cluster, dialer *dialer) *sarama.Config {
	s := cluster.client(dialer)
	// The answer to a join comes when the last member has joined.
	s.Net.ReadTimeout = max(cluster.Timeouts.Request, g.RebalanceTimeout+5*time.Second)
	s.Consumer.Return.Errors = true
	s.Consumer.Offsets.Initial = sarama.OffsetOldest // the default, newest, skips what came before the group's first commit
	s.Consumer.Offsets.AutoCommit.Enable = false
	s.Consumer.MaxWaitTime = 100 * time.Millisecond // commits and heartbeats queue behind this long poll
	s.Consumer.MaxProcessingTime = maxProcessing
	s.Consumer.Retry.BackoffFunc = func(int) time.Duration { return dialer.pause(time.Second) }
	s.Consumer.Fetch.Min = fetchMin
	s.Consumer.Fetch.Default = fetchBytes
	s.Consumer.Fetch.Max = max(4*fetchBytes, 2*maxMessageBytes)
	s.Consumer.Fetch.MaxBytes = 8 << 20
	s.Consumer.Group.ResetInvalidOffsets = false // the default skips silently: see outOfRange
	s.Consumer.Group.Session.Timeout = g.SessionTimeout
	s.Consumer.Group.Heartbeat.Interval = g.HeartbeatInterval
	s.Consumer.Group.Rebalance.Timeout = g.RebalanceTimeout
	s.Consumer.Group.Rebalance.Retry.Backoff = 200 * time.Millisecond
	// An eager strategy, whose sessions end with each rebalance: see assignments, and ADR 0082 for the cooperative one. A partition
	// stays where it was, if it can.
	s.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
	s.ChannelBufferSize = 64
	return s
}
