package monthtest_test

import (
	"testing"

	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/domain/key"
)

// message is one that the simulator accepted, and what it said of it later.
type message struct {
	key          key.Delivery
	channel      string
	vendor       behaviour.Vendor
	code         string // with which it was said to be undelivered
	undelivered  bool   // certainly, by a report or a look-up
	delivered    bool
	dropped      bool // its call was not answered
	contradicted bool // it said both
	before       bool // the message before it was accepted, and not said to be undelivered yet
}

// witnessed reads the simulator's log: the messages to each customer, in the order in which they were accepted.
func (w *world) witnessed(t *testing.T, secret string) map[int64][]*message {
	t.Helper()
	installation, err := postgres.NewInstallation(w.db).ID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	references, err := reference.New(installation, secret)
	if err != nil {
		t.Fatal(err)
	}
	to, bySequence := map[int64][]*message{}, map[uint64]*message{}
	_, err = acceptlog.ReadFile(gatewaysim.AcceptLogPath(w.data), func(r acceptlog.Record) error {
		switch {
		case r.Accepted:
			k, err := key.ParseDelivery(r.IdempotencyKey)
			if err != nil { // the vendors are given a reference
				if k, err = references.Read(r.IdempotencyKey); err != nil {
					t.Errorf("message %d has the key %q: %v", r.Sequence, r.IdempotencyKey, err)
				}
			}
			m := &message{key: k, channel: r.Channel, vendor: behaviour.Vendor(r.Vendor), dropped: r.Dropped}
			earlier := to[k.UserID]
			m.before = len(earlier) > 0 && !earlier[len(earlier)-1].undelivered
			to[k.UserID], bySequence[r.Sequence] = append(earlier, m), m
		case r.Class == acceptlog.ClassReport, r.Class == acceptlog.ClassLookedUp:
			m := bySequence[r.Report.Of]
			switch behaviour.Result(r.Report.Result) {
			case behaviour.Undelivered:
				m.undelivered, m.code = true, r.Report.Code
			case behaviour.Arrived:
				m.delivered = true
			default:
			}
			m.contradicted = m.undelivered && m.delivered
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
