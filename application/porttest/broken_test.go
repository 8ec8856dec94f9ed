package porttest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// A suite that nothing fails proves nothing. One port is broken for each class of rule: what a suite of that class must
// notice, it notices here.

// The ledger's class: who may have a key, decided by the store at once and for each key on its own.
type brokenClaims struct {
	port.Ledger
	claim func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error)
}

func (b brokenClaims) Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error) {
	return b.claim(ctx, b.Ledger, claims)
}

// lookFirst is a claim that believes its look: whoever saw no row thinks that the key is its own. The first two meet
// between their looks and their writes.
func lookFirst() func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
	var looked atomic.Int32
	var both sync.WaitGroup
	both.Add(2)
	return func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
		var free []key.Delivery
		for _, c := range claims {
			if rows, _ := l.Find(ctx, []key.Delivery{c.Key}); len(rows) == 0 {
				free = append(free, c.Key)
			}
		}
		if looked.Add(1) <= 2 {
			both.Done()
			both.Wait()
		}
		_, err := l.Claim(ctx, claims)
		return free, err
	}
}

// generous gives everybody what is claimed.
func generous(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
	_, err := l.Claim(ctx, claims)
	keys := make([]key.Delivery, len(claims))
	for i, c := range claims {
		keys[i] = c.Key
	}
	return keys, err
}

// The class of what is kept: every field, of every record.
type forgetful struct{ port.Runs }

func (f forgetful) Update(ctx context.Context, run port.Run) error {
	run.Error = ""
	return f.Runs.Update(ctx, run)
}

// The class of what is asked for: nothing else is answered, and each page once.
type repeating struct{ port.SealedBills }

func (r repeating) Unreached(ctx context.Context, month key.Month, _ int64, limit int, onTheWay bool) ([]port.UnreachedBill, error) {
	return r.SealedBills.Unreached(ctx, month, 0, limit, onTheWay)
}

// The class of transactions: what a transaction wrote is there with all of it or not at all.
type auditsBeside struct {
	port.Targets
	audit port.Audit
}

type auditingTx struct {
	port.TargetTx
	audit port.Audit
}

func (t auditingTx) Audit(ctx context.Context, entry port.AuditEntry) error {
	return t.audit.Record(ctx, entry)
}

func (b auditsBeside) Within(ctx context.Context, fn func(ctx context.Context, tx port.TargetTx) error) error {
	return b.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error { return fn(ctx, auditingTx{tx, b.audit}) })
}

type auditsBefore struct {
	port.Control
	audit port.Audit
}

func (b auditsBefore) SetHalt(ctx context.Context, on bool, by port.Act) error {
	err := b.audit.Record(ctx, port.HaltEntry(on, by))
	return errors.Join(err, b.Control.SetHalt(ctx, on, by))
}

// The class of refusals: what cannot be is ErrInvalid, and ends when the context ends.
type deaf struct{ port.Ledger }

func (d deaf) Claim(_ context.Context, claims []attempt.Claim) ([]key.Delivery, error) {
	last := map[key.Delivery]attempt.Claim{}
	for _, c := range claims {
		last[c.Key] = c
	}
	return d.Ledger.Claim(context.Background(), slices.Collect(maps.Values(last)))
}

// The class of counts: what is there is counted.
type blind struct{ port.Retention }

func (blind) Size(context.Context, key.Month) (port.MonthSize, error) { return port.MonthSize{}, nil }

