package deliver_test

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

const group = "balsong-delivery"

var seoul = func() *time.Location {
	zone, err := window.Zone("Asia/Seoul")
	if err != nil {
		panic(err)
	}
	return zone
}()

// The providers' settings: a claim may be 55 s old when its call begins (90 − 30 − 5).
const (
	callDeadline = 30 * time.Second
	lease        = 90 * time.Second
	margin       = 5 * time.Second
)

// world is the real use cases over the in-memory ports, on one clock: dispatch, Delivery, settlement, operators.
type world struct {
	clock        *memory.Clock
	gatewayClock *memory.Clock // of the providers' call deadlines
	store        *memory.Store
	broker       *memory.Broker
	packs        *memory.Packs
	cipher       *ring
	email, sms   *memory.Gateway
	permits      port.Permits
	permitsOf    map[channel.Kind]port.Permits // instead of permits
	log          *memory.Log
	metrics      *memory.Metrics
	tracer       *trace.Tracer
	publisher    port.Publisher
	ledger       port.Ledger
	packsPort    port.Packs
	cipherPort   port.Cipher
	gateways     map[channel.Kind]port.Gateway
	lanes        map[channel.Kind]deliver.Lane // instead of one gateway
	config       deliver.Config
	spec         policy.Spec
	month        key.Month
	tokens       atomic.Uint32
	service      *deliver.Service
	runner       *dispatch.Runner
	settler      *settle.Settler
	operator     *operate.Operator
	reapGrace    time.Duration
}

// newWorld begins at noon in Seoul. change may replace ports and settings before they are wired.
func newWorld(t *testing.T, change ...func(w *world)) *world {
	t.Helper()
	clock := memory.NewClock(time.Date(2026, 11, 22, 12, 0, 0, 0, seoul))
	month, err := key.ParseMonth("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		clock: clock, gatewayClock: memory.NewClock(clock.Now()), store: memory.NewStore(clock), broker: memory.NewBroker(4, clock),
		packs: memory.NewPacks(), cipher: newRing(), permits: memory.NewPermits(), log: &memory.Log{}, metrics: &memory.Metrics{}, month: month,
		spec: policy.Spec{
			Name: "monthly", Zone: seoul,
			Route:   policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
			Backoff: map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: minutes(10), attempt.Throttled: minutes(1)},
		},
	}
	w.email, w.sms = w.gateway(channel.Email, 10), w.gateway(channel.SMS, 10)
	w.gateways = map[channel.Kind]port.Gateway{channel.Email: w.email, channel.SMS: w.sms}
	w.publisher, w.ledger, w.packsPort, w.cipherPort = w.broker.Publisher(), w.store.Ledger(), w.packs, w.cipher
	for _, c := range change {
		c(w)
	}
	w.activate(t, w.spec)
	w.wire(t)
	return w
}

func minutes(n int) attempt.Backoff {
	d := time.Duration(n) * time.Minute
	return attempt.Backoff{Base: d, Factor: 1, Max: d}
}

func (w *world) gateway(kind channel.Kind, inFlight int) *memory.Gateway {
	return memory.NewGateway(port.Provider{
		Name: "test-" + string(kind), Channel: kind, CallDeadline: callDeadline, Lease: lease, Margin: margin, InFlight: inFlight,
	}, w.gatewayClock)
}

func (w *world) activate(t *testing.T, spec policy.Spec) policy.Version {
	t.Helper()
	version, err := w.store.Policies().Draft(t.Context(), spec, by())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Policies().Activate(t.Context(), version.Ref(), by()); err != nil {
		t.Fatal(err)
	}
	return version
}

func by() port.Act { return port.Act{Actor: "test", Reason: "a test"} }

