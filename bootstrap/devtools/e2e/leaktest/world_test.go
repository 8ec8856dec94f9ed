package leaktest_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	_ "github.com/lib/pq" // the driver
	"go.uber.org/zap"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/devtools/command"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
)

// asBalsong makes this test binary behave as a service, or as the operator's command.
const asBalsong = "BALSONG_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	child.Main() // the components are this program again
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

// world is the product as an operator runs it: its commands as processes, on real components.
type world struct {
	dir         string // everything that the product and its components leave behind
	month       string
	set         *localenv.Set
	db          *sql.DB
	health      string // the address of delivery's metrics
	environment []string
	prefix      string
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp(child.TempDir(), "balsong-leak-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o711)) // PostgreSQL enters it as another user
	w := &world{dir: dir, month: time.Now().Format("2006-01"), prefix: "leak-", health: observetest.FreeAddr(t)}
	must(t, os.Mkdir(w.path("said"), 0o700))
	log, err := os.Create(w.path("said/components.log"))
	must(t, err)
	t.Cleanup(func() { _ = log.Close() })
	w.set, err = localenv.Start(t.Context(), localenv.Options{Kafka: os.Getenv("BALSONG_TEST_KAFKA"), DataDir: w.path("data"), Log: log})
	must(t, err)
	t.Cleanup(func() { must(t, w.set.Stop()) })
	w.createDatabase(t)
	w.configure(t, startGateway(t))
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) createDatabase(t *testing.T) {
	t.Helper()
	database, err := w.set.Addresses().Database(t.Context(), "leak")
	must(t, err)
	w.db, err = sql.Open("postgres", database)
	must(t, err)
	t.Cleanup(func() { _ = w.db.Close() })
	w.environment = w.set.Addresses().Services(database, "leak", w.prefix, 2).List()
}

// configure sets what every command reads: everything is told, and calls end within seconds.
func (w *world) configure(t *testing.T, g *gatewaysim.Server) {
	t.Helper()
	w.environment = append(w.environment,
		asBalsong+"=1", "PATH="+os.Getenv("PATH"), "HOME="+w.dir, "TMPDIR="+os.TempDir(), "BALSONG_LOG_LEVEL=debug",
		"BALSONG_KEYSET_FILE="+w.path("keyset.json"), "BALSONG_HEALTH_ADDR="+w.health,
		"BALSONG_SMTP_ADDR="+g.SMTPAddr(), "BALSONG_SMTP_TLS=none", "BALSONG_SMTP_FROM=billing@example.com", "BALSONG_SMS_URL=http://"+g.HTTPAddr(), "BALSONG_PUSH_URL=http://"+g.HTTPAddr(),
		"BALSONG_SETTLE_SWEEP=2s", "BALSONG_SETTLE_LEASES=1s",
	)
	for _, lane := range []string{"SMTP", "SMS", "PUSH"} {
		w.environment = append(w.environment, "BALSONG_"+lane+"_CALL_DEADLINE=5s", "BALSONG_"+lane+"_LEASE=15s", "BALSONG_"+lane+"_MARGIN=1s")
	}
}

// startGateway starts providers that do everything providers do: refuse, throttle, and break the line.
func startGateway(t *testing.T) *gatewaysim.Server {
	t.Helper()
	bad := behaviour.ChannelSettings{Temporary: 0.15, Permanent: 0.15, Throttled: 0.1, Content: 0.05, AcceptThenDrop: 0.03}
	g, err := gatewaysim.Start(t.Context(), gatewaysim.Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", DataDir: t.TempDir(),
		Settings: gatewaysim.Settings{Seed: 1, Email: bad, SMS: bad, Push: bad}, Log: zap.NewNop(),
	})
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = g.Stop(ctx)
	})
	return g
}

