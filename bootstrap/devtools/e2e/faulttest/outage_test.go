package faulttest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// The log lines that tell an outage.
const (
	componentDown = "a component is down; waiting for it, nothing is lost"
	kafkaDown     = "Kafka cannot be used; trying again until it can"
)

// shared is the components that all tests of this package take down, one test at a time.
var shared struct {
	once sync.Once
	dir  string
	set  *localenv.Set
	err  error
}

func TestMain(m *testing.M) {
	child.Main() // the components are this program again
	code := m.Run()
	if code == 0 {
		for _, sentence := range unseen() {
			fmt.Fprintln(os.Stderr, sentence)
			code = 1
		}
	}
	if shared.set != nil {
		if err := shared.set.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// started returns the components, started once. BALSONG_TEST_KAFKA says which Kafka: kfake, or apache.
func started(t *testing.T) *localenv.Set {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp(child.TempDir(), "balsong-faults-"); shared.err != nil {
			return
		}
		if shared.err = os.Chmod(shared.dir, 0o711); shared.err != nil { // PostgreSQL enters it as another user
			return
		}
		shared.set, shared.err = localenv.Start(context.Background(), localenv.Options{
			Kafka: os.Getenv("BALSONG_TEST_KAFKA"), DataDir: filepath.Join(shared.dir, "data"),
		})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.set
}

// fault takes a part away and gives it back.
type fault struct {
	away, back func(t *testing.T, w *world)
	// seen tells whether the apps have met it.
	seen func(w *world) bool
	// told returns how often the outage was told, by who tells it; nil where it is told by what becomes of bills.
	told func(w *world) map[string]int
	most int // times that one teller may tell one outage
	// doubt is how many calls may be under way when the part goes: a connection that breaks behind the first byte leaves
	// open whether the message was taken, and the bill is held as UNKNOWN.
	doubt int
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var postgresFault = fault{
	away: func(t *testing.T, _ *world) { t.Helper(); must(t, started(t).Postgres.Kill()) },
	back: func(t *testing.T, _ *world) { t.Helper(); must(t, started(t).Postgres.Restart(context.Background())) },
	seen: func(w *world) bool { return w.lines(componentDown, "component")["database"] >= 2 }, // Delivery and settlement
	told: func(w *world) map[string]int { return w.lines(componentDown, "component") },
	most: 3, // Delivery, settlement and the dispatcher each tell it once
}

var kafkaFault = fault{
	away: func(t *testing.T, _ *world) {
		t.Helper()
		if set := started(t); set.Apache != nil {
			must(t, set.Apache.Brokers()[0].Kill())
		} else {
			must(t, set.Kfake.Stop())
		}
	},
	back: func(t *testing.T, _ *world) {
		t.Helper()
		if set := started(t); set.Apache != nil {
			must(t, set.Apache.Brokers()[0].Restart(context.Background()))
		} else {
			must(t, set.Kfake.Restart())
		}
	},
	seen: func(w *world) bool { return len(w.lines(kafkaDown, "group")) > 0 },
	told: func(w *world) map[string]int { return w.lines(kafkaDown, "group") },
	most: 2,
}

var s3Fault = fault{
	away: func(t *testing.T, _ *world) { t.Helper(); must(t, started(t).S3.Kill()) },
	back: func(t *testing.T, _ *world) { t.Helper(); must(t, started(t).S3.Restart(context.Background())) },
	seen: func(w *world) bool { return w.lines(componentDown, "component")["statements"] > 0 },
	told: func(w *world) map[string]int { return w.lines(componentDown, "component") },
	most: 1,
}

var gatewayFault = fault{
	away: func(t *testing.T, w *world) { t.Helper(); w.gateway.stop(t) },
	back: func(t *testing.T, w *world) { t.Helper(); w.gateway.start(t) },
	seen: func(w *world) bool {
		return w.count("SELECT count(*) FROM delivery_attempts WHERE state = 'NOT_SENT' AND reason = 'not_called'") > 0
	},
	doubt: 2 * inFlight,
}

// The tests of this package take shared components down, so they run one after the other.

func TestPostgreSQLIsDownAtTheStart(t *testing.T)       { downAtTheStart(t, postgresFault) }
func TestPostgreSQLIsKilledInTheMiddle(t *testing.T)    { killedInTheMiddle(t, postgresFault) }
func TestKafkaIsDownAtTheStart(t *testing.T)            { downAtTheStart(t, kafkaFault) }
func TestKafkaIsKilledInTheMiddle(t *testing.T)         { killedInTheMiddle(t, kafkaFault) }
func TestS3IsDownAtTheStart(t *testing.T)               { downAtTheStart(t, s3Fault) }
func TestS3IsKilledInTheMiddle(t *testing.T)            { killedInTheMiddle(t, s3Fault) }
func TestTheGatewayIsDownAtTheStart(t *testing.T)       { downAtTheStart(t, gatewayFault) }
func TestTheGatewayIsTakenAwayInTheMiddle(t *testing.T) { killedInTheMiddle(t, gatewayFault) }

func downAtTheStart(t *testing.T, f fault) {
	t.Helper()
	w := newWorld(t)
	f.away(t, w)
	w.run(t)
	await(t, "the apps meet the outage", func() bool { return f.seen(w) }, w.story)
	f.back(t, w)
	w.expectAllDelivered(t, f)
}

func killedInTheMiddle(t *testing.T, f fault) {
	t.Helper()
	w := newWorld(t)
	w.run(t)
	await(t, "some bills are accepted", func() bool { return len(w.gateway.accepted(t)) >= 50 }, w.story)
	f.away(t, w)
	if n := len(w.gateway.accepted(t)); n == customers {
		t.Fatal("everything was delivered before the outage: the test shows nothing")
	}
	await(t, "the apps meet the outage", func() bool { return f.seen(w) }, w.story)
	f.back(t, w)
	w.expectAllDelivered(t, f)
}

// expectAllDelivered waits until every bill has succeeded, and checks that the outage has spent no attempt, that the
// gateway accepted each bill once, and that the outage was told once by each who met it. Bills that a part's end left in
// doubt are judged by an operator who has the provider's log, and then continue.
func (w *world) expectAllDelivered(t *testing.T, f fault) {
	t.Helper()
	await(t, "every bill has come to an end or is held", func() bool { return w.status("SUCCEEDED", "UNKNOWN") == customers }, w.story)
	doubtful := w.inDoubt(t)
	if len(doubtful) > f.doubt {
		t.Errorf("%d bills are UNKNOWN, want %d at most", len(doubtful), f.doubt)
	}
	w.judge(t, doubtful)
	await(t, "every bill has succeeded", func() bool { return w.status("SUCCEEDED") == customers }, w.story)
	if n := w.count("SELECT count(*) FROM billing_targets WHERE attempt <> 0"); n > len(doubtful) || n < 0 {
		t.Errorf("%d bills have spent an attempt on the outage", n)
	}
	accepted := w.gateway.accepted(t)
	for target, n := range accepted {
		if n != 1 {
			t.Errorf("%s was accepted %d times", target, n)
		}
	}
	if len(accepted) != customers {
		t.Errorf("%d bills were accepted, %d succeeded", len(accepted), customers)
	}
	if f.told == nil {
		return
	}
	for who, n := range f.told(w) {
		if n > f.most {
			t.Errorf("the outage was told %d times by %s, want %d at most\n%s", n, who, f.most, w.story())
		}
	}
}