func (w *world) wire(t *testing.T) {
	t.Helper()
	var err error
	w.runner, err = dispatch.New(dispatch.Ports{
		Targets: w.store.Targets(), Backlog: w.store.Backlog(), Months: w.store.Months(), Policies: w.store.Policies(),
		Control: w.store.Control(), ChannelHalts: w.store.ChannelHalts(), Runs: w.store.Runs(), Publisher: w.broker.Publisher(), Clock: w.clock, Log: w.log, Metrics: w.metrics,
		Installation: w.store.Installation(), Tracer: w.tracer,
	}, dispatch.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w.service = w.newService(t)
	w.settler, err = settle.New(settle.Ports{
		Targets: w.store.Targets(), Sweeps: w.store.Sweeps(), Requests: w.store.Requests(), Months: w.store.Months(),
		Policies: w.store.Policies(), Group: w.broker.Group(group), Results: w.broker.Consumer("balsong-settlement", port.TopicResults),
		Clock: w.clock, Log: w.log, Metrics: w.metrics, Installation: w.store.Installation(), Tracer: w.tracer,
	}, settle.Config{ReapGrace: w.reapGrace})
	if err != nil {
		t.Fatal(err)
	}
	w.operator = operate.New(operate.Ports{
		Targets: w.store.Targets(), Ledger: w.store.Ledger(), Sweeps: w.store.Sweeps(), Policies: w.store.Policies(),
		Control: w.store.Control(), ChannelHalts: w.store.ChannelHalts(), Months: w.store.Months(), Suppressions: w.store.Suppressions(),
		Report: w.store.Report(), Audit: w.store.Audit(), Clock: w.clock, Log: w.log,
	}, callDeadline)
}

func (w *world) ports() deliver.Ports {
	lanes := map[channel.Kind]deliver.Lane{}
	for kind, gateway := range w.gateways {
		lanes[kind] = deliver.Lane{{Gateway: gateway, Permits: w.permits}}
		if own, ok := w.permitsOf[kind]; ok {
			lanes[kind][0].Permits = own
		}
	}
	maps.Copy(lanes, w.lanes)
	return deliver.Ports{
		Requests: w.broker.Consumer(group, port.TopicRequests), Publisher: w.publisher, Ledger: w.ledger,
		Suppressions: w.store.Suppressions(), Control: w.store.Control(), ChannelHalts: w.store.ChannelHalts(), Packs: w.packsPort, Cipher: w.cipherPort, Lanes: lanes,
		Clock: w.clock, Log: w.log, Metrics: w.metrics, Tracer: w.tracer, NewToken: w.newToken,
	}
}

func (w *world) newToken() attempt.Token {
	n := w.tokens.Add(1)
	return attempt.Token{1, byte(n >> 8), byte(n)}
}

func (w *world) newService(t *testing.T) *deliver.Service {
	t.Helper()
	service, err := deliver.New(w.ports(), w.config)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// start runs Delivery until stop is called, or the test ends. stop returns once Run has.
func (w *world) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	service := w.service
	go func() { ended <- service.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			w.store.Fail(nil)
			w.broker.SetDown(false)
			w.email.Release()
			w.sms.Release()
			eventually(t, "the end of Delivery", func() bool {
				select {
				case err := <-ended:
					if err != nil {
						t.Errorf("Delivery ended with %v", err)
					}
					return true
				default:
					w.clock.Advance(10 * time.Second)
					return false
				}
			})
		})
	}
	t.Cleanup(stop)
	return stop
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	waittest.Wait{Every: time.Millisecond}.Until(t, what, holds)
}

// whileTimePasses waits until the condition holds and lets the clock run meanwhile.
func (w *world) whileTimePasses(t *testing.T, what string, holds func() bool) {
	t.Helper()
	eventually(t, what, func() bool {
		if holds() {
			return true
		}
		w.clock.Advance(100 * time.Millisecond)
		return false
	})
}

// drained reports whether every request is committed and none is in flight.
func (w *world) drained() bool { return w.lag() == 0 && w.service.InFlight() == 0 }

func (w *world) lag() int64 {
	at, err := w.broker.Group(group).Position(context.Background())
	if err != nil {
		return -1
	}
	return at.Lag
}

func (w *world) awaitDrained(t *testing.T) {
	t.Helper()
	eventually(t, "every request is done", w.drained)
}

func (w *world) dispatch(t *testing.T) port.Run {
	t.Helper()
	record, err := w.runner.Run(t.Context(), w.month, by(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// settle looks at every ledger row, as the sweep at the start does.
func (w *world) settle(t *testing.T) {
	t.Helper()
	if _, err := w.settler.SweepLedger(t.Context(), port.Span{}); err != nil {
		t.Fatal(err)
	}
}

// runSettlement consumes results until the test ends.
func (w *world) runSettlement(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.settler.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("settlement ended with %v", err)
		}
	})
}

func (w *world) key(user int64) key.Target { return key.Target{Month: w.month, UserID: user} }