// process is a command that runs; what it says goes to a file below said.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func (w *world) start(t *testing.T, name string, arguments ...string) *process {
	t.Helper()
	said, err := os.OpenFile(w.path("said/"+name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	cmd := exec.Command(os.Args[0], arguments...)
	cmd.Env, cmd.Stdout, cmd.Stderr = w.environment, said, said
	must(t, cmd.Start())
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		_ = said.Close()
		close(p.ended)
	}()
	t.Cleanup(func() { p.stop() })
	return p
}

// stop asks the command to end and waits.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.ended
}

// run runs a command to its end, which must be one of the exit codes.
func (w *world) run(t *testing.T, codes []int, arguments ...string) {
	t.Helper()
	name := arguments[0] + ".log"
	p := w.start(t, name, arguments...)
	<-p.ended
	code := p.cmd.ProcessState.ExitCode()
	for _, fine := range codes {
		if code == fine {
			return
		}
	}
	said, _ := os.ReadFile(w.path("said/" + name))
	t.Fatalf("%v ended with %d:\n%s", arguments, code, said)
}

// metrics keeps what delivery tells of itself.
func (w *world) metrics(t *testing.T) {
	t.Helper()
	for _, page := range []string{"metrics", "readyz"} {
		status, content := observetest.Get(t, "http://"+w.health+"/"+page)
		if status == 0 {
			t.Fatalf("nobody answers /%s", page)
		}
		must(t, os.WriteFile(w.path("said/"+page), content, 0o600))
	}
}

// dump writes every row of every table as text, with bytes in hex.
func (w *world) dump(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	tables, err := w.db.QueryContext(t.Context(), `SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`)
	must(t, err)
	defer func() { _ = tables.Close() }()
	for tables.Next() {
		var table string
		must(t, tables.Scan(&table))
		w.dumpTable(t, &out, table)
	}
	must(t, tables.Err())
	return out.Bytes()
}

func (w *world) dumpTable(t *testing.T, out io.Writer, table string) {
	t.Helper()
	rows, err := w.db.QueryContext(t.Context(), "SELECT t::text FROM "+table+" t")
	must(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var row string
		must(t, rows.Scan(&row))
		fmt.Fprintln(out, table, row)
	}
	must(t, rows.Err())
}

// records reads every message of a topic: key, headers and value, decompressed.
func (w *world) records(t *testing.T, topic string) (content []byte, n int) {
	t.Helper()
	client, err := sarama.NewClient(w.set.Addresses().KafkaBrokers, sarama.NewConfig())
	must(t, err)
	defer func() { _ = client.Close() }()
	consumer, err := sarama.NewConsumerFromClient(client)
	must(t, err)
	partitions, err := client.Partitions(topic)
	must(t, err)
	for _, partition := range partitions {
		end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
		must(t, err)
		if end == 0 {
			continue
		}
		reading, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		must(t, err)
		for m := range reading.Messages() {
			n++
			content = append(append(content, m.Key...), ' ')
			for _, h := range m.Headers {
				content = append(append(append(append(content, h.Key...), '='), h.Value...), ' ')
			}
			content = append(append(content, m.Value...), '\n')
			if m.Offset >= end-1 {
				break
			}
		}
		must(t, reading.Close())
	}
	return content, n
}

// count runs a counting query.
func (w *world) count(query string) (n int) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := w.db.QueryRowContext(ctx, query).Scan(&n); err != nil {
		return -1
	}
	return n
}

// statuses says how the bills stand, for a test that failed.
func (w *world) statuses() (text string) {
	rows, err := w.db.Query(`SELECT dispatch_status || ' ' || coalesce(last_decision, '') || ' due in ' || extract(epoch FROM min(available_at) - now()) || ' s', count(*) FROM billing_targets GROUP BY dispatch_status, last_decision`)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var status string
		var n int
		if err := rows.Scan(&status, &n); err != nil {
			return err.Error()
		}
		text += fmt.Sprintf("%6d %s\n", n, status)
	}
	if err := rows.Err(); err != nil {
		return err.Error()
	}
	return text
}
