package killtest

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/killtest/failpoint"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// plan is what a run does: all in which the full run and the short runs for one guard differ.
type plan struct {
	customers  int
	kills      int // at each point of killsAt
	killsAt    []failpoint.Point
	slow, fast gatewaysim.Settings // while kills are outstanding, and afterwards
	cancel     time.Duration       // pause between two cancellations; 0: none
	sendAnyway bool
	stall      time.Duration
	vendors    bool // SMS by two vendors that report and one of which can be asked, and bounces of e-mail
}

// faulty is a channel's behaviour: 5% temporary refusals, 2% permanent ones, 2% throttled, and the given share of drops.
func faulty(from, to time.Duration, tps, drops float64) behaviour.ChannelSettings {
	return behaviour.ChannelSettings{
		Latency: behaviour.Latency{Kind: behaviour.Uniform, Min: behaviour.Duration(from), Max: behaviour.Duration(to)},
		TPS:     tps, Temporary: 0.05, Permanent: 0.02, Throttled: 0.02, AcceptThenDrop: drops,
	}
}

func both(c behaviour.ChannelSettings, seed uint64) gatewaysim.Settings {
	return gatewaysim.Settings{Seed: seed, Email: c, SMS: c}
}

// reporting lets vendors report: late, twice, out of order, before the answer, not at all, and against what they said before.
// What a vendor of SMS answers to a message that it refuses for now leaves its outcome open: that is seldom.
func reporting(s gatewaysim.Settings, reports behaviour.Reports) gatewaysim.Settings {
	reports.Silent, reports.Early, reports.Twice, reports.Contradicted = 0.1, 0.1, 0.1, 0.03
	reports.Delay = behaviour.Latency{Kind: behaviour.Uniform, Min: behaviour.Duration(50 * time.Millisecond), Max: behaviour.Duration(8 * time.Second)}
	s.SMS.Reports, s.Email.Reports, s.SMS.Temporary = reports, reports, 0.005
	return s
}

// fullPlan kills at every point; the gateway is slow and limited until the last kill has struck, so that work lasts. Two of its
// vendors die in the middle.
func fullPlan(o Options) plan {
	reports := behaviour.Reports{Undelivered: 0.06, AboutUs: 0.01, Uncertain: 0.03}
	p := plan{
		customers: o.Customers, kills: o.Kills, killsAt: failpoint.Points, vendors: true,
		slow:   reporting(both(faulty(100*time.Millisecond, 400*time.Millisecond, 100, 0.01), o.Seed), reports),
		fast:   reporting(both(faulty(5*time.Millisecond, 20*time.Millisecond, 0, 0.01), o.Seed), reports),
		cancel: 500 * time.Millisecond,
	}
	p.slow.Vendors.NHN.Dies = behaviour.Death{After: 200, Calls: 30}
	p.slow.Vendors.SMTP.Dies = behaviour.Death{After: 500, Calls: 15}
	return p
}

// shortPlan makes often happen what the guard is there for.
func shortPlan(around Guard, o Options) plan {
	p := plan{
		customers: 600, kills: 3,
		slow: both(faulty(100*time.Millisecond, 400*time.Millisecond, 0, 0.01), o.Seed),
		fast: both(faulty(5*time.Millisecond, 20*time.Millisecond, 0, 0.01), o.Seed),
	}
	switch around {
	case AllGuards: // the full run is another plan
	case GuardClaim: // keys that were published twice, and keys whose claimant died
		p.killsAt = []failpoint.Point{failpoint.PublishedUncommitted, failpoint.AcceptedUnwritten}
	case GuardToken: // copies that find the key in another's hand
		p.killsAt = []failpoint.Point{failpoint.PublishedUncommitted, failpoint.AcceptedUnwritten}
		p.slow = both(faulty(time.Second, 2*time.Second, 0, 0.01), o.Seed)
		p.fast = p.slow
	case GuardRevoke: // cancellations in the middle of calls whose answer never comes
		p.slow = both(faulty(500*time.Millisecond, 1500*time.Millisecond, 0, 0.3), o.Seed)
		p.fast = p.slow
		p.cancel = 10 * time.Millisecond
	case GuardSendBy: // claims that are held past their lease, and an operator who sends what became UNKNOWN
		p.slow = both(faulty(5*time.Millisecond, 20*time.Millisecond, 0, 0), o.Seed)
		p.fast = p.slow
		p.stall = lease + 3*callDeadline
		p.sendAnyway = true
	case GuardDefinitive: // vendors that say of many messages that they do not know
		reports := behaviour.Reports{Undelivered: 0.1, Uncertain: 0.3}
		p.vendors = true
		p.killsAt = []failpoint.Point{failpoint.StoredUnanswered}
		p.slow, p.fast = reporting(p.slow, reports), reporting(p.fast, reports)
	}
	return p
}

