package faulttest_test

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/fx"

	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/channel"
)

// scrapeEvery is how often the services are scraped: what is a minute to the rules.
const scrapeEvery = 200 * time.Millisecond

// What these tests break is met by bills that are on their way: they are dispatched when it is broken, for they may be through before.

func TestAComponentThatIsDownRaisesItsAlarmAndClearsIt(t *testing.T) {
	for name, f := range map[string]fault{"PostgreSQL": postgresFault, "Kafka": kafkaFault, "S3": s3Fault} {
		t.Run(name, func(t *testing.T) {
			promtool(t)
			w := newWorld(t)
			s := w.watched(t, scrapeEvery)
			t.Cleanup(w.deliver(t))
			since := s.quiet(t, w, "BalsongComponentDown")
			f.away(t, w)
			back := sync.OnceFunc(func() { f.back(t, w) })
			defer back() // the tests after this one need it too
			w.dispatch(t)
			s.awaitRaised(t, w, since, "BalsongComponentDown")
			back()
			s.awaitCleared(t, w, "BalsongComponentDown")
			if minutes, _ := s.raised(t, "BalsongSettlementSilent"); len(minutes) > 0 {
				t.Errorf("settlement counts as silent while a component is down, at %v", minutes)
			}
		})
	}
}

func TestSettlementThatReportsNothingRaisesItsAlarm(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	s := w.watched(t, scrapeEvery)
	stop := w.deliver(t)
	since := s.quiet(t, w, "BalsongSettlementSilent")
	stop()
	s.awaitRaised(t, w, since, "BalsongSettlementSilent")
	t.Cleanup(w.deliver(t))
	s.awaitCleared(t, w, "BalsongSettlementSilent")
}

func TestAHaltRaisesItsAlarmUntilItIsLifted(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	s := w.watched(t, scrapeEvery)
	t.Cleanup(w.deliver(t))
	since := s.quiet(t, w, "BalsongHalted")
	w.operate(t, func(o *operate.Operator) error { _, err := o.Halt(t.Context(), by); return err })
	s.awaitRaised(t, w, since, "BalsongHalted")
	w.operate(t, func(o *operate.Operator) error { _, err := o.LiftHalt(t.Context(), by); return err })
	s.awaitCleared(t, w, "BalsongHalted")
}

func TestAHaltOfAChannelRaisesItsAlarmUntilItIsLifted(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	s := w.watched(t, scrapeEvery)
	t.Cleanup(w.deliver(t))
	since := s.quiet(t, w, "BalsongChannelHalted")
	w.operate(t, func(o *operate.Operator) error { _, err := o.HaltChannel(t.Context(), channel.SMS, by); return err })
	s.awaitRaised(t, w, since, "BalsongChannelHalted")
	w.operate(t, func(o *operate.Operator) error {
		_, err := o.LiftChannelHalt(t.Context(), channel.SMS, 0, by)
		return err
	})
	s.awaitCleared(t, w, "BalsongChannelHalted")
}

func TestADispatcherThatIsNotStartedRaisesItsAlarm(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	w.config.Database.MaxConns = 4
	run := func() {
		t.Helper()
		before := w.count("SELECT count(*) FROM runs")
		stop := w.dispatching(t)
		await(t, "a run begins", func() bool { return w.count("SELECT count(*) FROM runs") > before }, w.story)
		stop()
	}
	run()
	s := w.watched(t, scrapeEvery/2)
	t.Cleanup(w.deliver(t))
	since := s.quiet(t, w, "BalsongNoDispatcherRun")
	s.awaitRaised(t, w, since, "BalsongNoDispatcherRun")
	run()
	s.awaitCleared(t, w, "BalsongNoDispatcherRun")
}

func TestAProviderThatCannotBeCalledRaisesItsAlarmAndThatOfTheLag(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	s := w.watched(t, scrapeEvery)
	t.Cleanup(w.deliver(t))
	since := s.quiet(t, w, "BalsongProviderHeld", "BalsongLagGrows")
	gatewayFault.away(t, w)
	w.dispatch(t)
	s.awaitRaised(t, w, since, "BalsongProviderHeld", "BalsongLagGrows")
	gatewayFault.back(t, w)
	s.awaitCleared(t, w, "BalsongProviderHeld", "BalsongLagGrows")
}

// The bills wait at a gateway that is away, so that the month is not through when its deadline comes near.
func TestADeadlineThatComesNearRaisesItsAlarm(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	s := w.watched(t, scrapeEvery)
	gatewayFault.away(t, w)
	w.activate(t, 48*time.Hour)
	w.run(t)
	await(t, "bills are requested", func() bool { return w.status("REQUESTED") > 0 }, w.story)
	since := s.quiet(t, w, "BalsongDeadlineInDanger")
	w.activate(t, 30*time.Minute)
	s.awaitRaised(t, w, since, "BalsongDeadlineInDanger")
	w.activate(t, 48*time.Hour)
	s.awaitCleared(t, w, "BalsongDeadlineInDanger")
}

