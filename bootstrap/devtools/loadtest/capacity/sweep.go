package capacity

import (
	"cmp"
	"math"
	"slices"
)

// Grid is what a sweep tries: every combination in which no task is without a partition.
type Grid struct {
	Partitions []int `json:"partitions"`
	Tasks      []int `json:"tasks"`
	InFlight   []int `json:"in_flight"`
	Page       []int `json:"page"`
}

// WideGrid suits a month of any size.
func WideGrid() Grid {
	return Grid{
		Partitions: []int{6, 12, 24, 48, 96}, Tasks: []int{1, 2, 3, 4, 6, 8, 12, 16, 24},
		InFlight: []int{300, 1000, 3000, 10_000}, Page: []int{100, 300, 1000},
	}
}

// Validate names the first field that cannot be.
func (g Grid) Validate() error {
	for _, list := range []struct {
		name string
		of   []int
		most int
	}{
		{"partitions", g.Partitions, mostPartitions}, {"tasks", g.Tasks, mostTasks}, {"in-flight", g.InFlight, mostInFlight}, {"page", g.Page, mostPage},
	} {
		if len(list.of) == 0 {
			return impossible(list.name, "nothing to try")
		}
		for i, n := range list.of {
			if n < 1 || n > list.most {
				return impossible(list.name, "%d (want 1 to %d)", n, list.most)
			}
			if i > 0 && n <= list.of[i-1] {
				return impossible(list.name, "%d after %d (write them once, ascending)", n, list.of[i-1])
			}
		}
	}
	if len(g.all()) == 0 {
		return impossible("tasks", "at least %d, with at most %d partitions: a task without a partition has nothing to do", g.Tasks[0], g.Partitions[len(g.Partitions)-1])
	}
	return nil
}

func (g Grid) all() (all []Settings) {
	for _, partitions := range g.Partitions {
		for _, tasks := range g.Tasks {
			for _, inFlight := range g.InFlight {
				for _, page := range g.Page {
					if tasks <= partitions {
						all = append(all, Settings{Partitions: partitions, Tasks: tasks, InFlight: inFlight, Page: page})
					}
				}
			}
		}
	}
	return all
}

// Candidate is what one combination of settings would come to.
type Candidate struct {
	Settings
	Finish     float64    `json:"finish_seconds"`
	Adverse    float64    `json:"finish_adverse_seconds"` // where a task dies in the middle, and work costs twice its spread more
	InTime     bool       `json:"in_time"`                // both
	AtRisk     float64    `json:"at_risk"`                // unknown outcomes when a task dies
	Cost       Cost       `json:"cost"`
	Bottleneck Bottleneck `json:"bottleneck"`
}

// Sweep predicts every combination of a grid; progress is called after each, and ends the sweep with an error.
func Sweep(setup Setup, grid Grid, prices Prices, progress func(done, of int) error) ([]Candidate, error) {
	if err := grid.Validate(); err != nil {
		return nil, err
	}
	if err := prices.Validate(); err != nil {
		return nil, err
	}
	all := grid.all()
	candidates := make([]Candidate, 0, len(all))
	for i, settings := range all {
		setup.Settings = setup.WithScaling(settings)
		c, err := setup.rate(prices)
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, c)
		if err := progress(i+1, len(all)); err != nil {
			return nil, err
		}
	}
	return candidates, nil
}

// adverse is a run in which a task dies in the middle, and everything goes a little worse than expected.
func (s Setup) adverse(planned float64) Setup {
	s.Calibration = s.Calibration.scaled(math.Exp(2 * s.Spread))
	s.Question.Gateway.TPS *= math.Exp(-2 * limitSpread)
	s.Fault = Fault{LoseTaskAt: planned / 2}
	return s
}

// rate predicts the expected run, and the adverse case.
func (s Setup) rate(prices Prices) (Candidate, error) {
	plain, err := Run(s, 0)
	if err != nil {
		return Candidate{}, err
	}
	bad, err := Run(s.adverse(plain.Finish), 0)
	if err != nil {
		return Candidate{}, err
	}
	return Candidate{
		Settings: s.Settings, Finish: plain.Finish, Adverse: bad.Finish,
		InTime: plain.Finished && bad.Finished && max(plain.Finish, bad.Finish) <= s.Within.Seconds(),
		AtRisk: bad.Unknown - plain.Unknown, Cost: s.Cost(plain, prices), Bottleneck: plain.Bottleneck,
	}, nil
}

