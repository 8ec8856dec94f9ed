// Package loadtest answers, before the run, whether a month will arrive in time, with which settings and at
// what cost: a sweep in the model of package capacity, the same model beside the real components at a reduced scale, and a
// report for who decides.
package loadtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
)

// Options say what is asked.
type Options struct {
	Question       capacity.Question
	Infrastructure capacity.Infrastructure
	Calibration    capacity.Calibration
	Prices         capacity.Prices
	Grid           capacity.Grid
	Seeds          int // runs in the model from which intervals are taken

	Measure *Measure // nil: the model alone

	Tell func(done, of int) // is called with how far the sweep is
}

// Report is the answer. Its JSON form is for machines: names of fields stay.
type Report struct {
	StartedAt      time.Time               `json:"started_at"`
	Summary        string                  `json:"summary"` // in one sentence
	Asked          capacity.Question       `json:"asked"`
	Infrastructure capacity.Infrastructure `json:"infrastructure"`
	Calibration    capacity.Calibration    `json:"costs"`
	Prices         capacity.Prices         `json:"prices"`
	Grid           capacity.Grid           `json:"grid"`

	Recommended capacity.Candidate   `json:"recommended"`
	Rate        float64              `json:"rate"` // calls a second that all tasks together may make; 0: no bound
	Forecast    capacity.Forecast    `json:"forecast"`
	Neighbours  []capacity.Neighbour `json:"neighbours"`
	ByTasks     []TaskCount          `json:"finish_by_tasks"`
	Scenarios   []capacity.Scenario  `json:"scenarios"`
	Swept       []capacity.Candidate `json:"swept"`

	Measured *Measured `json:"measured,omitempty"`
	Notes    []string  `json:"notes,omitempty"`
}

// TaskCount is when the recommended settings would end with another number of tasks.
type TaskCount struct {
	Tasks  int               `json:"tasks"`
	Finish capacity.Interval `json:"finish_seconds"`
	Cost   capacity.Cost     `json:"cost"`
}

// Run answers. What the model says is there in seconds; what is measured takes minutes.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := &Report{
		StartedAt: time.Now().UTC().Truncate(time.Second), Asked: o.Question, Infrastructure: o.Infrastructure, Calibration: o.Calibration, Prices: o.Prices, Grid: o.Grid,
	}
	setup := capacity.Setup{Question: o.Question, Infrastructure: o.Infrastructure, Calibration: o.Calibration}
	if o.Measure != nil {
		if err := o.Measure.validate(o.Question); err != nil {
			return nil, err
		}
	}
	err := r.model(ctx, setup, o)
	if err != nil {
		return nil, err
	}
	if o.Measure != nil {
		if r.Measured, err = measure(ctx, o, r); err != nil {
			return nil, fmt.Errorf("measure: %w", err)
		}
	}
	r.Summary = r.sentence()
	return r, nil
}

// model sweeps, chooses, and looks at what was chosen more closely.
func (r *Report) model(ctx context.Context, setup capacity.Setup, o Options) (err error) {
	r.Swept, err = capacity.Sweep(setup, o.Grid, o.Prices, func(done, of int) error {
		o.Tell(done, of)
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	chosen := capacity.Choose(r.Swept)
	r.Recommended, r.Neighbours = r.Swept[chosen], capacity.Neighbours(o.Grid, r.Swept, chosen)
	setup.Settings = r.Recommended.Settings
	if tps := o.Question.Gateway.TPS; tps > 0 {
		r.Rate = tps
	}
	if r.Forecast, err = capacity.Predict(setup, o.Seeds); err != nil {
		return err
	}
	if r.Scenarios, err = capacity.Scenarios(setup, r.Forecast.Run); err != nil {
		return err
	}
	return r.byTasks(ctx, setup, o)
}

// byTasks varies the number of tasks alone, and partitions only where there would be too few.
func (r *Report) byTasks(ctx context.Context, setup capacity.Setup, o Options) error {
	for _, tasks := range o.Grid.Tasks {
		settings := r.Recommended.Settings
		settings.Tasks, settings.MinTasks = tasks, min(settings.MinTasks, tasks)
		if i := slices.IndexFunc(o.Grid.Partitions, func(p int) bool { return p >= tasks && p >= settings.Partitions }); i >= 0 {
			settings.Partitions = o.Grid.Partitions[i]
		}
		if tasks > settings.Partitions {
			continue
		}
		setup.Settings = setup.WithScaling(settings)
		f, err := capacity.Predict(setup, o.Seeds)
		if err != nil {
			return err
		}
		r.ByTasks = append(r.ByTasks, TaskCount{Tasks: tasks, Finish: f.Finish, Cost: setup.Cost(f.Run, o.Prices)})
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