func TestAGatewayThatBreaksConnectionsRaisesTheAlarmsOfUnknownTargets(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	s := w.watched(t, scrapeEvery)
	t.Cleanup(w.deliver(t))
	since := s.quiet(t, w, "BalsongUnknownTargets", "BalsongUnknownGrows")
	w.gateway.behaves(t, func(c *behaviour.ChannelSettings) { c.AcceptThenDrop = 1 })
	w.dispatch(t)
	s.awaitRaised(t, w, since, "BalsongUnknownTargets", "BalsongUnknownGrows")
	w.gateway.behaves(t, func(c *behaviour.ChannelSettings) { c.AcceptThenDrop = 0 })
	s.awaitCleared(t, w, "BalsongUnknownGrows")
	await(t, "every bill has come to an end or is held", func() bool { return w.status("SUCCEEDED", "UNKNOWN") == customers }, w.story)
	w.judge(t, w.inDoubt(t))
	s.awaitCleared(t, w, "BalsongUnknownTargets")
}

func TestManyRefusalsOfAClassRaiseTheirAlarm(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	s := w.watched(t, scrapeEvery)
	t.Cleanup(w.deliver(t))
	since := s.quiet(t, w, "BalsongRefusals")
	w.gateway.behaves(t, func(c *behaviour.ChannelSettings) { c.Permanent = 0.5 })
	w.dispatch(t)
	s.awaitRaised(t, w, since, "BalsongRefusals")
	w.gateway.behaves(t, func(c *behaviour.ChannelSettings) { c.Permanent = 0 })
	s.awaitCleared(t, w, "BalsongRefusals")
}

func TestAMessageThatIsNotOursRaisesTheAlarmOfDeadLetters(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	s := w.watched(t, scrapeEvery)
	t.Cleanup(w.deliver(t))
	since := s.quiet(t, w, "BalsongDeadLetters")
	producer, err := sarama.NewSyncProducer(w.config.Kafka.Brokers, synchronous())
	must(t, err)
	defer func() { must(t, producer.Close()) }()
	_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: w.topic(port.TopicRequests), Value: sarama.StringEncoder("no request")})
	must(t, err)
	s.awaitRaised(t, w, since, "BalsongDeadLetters")
	s.awaitCleared(t, w, "BalsongDeadLetters")
}

func TestAKeysetWithoutTheKeyOfAContentRaisesItsAlarm(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	s := w.watched(t, scrapeEvery)
	f := rotating(t, w)
	w.requested(t)
	f.holds(t, w, f.removed)
	t.Cleanup(w.deliver(t))
	s.awaitRaised(t, w, 0, "BalsongUnknownKey", "BalsongComponentDown")
	f.holds(t, w, f.both)
	s.awaitCleared(t, w, "BalsongUnknownKey", "BalsongComponentDown")
	w.succeededAtOnce(t)
}

// The calls take seconds, and meanwhile their leases end, as if they were shorter than the calls.
func TestLeasesThatEndRaiseTheirAlarm(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	s := w.watched(t, scrapeEvery)
	w.gateway.behaves(t, func(c *behaviour.ChannelSettings) {
		c.Latency = behaviour.Latency{Kind: behaviour.Fixed, Mean: behaviour.Duration(8 * time.Second)}
	})
	t.Cleanup(w.deliver(t))
	since := s.quiet(t, w, "BalsongLeasesExpired")
	w.dispatch(t)
	await(t, "leases of calls under way end", func() bool {
		_, err := w.db.ExecContext(t.Context(), `UPDATE delivery_attempts SET lease_until = clock_timestamp() - interval '1 s' WHERE state = 'CLAIMED'`)
		must(t, err)
		return w.count("SELECT count(*) FROM delivery_attempts WHERE reason = 'lease_expired'") > 0
	}, w.story)
	s.awaitRaised(t, w, since, "BalsongLeasesExpired")
	s.awaitCleared(t, w, "BalsongLeasesExpired")
}

func TestKafkaThatAcknowledgesNothingRaisesItsAlarm(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	s := w.watched(t, scrapeEvery)
	t.Cleanup(w.deliver(t))
	since := s.quiet(t, w, "BalsongPublishFailures")
	w.dispatch(t)
	await(t, "bills are requested", func() bool { return w.status("REQUESTED") > 0 }, w.story)
	kafkaFault.away(t, w)
	back := sync.OnceFunc(func() { kafkaFault.back(t, w) })
	defer back()
	s.awaitRaised(t, w, since, "BalsongPublishFailures")
	back()
	s.awaitCleared(t, w, "BalsongPublishFailures")
}

func TestACommittedOffsetThatIsNotInTheLogRaisesItsAlarm(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	w.config.Kafka.SessionTimeout = 6 * time.Second
	w.requested(t)
	stop := w.deliver(t)
	await(t, "some bills are accepted", func() bool { return len(w.gateway.accepted(t)) >= 50 }, w.story)
	stop()
	w.commit(t, 1_000_000)
	s := w.watched(t, scrapeEvery)
	stop = w.deliver(t)
	s.awaitRaised(t, w, 0, "BalsongPartitionsOutOfRange")
	stop()
	w.commit(t, 0) // as kafka-consumer-groups.sh --reset-offsets --to-earliest does
	t.Cleanup(w.deliver(t))
	s.awaitCleared(t, w, "BalsongPartitionsOutOfRange")
	w.succeededAtOnce(t)
}

