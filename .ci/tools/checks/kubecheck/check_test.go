package kubecheck

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/ci/tools/checks/samples"
)

const (
	repository = "../../../.."
	guidePage  = "docs/guides/kubernetes.md"
)

func TestTheManifestsKeepTheRules(t *testing.T) {
	t.Parallel()
	wrong, err := check(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, sentence := range wrong {
		t.Error(sentence)
	}
}

func TestABrokenManifestIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ file, old, broken, want string }{
		{"accounts.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: true", "Deployment delivery: it would have a token for the cluster"},
		{"delivery.yaml", "serviceAccountName: delivery", "serviceAccountName: default", `its account "default" is no ServiceAccount`},
		{"dispatcher.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: true", "CronJob dispatcher: it would have a token"},
		{"operator.json", `"enableServiceLinks": false`, `"enableServiceLinks": true`, "Pod balsong-1: services of the namespace would become variables"},
		{"settlement.yaml", "runAsUser: 65532", "runAsUser: 0", "Deployment settlement: it does not run as user 65532"},
		{"jobs/render.yaml", "type: RuntimeDefault", "type: Unconfined", "Job render: it has no seccomp profile"},
		{"version/kustomization.yaml", "newTag: 1.0.0", "newTag: latest", `image "registry.example.com/balsong/delivery:latest" has no version`},
		{"delivery.yaml", "image: balsong/delivery", "image: balsong/deliver", `image "balsong/deliver" has no version`},
		{"delivery.yaml", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "it may gain privileges"},
		{"jobs/import.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "Job import: its root file system can be written to"},
		{"delivery.yaml", "drop: [ALL]", "drop: [NET_RAW]", "it keeps capabilities"},
		{"delivery.yaml", "limits: { memory: 640Mi }", `limits: { memory: 640Mi, cpu: "1" }`, "no limit of them, which would make calls late"},
		{"settlement.yaml", "limits: { memory: 192Mi }", "limits: { memory: 256Mi }", "its memory's request and limit are not one number"},
		{"dispatcher.yaml", "concurrencyPolicy: Allow", "concurrencyPolicy: Forbid", "concurrencyPolicy must be Allow"},
		{"dispatcher.yaml", "timeZone: Asia/Seoul", "suspend: false", "its schedule has no timeZone"},
		{"dispatcher.yaml", "startingDeadlineSeconds: 3600", "suspend: false", "it has no startingDeadlineSeconds"},
		{"dispatcher.yaml", "activeDeadlineSeconds: 7200", "parallelism: 1", "its runs have no activeDeadlineSeconds"},
		{"dispatcher.yaml", "[2, 5, 7]", "[2, 5, 9]", "9 is no exit code"},
		{"jobs/migrate.yaml", "[2, 3, 4, 5]", "[3, 4, 5]", "Job migrate: it would be tried again with a configuration that is wrong"},
		{"namespace.yaml", "enforce: restricted", "enforce: baseline", "pods that are not restricted would be admitted"},
		{"settlement.yaml", "AlwaysAllow", "IfHealthyBudget", "in an outage its pods would keep nodes from being drained"},
		{"delivery.yaml", "path: /healthz", "path: /readyz", "Deployment delivery: its liveness must be /healthz"},
		{"delivery.yaml", "path: /readyz", "path: /healthz", "Deployment delivery: its readiness must be /readyz"},
		{"delivery.yaml", `value: "0.0.0.0:9464"`, `value: "0.0.0.0:9465"`, "answers at BALSONG_HEALTH_ADDR (9465)"},
		{"settlement.yaml", `prometheus.io/port: "9464"`, `prometheus.io/port: "8080"`, "Prometheus is told another port"},
		{"settlement.yaml", "topologySpreadConstraints:", "initContainers: []\n      tolerations:", "Deployment settlement: nothing spreads its pods"},
		{"delivery.yaml", "  strategy:", "  replicas: 2\n  strategy:", "its replicas must stand in one place"},
		{"settlement.yaml", "  replicas: 2\n", "", "its replicas must stand in one place"},
		{"settlement.yaml", "matchLabels: { app.kubernetes.io/name: balsong, app.kubernetes.io/component: settlement }", "matchLabels: { app: settlement }", "no PodDisruptionBudget has its pods"},
		{"delivery.yaml", "terminationGracePeriodSeconds: 90", "terminationGracePeriodSeconds: 60", "must be BALSONG_DELIVERY_DRAIN (1m0s) and 30s or more"},
		{"config.yaml", "  BALSONG_SMTP_USER: balsong", "  BALSONG_DELIVERY_DRAIN: 90s", "must be BALSONG_DELIVERY_DRAIN (1m30s)"},
		{"config.yaml", "BALSONG_SMS_URL", "BALSONG_SMS_ADDRESS", "Deployment delivery: no program reads BALSONG_SMS_ADDRESS"},
		{"config.yaml", "  BALSONG_KAFKA_BROKERS", "  BALSONG_KAFKA_USER2", "CronJob dispatcher: dispatcher needs BALSONG_KAFKA_BROKERS"},
		{"config.yaml", "://balsong@", "://balsong:secret@", "DATABASE_URL holds a secret"},
		{"config.yaml", "BALSONG_SMS_TOKEN_FILE: /run/secrets/balsong/sms-token", "BALSONG_SMS_TOKEN: t0ken", "BALSONG_SMS_TOKEN holds a secret"},
		{"config.yaml", "balsong/sms-token", "balsong/token", "BALSONG_SMS_TOKEN_FILE names /run/secrets/balsong/token, which is not mounted"},
		{"config.yaml", "certificates/database.pem", "certificates/rds.pem", "DATABASE_URL names /etc/balsong/certificates/rds.pem, which is not mounted"},
		{"settlement.yaml", "name: kafka, items", "name: broker, items", "BALSONG_KAFKA_PASSWORD_FILE names /run/secrets/balsong/kafka-password, which is not mounted"},
		{"settlement.yaml", "configMapRef: { name: kafka }", "configMapRef: { name: gateways }", `delivery (role settlement) reads nothing of the ConfigMap "gateways"`},
		{"settlement.yaml", "configMapRef: { name: kafka }", "configMapRef: { name: brokers }", `it reads the ConfigMap "brokers", which there is not`},
		{"settlement.yaml", "--role, settlement", "--role, settler", `"delivery (role settler)" is no program`},
		{"settlement.yaml", "name: BALSONG_HEALTH_ADDR", "name: BALSONG_HEALTH_ADDRESSES", "delivery (role settlement) does not read BALSONG_HEALTH_ADDRESSES"},
		{"network.yaml", "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "no NetworkPolicy closes what is not listed"},
		{"network.yaml", "port: 587", "port: 25", "Deployment delivery: no NetworkPolicy opens port 587, which BALSONG_SMTP_ADDR names"},
		{"network.yaml", "port: 9464", "port: 9090", "no NetworkPolicy opens port 9464, which BALSONG_HEALTH_ADDR names"},
		{"network.yaml", "values: [delivery, batch, operator]", "values: [delivery]", "Job render: no NetworkPolicy opens port 443, by which the object store is reached"},
		{"scaling.yaml", "scaleTargetRef: { name: delivery }", "scaleTargetRef: { name: deliveries }", `it scales "deliveries", which is no Deployment`},
		{"scaling.yaml", "maxReplicaCount: 6", "maxReplicaCount: 13", "more than 12 tasks have no partition to read"},
		{"scaling.yaml", "  fallback:", "  # fallback:", "it has no fallback"},
		{"scaling.yaml", `ignoreNullValues: "false"`, `ignoreNullValues: "true"`, "a lag that is not known would count as none"},
		{"scaling.yaml", `threshold: "30000"`, `threshold: "60000"`, "its query has 30000, and the threshold is 60000"},
		{"scaling.yaml", "balsong_halted)", "balsong_halt)", "balsong_halt is no metric"},
		{"restored/database.yaml", ":5432/", ":5433/", "Job import: no NetworkPolicy opens port 5433, which DATABASE_URL names"},
		{"restored/database.yaml", "certificates/database.pem", "certificates/rds.pem", "Pod balsong-1: DATABASE_URL names /etc/balsong/certificates/rds.pem, which is not mounted"},
		{"dispatcher.yaml", "configMapRef: { name: database }", "configMapRef: { name: database-restored }", "CronJob dispatcher: it reads [database-restored"},
		{"operator.json", `{ "name": "database" } }`, `{  "name": "database" } }`, "Pod balsong-1: it reads [database database]"},
		{"operator.json", `"memory": "256Mi" }, "limits"`, `"memory": "0.25Gi" }, "limits"`, "Pod balsong-1: its memory's request and limit are not one number"},
	} {
		t.Run(test.file+" "+test.broken, func(t *testing.T) {
			t.Parallel()
			wrong, err := check(broken(t, test.file, test.old, test.broken))
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(wrong, "\n"); !strings.Contains(all, test.want) {
				t.Errorf("found %q, wanted %q", all, test.want)
			}
		})
	}
}

func TestTheOperatorsContainerIsTheOneThatKubectlCompletes(t *testing.T) {
	t.Parallel()
	if _, err := check(broken(t, "operator.json", `"name": "operator"`, `"name": "command"`)); err == nil || !strings.Contains(err.Error(), "a second container") {
		t.Errorf("%v", err)
	}
}

func TestABrokenCommandOfTheGuideIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ old, broken, want string }{
		{"cronjob/dispatcher -p", "cronjob/dispatch -p", "kubectl patch cronjob/dispatch"},
		{`'{"spec":{"suspend":true}}'`, `'{"spec":{"suspend":true}'`, "kubectl patch cronjob/dispatcher"},
		{"scaledobject/delivery --overwrite", "scaledobject/deliveries --overwrite", "there is no scaledobject/deliveries"},
		{"pod -l app.kubernetes.io/name=balsong", "pod -l app.kubernetes.io/part-of=balsong", "nothing has the label app.kubernetes.io/part-of=balsong"},
		{"scale -n balsong deployment/settlement", "scale deployment/settlement", "it names no namespace"},
		{"-k deploy/kubernetes/restored", "-k deploy/kubernetes/restore", "there is no deploy/kubernetes/restore"},
		{"kind: PrometheusRule'", "kind:PrometheusRule'", "what comes from the pipe is no object"},
		{"s/^/  /' deploy/prometheus", "s/^/  /; /severity/d' deploy/prometheus", "its spec is not deploy/prometheus/rules.yaml"},
		{"newTag: \\(.*\\) }", "newTags: \\(.*\\) }", `image "" has no version`},
		{"(set -e", "(set -f -x -y", "the blocks of docs/guides/kubernetes.md"},
	} {
		t.Run(test.broken, func(t *testing.T) {
			t.Parallel()
			wrong, err := check(samples.Broken(t, repository, samples.Change{File: guidePage, Old: test.old, New: test.broken}, "deploy/kubernetes", "deploy/prometheus", "docs"))
			if all := fmt.Sprintf("%s\n%v", strings.Join(wrong, "\n"), err); !strings.Contains(all, test.want) {
				t.Errorf("found %q, wanted %q", all, test.want)
			}
		})
	}
}

