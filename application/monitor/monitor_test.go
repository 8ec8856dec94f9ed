package monitor_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/monitor"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

var (
	november = key.Month(2026*12 + 10)
	noon     = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
)

// group is a delivery group that stands where it is told to.
type group struct {
	port.ConsumerGroup
	at      port.GroupPosition
	members int
	err     error
}

func (g *group) Position(context.Context) (port.GroupPosition, error) { return g.at, g.err }

func (g *group) Members(context.Context) (int, error) { return g.members, g.err }

// standbys are what a database shows.
type standbys struct{ shown port.Standbys }

func (s *standbys) Standbys(context.Context) (port.Standbys, error) { return s.shown, nil }

type world struct {
	clock    *memory.Clock
	store    *memory.Store
	group    *group
	standbys *standbys
	log      *memory.Log
	metrics  *memory.Metrics
	monitor  *monitor.Monitor
}

func newWorld() *world {
	clock := memory.NewClock(noon)
	w := &world{clock: clock, store: memory.NewStore(clock), group: &group{}, standbys: &standbys{}, log: &memory.Log{}, metrics: &memory.Metrics{}}
	w.monitor = monitor.New(monitor.Ports{
		Group: w.group, Months: w.store.Months(), Backlog: w.store.Backlog(), Sweeps: w.store.Sweeps(), Policies: w.store.Policies(),
		Control: w.store.Control(), ChannelHalts: w.store.ChannelHalts(), Runs: w.store.Runs(), Replication: w.standbys, Budgets: w.store.Budgets(), Clock: clock, Log: w.log, Metrics: w.metrics,
	}, 30*time.Second)
	return w
}

// look looks once, after a time.
func (w *world) look(t *testing.T, after time.Duration) {
	t.Helper()
	w.clock.Advance(after)
	w.monitor.Look(t.Context())
}

// is compares a gauge with a text: "absent" where it has no value.
func (w *world) is(t *testing.T, gauge metric.Gauge, want string) {
	t.Helper()
	got := "absent"
	if values := w.metrics.Recorded(gauge.Metric); len(values) > 0 {
		got = fmt.Sprint(values[0])
	}
	if got != want {
		t.Errorf("%s is %s, want %s", gauge.Name, got, want)
	}
}

func (w *world) seed(users int, status billing.Status) {
	for user := range users {
		state := billing.New(key.Target{Month: november, UserID: int64(user) + 1}, noon).State()
		state.Batch, state.Dispatch, state.Reachable = billing.Rendered, status, channel.NewSet(channel.Email)
		w.store.Seed(memory.Seeded{State: state})
	}
}

func TestTheLagIsSharedAmongTheTasksAndHasAnAge(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.group.members, w.group.at = 4, port.GroupPosition{Lag: 10_000, Committed: 500, Oldest: noon.Add(-90 * time.Second)}
	w.look(t, 0)
	w.is(t, metric.DeliveryLag, "10000")
	w.is(t, metric.DeliveryTasks, "4")
	w.is(t, metric.DeliveryBacklogPerTask, "2500")
	w.is(t, metric.OldestRequestAge, "90")
	w.group.members = 0 // scaled to none: the backlog must call for the first task
	w.look(t, time.Second)
	w.is(t, metric.DeliveryTasks, "0")
	w.is(t, metric.DeliveryBacklogPerTask, "10000")
	w.group.members, w.group.at = 0, port.GroupPosition{Committed: 10_500}
	w.look(t, time.Second)
	w.is(t, metric.OldestRequestAge, "0")
	w.is(t, metric.DeliveryTimeLeft, "0")
}

func TestTheTimeLeftGoesByTheRateOfTheLastMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.group.members, w.group.at = 1, port.GroupPosition{Lag: 100_000}
	w.look(t, 0)
	w.is(t, metric.DeliveryTimeLeft, "absent") // one look shows no rate
	for range 4 {                              // 100 a second
		w.group.at.Committed += 3000
		w.group.at.Lag -= 3000
		w.look(t, 30*time.Second)
	}
	w.is(t, metric.DeliveryTimeLeft, "880")
	for range 10 { // a fifth of the rate for five minutes: the faster minutes are forgotten
		w.group.at.Committed += 600
		w.group.at.Lag -= 600
		w.look(t, 30*time.Second)
	}
	w.is(t, metric.DeliveryTimeLeft, "4100")
}