// WithScaling lets tasks be started for what one of them does in a minute, from none; infrastructure that cannot start any
// has all of them from the beginning.
func (s Setup) WithScaling(settings Settings) Settings {
	if s.TaskStart <= 0 {
		settings.MinTasks = settings.Tasks
		return settings
	}
	s.Settings = settings
	f := flow{Setup: s}
	f.slow()
	rate := min(float64(s.InFlight)/f.hold, f.taskRate())
	if s.Question.Gateway.TPS > 0 {
		rate = min(rate, s.Question.Gateway.TPS/float64(settings.Tasks))
	}
	settings.BacklogPerTask = round(rate * 60)
	return settings
}

// round rounds to two digits that count.
func round(n float64) int {
	unit := math.Pow(10, math.Floor(math.Log10(max(n, 1)))-1)
	return max(1, int(math.Round(n/unit)*unit))
}

// noise is what two predictions have to differ by to count as different.
const noise = 0.02

// Choose picks the settings to recommend: of those that arrive in time even in the adverse case, those that cost no more
// than the cheapest; of those the ones that arrive first; of those the ones with the fewest calls under way, whose outcomes are
// unknown when their task dies; and of those the fewest tasks and partitions. What differs by less than the noise is
// the same. Where none arrives in time, the first to arrive counts. The result is an index.
func Choose(candidates []Candidate) int {
	left := make([]int, len(candidates))
	for i := range left {
		left[i] = i
	}
	inTime := slices.DeleteFunc(slices.Clone(left), func(i int) bool { return !candidates[i].InTime })
	if len(inTime) > 0 {
		left = least(inTime, func(i int) float64 { return candidates[i].Cost.AllPerMillion })
	}
	left = least(left, func(i int) float64 { return max(candidates[i].Finish, 1) })
	left = least(left, func(i int) float64 { return candidates[i].exposed() })
	return slices.MinFunc(left, func(i, j int) int {
		x, y := candidates[i], candidates[j]
		return cmp.Or(x.Tasks-y.Tasks, x.Partitions-y.Partitions, x.InFlight-y.InFlight, y.Page-x.Page)
	})
}

// exposed is how many calls all tasks have under way: more tasks lose fewer calls each, and one of them dies more often.
func (c Candidate) exposed() float64 { return max(c.AtRisk*float64(c.Tasks), 10) }

// least keeps those within the noise of the least.
func least(of []int, value func(int) float64) []int {
	lowest := math.Inf(1)
	for _, i := range of {
		lowest = min(lowest, value(i))
	}
	return slices.DeleteFunc(of, func(i int) bool { return value(i) > lowest*(1+noise) })
}

// Neighbour is the next setting in one direction, and why it is not the one to take.
type Neighbour struct {
	Candidate
	Differs string `json:"differs"` // as in "tasks"
	Why     string `json:"why"`
}

// Neighbours are the candidates that differ from the chosen one in one setting, by one step of the grid.
func Neighbours(grid Grid, candidates []Candidate, chosen int) (found []Neighbour) {
	best := candidates[chosen]
	at := func(s Settings) {
		for _, c := range candidates {
			if c.Partitions == s.Partitions && c.Tasks == s.Tasks && c.InFlight == s.InFlight && c.Page == s.Page {
				found = append(found, Neighbour{Candidate: c, Differs: best.differs(c.Settings), Why: best.Against(c)})
			}
		}
	}
	for _, side := range []int{-1, 1} {
		for _, dimension := range []struct {
			values []int
			set    func(*Settings) *int
		}{
			{grid.Partitions, func(s *Settings) *int { return &s.Partitions }},
			{grid.Tasks, func(s *Settings) *int { return &s.Tasks }},
			{grid.InFlight, func(s *Settings) *int { return &s.InFlight }},
			{grid.Page, func(s *Settings) *int { return &s.Page }},
		} {
			next := best.Settings
			value := dimension.set(&next)
			if i := slices.Index(dimension.values, *value) + side; i >= 0 && i < len(dimension.values) {
				*value = dimension.values[i]
				at(next)
			}
		}
	}
	return found
}

func (s Settings) differs(other Settings) string {
	switch {
	case s.Partitions != other.Partitions:
		return "partitions"
	case s.Tasks != other.Tasks:
		return "tasks"
	case s.InFlight != other.InFlight:
		return "in flight"
	}
	return "page"
}
