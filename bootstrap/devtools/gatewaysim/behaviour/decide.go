package behaviour

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Outcome is what becomes of a call.
type Outcome int

// The outcomes. Their texts are the classes of the accept log.
const (
	Accepted Outcome = iota
	AcceptedThenDropped
	RefusedTemporary
	RefusedPermanent
	RefusedThrottled
	RefusedContent
	RefusedEverybody
	// Invalid is a call that breaks the contract: never drawn.
	Invalid
)

// Outcomes lists all outcomes.
func Outcomes() []Outcome {
	return []Outcome{Accepted, AcceptedThenDropped, RefusedTemporary, RefusedPermanent, RefusedThrottled, RefusedContent, RefusedEverybody, Invalid}
}

// String returns accepted, dropped, or the class of the refusal.
func (o Outcome) String() string {
	return [...]string{"accepted", "dropped", "temporary", "permanent", "throttled", "content", "everybody", "invalid"}[o]
}

// Call is what a decision depends on.
type Call struct {
	Channel Channel
	// Key is the idempotency key, as in 2026-11/4711/0/0; it may be empty.
	Key string
	// Destination is the address: it stands in where the key says nothing.
	Destination string
	// Vendor is whose contract the call speaks.
	Vendor Vendor
}

// Decision is how a call is treated.
type Decision struct {
	Outcome Outcome
	// BeforeAccept passes before the outcome, Rest between it and the answer.
	BeforeAccept, Rest time.Duration
	// RetryAfter is what a throttled caller is told to wait; 0: nothing.
	RetryAfter time.Duration
	// Everybody is the answer of RefusedEverybody, and of Accepted where its code
	// is not 0.
	Everybody Everybody
}

// Gateway decides about calls. It is safe for concurrent use.
type Gateway struct {
	started  time.Time
	settings atomic.Pointer[Settings]
	limits   map[Channel]*bucket
	shards   [64]shard
	deaths   deaths
}

// shard remembers, by a 64-bit hash of channel and key, how often the key came
// and (top bit) whether it was accepted.
type shard struct {
	mu   sync.Mutex
	keys map[uint64]uint8
}

const acceptedBit = 0x80

// New starts a gateway's behaviour at the instant now.
func New(settings Settings, now time.Time) *Gateway {
	g := &Gateway{started: now, limits: map[Channel]*bucket{}, deaths: newDeaths()}
	for _, channel := range Channels() {
		g.limits[channel] = &bucket{}
	}
	for i := range g.shards {
		g.shards[i].keys = make(map[uint64]uint8)
	}
	g.Set(settings)
	return g
}

// Set replaces the settings for all calls to come. They must be valid.
func (g *Gateway) Set(settings Settings) {
	settings = settings.WithDefaults()
	g.settings.Store(&settings)
}

// Settings returns the present settings.
func (g *Gateway) Settings() Settings { return *g.settings.Load() }

// Decide decides about a call that came whole at the instant now.
func (g *Gateway) Decide(call Call, now time.Time) Decision {
	s := g.settings.Load()
	c := s.Of(call.Channel)
	if c.Everybody.Code != 0 {
		d := Decision{Outcome: RefusedEverybody, BeforeAccept: c.Latency.draw(.5, .5), Everybody: c.Everybody}
		if c.Everybody.accepts() {
			d.Outcome = Accepted
		}
		return d
	}
	slow := s.SlowStart.factor(now.Sub(g.started))
	if wait, ok := g.limits[call.Channel].take(now, c.TPS/slow); !ok {
		return Decision{Outcome: RefusedThrottled, RetryAfter: max(wait, time.Duration(c.RetryAfter), time.Second)}
	}
	draw := tryDraw(s.Seed, call, g.countTry(call))
	latency := min(time.Duration(slow*float64(c.Latency.draw(draw("latency"), draw("latency angle")))), MaxLatency)
	before := time.Duration(*c.AcceptAt * float64(latency))
	d := Decision{BeforeAccept: before, Rest: latency - before, RetryAfter: time.Duration(c.RetryAfter)}

	person := float(hash(s.Seed, "person", string(call.Channel), identity(call)))
	try := draw("outcome")
	switch {
	case person < c.Permanent:
		d.Outcome = RefusedPermanent
	case person < c.Permanent+c.Content:
		d.Outcome = RefusedContent
	case try < c.Temporary:
		d.Outcome = RefusedTemporary
	case try < c.Temporary+c.Throttled:
		d.Outcome = RefusedThrottled
	case try < c.Temporary+c.Throttled+c.AcceptThenDrop:
		d.Outcome = AcceptedThenDropped
	}
	if (d.Outcome == Accepted || d.Outcome == AcceptedThenDropped) && g.dying(call.Vendor, s) {
		d.Outcome = AcceptedThenDropped
	}
	return d
}

// MarkAccepted remembers that the call's key was accepted, and tells whether it
// had been before: a duplicate, if the caller meant the key to be used once.
func (g *Gateway) MarkAccepted(call Call) (again bool) {
	if call.Key == "" {
		return false
	}
	sh, id := g.shard(call)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	again = sh.keys[id]&acceptedBit != 0
	sh.keys[id] |= acceptedBit
	return again
}

// countTry returns how often the call's key came before, at most 127 times.
func (g *Gateway) countTry(call Call) uint8 {
	sh, id := g.shard(call)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	seen := sh.keys[id]
	n := seen &^ acceptedBit
	if n < acceptedBit-1 {
		sh.keys[id] = seen + 1
	}
	return n
}

func (g *Gateway) shard(call Call) (*shard, uint64) {
	key := call.Key
	if key == "" {
		key = "destination " + call.Destination
	}
	id := hash(0, "key", string(call.Channel), key)
	return &g.shards[id%uint64(len(g.shards))], id
}

// identity is whom a message is for: "month/user" of its key, else the address.
func identity(call Call) string {
	if strings.Count(call.Key, "/") != 3 {
		return strings.ToLower(call.Destination)
	}
	month, rest, _ := strings.Cut(call.Key, "/")
	user, _, _ := strings.Cut(rest, "/")
	return call.Key[:len(month)+1+len(user)]
}

// tryDraw returns numbers from [0, 1), one for each purpose, for one try.
func tryDraw(seed uint64, call Call, try uint8) func(purpose string) float64 {
	key := call.Key
	if key == "" {
		key = call.Destination
	}
	base := hash(seed, string(call.Channel), key, strconv.Itoa(int(try)))
	return func(purpose string) float64 { return float(hash(base, purpose)) }
}

// hash is FNV-1a over the parts, each ended by a zero byte, with the finalizer
// of SplitMix64, which spreads the high bits that float uses.
func hash(seed uint64, parts ...string) uint64 {
	h := uint64(14695981039346656037) ^ seed*0x9e3779b97f4a7c15
	for _, part := range parts {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * 1099511628211
		}
		h *= 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// float maps a hash to [0, 1).
func float(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// factor is how many times slower the gateway is after having run so long.
func (s SlowStart) factor(running time.Duration) float64 {
	if running >= time.Duration(s.For) || running < 0 {
		return 1
	}
	return 1 + (s.Factor-1)*(1-float64(running)/float64(s.For))
}
