package scaling

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
)

// Scenario is a month to be replayed.
type Scenario struct {
	Name    string
	Targets int
	Retries []float64     // shares of the targets that come again, with each further start of the dispatcher
	Every   time.Duration // between two starts of the dispatcher
	Spread  time.Duration // over which a start publishes, as one that lingers does; 0: as fast as it can
	Latency time.Duration // of the gateway
	SlowAt  time.Duration // from then on its answers take SlowBy times as long; 0: they do not
	SlowBy  float64
	Held    [2]time.Duration // the gateway takes no calls between these times
}

// Setting is what the policy runs on.
type Setting struct {
	capacity.Infrastructure
	capacity.Calibration
	InFlight, Partitions int
}

// Usual are a task, a database and costs of work as docs/guides/loadtest.md has them, on 12 partitions.
func Usual() Setting {
	return Setting{Infrastructure: capacity.Cloud(), Calibration: capacity.PublishedCalibration(), InFlight: 10_000, Partitions: 12}
}

// Point is how things are at an instant.
type Point struct {
	Seconds int
	Lag     float64
	Running int // tasks that are paid
	Desired int
}

// Result is what a replay came to.
type Result struct {
	Scenario    Scenario
	Points      []Point // every half minute
	First       float64 // seconds until all that was published was through for the first time
	Done        float64 // seconds until all were
	TaskSeconds float64
	Most        int // tasks at once
	Outs, Ins   int // steps
	Turns       int // changes of direction between them
}

// A task that comes up needs so many seconds, at random, until it is a member of the group.
const startLeast, startMost = 40, 90

// drainMost is how long a task that ends waits for its calls at most (BALSONG_DELIVERY_DRAIN), in seconds.
const drainMost = 60

// reports is how often the lag monitor looks, in seconds.
const reports = 30

// longest bounds a replay, in seconds.
const longest = 48 * 3600

// task is a delivery task: it reads from ready until ends.
type task struct{ ready, ends float64 }

// replay is a scenario under way.
type replay struct {
	Scenario
	Setting
	*tracker
	random  *rand.Rand
	now     float64
	todo    float64 // rows that the dispatcher has to publish
	waiting float64 // requests that no task has taken
	called  float64 // requests whose calls are under way: they are not committed either
	tasks   []task  // in the order of their start
	desired int
	paused  float64 // nobody reads before: the group shares its partitions
	minute  float64 // the largest backlog for each task within the minute, as the lag monitor reports it
	seen    []float64
	result  Result
}

// Run replays a scenario. The same seed gives the same result.
func Run(s Scenario, p Setting, policy Policy, seed uint64) Result {
	r := &replay{Scenario: s, Setting: p, tracker: newTracker(policy), random: rand.New(rand.NewPCG(seed, 0)), desired: policy.Least}
	r.result.Scenario = s
	for range policy.Least {
		r.tasks = append(r.tasks, task{ends: math.Inf(1)})
	}
	starts := 0
	for ; r.now < longest; r.now++ {
		if starts <= len(s.Retries) && r.now >= float64(starts)*s.Every.Seconds() {
			r.publish(starts)
			starts++
		}
		r.step()
		if r.todo+r.waiting > 0.5 {
			r.result.Done = r.now + 1 + r.latency()
			continue
		}
		if r.result.First == 0 {
			r.result.First = r.result.Done
		}
		if starts > len(s.Retries) && len(r.tasks) == policy.Least {
			break
		}
	}
	r.point()
	r.result.Outs, r.result.Ins, r.result.Turns = r.outs, r.ins, r.turn
	return r.result
}

// publish gives the dispatcher what a start of it finds: all targets, or those that come again.
func (r *replay) publish(start int) {
	share := 1.0
	if start > 0 {
		share = r.Retries[start-1]
	}
	r.todo += share * float64(r.Targets)
}

// step takes everything a second further.
func (r *replay) step() {
	rows := 1e6 / (r.PageWait + r.DispatchRow + r.DispatchDatabase) // pages of 1,000: a wait of so many ms is so many µs a row
	if r.Spread > 0 {
		rows = float64(r.Targets) / r.Spread.Seconds()
	}
	rows = min(r.todo, rows)
	r.todo -= rows
	r.waiting += rows
	taken := min(r.waiting, r.rate())
	r.waiting -= taken
	r.called = taken * (r.latency() + r.Handling/1000)
	r.account()
	if t := int(r.now); t%reports == 0 {
		r.minute = max(r.minute, (r.waiting+r.called)/float64(max(1, r.members())))
		r.point()
		if t%60 == 0 && t > 0 {
			r.seen = append(r.seen, r.minute)
			r.minute = 0
			r.scale()
		}
	}
}

func (r *replay) point() {
	r.result.Points = append(r.result.Points, Point{int(r.now), math.Round(r.waiting + r.called), len(r.tasks), r.desired})
}

// latency is the gateway's, in seconds.
func (r *replay) latency() float64 {
	if r.SlowAt > 0 && r.now >= r.SlowAt.Seconds() {
		return r.Latency.Seconds() * r.SlowBy
	}
	return r.Latency.Seconds()
}

func (r *replay) held() bool {
	return r.now >= r.Held[0].Seconds() && r.now < r.Held[1].Seconds()
}

// rate is how many deliveries a second there are: by the tasks' places and processors, and by the database that all share.
func (r *replay) rate() float64 {
	if r.held() || r.now < r.paused {
		return 0
	}
	busy := float64(min(r.members(), r.Partitions))
	of := min(float64(r.InFlight)/(r.latency()+r.Handling/1000), r.TaskCores*r.Usable*1e6/r.Delivery)
	return min(busy*of, r.DatabaseCores*r.Usable*1e6/r.Database)
}

// members are the tasks that read.
func (r *replay) members() (n int) {
	for _, t := range r.tasks {
		if t.ready <= r.now && math.IsInf(t.ends, 1) {
			n++
		}
	}
	return n
}

// account pays the tasks, and lets those go that have drained. Whoever comes or goes makes the group share its partitions.
func (r *replay) account() {
	r.result.TaskSeconds += float64(len(r.tasks))
	r.result.Most = max(r.result.Most, len(r.tasks))
	for _, t := range r.tasks {
		if t.ready > r.now-1 && t.ready <= r.now {
			r.paused = r.now + r.Rebalance.Seconds()
		}
	}
	r.tasks = slices.DeleteFunc(r.tasks, func(t task) bool { return t.ends <= r.now })
}

// scale lets the alarms look at the newest value that has come through, and starts or ends tasks.
func (r *replay) scale() {
	if len(r.seen) <= late {
		return
	}
	value := r.seen[len(r.seen)-1-late]
	if r.HoldsWhileHeld && r.held() {
		value = min(value, r.Target)
	}
	r.desired = r.see(r.now, r.desired, value)
	running := r.running()
	for range r.desired - running {
		r.tasks = append(r.tasks, task{ready: r.now + startLeast + r.random.Float64()*(startMost-startLeast), ends: math.Inf(1)})
	}
	for i := len(r.tasks) - 1; i >= 0 && running > r.desired; i-- {
		if math.IsInf(r.tasks[i].ends, 1) {
			r.tasks[i].ends = r.now + min(r.latency(), drainMost)
			r.paused = r.now + r.Rebalance.Seconds()
			running--
		}
	}
}

// running are the tasks that are not on their way out.
func (r *replay) running() (n int) {
	for _, t := range r.tasks {
		if math.IsInf(t.ends, 1) {
			n++
		}
	}
	return n
}
