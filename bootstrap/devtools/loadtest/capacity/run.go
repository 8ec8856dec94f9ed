package capacity

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// Setup is one run to predict.
type Setup struct {
	Question
	Settings
	Infrastructure
	Calibration
	Fault Fault
}

// Validate names the first field that cannot be, and why.
func (s Setup) Validate() error {
	for _, err := range []error{s.Question.Validate(), s.Settings.Validate(), s.Calibration.Validate()} {
		if err != nil {
			return err
		}
	}
	if s.SharedCores <= 0 && (s.TaskCores <= 0 || s.DatabaseCores <= 0 || s.BrokerCores <= 0 || s.Usable <= 0 || s.Usable > 1) {
		return impossible("infrastructure", "cores and their usable share have to be above 0, the share at most 1")
	}
	return nil
}

// Fault is what fails during a run. The zero value is nothing.
type Fault struct {
	LoseTaskAt float64 // a task dies so many seconds after the start; 0: none does
	SlowAt     float64 // the gateway's answers take SlowBy times as long from then on, in seconds after the start
	SlowBy     float64 // 0: they do not
}

// Prediction is what a run would come to. Times are in seconds after its start.
type Prediction struct {
	Finish     float64            `json:"finish_seconds"` // the last answer of the gateway
	Finished   bool               `json:"finished"`       // false: it was given up after ten days
	Dispatched float64            `json:"dispatched_seconds"`
	Late       float64            `json:"late"`       // targets that have not arrived in time
	Unknown    float64            `json:"unknown"`    // unknown outcomes
	PutBack    float64            `json:"put_back"`   // requests whose quiet hours began before they were sent
	TaskHours  float64            `json:"task_hours"` // of delivery tasks, their start included
	InFlight   float64            `json:"in_flight"`  // the most at once, all tasks
	Lag        float64            `json:"lag"`        // the most requests that waited in the topic
	Bottleneck Bottleneck         `json:"bottleneck"` // what held the run up for most of its time
	Held       map[string]float64 `json:"held_up_by"` // by bottleneck, the share of the time
	Points     []Point            `json:"points"`
}

// Bottleneck is what holds a run up.
type Bottleneck string

// What may hold a run up.
const (
	ByInFlight   Bottleneck = "calls in flight"
	ByTPS        Bottleneck = "the gateway's limit"
	ByTasks      Bottleneck = "the tasks' processors"
	ByDatabase   Bottleneck = "the database"
	ByBroker     Bottleneck = "the event log"
	ByMachine    Bottleneck = "this machine's processors"
	ByDispatcher Bottleneck = "the dispatcher"
	ByBalance    Bottleneck = "partitions that are not spread evenly over tasks"
	ByQuiet      Bottleneck = "quiet hours"
	ByScaling    Bottleneck = "tasks that are starting"
)

// Point is the state at an instant; the rates are means since the point before.
type Point struct {
	Seconds  float64 `json:"t"`
	Rate     float64 `json:"rate"`      // targets that arrived, a second
	Lag      float64 `json:"lag"`       // requests in the topic
	Waiting  float64 `json:"waiting"`   // targets not published yet
	InFlight float64 `json:"in_flight"` // messages in flight, all tasks
	Tasks    int     `json:"tasks"`
}

const (
	giveUp      = 10 * 24 * 3600.0 // seconds
	points      = 240              // kept of a prediction
	nothing     = 0.5              // of a target
	limitSpread = 0.01             // how exactly tasks keep to the gateway's limit, as a standard deviation: measured runs differ by that
	idleAfter   = 15 * 60.0        // seconds without work after which tasks are taken away
)

// Run predicts one run. Seed 0 is the expected one: work costs what was measured. Any other seed draws a run in which it
// costs a little more or less, customers fall on partitions by chance, and the last answers take as long as they do.
func Run(setup Setup, seed uint64) (Prediction, error) {
	if err := setup.Validate(); err != nil {
		return Prediction{}, err
	}
	f := newFlow(setup, rand.New(rand.NewPCG(seed, 0)), seed == 0) //nolint:gosec // reproducible, not secret
	for f.left() > nothing && f.t < giveUp {
		f.step()
	}
	return f.prediction(), nil
}

// flow is a run under way: amounts of targets, and where they are.
type flow struct {
	Setup
	random  *rand.Rand
	t       float64 // seconds since the start
	long    float64 // of a step
	hold    float64 // seconds that a message is in flight
	latency Latency // of the gateway as it is now
	slowed  bool
	over    float64     // share of the calls that take too long
	shares  []float64   // of each class of customers; the first has no quiet hours
	open    []bool      // by class
	pending [][]float64 // not published, by partition and class
	topic   []float64   // published, by partition
	inTopic [][]float64 // the same, by class
	fleet
	made      Prediction
	held      map[Bottleneck]float64
	done      float64 // arrived so far
	inTime    float64 // done within the time
	lastEnd   float64 // of the last call's beginning
	pointDone float64 // arrived at the last point, and when that was
	pointAt   float64
	tail      float64 // where the longest of the last answers lies among those that it could have been: 0 to 1
}

