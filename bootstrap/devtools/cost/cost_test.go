package cost_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
	"github.com/balsong/balsong/bootstrap/devtools/cost"
	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
	"github.com/balsong/balsong/bootstrap/devtools/prices"
)

const (
	templates = "../../../deploy/aws"
	page      = "../../../docs/operations/cost.md"
)

var update = flag.Bool("update", false, "write the page anew")

func report(t *testing.T, file string, changed cloudformation.Values) cost.Report {
	t.Helper()
	table, err := prices.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := cost.New(templates, table, changed)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestThePageOfCostIsFresh(t *testing.T) {
	t.Parallel()
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want, err := report(t, "", nil).Page(string(old))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(old) {
		t.Errorf("%s is stale: run `make docs`", page)
	}
}

func TestTheTableBesideTheTemplatesIsTheOneThatIsBuiltIn(t *testing.T) {
	t.Parallel()
	beside, err := os.ReadFile(templates + "/prices.csv")
	if err != nil || string(beside) != string(prices.List()) {
		t.Errorf("deploy/aws/prices.csv is another table: %v", err)
	}
}

func TestWhatIsChangedChangesTheCost(t *testing.T) {
	t.Parallel()
	usual := report(t, "", nil)
	for what, c := range map[string]struct {
		changed cloudformation.Values
		more    float64
	}{
		"a NAT gateway each zone": {cloudformation.Values{"NatGateways": "each-zone"}, 2 * 730 * (0.059 + 0.005)},
		"addresses before that":   {cloudformation.Values{"NatGateways": "addresses"}, 2 * 730 * 0.005},
		"a run each hour":         {cloudformation.Values{"DispatchSchedule": "cron(0 * * * ? *)"}, 365 / 60.0 * (0.0466 + 2*0.0051)},
		"a run each half hour":    {cloudformation.Values{"DispatchSchedule": "rate(30 minutes)"}, 1095 / 60.0 * (0.0466 + 2*0.0051)},
		"a password for Kafka":    {cloudformation.Values{"KafkaScram": "true"}, 0.40},
		"100 GB more":             {cloudformation.Values{"DatabaseStorage": "300"}, 26},
		"a task of delivery":      {cloudformation.Values{"DeliveryTasksLeast": "1"}, 730 * (0.0466 + 2*0.0051)},
	} {
		if more := report(t, "", c.changed).IdleSum - usual.IdleSum; more < c.more-0.01 || more > c.more+0.01 {
			t.Errorf("%s: %.2f more, wanted %.2f", what, more, c.more)
		}
	}
	if m := usual.Months; m[0].PerMillion <= m[1].PerMillion || m[1].PerMillion <= m[2].PerMillion {
		t.Errorf("a million must cost less in a larger month: %+v", m)
	}
}

func TestWhatHasNoPriceIsNamed(t *testing.T) {
	t.Parallel()
	table, err := prices.Read("")
	if err != nil {
		t.Fatal(err)
	}
	for want, changed := range map[string]cloudformation.Values{
		`no row "database db.r8g.xlarge"`: {"DatabaseClass": "db.r8g.xlarge"},
		"DispatchSchedule: ":              {"DispatchSchedule": "cron(x)"},
		"DatabaseClas is no parameter":    {"DatabaseClas": "x"},
		`DatabaseStorage is "much"`:       {"DatabaseStorage": "much"},
	} {
		if _, err := cost.New(templates, table, changed); !errors.Is(err, capacity.ErrImpossible) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, wanted %q", err, want)
		}
	}
}
