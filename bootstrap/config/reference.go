package config

import (
	"fmt"
	"io"
	"strings"
)

// Reference writes the reference of every app's variables as Markdown: docs/operations/configuration.md.
func Reference(w io.Writer) {
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
		variables []Variable
	}
	apps := []app{
		{"batch migrate", Variables[Migrate]()},
		{"batch import", Variables[Import]()},
		{"batch render", Variables[Render]()},
		{"dispatcher", Variables[Dispatcher]()},
		{"delivery (role both)", Variables[Deliverer]()},
		{"delivery (role delivery)", Variables[Sender]()},
		{"delivery (role settlement)", Variables[Settler]()},
		{"balsong halt, resume, target, policy, suppress, month close", Variables[Operator]()},
		{"balsong status", Variables[Status]()},
		{"balsong why, target show, unreached", Variables[CustomerBills]()},
		{"balsong month retention", Variables[Retention]()},
		{"balsong render --preview, and send-test of a customer's bill", Variables[Preview]()},
		{"balsong send-test", Variables[SendTest]()},
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
