package kubecheck

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The query of the ScaledObject over six minutes of values: what the autoscaler divides by the threshold.
const scalingTest = `rule_files: [rules.yaml]
tests:
  - interval: 1m
    input_series:
      - { series: 'balsong_delivery_lag_messages{pod="settlement-1"}', values: '100000 100000 100000 20000 100000 _' }
      - { series: 'balsong_delivery_lag_messages{pod="settlement-2"}', values: '100000 100000 100000 20000 100000 _' }
      - { series: 'balsong_delivery_tasks{pod="settlement-1"}', values: '2 2 2 2 0 2' }
      - { series: 'balsong_gateway_held{pod="delivery-1",provider="sms"}', values: '0 1 0 1 0 0' }
      - { series: 'balsong_halted{pod="settlement-1"}', values: '0 0 1 0 1 0' }
    promql_expr_test:
      - { expr: scaled_by, eval_time: 0m, exp_samples: [{ labels: scaled_by, value: 100000 }] } # the lag, though two report it
      - { expr: scaled_by, eval_time: 1m, exp_samples: [{ labels: scaled_by, value: 60000 }] } # held: as many tasks as there are
      - { expr: scaled_by, eval_time: 2m, exp_samples: [{ labels: scaled_by, value: 60000 }] } # halted: the same
      - { expr: scaled_by, eval_time: 3m, exp_samples: [{ labels: scaled_by, value: 20000 }] } # held, and fewer would do
      - { expr: scaled_by, eval_time: 4m, exp_samples: [{ labels: scaled_by, value: 0 }] } # halted, and none runs: none begins
`

func TestTheNumberOfTasksFollowsTheLagAndStaysWhileMoreWouldNotHelp(t *testing.T) {
	t.Parallel()
	promtool := os.Getenv("BALSONG_TEST_PROMTOOL")
	if promtool == "" {
		t.Skip("`make kubernetes-check` brings promtool")
	}
	for name, test := range map[string]struct {
		old, broken string
		fails       bool
	}{
		"as it is":                 {"pollingInterval: 30", "pollingInterval: 30", false},
		"without regard to a halt": {" or max(balsong_halted) == 1", "", true},
		"the sum of both reports":  {"max(balsong_delivery_lag_messages) unless", "sum(balsong_delivery_lag_messages) unless", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := render(broken(t, "scaling.yaml", test.old, test.broken))
			if err != nil {
				t.Fatal(err)
			}
			objects, err := decode(text)
			if err != nil {
				t.Fatal(err)
			}
			scaled, _ := (cluster{objects: objects}).find("ScaledObject", "delivery")
			folder := t.TempDir()
			rules := "groups: [{ name: scaling, rules: [{ record: scaled_by, expr: '" + scaled.Spec.Triggers[0].Metadata["query"] + "' }] }]\n"
			for file, content := range map[string]string{"rules.yaml": rules, "test.yaml": scalingTest} {
				if err := os.WriteFile(filepath.Join(folder, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			said, err := exec.CommandContext(t.Context(), promtool, "test", "rules", filepath.Join(folder, "test.yaml")).CombinedOutput()
			if (err != nil) != test.fails || !strings.Contains(string(said), map[bool]string{true: "FAILED", false: "SUCCESS"}[test.fails]) {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
}