func newFlow(s Setup, random *rand.Rand, expected bool) *flow {
	factor, late := 1.0, 0.5
	if !expected {
		factor, late = math.Exp(s.Spread*random.NormFloat64()), random.Float64()
	}
	s.Calibration = s.Calibration.scaled(factor)
	if !expected {
		s.Question.Gateway.TPS *= math.Exp(limitSpread * random.NormFloat64())
	}
	f := &flow{Setup: s, random: random, tail: late, held: map[Bottleneck]float64{}, t: s.Lead / 1000}
	rest := 1.0
	f.shares = []float64{1}
	for _, q := range s.Quiet {
		f.shares = append(f.shares, q.Share)
		rest -= q.Share
	}
	f.shares[0] = max(rest, 0)
	f.open = make([]bool, len(f.shares))
	f.spread()
	f.slow()
	f.fleet = newFleet(s)
	f.long = f.stepLength()
	f.point()
	return f
}

// spread lets customers fall on partitions as their hashes do.
func (f *flow) spread() {
	n, p := float64(f.Targets), float64(f.Partitions)
	sizes, sum := make([]float64, f.Partitions), 0.0
	for i := range sizes {
		sizes[i] = max(0, n/p+math.Sqrt(n/p*(1-1/p))*f.random.NormFloat64())
		sum += sizes[i]
	}
	f.topic = make([]float64, f.Partitions)
	for _, size := range sizes {
		row := make([]float64, len(f.shares))
		for c, share := range f.shares {
			row[c] = size / sum * n * share
		}
		f.pending = append(f.pending, row)
		f.inTopic = append(f.inTopic, make([]float64, len(f.shares)))
	}
}

// slow computes how long a message is in flight, with the gateway as it is now.
func (f *flow) slow() {
	latency, slowed := f.Gateway.Latency, f.Fault.SlowBy > 0 && f.t >= f.Fault.SlowAt
	if f.hold > 0 && slowed == f.slowed {
		return
	}
	f.slowed = slowed
	if slowed {
		latency = latency.slower(f.Fault.SlowBy)
	}
	f.latency = latency
	mean, over := latency.meanWithin(f.Gateway.CallDeadline.Seconds())
	f.hold, f.over = max(mean+f.Handling/1000, 1e-4), over
}

// stepLength is a small part of the run.
func (f *flow) stepLength() float64 {
	rate := f.pageRate()
	for _, limit := range []float64{
		float64(f.Tasks) * float64(f.InFlight) / f.hold,
		f.databaseRate(), f.taskRate() * float64(f.Tasks),
	} {
		rate = min(rate, limit)
	}
	if f.Gateway.TPS > 0 {
		rate = min(rate, f.Gateway.TPS)
	}
	return min(max(float64(f.Targets)/rate/600, 0.01), 30)
}

// left is what has not been called yet.
func (f *flow) left() (sum float64) {
	for p := range f.pending {
		sum += f.topic[p]
		for _, n := range f.pending[p] {
			sum += n
		}
	}
	return sum
}

// waiting is what is not published: what may be now, and all.
func (f *flow) waiting() (now, all float64) {
	for _, row := range f.pending {
		for c, n := range row {
			all += n
			if f.open[c] {
				now += n
			}
		}
	}
	return now, all
}

// prediction closes the books.
func (f *flow) prediction() Prediction {
	p := f.made
	p.Finished = f.left() <= nothing
	last := max(f.latency.longestOf(max(f.inFlightTotal(), 1)/f.hold, f.tail, f.Gateway.CallDeadline.Seconds()), f.latency.Quantile(0.5))
	drain := last + f.Handling/1000
	p.Finish = f.lastEnd + drain
	p.Points = thin(f.withFinish(p.Finish))
	if p.Finish <= f.Within.Seconds() && p.Finished {
		p.Late = 0
	} else {
		p.Late = max(0, float64(f.Targets)-f.inTime)
	}
	total := 0.0
	p.Held = map[string]float64{}
	for _, b := range slices.Sorted(maps.Keys(f.held)) { // in an order: sums of floating-point numbers depend on it
		total += f.held[b]
		if f.held[b] > f.held[p.Bottleneck] {
			p.Bottleneck = b
		}
	}
	for b, s := range f.held {
		p.Held[string(b)] = s / total
	}
	p.TaskHours = (f.taskSeconds + float64(f.active())*drain) / 3600
	return p
}

// withFinish returns the points, the last one at the finish: what was in flight has arrived.
func (f *flow) withFinish(finish float64) []Point {
	all := f.made.Points
	last, before := Point{}, 0.0
	if n := len(all); n > 0 {
		last, all = all[n-1], all[:n-1]
	}
	if n := len(all); n > 0 {
		before = all[n-1].Seconds
	}
	arrived := last.Rate*(last.Seconds-before) + f.inFlightTotal()
	at := max(finish, before+0.001)
	return append(all, Point{Seconds: at, Rate: arrived / (at - before)})
}

// thin keeps about as many points as a picture shows, peaks included.
func thin(all []Point) []Point {
	if len(all) <= points {
		return all
	}
	kept := append(make([]Point, 0, points+1), all[0])
	for i := range points {
		from, to := 1+i*(len(all)-1)/points, 1+(i+1)*(len(all)-1)/points
		p := all[to-1]
		rate, span := 0.0, 0.0
		for j := from; j < to; j++ {
			long := all[j].Seconds
			if j > 0 {
				long -= all[j-1].Seconds
			}
			rate, span = rate+all[j].Rate*long, span+long
		}
		if span > 0 {
			p.Rate = rate / span
		}
		kept = append(kept, p)
	}
	return kept
}