// The seconds-scale settings of the run. A call may take far longer than the gateway does: what becomes UNKNOWN must
// have a kill or a drop for its reason, never a busy machine.
const (
	callDeadline = 5 * time.Second
	lease        = 9 * time.Second
	margin       = time.Second
	inFlight     = 12 // calls at once of a channel in a process
	database     = "balsong_kill_test"
	bucket       = "balsong-kill-test"
	month        = "2026-11"
	zoneName     = "Asia/Seoul"
)

// routePolicy tries e-mail, then SMS, or the other way round for those who wish it; what is unknown is held, and what was not
// delivered goes on.
func routePolicy(zone *time.Location) policy.Spec {
	seconds := attempt.Backoff{Base: time.Second, Factor: 1, Max: time.Second}
	return policy.Spec{
		Name:         "kill test",
		Route:        policy.Route{{Channel: channel.Email, Tries: 1}, {Channel: channel.SMS, Tries: 1}},
		Backoff:      map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: seconds, attempt.Throttled: seconds},
		PublishRetry: seconds,
		Zone:         zone,
		Class:        policy.Transactional,
		Unknown:      map[channel.Kind]attempt.UnknownPolicy{channel.Email: attempt.Hold, channel.SMS: attempt.Hold},
		Undelivered:  map[channel.Kind]policy.Undelivered{channel.Email: policy.UndeliveredNext, channel.SMS: policy.UndeliveredNext},
	}
}

func settings(a localenv.Addresses, databaseURL, keyset string, g gatewayInfo) config.Deliverer {
	return config.Deliverer{
		Database: config.Database{URL: databaseURL, MaxConns: 8, StatementTimeout: 30 * time.Second, LockTimeout: 10 * time.Second},
		Kafka:    config.Kafka{Brokers: a.KafkaBrokers, Partitions: 6, Replication: 1, MinInSync: 1},
		S3:       a.StatementStore(bucket, 16),
		Keys:     config.Keys{Keyset: keyset},
		Delivery: config.Delivery{InFlight: 500, Batch: 100, HaltPoll: time.Second, DrainFor: 15 * time.Second, ContentLimit: 5},
		Settlement: config.Settlement{
			Batch: 200, SweepEvery: 2 * time.Second, LeaseEvery: time.Second,
			ReapEvery: 3 * time.Second, ReapGrace: 15 * time.Second,
		},
		Gateways: config.Gateways{
			SMTP: config.SMTP{
				Addr: g.SMTP, TLS: "none", From: "billing@example.com",
				CallDeadline: callDeadline, Lease: lease, Margin: margin, InFlight: inFlight,
			},
			SMS: config.HTTPGateway{URL: "http://" + g.HTTP, HTTPCalls: config.HTTPCalls{CallDeadline: callDeadline, Lease: lease, Margin: margin, InFlight: inFlight}},
		},
		Log: config.Log{Level: "info", Format: "json"},
	}
}

// groups notices a killed member as soon as the broker allows.
var groups = kafka.Group{SessionTimeout: 6 * time.Second, HeartbeatInterval: 500 * time.Millisecond, RebalanceTimeout: 8 * time.Second}

// campaign hands out arms until every point has had its kills. It is safe for concurrent use.
type campaign struct {
	mu     sync.Mutex
	random *rand.Rand
	left   map[failpoint.Point]int
	out    int // arms handed out that have not struck
}

func newCampaign(p plan, seed uint64) *campaign {
	c := &campaign{random: rand.New(rand.NewPCG(seed, 2)), left: map[failpoint.Point]int{}}
	for _, point := range p.killsAt {
		c.left[point] = p.kills
	}
	return c
}

// patience is how many visits of a point an armed process may survive at most.
var patience = map[failpoint.Point]int{
	failpoint.PageLocked: 2, failpoint.PublishedUncommitted: 2,
	failpoint.ClaimedUncalled: 60, failpoint.AcceptedUnwritten: 60, failpoint.WrittenUnpublished: 15,
	failpoint.SettleOpen: 8, failpoint.StoredUnanswered: 60, failpoint.FoundUnstored: 1,
}

// next hands out an arm for one of the points; the zero Arm where none of them needs a kill.
func (c *campaign) next(points []failpoint.Point) failpoint.Arm {
	c.mu.Lock()
	defer c.mu.Unlock()
	var most failpoint.Point
	for _, point := range points {
		if c.left[point] > 0 && (most == "" || c.left[point] > c.left[most]) {
			most = point
		}
	}
	if most == "" {
		return failpoint.Arm{}
	}
	c.left[most]--
	c.out++
	return failpoint.Arm{Point: most, After: c.random.IntN(patience[most] + 1)}
}

// back takes an arm back: it struck, or its process ended otherwise.
func (c *campaign) back(arm failpoint.Arm, struck bool) {
	if arm.Point == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out--
	if !struck {
		c.left[arm.Point]++
	}
}

// over tells whether every kill has struck.
func (c *campaign) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.out
	for _, left := range c.left {
		n += left
	}
	return n == 0
}