func TestTheStorageSuitesRejectOneBrokenPortOfEachClass(t *testing.T) {
	t.Parallel()
	for _, b := range []struct {
		name, suite string
		spoil       func(s *porttest.Storage)
		checks      []string
	}{
		{"a claim for everybody", "Ledger", func(s *porttest.Storage) { s.Ledger = brokenClaims{s.Ledger, generous} }, []string{
			"gives nothing to another token, the lease alive or not", "gives nothing of a key that is closed",
			"decides about each key of a call on its own", "gives nothing to its token once the lease has ended",
		}},
		{
			"a claim that looks first and then writes", "Ledger", func(s *porttest.Storage) { s.Ledger = brokenClaims{s.Ledger, lookFirst()} },
			[]string{"lets one of many claims at once win"},
		},
		{
			"a ledger that takes everything, for ever", "Ledger", func(s *porttest.Storage) { s.Ledger = deaf{s.Ledger} },
			[]string{"refuses a key that is named twice in a call", "stops when the context ends"},
		},
		{"a record without its error", "Runs", func(s *porttest.Storage) { s.Runs = forgetful{s.Runs} }, []string{"keeps every field of a record"}},
		{
			"the first page again and again", "SealedBills", func(s *porttest.Storage) { s.SealedBills = repeating{s.SealedBills} },
			[]string{"pages through the month, each bill once"},
		},
		{
			"an audit beside the transaction", "Audit", func(s *porttest.Storage) { s.Targets = auditsBeside{s.Targets, s.Audit} },
			[]string{"audits nothing of a transaction that is rolled back"},
		},
		{
			"an audit before the act", "Audit", func(s *porttest.Storage) { s.Control = auditsBefore{s.Control, s.Audit} },
			[]string{"commits act and entry together or not at all: halt"},
		},
		{"a month without size", "Retention", func(s *porttest.Storage) { s.Retention = blind{s.Retention} }, []string{"measures what there is of a month"}},
	} {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			suites := porttest.StorageSuites()
			at := slices.IndexFunc(suites, func(s porttest.StorageSuite) bool { return s.Name == b.suite })
			porttest.Reject(t, suites[at].Checks, func(testing.TB) porttest.Storage {
				s := openMemory()
				b.spoil(&s)
				return s
			}, b.checks...)
		})
	}
}

// The class of ciphers: what is sealed is hidden, and bound to its purpose.
type clearCipher struct{}

func (clearCipher) Seal(plain []byte, _ port.Purpose) ([]byte, error) {
	return slices.Clone(plain), nil
}

func (clearCipher) Open(sealed []byte, _ port.Purpose) ([]byte, error) {
	return slices.Clone(sealed), nil
}

func TestTheCipherSuiteRejectsACipherThatDoesNotEncrypt(t *testing.T) {
	t.Parallel()
	porttest.Reject(t, porttest.CipherChecks(), func(testing.TB) port.Cipher { return clearCipher{} },
		"hides what it seals and never seals twice alike", "opens nothing for another purpose", "opens nothing that was changed", "tells an unknown key from bad content")
}

// The class of the event log: what is not done is handed out again, in order, a partition at a time.
type brokenConsumer struct {
	port.Consumer
	around func(ctx context.Context, m port.Received, handle func(context.Context, port.Received))
}

func (b brokenConsumer) Run(ctx context.Context, handle func(context.Context, port.Received)) error {
	return b.Consumer.Run(ctx, func(ctx context.Context, m port.Received) { b.around(ctx, m, handle) })
}

func TestTheConsumerSuiteRejectsOneBrokenConsumerOfEachClass(t *testing.T) {
	t.Parallel()
	reject := func(name string, around func() func(context.Context, port.Received, func(context.Context, port.Received)), checks ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Reject(t, porttest.ConsumerChecks(), func(t testing.TB) porttest.EventLog {
				log := memoryEvents(t)
				log.Patience = 500 * time.Millisecond
				whole := log.Consumer
				log.Consumer = func(group string) port.Consumer { return brokenConsumer{whole(group), around()} }
				return log
			}, checks...)
		})
	}
	type handler = func(context.Context, port.Received)
	reject("commits before the handler", func() func(context.Context, port.Received, handler) {
		return func(ctx context.Context, m port.Received, handle handler) {
			m.Done()
			handle(ctx, m)
		}
	}, "hands out again what was not done", "commits the contiguous prefix alone")
	reject("calls the handler for several messages of a partition at once", func() func(context.Context, port.Received, handler) {
		return func(ctx context.Context, m port.Received, handle handler) { go handle(ctx, m) }
	}, "a handler that blocks stops its partition and nothing else")
	reject("has one thread for all partitions", func() func(context.Context, port.Received, handler) {
		var one sync.Mutex
		return func(ctx context.Context, m port.Received, handle handler) {
			one.Lock()
			defer one.Unlock()
			handle(ctx, m)
		}
	}, "a handler that blocks stops its partition and nothing else")
	reject("abandons everything when a member comes", func() func() func(context.Context, port.Received, handler) {
		var mu sync.Mutex
		var abandon []context.CancelFunc
		return func() func(context.Context, port.Received, handler) { // one a member
			mu.Lock()
			defer mu.Unlock()
			for _, end := range abandon {
				end()
			}
			return func(ctx context.Context, m port.Received, handle handler) {
				ctx, end := context.WithCancel(ctx)
				defer end()
				mu.Lock()
				abandon = append(abandon, end)
				mu.Unlock()
				handle(ctx, m)
			}
		}
	}(), "continues what was handed out of a partition that stays")
}

