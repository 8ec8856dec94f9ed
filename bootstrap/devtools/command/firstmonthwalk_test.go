package command_test

import (
	"cmp"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"go.uber.org/zap"

	"github.com/balsong/balsong/adapters/awssecrets/mototest"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

const firstMonth = "../../../docs/guides/first-month-on-aws.md"

// TestTheFirstMonthOnAWSIsWalked does what the page says, command for command and in its order: the scripts, AWS's own command line before moto, images
// pushed to a registry, and the product's programs in the place of their tasks, with the variables of their task definitions, on the components of the
// tests. testdata/firstmonth/aws is the account. With -v it says how long each step took.
func TestTheFirstMonthOnAWSIsWalked(t *testing.T) {
	aws := os.Getenv("BALSONG_TEST_AWS")
	if aws == "" {
		t.Skip("SKIPPED: BALSONG_TEST_AWS names no program (make deploy-check installs it)")
	}
	w := newWalk(t, aws)
	w.file("bills.csv", manyBills(w.month))
	text, err := os.ReadFile(firstMonth)
	if err != nil {
		t.Fatal(err)
	}
	w.services()
	out, err := os.Create(cmp.Or(os.Getenv("BALSONG_WALK_LOG"), filepath.Join(w.dir, "said")))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", w.script(string(text)))
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = w.environment, w.dir, strings.NewReader("hush\n"), out, out
	failed := cmd.Run()
	said, err := os.ReadFile(out.Name())
	if err := errors.Join(failed, err, out.Close()); err != nil {
		t.Fatalf("%v:\n%s", err, said)
	}
	for _, step := range regexp.MustCompile(`(?m)^STEP .*$`).FindAllString(string(said), -1) {
		t.Log(step)
	}
	w.expect(string(said), "balsong/keyset: made", "1000 new", "1000 rendered", "7590-VHVEG", "1,000  SUCCEEDED", "PASS", "balsong-network is deleted")
	if strings.Contains(string(said), "hush") {
		t.Error("a password was said")
	}
}

// walk is an hour in an account.
type walk struct {
	*hour
	month, state string
	gateway      *gatewaysim.Server
}

func newWalk(t *testing.T, aws string) *walk {
	t.Helper()
	endpoint, h := mototest.Start(t), newHour(t)
	images := httptest.NewServer(onlyFor("AWS", registry.New(registry.Logger(log.New(io.Discard, "", 0)))))
	t.Cleanup(images.Close)
	w := &walk{hour: h, month: time.Now().UTC().Format("2006-01"), state: filepath.Join(h.dir, "state")}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	account := filepath.Join(root, "bootstrap/devtools/cloudformation/testdata")
	for _, dir := range []string{"state", "bin", "docker"} {
		if err := os.Mkdir(filepath.Join(h.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyScripts(filepath.Join(root, "deploy", "aws"), filepath.Join(h.dir, "deploy", "aws")); err != nil {
		t.Fatal(err)
	}
	server, _ := porttest.Certificate()
	ca := h.file("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]})))
	w.environment = append(h.environment, "AWS="+aws, "ACCOUNT="+account, "STATE="+w.state, "ROOT="+root, "PROGRAMS="+filepath.Dir(program(t, "balsong-dev")),
		"PATH="+filepath.Join(root, "bootstrap/devtools/command/testdata/firstmonth")+":"+os.Getenv("PATH"), "REGISTRY="+strings.TrimPrefix(images.URL, "http://")+"/balsong",
		"BUCKET="+h.variable("BALSONG_S3_BUCKET"), "USER=somebody", "PAUSE=0.1", "PATIENCE=1", "RDS_CA_URL=file://"+ca, `LOG={"months": [{"dispatch": {"SUCCEEDED": 5}}]}`,
		"AWS_ENDPOINT_URL="+endpoint, "AWS_DEFAULT_REGION=ap-northeast-2", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_PAGER=", "DOCKER_CONFIG="+filepath.Join(h.dir, "docker"),
		"AWS_REQUEST_CHECKSUM_CALCULATION=when_required", "AWS_RESPONSE_CHECKSUM_VALIDATION=when_required", "AWS_CONFIG_FILE=/nowhere", "AWS_SHARED_CREDENTIALS_FILE=/nowhere")
	data := t.TempDir()
	if w.gateway, err = gatewaysim.Start(t.Context(), gatewaysim.Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", DataDir: data, Log: zap.NewNop(), InboxKeep: -1,
		StartTLS: true, Username: "AKIA…", Password: "hush",
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.gateway.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w.tasks(gatewaysim.CertificatePath(data))
	return w
}

// copyScripts copies templates and scripts to where bin beside them is the walk's.
func copyScripts(from, to string) error {
	err := os.MkdirAll(to, 0o755)
	for _, pattern := range []string{"*.sh", "*.yaml"} {
		names, _ := filepath.Glob(filepath.Join(from, pattern)) // the pattern is a good one
		for _, name := range names {
			text, failed := os.ReadFile(name)
			err = errors.Join(err, failed, os.WriteFile(filepath.Join(to, filepath.Base(name)), text, 0o755))
		}
	}
	return err
}

// onlyFor lets a user in, as ECR does: with whatever password its API gave.
func onlyFor(user string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if u, _, _ := r.BasicAuth(); u != user {
			rw.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// manyBills are a file of a thousand bills.
func manyBills(month string) string {
	var bills strings.Builder
	bills.WriteString("customer_number,name,email,currency,amount,due_date\n7590-VHVEG,Kim,kim@example.com,KRW,12000," + month + "-25\n")
	for n := range 999 {
		fmt.Fprintf(&bills, "C-%04d,Lee,lee%d@example.com,KRW,%d,%s-25\n", n, n, 10000+n, month)
	}
	return bills.String()
}

// tasks writes what each task definition gives its program, with the parameters of the page; components stand in for those of AWS.
func (w *walk) tasks(ca string) {
	w.Helper()
	templates, err := cloudformation.Read("../../../deploy/aws")
	if err != nil {
		w.Fatal(err)
	}
	template := templates[slices.IndexFunc(templates, func(t cloudformation.Template) bool { return t.File == "services.yaml" })]
	values := cloudformation.Values{
		"Name": "balsong", "AWS::Region": "ap-northeast-2", "AWS::AccountId": "123456789012", "AWS::Partition": "aws", "DatabaseAddress": "database", "Bucket": w.variable("BALSONG_S3_BUCKET"),
		"Keyset": "balsong/keyset", "KeysetKey": "alias/balsong-keyset", "Providers": "balsong/providers", "Cluster.Arn": "arn:aws:ecs:ap-northeast-2:123456789012:cluster/balsong",
		"DispatcherTask": "arn:aws:ecs:ap-northeast-2:123456789012:task-definition/balsong-dispatcher:1", "PrivateSubnets": "subnet-1", "TaskGroup": "sg-1",
		"SchedulerRole": "arn:aws:iam::123456789012:role/balsong-scheduler", "Schedules": "balsong", "NotStarted.Arn": "arn:aws:sqs:ap-northeast-2:123456789012:balsong-not-started", "TemplatesDirectory": "/words",
		"SmtpAddress": "relay:587", "SmtpUser": "AKIA…", "SmtpFrom": "billing@example.com",
	}.WithDefaults(template)
	here := map[string]string{
		"BALSONG_DB_AUTH": "", "BALSONG_DB_CA": "", "BALSONG_KAFKA_TLS": "", "BALSONG_KAFKA_SASL": "", "BALSONG_TEMPLATES": filepath.Join(w.dir, "own/words"),
		"BALSONG_SMTP_ADDR": w.gateway.SMTPAddr(), "BALSONG_SMTP_CA": "file:" + ca, "BALSONG_HEALTH_ADDR": "127.0.0.1:0",
	}
	for _, entry := range w.hour.environment {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "BALSONG_") && !strings.HasPrefix(name, "BALSONG_TEST_") && name != "BALSONG_KEYSET" || name == "DATABASE_URL" {
			here[name] = value
		}
	}
	for _, c := range cloudformation.Containers(templates) {
		if !c.Ours() {
			w.file("state/"+c.Name+".env", "")
			continue
		}
		given, err := c.Environment(template, values)
		if err != nil {
			w.Fatal(err)
		}
		maps.Copy(given, here)
		var file strings.Builder
		for _, name := range slices.Sorted(maps.Keys(given)) {
			fmt.Fprintf(&file, "%s='%s'\n", name, strings.ReplaceAll(given[name], "'", `'\''`))
		}
		w.file("state/"+c.Name+".env", file.String())
	}
}

// services starts delivery and settlement once the account is asked for them.
func (w *walk) services() {
	w.Helper()
	asked := filepath.Join(w.state, "services")
	if err := syscall.Mkfifo(asked, 0o600); err != nil {
		w.Fatal(err)
	}
	go func() {
		if _, err := os.ReadFile(asked); err != nil {
			return
		}
		for _, role := range []string{"delivery", "settlement"} {
			cmd := exec.CommandContext(w.Context(), "bash", "-c", `set -a; . "$STATE/$0.env"; exec "$PROGRAMS/balsong-dev" delivery --role "$0" >"$STATE/service-$0.log" 2>&1`, role)
			cmd.Env, cmd.Dir = w.environment, w.dir
			if _, err := child.Spawn(cmd, syscall.SIGKILL); err != nil {
				w.Error(err)
			}
		}
	}()
}

// script is the page as one program. What is replaced: the month, which must not have ended; make, which compiles what this test is anyway, and
// builds images for one platform; and where verify.sh looks.
func (w *walk) script(page string) string {
	w.Helper()
	var script strings.Builder
	script.WriteString(`set -euo pipefail
shopt -s expand_aliases
step() { [ -z "${began-}" ] || echo "STEP $at: $(echo "$(date +%s.%N) - $began" | bc | xargs printf '%.1f') s"; at=$1 began=$(date +%s.%N); }
make() {
  if [ "$1" = bin/balsong ]; then ln -s "$PROGRAMS/balsong" bin/balsong; return; fi
  read -ra words <<<"${2#ARGS=}"
  "$PROGRAMS/balsong-dev" images --root "$ROOT" --platform linux/amd64 --out images "${words[@]}"
}
await() { # delivery does its work beside this
  local said
  for _ in {1..60}; do
    said=$(deploy/aws/run.sh balsong status --month "$month" 2>&1)
    ! grep -q '1,000  SUCCEEDED' <<<"$said" || return 0
  done
  echo "$said"; cat "$STATE"/service-*.log; return 1
}
verify() { PATH=$ACCOUNT:$PATH "$ROOT/deploy/aws/verify.sh" "$@"; }
`)
	heading, block, blocks := "", false, 0
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(line, "## "):
			heading = strings.TrimSpace(line[3:])
		case line == "```sh\n":
			block = true
			blocks++
			fmt.Fprintf(&script, "step '%s'\n", heading)
		case line == "```\n":
			block = false
		case block:
			script.WriteString(line)
			if strings.Contains(line, "run.sh dispatcher") {
				script.WriteString("await\n")
			}
		}
	}
	if blocks < 11 {
		w.Fatalf("the page has only %d blocks", blocks)
	}
	text := script.String() + "step end\n"
	for old, replaced := range map[string]string{"month=2026-11": "month=" + w.month, "deploy/aws/verify.sh ": "verify "} {
		if !strings.Contains(text, old) {
			w.Fatalf("the page does not say %q", old)
		}
		text = strings.ReplaceAll(text, old, replaced)
	}
	return text
}
