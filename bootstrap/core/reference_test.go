package core_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

var update = flag.Bool("update", false, "write the reference pages anew")

func TestTheReferencePagesAreFresh(t *testing.T) {
	t.Parallel()
	for path, write := range map[string]func(io.Writer){
		"../../docs/operations/configuration.md": configurationPage,
		"../../docs/operations/answers.md":       answersPage,
		"../../docs/operations/exit-codes.md":    exitCodesPage,
		"../../docs/operations/metrics.md":       metricsPage,
	} {
		var want bytes.Buffer
		write(&want)
		if *update {
			if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is stale (%v): run `make docs`", path, err)
		}
	}
}

// configurationPage writes docs/operations/configuration.md.
func configurationPage(w io.Writer) {
	fmt.Fprint(w, `# Configuration

Written from the structs of bootstrap/config; a test fails when it is stale. All configuration comes from the environment.
Durations are written as in 90s, 15m, 2h. A service that is misconfigured says which variable is wrong and exits with 2.

Any value may be a reference, followed once at the start: `+"`file:/path`, `ssm:/name` (AWS Parameter Store),\n`secretsmanager:name-or-arn#field`"+` (AWS Secrets Manager;
without a field: all of it). A secret `+"`NAME` may also come from the file that `NAME_FILE`"+` names. A newline at the end is left out. AWS is reached by its own
variables (`+"`AWS_REGION`, `AWS_ENDPOINT_URL`"+`, …) or the machine's role. AWS that does not answer is waited for, two minutes at most, then the process
ends with 6; a secret that is absent or refused ends it with 2 at once. [keys.md](keys.md) tells how each secret is rotated.

`)
	type app struct {
		name      string
		variables []config.Variable
	}
	apps := []app{
		{"batch migrate", config.Variables[config.Migrate]()},
		{"batch import", config.Variables[config.Import]()},
		{"batch import list, mappings", config.Variables[config.Records]()},
		{"batch render", config.Variables[config.Render]()},
		{"dispatcher", config.Variables[config.Dispatcher]()},
		{"delivery (role both)", config.Variables[config.Deliverer]()},
		{"delivery (role delivery)", config.Variables[config.Sender]()},
		{"delivery (role settlement)", config.Variables[config.Settler]()},
		{"delivery (role feedback)", config.Variables[config.Receiver]()},
		{"balsong halt, resume, target, policy, suppress, month close", config.Variables[config.Operator]()},
		{"balsong status", config.Variables[config.Status]()},
		{"balsong preflight", config.Variables[config.Preflight]()},
		{"balsong why, target show, unreached", config.Variables[config.CustomerBills]()},
		{"balsong statement, target copy", config.Variables[config.Statement]()},
		{"balsong run", config.Variables[config.Starting]()},
		{"balsong month retention", config.Variables[config.Retention]()},
		{"balsong restore-check", config.Variables[config.RestoreCheck]()},
		{"balsong render --preview, and send-test of a customer's bill", config.Variables[config.Preview]()},
		{"balsong send-test", config.Variables[config.SendTest]()},
	}
	for _, a := range apps {
		fmt.Fprintf(w, "## %s\n\n| variable | default | meaning |\n|---|---|---|\n", a.name)
		for _, v := range a.variables {
			value := "`" + v.Default + "`"
			switch {
			case v.Required:
				value = "required"
			case v.Default == "":
				value = "–"
			}
			help := v.Help
			if v.Secret {
				help += " (a secret)"
			}
			fmt.Fprintf(w, "| `%s` | %s | %s |\n", v.Name, value, strings.ReplaceAll(help, "|", "\\|"))
		}
		fmt.Fprintln(w)
	}
}

