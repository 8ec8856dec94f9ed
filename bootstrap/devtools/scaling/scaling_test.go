package scaling

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/loadtest"
)

// The number of tasks goes up once and down once for each start of the dispatcher, whatever the seed of the tasks' start.
func TestTheNumberOfTasksDoesNotFlap(t *testing.T) {
	t.Parallel()
	for _, scenario := range Scenarios() {
		for seed := range uint64(20) {
			r := Run(scenario, Usual(), Defaults(), seed)
			if most := 2*(1+len(scenario.Retries)) - 1; r.Turns > most || r.Most > Defaults().Most {
				t.Errorf("%s, seed %d: %d changes of direction, want at most %d; %d tasks at once", scenario.Name, seed, r.Turns, most, r.Most)
			}
			if last := r.Points[len(r.Points)-1]; last.Lag > 0 || last.Running > 0 {
				t.Errorf("%s, seed %d: it ends with %d tasks and a lag of %.0f", scenario.Name, seed, last.Running, last.Lag)
			}
		}
	}
}

// That they would be seen: a month that comes about as fast as a task sends it makes the number swing, and tasks that stay end that.
func TestASteadyMonthSwingsUnlessTasksStay(t *testing.T) {
	t.Parallel()
	policy := Defaults()
	if r := Run(Steady(), Usual(), policy, 1); r.Turns < 10 {
		t.Errorf("%d changes of direction in four hours", r.Turns)
	}
	policy.Least = 2
	if r := Run(Steady(), Usual(), policy, 1); r.Turns > 0 || r.Done > 4*3600+60 {
		t.Errorf("with two tasks that stay: %d changes of direction, through after %.0f s", r.Turns, r.Done)
	}
}

func TestMoreTasksDoNotHelpBeyondTheDatabase(t *testing.T) {
	t.Parallel()
	through := func(most int) float64 {
		policy := Defaults()
		policy.Most = most
		return Run(Scenarios()[2], Usual(), policy, 1).First
	}
	if four, five, twelve := through(4), through(5), through(12); five > .9*four || twelve < .99*five {
		t.Errorf("50 M are through after %.0f s with 4 tasks, %.0f with 5, %.0f with 12", four, five, twelve)
	}
}

func TestAFleetDoesNotGrowWhileAGatewayIsHeld(t *testing.T) {
	t.Parallel()
	held := Scenarios()[4]
	grown := func(holds bool) (most int) {
		policy := Defaults()
		policy.HoldsWhileHeld = holds
		for _, p := range Run(held, Usual(), policy, 1).Points {
			if at := time.Duration(p.Seconds) * time.Second; at > held.Held[0]+2*time.Minute && at < held.Held[1] {
				most = max(most, p.Running)
			}
		}
		return most
	}
	if with, without := grown(true), grown(false); with > 1 || without < Defaults().Most {
		t.Errorf("while it is held there are %d tasks, and %d by the backlog alone", with, without)
	}
}

func TestASlowGatewayTakesLongerAndMoreTasksHelpThere(t *testing.T) {
	t.Parallel()
	usual, slow := Run(Scenarios()[1], Usual(), Defaults(), 1), Run(Scenarios()[3], Usual(), Defaults(), 1)
	if slow.First < 1.3*usual.First || slow.TaskSeconds <= usual.TaskSeconds {
		t.Errorf("through after %.0f s with %.0f task-seconds, slow after %.0f with %.0f", usual.First, usual.TaskSeconds, slow.First, slow.TaskSeconds)
	}
}

// The recommendation is what the templates have.
func TestTheTemplatesHaveTheRecommendedPolicy(t *testing.T) {
	t.Parallel()
	template := read(t, "../../../deploy/aws/services.yaml")
	p := Defaults()
	for name, want := range map[string]float64{
		"DeliveryTasksLeast": float64(p.Least), "DeliveryTasksMost": float64(p.Most), "BacklogPerTask": p.Target,
		"ScaleOutCooldown": p.OutCooldown.Seconds(), "ScaleInCooldown": p.InCooldown.Seconds(), "KafkaPartitions": float64(Usual().Partitions),
		"DeliveryCpu": 1024 * Usual().TaskCores, "DeliveryMemory": 1024 * Usual().TaskGB, "DeliveryInFlight": float64(Usual().InFlight),
	} {
		found := regexp.MustCompile(`(?m)^  ` + name + `:\n    Type: Number\n    Default: (\d+)\n`).FindStringSubmatch(template)
		if found == nil || found[1] != fmt.Sprint(want) {
			t.Errorf("deploy/aws/services.yaml: the default of %s is %v, want %v", name, found, want)
		}
	}
	scaled := read(t, "../../../deploy/kubernetes/scaling.yaml")
	for _, want := range []string{fmt.Sprintf("threshold: \"%.0f\"", p.Target), fmt.Sprintf("minReplicaCount: %d", p.Least), fmt.Sprintf("maxReplicaCount: %d", p.Most)} {
		if !strings.Contains(scaled, want) {
			t.Errorf("deploy/kubernetes/scaling.yaml: it does not say %s", want)
		}
	}
}

func TestThePageShowsTheDefaultPolicy(t *testing.T) {
	t.Parallel()
	prices, err := loadtest.ReadPrices("")
	if err != nil {
		t.Fatal(err)
	}
	study := NewStudy(Defaults(), prices)
	page := read(t, "../../../docs/operations/scaling.md")
	if fresh, err := part.Replace(page, study.markdown()); err != nil || page != fresh {
		t.Errorf("docs/operations/scaling.md is stale (%v): run `balsong-dev scaling --doc docs/operations/scaling.md`", err)
	}
	if read(t, "../../../docs/images/scaling.svg") != study.Picture() {
		t.Error("docs/images/scaling.svg is stale: run `balsong-dev scaling --doc docs/operations/scaling.md`")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
