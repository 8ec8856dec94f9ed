package imagetest_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"go.uber.org/zap"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/domain/key"
)

// bills a test has, and calls that delivery makes at the same time.
const (
	bills    = 40
	inFlight = 8
)

// month of the bills.
const month = "2026-11"

const policy = `{"name": "images", "zone": "UTC", "class": "TRANSACTIONAL", "deadline": "1080h", "route": [{"channel": "EMAIL", "tries": 2}]}`

// world is a month that was prepared, dispatched and is ready to be delivered, all by the images.
type world struct {
	*testing.T
	environment map[string]string
	inputs      string
	db          *sqlx.DB
	gateway     *gatewaysim.Server
	accepts     string // the gateway's log
}

func name() string { return strings.ToLower(rand.Text()[:8]) }

// newWorld prepares a month whose gateway takes as long as latency for each call, and takes the message in the middle of it.
func newWorld(t *testing.T, latency time.Duration) *world {
	t.Helper()
	runtime(t)
	data := t.TempDir()
	w := &world{T: t, inputs: t.TempDir(), accepts: gatewaysim.AcceptLogPath(data)}
	w.startGateway(data, latency)
	database := postgrestest.URL(t)
	w.db = postgrestest.OpenURL(t, database)
	w.configure(database)
	must(t, os.Chmod(w.inputs, 0o755)) //nolint:gosec // the image's user reads it
	w.input("policy.json", policy)
	w.input("bills.csv", billsFile())
	w.runs("batch", "migrate")
	w.runs("balsong", "policy", "draft", "--file", "/in/policy.json", "--reason", "first")
	w.runs("balsong", "policy", "activate", "1v1", "--reason", "first")
	w.runs("batch", "import", "--month", month, "--file", "/in/bills.csv")
	w.runs("batch", "render", "--month", month, "--sender", "Kim Telecom")
	w.runs("dispatcher", "--month", month)
	return w
}

func billsFile() string {
	var b strings.Builder
	b.WriteString("customer_number,name,email,currency,amount,due_date\n")
	for i := range bills {
		fmt.Fprintf(&b, "C-%03d,Kim,c%03d@example.com,KRW,12000,2026-11-25\n", i, i)
	}
	return b.String()
}

func (w *world) startGateway(data string, latency time.Duration) {
	w.Helper()
	server, err := gatewaysim.Start(w.Context(), gatewaysim.Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", DataDir: data, Log: zap.NewNop(), InboxKeep: -1,
		Settings: slow(latency),
	})
	must(w.T, err)
	w.gateway = server
	w.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		must(w.T, server.Stop(ctx))
	})
}

func slow(latency time.Duration) gatewaysim.Settings {
	return gatewaysim.Settings{Seed: 1, Email: behaviour.ChannelSettings{
		Latency: behaviour.Latency{Kind: behaviour.Fixed, Mean: behaviour.Duration(latency)},
	}}
}

// configure says what a platform's task definitions say. Calls and leases are short, so that what is cut off is soon UNKNOWN.
func (w *world) configure(database string) {
	w.Helper()
	keyset, err := crypto.NewKeyset()
	must(w.T, err)
	prefix := "images-" + name()
	w.environment = apptest.Components(w.T).Services(database, prefix, prefix+"-", 1)
	maps.Copy(w.environment, localenv.Variables{
		"BALSONG_KEYSET": string(keyset), "BALSONG_LOG_LEVEL": "info", "BALSONG_HEALTH_ADDR": "none",
		"BALSONG_SMTP_ADDR": w.gateway.SMTPAddr(), "BALSONG_SMTP_TLS": "none", "BALSONG_SMTP_FROM": "billing@example.com",
		"BALSONG_SMTP_CALL_DEADLINE": "10s", "BALSONG_SMTP_MARGIN": "1s", "BALSONG_SMTP_LEASE": "15s", "BALSONG_SMTP_IN_FLIGHT": fmt.Sprint(inFlight),
		"BALSONG_SETTLE_SWEEP": "1s", "BALSONG_SETTLE_LEASES": "1s",
	})
}

func (w *world) input(name, content string) {
	w.Helper()
	must(w.T, os.WriteFile(filepath.Join(w.inputs, name), []byte(content), 0o644)) //nolint:gosec // the image's user reads it
}

// options are the environment with more variables over it.
func (w *world) options(more map[string]string) options {
	environment := maps.Clone(w.environment)
	maps.Copy(environment, more)
	return options{environment: environment, inputs: w.inputs}
}

func (w *world) runs(image string, arguments ...string) string {
	w.Helper()
	return run(w.T, core.ExitOK, image, w.options(nil), arguments...)
}

// begins starts delivery in one of its roles.
func (w *world) begins(role string, more map[string]string) *container {
	w.Helper()
	return start(w.T, "delivery", w.options(more), "--role", role)
}

// list runs a query of one column.
func (w *world) list(query string) (found []string) {
	w.Helper()
	must(w.T, w.db.SelectContext(w.Context(), &found, query))
	return found
}

// cut are the bills whose call nobody knows the outcome of.
func (w *world) cut() []string {
	w.Helper()
	return w.list("SELECT user_id::text FROM delivery_attempts WHERE state IN ('CLAIMED', 'UNKNOWN') ORDER BY user_id")
}

// status are the bills of a status.
func (w *world) status(status string) []string {
	w.Helper()
	return w.list("SELECT user_id::text FROM billing_targets WHERE dispatch_status = '" + status + "' ORDER BY user_id")
}

// accepted is how often the gateway accepted each bill.
func (w *world) accepted() map[string]int {
	w.Helper()
	counts := map[string]int{}
	_, err := acceptlog.ReadFile(w.accepts, func(r acceptlog.Record) error {
		if !r.Accepted {
			return nil
		}
		k, err := key.ParseDelivery(r.IdempotencyKey)
		counts[fmt.Sprint(k.UserID)]++
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.Fatal(err)
	}
	return counts
}

// awaits waits until so many bills have a status.
func (w *world) awaits(status string, n int, whose ...*container) {
	w.Helper()
	defer func() {
		if w.Failed() {
			for _, c := range whose {
				w.Log(c.id, c.output.String())
			}
		}
	}()
	waittest.Until(w.T, fmt.Sprintf("%d bills are %s", n, status), func() bool { return len(w.status(status)) == n })
}

// everyBillOnce fails unless each bill succeeded and was accepted once.
func (w *world) everyBillOnce() {
	w.Helper()
	if n := len(w.status("SUCCEEDED")); n != bills {
		w.Errorf("%d bills succeeded, want %d", n, bills)
	}
	accepted := w.accepted()
	for bill, n := range accepted {
		if n != 1 {
			w.Errorf("bill %s was accepted %d times", bill, n)
		}
	}
	if len(accepted) != bills {
		w.Errorf("%d bills were accepted, want %d", len(accepted), bills)
	}
}
