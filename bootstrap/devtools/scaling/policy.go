// Package scaling simulates how Application Auto Scaling runs delivery tasks on a backlog: when a month ends, how many tasks it
// takes over time, what they cost, and whether their number flaps. It is a model of what AWS documents, in steps of a second; no
// AWS is asked.
package scaling

import (
	"math"
	"time"
)

// Policy is a target tracking policy on the backlog per task, as deploy/aws/services.yaml sets it.
type Policy struct {
	Least, Most int
	Target      float64 // messages for each task
	OutCooldown time.Duration
	InCooldown  time.Duration
	// HoldsWhileHeld leaves the number of tasks alone while a gateway takes no calls: more tasks would wait as well.
	HoldsWhileHeld bool
}

// Defaults is the policy that docs/operations/scaling.md recommends and the templates have.
func Defaults() Policy {
	return Policy{Least: 0, Most: 6, Target: 30_000, OutCooldown: time.Minute, InCooldown: 5 * time.Minute, HoldsWhileHeld: true}
}

// What AWS documents of target tracking, and of what a metric needs on its way.
const (
	pointsOut = 3   // values in a row above the target
	pointsIn  = 15  // values in a row clearly below it
	clearly   = 0.9 // of the target
	late      = 1   // minutes from the end of a minute until an alarm looks at its value, which comes by way of CloudWatch Logs
)

// tracker is the policy at work. values are what the alarms have seen, a minute each, the newest last.
type tracker struct {
	Policy
	values          []float64
	outAt, inAt     float64 // of the last step in each direction
	direction       int
	outs, ins, turn int
}

func newTracker(p Policy) *tracker {
	return &tracker{Policy: p, outAt: math.Inf(-1), inAt: math.Inf(-1)}
}

// see notes a minute's value and returns how many tasks there shall be.
func (t *tracker) see(now float64, desired int, value float64) int {
	t.values = append(t.values, value)
	want := int(math.Ceil(float64(desired) * value / t.Target))
	switch {
	case desired == 0 && value > 0:
		// "Service Auto Scaling waits for one data point to be sent before scaling out. It scales out by the minimum possible amount."
		return t.out(now, desired, 1)
	case t.all(pointsOut, func(v float64) bool { return v > t.Target }) && want > desired && now-t.outAt >= t.OutCooldown.Seconds():
		return t.out(now, desired, min(want, t.Most))
	case t.all(pointsIn, func(v float64) bool { return v < clearly*t.Target }) && want < desired && now-max(t.inAt, t.outAt) >= t.InCooldown.Seconds():
		return t.in(now, desired, max(want, t.Least))
	}
	return desired
}

// all reports whether something holds of the last n values; not before there are so many.
func (t *tracker) all(n int, holds func(float64) bool) bool {
	if len(t.values) < n {
		return false
	}
	for _, v := range t.values[len(t.values)-n:] {
		if !holds(v) {
			return false
		}
	}
	return true
}

func (t *tracker) out(now float64, desired, want int) int {
	if want > desired {
		t.outAt = now
		t.outs++
		t.turned(1)
	}
	return max(want, desired)
}

func (t *tracker) in(now float64, desired, want int) int {
	if want < desired {
		t.inAt = now
		t.ins++
		t.turned(-1)
	}
	return min(want, desired)
}

// turned counts the changes of direction.
func (t *tracker) turned(direction int) {
	if t.direction != 0 && t.direction != direction {
		t.turn++
	}
	t.direction = direction
}