func TestTheTimeLeftIsInfiniteWhileNothingIsDoneAndUnknownAfterAReset(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.group.members, w.group.at = 1, port.GroupPosition{Lag: 100, Committed: 50_000}
	w.look(t, 0)
	w.look(t, 30*time.Second)
	w.is(t, metric.DeliveryTimeLeft, fmt.Sprint(math.Inf(1)))
	w.group.at.Committed, w.group.at.Lag = 0, 50_100 // an operator went back to the beginning
	w.look(t, 30*time.Second)
	w.is(t, metric.DeliveryTimeLeft, "absent")
}

func TestTheMarginIsTheTimeToTheDeadlineLessTheTimeLeft(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.seed(3, billing.Requested)
	w.look(t, 0)
	w.is(t, metric.DeadlineMargin, "absent") // no policy, no deadline
	w.activate(t)
	deadline := november.Start(time.UTC).Add(480 * time.Hour) // in Seoul nine hours earlier
	w.group.members, w.group.at = 1, port.GroupPosition{Lag: 36_000}
	w.look(t, 0)
	until := deadline.Sub(noon).Seconds() - 9*3600
	w.is(t, metric.DeadlineMargin, fmt.Sprint(until)) // nobody knows how fast
	w.group.at.Committed, w.group.at.Lag = 300, 36_000
	w.look(t, 30*time.Second) // 10 a second: an hour
	w.is(t, metric.DeliveryTimeLeft, "3600")
	w.is(t, metric.DeadlineMargin, fmt.Sprint(until-30-3600))
	for range 10 {
		w.look(t, 30*time.Second)
	}
	w.look(t, 30*time.Second) // nothing is worked off any more: that is another alarm's matter
	w.is(t, metric.DeadlineMargin, fmt.Sprint(until-360))
	w.seed(3, billing.Succeeded)
	w.look(t, 0)
	w.is(t, metric.DeadlineMargin, "absent")
}

// activate makes a policy of 20 days from the month's start the ACTIVE one.
func (w *world) activate(t *testing.T) {
	t.Helper()
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	spec := policy.Spec{Name: "monthly", Zone: seoul, Route: policy.Route{{Channel: channel.Email, Tries: 2}}, Deadline: 480 * time.Hour}
	by := port.Act{Actor: "kim", Reason: "a test"}
	version, err := w.store.Policies().Draft(t.Context(), spec, by)
	if err == nil {
		err = w.store.Policies().Activate(t.Context(), version.Ref(), by)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheDatabasesNumbersAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.seed(5, billing.Unknown)
	w.standbys.shown = port.Standbys{Shown: true, Connected: 2, Synchronous: 1, Lag: 1500 * time.Millisecond}
	w.look(t, 0)
	w.is(t, metric.TargetsUnknown, "5")
	w.is(t, metric.Halted, "0")
	w.is(t, metric.DispatchLastRun, "absent")
	w.is(t, metric.StandbysSynchronous, "1")
	w.is(t, metric.StandbyLag, "1.5")
	if _, err := w.store.Runs().Start(t.Context(), port.Run{StartedAt: noon.Add(-time.Hour), Status: port.RunRunning}); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Control().SetHalt(t.Context(), true, port.Act{Actor: "kim", Reason: "a test"}); err != nil {
		t.Fatal(err)
	}
	w.standbys.shown = port.Standbys{Shown: true} // waited for by name, and gone
	w.look(t, 0)
	w.is(t, metric.Halted, "1")
	w.is(t, metric.DispatchLastRun, fmt.Sprint(float64(noon.Add(-time.Hour).Unix())))
	w.is(t, metric.StandbysSynchronous, "0")
	w.is(t, metric.StandbyLag, "absent")
	w.standbys.shown = port.Standbys{} // RDS Multi-AZ shows none
	w.look(t, 0)
	w.is(t, metric.StandbysSynchronous, "absent")
}

func TestEachChannelHasAGaugeThatSaysWhetherItIsHalted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	expect := func(when string, want map[channel.Kind]string) {
		t.Helper()
		w.look(t, 0)
		for kind, value := range want {
			got := "absent"
			if all := w.metrics.Recorded(metric.ChannelHalted.Metric, string(kind)); len(all) > 0 {
				got = fmt.Sprint(all[len(all)-1])
			}
			if got != value {
				t.Errorf("%s: %s is %s, want %s", when, kind, got, value)
			}
		}
	}
	expect("before any halt", map[channel.Kind]string{channel.Email: "0", channel.SMS: "0"})
	if err := w.store.ChannelHalts().Set(t.Context(), channel.SMS, true, 0, port.Act{Actor: "kim", Reason: "a test"}); err != nil {
		t.Fatal(err)
	}
	expect("SMS is halted", map[channel.Kind]string{channel.Email: "0", channel.SMS: "1"})
	if err := w.store.ChannelHalts().Set(t.Context(), channel.SMS, false, 0, port.Act{Actor: "kim", Reason: "a test"}); err != nil {
		t.Fatal(err)
	}
	expect("it is lifted", map[channel.Kind]string{channel.Email: "0", channel.SMS: "0"})
}

