package alarmcheck

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/bootstrap/devtools/repotest"
)

// promtool returns the path of the evaluator of Prometheus' rules. A test that needs it is skipped where BALSONG_TEST_PROMTOOL does not name it.
func promtool(t *testing.T) string {
	t.Helper()
	return repotest.Tool(t, "BALSONG_TEST_PROMTOOL", "make alarms-check")
}

// The unit tests of rules, as promtool reads them.
type (
	ruleTests struct {
		RuleFiles []string   `yaml:"rule_files"`
		Interval  string     `yaml:"evaluation_interval"`
		Tests     []ruleTest `yaml:"tests"`
	}
	ruleTest struct {
		Name     string       `yaml:"name"`
		Interval string       `yaml:"interval"`
		Input    []input      `yaml:"input_series"`
		Expected []expectedAt `yaml:"alert_rule_test"`
	}
	input struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	}
	expectedAt struct {
		At     string     `yaml:"eval_time"`
		Name   string     `yaml:"alertname"`
		Alerts []expected `yaml:"exp_alerts"`
	}
	expected struct {
		Labels map[string]string `yaml:"exp_labels"`
	}
)

// evaluate runs tests over rules, whose annotations are left out: they are compared elsewhere.
func evaluate(t *testing.T, rules []rule, tests []ruleTest) (said string, err error) {
	t.Helper()
	tool, dir := promtool(t), t.TempDir()
	type evaluated struct {
		Alert  string            `yaml:"alert"`
		Expr   string            `yaml:"expr"`
		For    string            `yaml:"for,omitempty"`
		Labels map[string]string `yaml:"labels"`
	}
	var bare []evaluated
	for _, r := range rules {
		bare = append(bare, evaluated{r.Name, r.Expr, r.For, r.Labels})
	}
	write := func(name string, document any) {
		content, err := yaml.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("rules.yaml", map[string]any{"groups": []any{map[string]any{"name": "all", "rules": bare}}})
	write("tests.yaml", ruleTests{RuleFiles: []string{"rules.yaml"}, Interval: "1m", Tests: tests})
	cmd := exec.CommandContext(t.Context(), tool, "test", "rules", "tests.yaml")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// story is what raises an alarm, and clears it: series of a sample a minute, minutes at which it is not raised, at which it is, and at which it is not any more.
type story struct {
	series          map[string]string
	before, at, end int
	labels          string // of the alarm beside its severity: "component=database"
}

// stories are how each rule is raised and cleared.
var stories = map[string]story{
	"ComponentDown": {map[string]string{
		`balsong_component_up{component="database",instance="a"}`:  "1x20 0x20 1x20",
		`balsong_component_up{component="database",instance="b"}`:  "1x60",
		`balsong_component_up{component="event log",instance="a"}`: "1x60",
	}, 23, 30, 45, "component=database"},
	"SettlementSilent": {map[string]string{"balsong_halted": "0x10 _x50 0x20", `balsong_component_up{component="database"}`: "1x10 0x20 1x40"}, 32, 50, 65, ""},
	"Halted":           {map[string]string{"balsong_halted": "0x10 1x20 0x20"}, 10, 12, 35, ""},
	"ChannelHalted":    {map[string]string{`balsong_channel_halted{channel="EMAIL"}`: "0x50", `balsong_channel_halted{channel="SMS"}`: "0x10 1x20 0x20"}, 10, 12, 35, "channel=SMS"},
	"CertificateEndsIn21Days": {map[string]string{
		`balsong_certificate_expiry_timestamp_seconds{component="database"}`: "1910000x30 1814400x100 9999999x40",
		`balsong_certificate_expiry_timestamp_seconds{component="smtp"}`:     "9999999x170",
	}, 80, 110, 140, "component=database"},
	"CertificateEndsIn7Days": {map[string]string{`balsong_certificate_expiry_timestamp_seconds{component="smtp"}`: "1910000x30 604800x100 9999999x40"}, 80, 110, 140, "component=smtp"},
	"NoDispatcherRun": {map[string]string{
		`balsong_dispatch_last_run_timestamp_seconds{instance="a"}`: "0x200 12000x60", `balsong_dispatch_last_run_timestamp_seconds{instance="b"}`: "0x200 12000x60",
	}, 180, 190, 205, ""},
	"LagGrows":         {map[string]string{"balsong_delivery_lag_messages": "0x20 400+1x50 400-5x40"}, 45, 65, 80, ""},
	"DeadlineInDanger": {map[string]string{"balsong_deadline_margin_seconds": "9000x20 -100x20 9000x20"}, 28, 35, 45, ""},
	"UnknownTargets":   {map[string]string{"balsong_targets_unknown": "0x20 3x20 0x20"}, 19, 23, 45, ""},
	"UnknownGrows":     {map[string]string{"balsong_targets_unknown": "3x20 3+10x20 203x20"}, 20, 30, 50, ""},
	"ProviderHeld": {map[string]string{
		`balsong_gateway_held{provider="email/smtp",instance="a"}`: "0x20 1x30 0x20", `balsong_gateway_held{provider="sms/http",instance="a"}`: "0x70",
	}, 28, 35, 55, "provider=email/smtp"},
	"Refusals": {map[string]string{
		`balsong_refusals_total{class="permanent"}`: "0+1x30 30+20x20 430+1x40", `balsong_refusals_total{class="temporary"}`: "0+1x90",
		`balsong_deliveries_total{outcome="SUCCEEDED",reason=""}`: "0+90x90",
	}, 29, 45, 80, "class=permanent"},
	"ReportsRefused": {map[string]string{
		`balsong_report_requests_refused_total{provider="sms/twilio"}`: "0+1x30 30+20x20 430+1x40", `balsong_report_requests_refused_total{provider="sms/nhn"}`: "0+1x90",
		`balsong_report_requests_total{provider="sms/twilio",outcome="stored"}`: "0+90x90", `balsong_report_requests_total{provider="sms/nhn",outcome="stored"}`: "0+1x90",
	}, 29, 45, 80, "provider=sms/twilio"},
	"ReportsStray": {map[string]string{
		`balsong_reports_stray_total{reason="unknown_key"}`: "0+1x90 90+20x30 690+1x120", "balsong_reports_received_total": "0+90x240",
	}, 89, 119, 230, ""},
	"ReportsSilent": {map[string]string{
		`balsong_report_last_timestamp_seconds{provider="sms/twilio",instance="a"}`: "0x110 _x290 24000x100", `balsong_report_last_timestamp_seconds{provider="sms/twilio",instance="b"}`: "6000x120",
		`balsong_report_last_timestamp_seconds{provider="email/ses"}`: "0x500", `balsong_provider_accepted_total{provider="sms/twilio"}`: "0+5x500", `balsong_provider_accepted_total{provider="email/smtp"}`: "0+5x500",
	}, 270, 290, 405, "provider=sms/twilio"},
	"DeadLetters":   {map[string]string{"balsong_dead_letters_total": "_x20 1x40"}, 19, 22, 40, ""},
	"UnknownKey":    {map[string]string{"balsong_unknown_keys_total": "0x20 4x40"}, 19, 22, 40, ""},
	"LeasesExpired": {map[string]string{`balsong_leases_expired_total{instance="a"}`: "2x60", `balsong_leases_expired_total{instance="b"}`: "0x20 1x40"}, 18, 22, 40, ""},
	"PublishFailures": {map[string]string{
		`balsong_kafka_publish_failures_total{topic="dispatch-results.v1"}`: "0x20 0+5x30 150x30",
	}, 20, 40, 70, "topic=dispatch-results.v1"},
	"PartitionsOutOfRange": {map[string]string{`balsong_kafka_partitions_out_of_range{topic="dispatch-requests.v1"}`: "0x20 2x20 0x20"}, 19, 22, 45, "topic=dispatch-requests.v1"},
	"KafkaDisk": {map[string]string{
		`node_filesystem_avail_bytes{component="kafka",instance="a",mountpoint="/"}`: "50x20 10x20 50x20", `node_filesystem_size_bytes{component="kafka",instance="a",mountpoint="/"}`: "100x60",
	}, 28, 35, 45, "instance=a mountpoint=/"},
	"DatabaseDisk": {map[string]string{
		`node_filesystem_avail_bytes{component="database",instance="a",mountpoint="/"}`: "50x20 10x20 50x20", `node_filesystem_size_bytes{component="database",instance="a",mountpoint="/"}`: "100x60",
		`node_filesystem_avail_bytes{component="other",instance="c",mountpoint="/"}`: "1x60", `node_filesystem_size_bytes{component="other",instance="c",mountpoint="/"}`: "100x60",
	}, 28, 35, 45, "instance=a mountpoint=/"},
	"StandbyMissing": {map[string]string{"balsong_standbys_synchronous": "1x20 0x20 1x20"}, 23, 28, 45, ""},
	"StandbyLag":     {map[string]string{"balsong_standby_lag_seconds": "0x20 45x20 1x20"}, 23, 28, 45, ""},
}

// test is the story as promtool reads it.
func (s story) test(r rule) ruleTest {
	test := ruleTest{Name: r.Name, Interval: "1m"}
	for series, values := range s.series {
		test.Input = append(test.Input, input{series, values})
	}
	labels := map[string]string{"severity": r.Labels["severity"]}
	for _, label := range strings.Fields(s.labels) {
		name, value, _ := strings.Cut(label, "=")
		labels[name] = value
	}
	for _, minute := range []int{s.before, s.at, s.end} {
		e := expectedAt{At: fmt.Sprintf("%dm", minute), Name: r.Name}
		if minute == s.at {
			e.Alerts = []expected{{labels}}
		}
		test.Expected = append(test.Expected, e)
	}
	return test
}

func TestEachRuleOfPrometheusIsRaisedAndCleared(t *testing.T) {
	t.Parallel()
	rules, err := readRules(repository)
	if err != nil {
		t.Fatal(err)
	}
	var tests []ruleTest
	for _, r := range rules {
		s, is := stories[r.Name]
		if !is {
			t.Errorf("nothing raises %s", r.Name)
			continue
		}
		tests = append(tests, s.test(r))
	}
	if len(tests) != len(stories) {
		t.Errorf("%d stories, %d rules", len(stories), len(tests))
	}
	if said, err := evaluate(t, rules, tests); err != nil {
		t.Errorf("%v:\n%s", err, said)
	}
}

// A rule that is never raised, or always, is found by the same tests.
func TestARuleThatSaysSomethingElseFailsItsTest(t *testing.T) {
	t.Parallel()
	rules, err := readRules(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			test := stories[r.Name].test(r)
			for what, expr := range map[string]string{"never": "vector(0) > 1", "always": "vector(1)"} {
				broken := r
				broken.Expr = expr
				if said, err := evaluate(t, []rule{broken}, []ruleTest{test}); err == nil {
					t.Errorf("raised %s, and its test passes:\n%s", what, said)
				}
			}
		})
	}
}

// A counter's series begins with its first event: the rule must see it in a value that was there from the start.
func TestTheFirstEventOfANewProcessRaisesItsAlarm(t *testing.T) {
	t.Parallel()
	rules, err := readRules(repository)
	if err != nil {
		t.Fatal(err)
	}
	var tests []ruleTest
	for _, r := range rules {
		if !strings.Contains(r.Expr, "increase(") || strings.Contains(r.Expr, ">= 20") || r.For != "" {
			continue
		}
		name := ours.FindString(r.Expr)
		tests = append(tests, story{map[string]string{name + `{instance="a"}`: "0x60", name + `{instance="b"}`: "_x20 1x40"}, 19, 21, 40, ""}.test(r))
	}
	if len(tests) < 3 {
		t.Fatalf("only %d rules count events", len(tests))
	}
	if said, err := evaluate(t, rules, tests); err != nil {
		t.Errorf("%v:\n%s", err, said)
	}
}