// Whoever pastes the blocks one after the other must not continue behind a check that was refused.
func TestNothingContinuesBehindACheckThatWasRefused(t *testing.T) {
	t.Parallel()
	for refuse, continued := range map[string]bool{"restore-check": false, "no command": true} {
		asked, said, err := ask(repository, refuse)
		if err != nil {
			t.Fatal(err)
		}
		resumed := slices.ContainsFunc(asked, func(r request) bool { return slices.Contains(r.args, "resume") })
		if resumed != continued || strings.Contains(said, "nothing is continued") == continued {
			t.Errorf("with %q refused, resumed: %t; it says %s", refuse, resumed, said)
		}
	}
}

// The order of the restore: what begins something is stopped first, and the last that is given back.
func TestARestoreStopsChecksAndContinuesInThisOrder(t *testing.T) {
	t.Parallel()
	asked, _, err := ask(repository, "")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range asked {
		all = append(all, strings.Join(r.args, " "))
	}
	order := `(?s)"suspend":true.*delete -n balsong job --all.*paused-replicas=0.*deployment/settlement --replicas=0.*--for=delete.*restored/database.yaml.*"database-restored".*restore-check.*restore-check.*--apply.*kubernetes/restored.*` +
		` resume .*apply -k deploy/kubernetes\n.*paused-replicas-.*"suspend":false`
	if text := strings.Join(all, "\n"); !regexp.MustCompile(order).MatchString(text) {
		t.Errorf("it asks\n%s", text)
	}
}

// broken is a copy of deploy/kubernetes with one file changed, beside the pages that it is held against.
func broken(t *testing.T, file, old, changed string) (root string) {
	t.Helper()
	return samples.Broken(t, repository, samples.Change{File: "deploy/kubernetes/" + file, Old: old, New: changed}, "deploy/kubernetes", "deploy/prometheus", "docs")
}
