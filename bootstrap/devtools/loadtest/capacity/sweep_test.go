package capacity_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
)

// list are prices of about what such things cost.
func list() capacity.Prices {
	return capacity.Prices{
		TaskCoreHour: 0.05, TaskGBHour: 0.005, DatabaseHour: 0.5, BrokerHour: 0.25, Brokers: 3,
		StoragePuts: 0.0045, StorageGets: 0.00035, StorageGBMonth: 0.025, DataOutGB: 0.12,
	}
}

func TestTheRecommendationBeatsItsNeighboursOnOtherSeeds(t *testing.T) {
	t.Parallel()
	slow, limited := five(), five()
	slow.Question.Gateway.Latency = capacity.Latency{P50: 3 * time.Second, P99: 12 * time.Second}
	limited.Question.Gateway.TPS = 1500
	for name, setup := range map[string]capacity.Setup{"a slow gateway": slow, "a gateway with a limit": limited} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			grid := capacity.WideGrid()
			all, err := capacity.Sweep(setup, grid, list(), func(int, int) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			chosen := capacity.Choose(all)
			best := all[chosen]
			t.Logf("%+v", best)
			if !best.InTime {
				t.Fatal("it is not in time")
			}
			forecast := func(s capacity.Settings) capacity.Forecast {
				again := setup
				again.Settings = s
				f, err := capacity.Predict(again, 21)
				if err != nil {
					t.Fatal(err)
				}
				return f
			}
			own := forecast(best.Settings)
			neighbours := capacity.Neighbours(grid, all, chosen)
			if len(neighbours) < 4 {
				t.Fatalf("%d neighbours", len(neighbours))
			}
			for _, n := range neighbours {
				t.Logf("%+v %s: %s (%.0f s)", n.Settings, n.Differs, n.Why, n.Finish)
				other := forecast(n.Settings)
				faster := other.Finish.Mid < own.Finish.Mid*0.97
				cheaper := n.Cost.AllPerMillion < best.Cost.AllPerMillion*0.97
				if n.Why == "" || (n.InTime && (faster || cheaper)) {
					t.Errorf("%+v is better: it ends at %.0f, not %.0f, and costs %.2f, not %.2f", n.Settings, other.Finish.Mid, own.Finish.Mid, n.Cost.AllPerMillion, best.Cost.AllPerMillion)
				}
			}
		})
	}
}

func TestWhereNothingArrivesInTimeTheFirstToArriveIsTaken(t *testing.T) {
	t.Parallel()
	s := five()
	s.Question.Gateway.TPS, s.Within = 100, time.Hour
	all, err := capacity.Sweep(s, capacity.Grid{Partitions: []int{6}, Tasks: []int{1, 2, 4}, InFlight: []int{10, 1000}, Page: []int{1000}}, list(), func(int, int) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	best := all[capacity.Choose(all)]
	if best.InTime || best.Tasks == 4 || best.InFlight != 1000 { // four tasks share six partitions unevenly
		t.Errorf("%+v", best)
	}
}

func TestAMonthsCostIsTheSumOfItsParts(t *testing.T) {
	t.Parallel()
	s := five()
	p := capacity.Prediction{TaskHours: 10, Finish: 3600}
	cost := s.Cost(p, list())
	near(t, "tasks", cost.Tasks, 10*(0.05+2*0.005), 1e-9)
	near(t, "data", cost.Data, 5e6*2600/1e9*0.12, 1e-9)
	near(t, "storage", cost.Storage, 5*0.0045+5*20*0.00035+5e6*4600/1e9*0.025, 1e-9)
	near(t, "what stands", 5*(cost.AllPerMillion-cost.RunPerMillion), cost.Database+cost.Brokers, 1e-9)
}

func TestEachScenarioSaysWhatBreaksFirst(t *testing.T) {
	t.Parallel()
	s := five()
	s.Question.Gateway.TPS = 400
	planned := run(t, s, 0)
	scenarios, err := capacity.Scenarios(s, planned)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"nothing", "certainty", "", "the hour", "the hour"} {
		if got := scenarios[i].Breaks; len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%s: %s", scenarios[i].Name, got)
		}
	}
}