// operate does an act of an operator.
func (w *world) operate(t *testing.T, act func(*operate.Operator) error) {
	t.Helper()
	var ports operate.Ports
	use(t, fx.Options(operatorapp.Options(config.Operator{Database: w.config.Database, Log: w.config.Log}), w.observed(), fx.Populate(&ports)), func() {
		must(t, act(operate.New(ports, 10*time.Second)))
	})
}

// activate takes a policy live by which the month's deadline is so long from now.
func (w *world) activate(t *testing.T, until time.Duration) {
	t.Helper()
	c := wholebatch.Config{Database: w.config.Database, Kafka: w.config.Kafka, S3: w.config.S3, Keys: w.config.Keys, Log: w.config.Log}
	use(t, fx.Options(wholebatch.Options(c), w.observed(), fx.Invoke(func(b wholebatch.Batch) {
		late := spec()
		late.Deadline = time.Since(w.month.Start(time.UTC)).Truncate(time.Second) + until
		drafted, err := b.Policies.Draft(t.Context(), late, by)
		must(t, err)
		must(t, b.Policies.Activate(t.Context(), drafted.Ref(), by))
	})), func() {})
}

// topic is a topic's name with the test's prefix.
func (w *world) topic(t port.Topic) string { return w.config.Kafka.TopicPrefix + string(t) }

func synchronous() *sarama.Config {
	c := sarama.NewConfig()
	c.Producer.Return.Successes = true
	return c
}

// commit sets the offset of delivery's group on every partition. Nobody may be a member of the group.
func (w *world) commit(t *testing.T, offset int64) {
	t.Helper()
	client, err := sarama.NewClient(w.config.Kafka.Brokers, sarama.NewConfig())
	must(t, err)
	defer func() { _ = client.Close() }()
	group, topic := w.config.Kafka.TopicPrefix+core.DeliveryGroup, w.topic(port.TopicRequests)
	manager, err := sarama.NewOffsetManagerFromClient(group, client)
	must(t, err)
	defer func() { must(t, manager.Close()) }()
	partitions, err := client.Partitions(topic)
	must(t, err)
	for _, partition := range partitions {
		p, err := manager.ManagePartition(topic, partition)
		must(t, err)
		p.MarkOffset(offset, "")
		p.ResetOffset(offset, "")
		manager.Commit()
		must(t, p.Close())
	}
}

// behaves changes how the gateway behaves on each channel, for all calls to come.
func (g *simulator) behaves(t *testing.T, change func(*behaviour.ChannelSettings)) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	settings := g.running.Settings()
	for _, channel := range []*behaviour.ChannelSettings{&settings.Email, &settings.SMS} {
		change(channel)
	}
	must(t, g.running.SetSettings(settings))
}

// The server is told to wait for a standby that is not there. The test's own commits do not wait for it.
func TestAStandbyThatIsMissingRaisesItsAlarm(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	do := func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			_, err := w.db.ExecContext(t.Context(), statement)
			must(t, err)
		}
	}
	do("ALTER DATABASE " + w.name + " SET synchronous_commit = local")
	s := w.watched(t, scrapeEvery)
	t.Cleanup(w.deliver(t))
	since := s.quiet(t, w, "BalsongStandbyMissing")
	back := sync.OnceFunc(func() { do("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()") })
	defer back()
	do("ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()")
	s.awaitRaised(t, w, since, "BalsongStandbyMissing")
	back()
	s.awaitCleared(t, w, "BalsongStandbyMissing")
}

// A certificate is looked at each hour; here the service is started again instead.
func TestACertificateThatEndsRaisesItsAlarms(t *testing.T) {
	promtool(t)
	w := newWorld(t)
	shown := &certificate{}
	shown.ends(t, 6*24*time.Hour)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: shown.get, MinVersion: tls.VersionTLS12})
	must(t, err)
	server := &http.Server{ReadHeaderTimeout: time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()
	w.config.Gateways.SMS.URL = "https://" + listener.Addr().String()
	s := w.watched(t, scrapeEvery/2)
	stop := w.deliver(t)
	s.awaitRaised(t, w, 0, "BalsongCertificateEndsIn21Days", "BalsongCertificateEndsIn7Days")
	shown.ends(t, 300*24*time.Hour)
	stop()
	t.Cleanup(w.deliver(t))
	s.awaitCleared(t, w, "BalsongCertificateEndsIn21Days", "BalsongCertificateEndsIn7Days")
}

// certificate is what a server shows until it is replaced.
type certificate struct {
	atomic.Pointer[tls.Certificate]
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.Load(), nil }

// ends replaces it by one that ends after a time.
func (c *certificate) ends(t *testing.T, after time.Duration) {
	t.Helper()
	c.Store(porttest.CertificateUntil(t, time.Now().Add(after)))
}