// exitCodesPage writes docs/operations/exit-codes.md.
func exitCodesPage(w io.Writer) {
	fmt.Fprint(w, `# Exit codes

Written from core.ExitCodes; a test fails when it is stale. They are the same for every command. The answer of a command goes to
stdout (with `+"`--output json`"+` as one JSON document), everything else (progress, logs, errors) to stderr. A command that runs
another one (`+"`balsong-dev localenv -- command`"+`) ends with that one's code. A long-running service that was asked to end ends with 0.

| code | name | meaning |
|---:|---|---|
`)
	for _, e := range core.ExitCodes {
		fmt.Fprintf(w, "| %d | %s | %s |\n", e.Code, e.Name, e.Meaning)
	}
}

// An alarm on a metric that does not exist is never raised.
func TestEveryMetricThatTheOperationsPagesNameExists(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/operations/*.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`\bbalsong_[a-z0-9_]*[a-z0-9]\b`).FindAllString(string(text), -1) {
			if slices.Contains([]string{"balsong_a", "balsong_b", "balsong_admin"}, name) { // roles of the database
				continue
			}
			named++
			if !slices.ContainsFunc(metric.All(), func(m *port.Metric) bool { return m.Name == name }) {
				t.Errorf("%s names %s, which is no metric", page, name)
			}
		}
	}
	if named < len(metric.All())+8 { // each on its own page, and those of the alarms
		t.Errorf("only %d names of metrics are found", named)
	}
}

// metricsPage writes docs/operations/metrics.md.
func metricsPage(w io.Writer) {
	fmt.Fprint(w, `# Metrics

Written from package metric; a test fails when it is stale. A service serves them in Prometheus' format under `+"`/metrics`"+` at
`+"`BALSONG_HEALTH_ADDR`"+`, beside those of the Go runtime and of the process (`+"`go_…`, `process_…`"+`). No label names a person or a statement.
Services are delivery, settlement and feedback, and a dispatcher that lingers with that variable set. A dispatcher that ends after its run and batch serve none: how their numbers are seen is said in [alarms](alarms.md#the-dispatchers-numbers).

## CloudWatch
With `+"`BALSONG_EMF_INSTALLATION`"+` those with a statistic in the column CloudWatch are also written as lines of JSON in CloudWatch's
[embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html): by a service
to standard output each minute and at its end, by dispatcher and batch to standard error at their end. CloudWatch Logs makes metrics of them: no permission, no API call, no agent.
- Namespace `+"`Balsong`, names as here, dimensions `Installation` (the variable's value) and `Service`"+` (a service that the column names). What has the label `+"`provider`"+` is written a second time,
  with the dimension `+"`Provider`"+` too. Other labels share a metric: counters are added up, of gauges the minimum and the maximum are those of all.
- **One name for each installation** of an account and region: two of one name would alarm and scale for each other.
- **Read each with its statistic.** What the lag monitor sets, both settlement tasks report: their sum would be twice the truth. A name under two services (`+"`balsong_component_up`"+`) is two metrics.
- A counter is written as what was added since the last line, and not before it counts for the first time: let alarms treat missing data as not breaching. What is unknown or infinite is not written.
- A time stamp is compared with the time of its period: `+"`EPOCH(m) - m`"+` is the age, in seconds, of `+"`balsong_dispatch_last_run_timestamp_seconds`"+`.
- Cost: 0.30 USD for each metric, dimensions and month ([list price](https://aws.amazon.com/cloudwatch/pricing/) of the first 10,000; by the hour in which it is written), and the lines as logs. Delivery with
  two providers, settlement, dispatcher and batch write some 35: 11 USD a month at most; a delivery that runs three days a month costs a tenth of its part.

## All metrics
| metric | type | labels | CloudWatch | of | meaning |
|---|---|---|---|---|---|
`)
	for _, m := range metric.All() {
		labels := make([]string, len(m.Labels))
		for i, label := range m.Labels {
			labels[i] = "`" + label + "`"
		}
		services := make([]string, len(m.Services))
		for i, service := range m.Services {
			services[i] = string(service)
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s | %s |\n", m.Name, m.Kind, strings.Join(labels, ", "), m.Statistic, strings.Join(services, ", "), m.Help)
	}
}
