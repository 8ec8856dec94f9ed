// Package capacity predicts a month's run from arithmetic: how fast targets arrive through a gateway of a given latency
// and limit, with so many partitions, tasks, calls in flight and rows a page; when the last one has arrived, what held it
// up, what breaks first, and what it costs. It is a fluid model: targets are amounts that flow from the table through
// the topic's partitions and the tasks' places to the gateway. It does no I/O, and the same seed gives the same answer.
package capacity

import (
	"errors"
	"fmt"
	"time"
)

// Day is the length of a day in minutes, in which hours of the day are counted.
const Day = 24 * 60

// Question is what is asked of a month's run.
type Question struct {
	Targets int           `json:"targets"`
	Gateway Gateway       `json:"gateway"`
	Quiet   []Quiet       `json:"quiet,omitempty"`
	Start   int           `json:"start_minute"` // of the day
	Within  time.Duration `json:"within"`       // after the start, all must have arrived
}

// Gateway is who takes the messages.
type Gateway struct {
	Latency      Latency       `json:"latency"`
	TPS          float64       `json:"tps"`           // calls a second that it takes; 0: no limit
	CallDeadline time.Duration `json:"call_deadline"` // a call that takes longer has an unknown outcome
}

// Quiet is a share of the targets with quiet hours, in minutes of the day; they may wrap midnight.
type Quiet struct {
	Share float64 `json:"share"`
	From  int     `json:"from_minute"`
	To    int     `json:"to_minute"`
}

func (q Quiet) open(minute float64) bool {
	for ; minute >= Day; minute -= Day {
	}
	from, to := float64(q.From), float64(q.To)
	if from < to {
		return minute < from || minute >= to
	}
	return minute >= to && minute < from
}

// Settings are what an operator can set.
type Settings struct {
	Partitions     int `json:"partitions"`
	Tasks          int `json:"max_tasks"`
	MinTasks       int `json:"min_tasks"`
	InFlight       int `json:"in_flight"` // of each task
	Page           int `json:"page"`
	BacklogPerTask int `json:"backlog_per_task"` // what scaling aims at; only where MinTasks is below Tasks
}

// Infrastructure is what the settings run on.
type Infrastructure struct {
	TaskCores     float64       `json:"task_cores"`     // of one delivery task
	TaskGB        float64       `json:"task_gb"`        // memory of one delivery task
	DatabaseCores float64       `json:"database_cores"` // of the database server
	BrokerCores   float64       `json:"broker_cores"`   // of all brokers together
	Usable        float64       `json:"usable"`         // share of a core that work may take before everything waits for it
	SharedCores   float64       `json:"shared_cores"`   // above 0: everything, gateway and storage included, shares so many cores
	TaskStart     time.Duration `json:"task_start"`     // from the start of a task to its first message
	ScaleEvery    time.Duration `json:"scale_every"`    // how often the backlog is read for scaling
	Session       time.Duration `json:"session"`        // until the group gives up a task that died
	Rebalance     time.Duration `json:"rebalance"`      // how long no call begins
	Lease         time.Duration `json:"lease"`          // until a dead task's calls count as unknown
}

// Cloud is infrastructure of managed services, as docs/guides/loadtest.md describes it.
func Cloud() Infrastructure {
	return Infrastructure{
		TaskCores: 1, TaskGB: 2, DatabaseCores: 2, BrokerCores: 6, Usable: 0.8,
		TaskStart: time.Minute, ScaleEvery: time.Minute, Session: 10 * time.Second, Rebalance: 3 * time.Second, Lease: 90 * time.Second,
	}
}

// ErrImpossible is wrapped where a question, settings or a calibration make no sense; the message names the field.
var ErrImpossible = errors.New("the load test cannot answer this")

func impossible(field, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrImpossible, field, fmt.Sprintf(format, args...))
}

// Limits of what can be asked.
const (
	mostTargets    = 1_000_000_000
	mostPartitions = 1000
	mostTasks      = 1000
	mostInFlight   = 100_000
	mostPage       = 1000
	longestRun     = 7 * 24 * time.Hour
)

// Validate names the first field that cannot be, and why.
func (q Question) Validate() error {
	switch {
	case q.Targets < 1 || q.Targets > mostTargets:
		return impossible("targets", "%d (want 1 to %d)", q.Targets, mostTargets)
	case !(q.Gateway.TPS >= 0 && q.Gateway.TPS <= 1e6):
		return impossible("tps", "%v (want 0 for no limit, to 1,000,000)", q.Gateway.TPS)
	case q.Gateway.CallDeadline < time.Second || q.Gateway.CallDeadline > 30*time.Minute:
		return impossible("call deadline", "%s (want 1s to 30m)", q.Gateway.CallDeadline)
	case q.Start < 0 || q.Start >= Day:
		return impossible("start", "minute %d of the day (want 00:00 to 23:59)", q.Start)
	case q.Within < time.Second || q.Within > longestRun:
		return impossible("by", "%s after the start (want 1s to 7 days)", q.Within)
	}
	if err := q.Gateway.Latency.validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrImpossible, err)
	}
	if fast := q.Gateway.Latency.Quantile(0.5); fast >= q.Gateway.CallDeadline.Seconds() {
		return impossible("latency", "half of the calls take %s or more, and a call is given up after %s: their outcomes would be unknown", seconds(fast), q.Gateway.CallDeadline)
	}
	sum := 0.0
	for _, quiet := range q.Quiet {
		if err := quiet.validate(); err != nil {
			return err
		}
		sum += quiet.Share
	}
	if sum > 1+1e-9 {
		return impossible("quiet", "the shares add up to %.0f%%", 100*sum)
	}
	return nil
}

func (q Quiet) validate() error {
	switch {
	case !(q.Share > 0 && q.Share <= 1):
		return impossible("quiet", "a share of %.4g%% (want more than 0 and at most 100)", 100*q.Share)
	case q.From < 0 || q.From >= Day || q.To < 0 || q.To >= Day:
		return impossible("quiet", "hours outside the day (want 00:00 to 23:59)")
	case q.From == q.To:
		return impossible("quiet", "hours that begin when they end: such customers could never be reached")
	}
	return nil
}

// Validate names the first field that cannot be, and why.
func (s Settings) Validate() error {
	switch {
	case s.Partitions < 1 || s.Partitions > mostPartitions:
		return impossible("partitions", "%d (want 1 to %d)", s.Partitions, mostPartitions)
	case s.Tasks < 1 || s.Tasks > mostTasks:
		return impossible("tasks", "%d (want 1 to %d)", s.Tasks, mostTasks)
	case s.Tasks > s.Partitions:
		return impossible("tasks", "%d tasks with %d partitions: a task without a partition has nothing to do", s.Tasks, s.Partitions)
	case s.MinTasks < 0 || s.MinTasks > s.Tasks:
		return impossible("min tasks", "%d of %d", s.MinTasks, s.Tasks)
	case s.MinTasks < s.Tasks && s.BacklogPerTask < 1:
		return impossible("backlog per task", "%d (want at least 1)", s.BacklogPerTask)
	case s.InFlight < 1 || s.InFlight > mostInFlight:
		return impossible("in flight", "%d (want 1 to %d)", s.InFlight, mostInFlight)
	case s.Page < 1 || s.Page > mostPage:
		return impossible("page", "%d rows (want 1 to %d)", s.Page, mostPage)
	}
	return nil
}