// bill is a rendered bill of a customer who can be reached by e-mail and SMS, available now.
func (w *world) bill(t *testing.T, user int64, change ...func(s *memory.Seeded)) {
	t.Helper()
	w.billUnder(t, user, w.cipher, change...)
}

func (w *world) billUnder(t *testing.T, user int64, cipher port.Cipher, change ...func(s *memory.Seeded)) {
	t.Helper()
	target := w.key(user)
	sealed, err := statement.Seal(port.Statement{Target: target, Variants: map[channel.Kind]port.Variant{
		channel.Email: {Subject: "your bill", HTML: "<p>bill</p>", Text: "bill of " + target.String()},
		channel.SMS:   {Text: "bill of " + target.String()},
	}}, cipher)
	if err != nil {
		t.Fatal(err)
	}
	refs, err := w.packs.Put(t.Context(), w.pack(user), [][]byte{sealed})
	if err != nil {
		t.Fatal(err)
	}
	reference, err := statement.SealReference(refs[0], target, cipher)
	if err != nil {
		t.Fatal(err)
	}
	seeded := memory.Seeded{
		State: billing.State{
			Key: target, Batch: billing.Rendered, Dispatch: billing.Ready, AvailableAt: w.clock.Now(),
			Reachable: channel.NewSet(channel.Email, channel.SMS),
		},
		Statement: reference,
	}
	for kind, address := range map[channel.Kind]string{channel.Email: "kim@example.com", channel.SMS: "+821012345678"} {
		seeded.Destinations = append(seeded.Destinations, sealedDestination(t, cipher, target, kind, address))
	}
	for _, c := range change {
		c(&seeded)
	}
	w.store.Seed(seeded)
}

func sealedDestination(t *testing.T, cipher port.Cipher, target key.Target, kind channel.Kind, address string) port.Destination {
	t.Helper()
	sealed, err := cipher.Seal([]byte(address), port.Purpose{Kind: port.KindDestination, Target: target, Channel: kind})
	if err != nil {
		t.Fatal(err)
	}
	return port.Destination{Channel: kind, Sealed: sealed}
}

// pack names the pack of a bill of the month.
func (w *world) pack(user int64) string { return "pack-" + w.key(user).String() }

func (w *world) state(t *testing.T, user int64) billing.State {
	t.Helper()
	target, ok := w.store.Target(w.key(user))
	if !ok {
		t.Fatalf("target %d is gone", user)
	}
	return target.State()
}

// row is the ledger row of a key; the zero row where there is none.
func (w *world) row(user int64, tryNo, round int16) attempt.Row {
	for _, row := range w.store.Rows(w.key(user)) {
		if row.Key.Attempt == tryNo && row.Key.Round == round {
			return row
		}
	}
	return attempt.Row{}
}

func (w *world) expectRow(t *testing.T, user int64, tryNo, round int16, state attempt.State, reason attempt.Reason) attempt.Row {
	t.Helper()
	row := w.row(user, tryNo, round)
	if row.State != state || row.Reason != reason {
		t.Fatalf("the row of %d/%d/%d is %q (%s), want %s (%s)", user, tryNo, round, row.State, row.Reason, state, reason)
	}
	return row
}

func (w *world) expect(t *testing.T, user int64, status billing.Status, tryNo, round int16) billing.State {
	t.Helper()
	s := w.state(t, user)
	if s.Dispatch != status || s.Attempt != tryNo || s.Round != round {
		t.Fatalf("target %d is %s, attempt %d, round %d; want %s, %d, %d", user, s.Dispatch, s.Attempt, s.Round, status, tryNo, round)
	}
	return s
}

func (w *world) expectCalls(t *testing.T, gateway *memory.Gateway, n int) {
	t.Helper()
	if calls := gateway.Calls(); len(calls) != n {
		t.Fatalf("%s was called %d times, want %d: %v", gateway.Provider().Name, len(calls), n, keysOf(calls))
	}
}

func keysOf(calls []memory.GatewayCall) []string {
	keys := make([]string, len(calls))
	for i, c := range calls {
		keys[i] = c.Key.String()
	}
	return keys
}

// outages lists the parts of which one was told that it is down, in order.
func (w *world) outages() []string {
	var parts []string
	for _, line := range w.log.Find("a component is down; waiting for it, nothing is lost") {
		part, _ := line.Field("component").(string)
		parts = append(parts, part)
	}
	return parts
}