// The class of progress (R8): it never claims that more was read than was.
type hasty struct{ port.ConsumerGroup }

func (hasty) ReadUpTo(context.Context, time.Time) (bool, error) { return true, nil }

func TestTheProgressSuiteRejectsProgressThatHasAlwaysPassed(t *testing.T) {
	t.Parallel()
	porttest.Reject(t, porttest.ConsumerGroupChecks(), func(t testing.TB) porttest.EventLog {
		log := memoryEvents(t)
		log.Patience = 500 * time.Millisecond
		whole := log.Group
		log.Group = func(group string) port.ConsumerGroup { return hasty{whole(group)} }
		return log
	}, "has not passed what is not committed, and has once it is", "asks nothing of what came at the instant or later")
}

// openMemory opens the in-memory store, which keeps every promise.
func openMemory() porttest.Storage {
	clock := memory.NewClock(time.Date(2026, time.November, 20, 3, 0, 0, 0, time.UTC))
	s := memory.NewStore(clock)
	return porttest.Storage{
		Targets: s.Targets(), Backlog: s.Backlog(), Requests: s.Requests(), Ledger: s.Ledger(), Sweeps: s.Sweeps(),
		Suppressions: s.Suppressions(), Months: s.Months(), Control: s.Control(), ChannelHalts: s.ChannelHalts(), Installation: s.Installation(), Policies: s.Policies(),
		Audit: s.Audit(), Runs: s.Runs(), Report: s.Report(), SealedBills: s.SealedBills(), Imports: s.Imports(), Renders: s.Renders(),
		Corrections: s.Corrections(), Retention: s.Retention(), PastImports: s.PastImports(), Copies: s.Copies(), Replication: s.Replication(), Recovery: s.Recovery(),
		Elapse: func(_ testing.TB, d time.Duration) { clock.Advance(d) },
		RefuseAudit: func(testing.TB) (allow func()) {
			s.Fail(func(op string) error {
				if op == "audit.record" {
					return errors.New("no right to audit")
				}
				return nil
			})
			return func() { s.Fail(nil) }
		},
	}
}

// The class of what is started elsewhere: an order that is repeated starts nothing twice.
type tokenless struct {
	*memory.RunStarter
	tokens *atomic.Int32
}

func (f tokenless) Start(ctx context.Context, _ string, order port.RunOrder) (port.StartedRun, error) {
	return f.RunStarter.Start(ctx, fmt.Sprint(f.tokens.Add(1)), order)
}

func TestTheSuiteOfRunStarterNoticesAStarterThatForgetsTokens(t *testing.T) {
	t.Parallel()
	porttest.Reject(t, porttest.RunStarterChecks(), func(testing.TB) porttest.StarterRig {
		s := tokenless{&memory.RunStarter{}, &atomic.Int32{}}
		return porttest.StarterRig{Starter: s, End: s.End, Orders: s.Orders}
	}, "starts nothing twice for one token, also at the same time")
}