func TestASourceThatFailsCostsItsOwnMetricsAndOneLineOfTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.seed(1, billing.Unknown)
	w.group.members, w.group.at = 1, port.GroupPosition{Lag: 7}
	w.look(t, 0)
	w.group.err = fmt.Errorf("no brokers: %w", port.ErrUnavailable)
	w.store.Fail(func(op string) error {
		if strings.HasPrefix(op, "sweeps.") {
			return errors.New("permission denied")
		}
		return nil
	})
	for range 3 {
		w.look(t, 30*time.Second)
	}
	for _, gauge := range []metric.Gauge{metric.DeliveryLag, metric.DeliveryTasks, metric.DeliveryBacklogPerTask, metric.DeliveryTimeLeft, metric.OldestRequestAge, metric.TargetsUnknown} {
		w.is(t, gauge, "absent") // an old number would pass for a new one
	}
	w.is(t, metric.Halted, "0")
	const fails, answers = "a source of the lag monitor fails; its metrics are absent meanwhile", "a source of the lag monitor answers again"
	if lines := w.log.Find(fails); len(lines) != 2 {
		t.Fatalf("two sources fail three times: %v", lines)
	}
	w.group.err = nil
	w.store.Fail(nil)
	w.look(t, 30*time.Second)
	w.is(t, metric.DeliveryLag, "7")
	w.is(t, metric.TargetsUnknown, "1")
	if lines := w.log.Find(answers); len(lines) != 2 {
		t.Errorf("their return is logged as %v", lines)
	}
}

func TestItLooksAtOnceAndAgainAfterEachPauseUntilItIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.monitor.Run(ctx) }()
	for range 3 {
		if err := w.clock.AwaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		w.is(t, metric.DeliveryLag, "0")
		metric.DeliveryLag.Clear(w.metrics)
		w.clock.Advance(30 * time.Second)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}

func TestTheRatesOfProvidersAreShownWhileTheyAreCalled(t *testing.T) {
	t.Parallel()
	w := newWorld()
	rates := func(want ...float64) {
		t.Helper()
		w.look(t, 0)
		got := append(w.metrics.Recorded(metric.ProviderRate.Metric, "sms"), w.metrics.Recorded(metric.ProviderRateLimit.Metric, "sms")...)
		if !slices.Equal(got, want) {
			t.Errorf("rate and limit are %v, want %v", got, want)
		}
	}
	rates()
	if _, err := w.store.Budgets().Reserve(t.Context(), "sms", 100, 1, 0); err != nil {
		t.Fatal(err)
	}
	rates(100, 100)
	if _, _, err := w.store.Budgets().Slow(t.Context(), "sms"); err != nil {
		t.Fatal(err)
	}
	rates(70, 100)
	w.clock.Advance(time.Minute)
	rates(100, 100)
	w.clock.Advance(25 * time.Hour)
	rates()
}
