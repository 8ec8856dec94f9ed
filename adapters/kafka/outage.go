package kafka

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/balsong/balsong/application/port"
)

// quiet is how long nothing must have failed before an outage counts as over. It is longer than the pause between two
// tries of a partition, so that one outage is logged once.
const quiet = 3 * time.Second

// outage logs the beginning and the end of a time without brokers, each once. Safe for concurrent use.
type outage struct {
	log    port.Log
	fields []port.Field

	down  atomic.Bool // read without the lock, because every message asks
	mu    sync.Mutex
	since time.Time // of the first failure
	last  time.Time // of the last failure
}

func newOutage(log port.Log, fields ...port.Field) *outage { return &outage{log: log, fields: fields} }

// failed notes an error; the first one is logged as the beginning of an outage.
func (o *outage) failed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = time.Now()
	if o.down.Swap(true) {
		return
	}
	o.since = o.last
	o.log.Warn("Kafka cannot be used; trying again until it can", o.with(port.Field{Key: "error", Value: err})...)
}

// worked notes that the brokers did what they were asked, which ends an outage.
func (o *outage) worked() { o.over(0) }

// settled ends an outage if nothing has failed for a while.
func (o *outage) settled() { o.over(quiet) }

func (o *outage) over(silence time.Duration) {
	if !o.down.Load() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if !o.down.Load() || now.Sub(o.last) < silence {
		return
	}
	o.down.Store(false)
	o.log.Info("Kafka can be used again", o.with(port.Field{Key: "after", Value: now.Sub(o.since)})...)
}

func (o *outage) with(field port.Field) []port.Field {
	return append(append(make([]port.Field, 0, len(o.fields)+1), o.fields...), field)
}
