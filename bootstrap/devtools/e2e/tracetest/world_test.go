package tracetest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/devtools/command"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/observe/otlp/otlptest"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
	"github.com/balsong/balsong/domain/key"
)

// asBalsong makes this test binary behave as a service, or as the operator's command.
const asBalsong = "BALSONG_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asBalsong) != "" {
		_ = os.Unsetenv(asBalsong)
		root := operatorcmd.NewCommand()
		if slices.Contains([]string{"dispatcher", "delivery"}, os.Args[1]) {
			root = command.New()
		}
		os.Exit(cli.Run(context.Background(), root, os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

const policyFile = `{
  "name": "trace test", "zone": "UTC", "class": "TRANSACTIONAL", "route": [{"channel": "EMAIL", "tries": 1}],
  "deadline": "1080h", "unknown": {"EMAIL": "hold", "SMS": "hold"}
}`

// world is the product as an operator runs it: its commands as processes, which send traces to a collector.
type world struct {
	dir       string
	month     string
	gateway   *gatewaysim.Server
	db        *sqlx.DB
	collector *otlptest.Collector
	logs      bytes.Buffer // what services said that have ended, on stdout and stderr
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newWorld starts what is around the product, which records a share of the bills.
func newWorld(t *testing.T, sampled string) *world {
	t.Helper()
	url := postgrestest.URL(t)
	w := &world{dir: t.TempDir(), month: time.Now().UTC().Format("2006-01"), gateway: apptest.Gateway(t, t.TempDir()), db: postgrestest.OpenURL(t, url), collector: otlptest.Start(t)}
	apptest.Configure(t, "traces", url, w.gateway)
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": w.collector.URL, "BALSONG_TRACES_SAMPLED": sampled, "BALSONG_LOG_LEVEL": "info", "BALSONG_HEALTH_ADDR": "none",
		"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
	} {
		t.Setenv(name, value)
	}
	policy := filepath.Join(w.dir, "policy.json")
	must(t, os.WriteFile(policy, []byte(policyFile), 0o600))
	w.run(t, "batch", "migrate")
	w.run(t, "policy", "draft", "--file", policy, "--reason", "first")
	w.run(t, "policy", "activate", "--id", "1", "--version", "1", "--reason", "first")
	return w
}

// sent takes bills from their rows to their end.
func (w *world) sent(t *testing.T, rows ...string) {
	t.Helper()
	file := filepath.Join(w.dir, "bills.csv")
	must(t, os.WriteFile(file, []byte("customer_number,name,email,currency,amount,due_date\n"+strings.Join(rows, "\n")+"\n"), 0o600))
	w.run(t, "batch", "import", "--month", w.month, "--file", file)
	w.run(t, "batch", "render", "--month", w.month, "--allow-sample-sender")
	delivery, settlement := w.start(t, "delivery", "--role", "delivery"), w.start(t, "delivery", "--role", "settlement")
	w.run(t, "dispatcher", "--month", w.month)
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	for left := 1; left > 0; {
		select {
		case <-deadline.C:
			t.Fatal("not every bill came to its end within two minutes")
		case <-time.After(100 * time.Millisecond):
			must(t, w.db.GetContext(t.Context(), &left, `SELECT count(*) FROM billing_targets WHERE dispatch_status IN ('READY', 'REQUESTED')`))
		}
	}
	delivery.stop(t)
	settlement.stop(t)
}

// refuses lets the mail server refuse everybody's mail for good.
func (w *world) refuses(t *testing.T) {
	t.Helper()
	settings := w.gateway.Settings()
	settings.Email = behaviour.ChannelSettings{Permanent: 1}
	must(t, w.gateway.SetSettings(settings))
}

// process is a command that runs.
type process struct {
	w    *world
	cmd  *exec.Cmd
	said bytes.Buffer // on stderr
	out  bytes.Buffer
}

func (w *world) start(t *testing.T, arguments ...string) *process {
	t.Helper()
	p := &process{w: w, cmd: exec.Command(os.Args[0], arguments...)}
	p.cmd.Env = append(os.Environ(), asBalsong+"=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.said
	must(t, p.cmd.Start())
	return p
}

// stop asks the command to end and waits.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil && p.cmd.ProcessState.ExitCode() != -1 {
		t.Errorf("%v: %v: %s", p.cmd.Args[1:], err, p.said.String())
	}
	p.w.logs.Write(p.said.Bytes())
	p.w.logs.Write(p.out.Bytes())
}

// run runs a command to its end and returns what it answers.
func (w *world) run(t *testing.T, arguments ...string) string {
	t.Helper()
	p := w.start(t, arguments...)
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("%v: %v\n%s", arguments, err, p.said.String())
	}
	return p.out.String()
}

// row is a bill of the world's month.
func (w *world) row(n int, customer string) string {
	return fmt.Sprintf("%s,Zorvath Quillan %d,quillan.%d@private.example,KRW,12300,%s-25", customer, n, n, w.month)
}

// monthAfter is the month after the world's: of bills that are not those of before.
func (w *world) monthAfter(t *testing.T) string {
	t.Helper()
	month, err := key.ParseMonth(w.month)
	must(t, err)
	return month.Next().String()
}
