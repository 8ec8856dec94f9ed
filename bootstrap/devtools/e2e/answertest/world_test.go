package answertest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

var by = port.Act{Actor: "answer test", Reason: "to see what becomes of refusals"}

// world is a gateway simulator, a database, and the apps between them.
type world struct {
	gateway *gatewaysim.Server
	db      *sqlx.DB
	batch   wholebatch.Batch
	runner  *dispatch.Runner
}

// newWorld starts everything, with a policy of the given route.
func newWorld(t *testing.T, route policy.Route) *world {
	t.Helper()
	url := postgrestest.URL(t)
	w := &world{gateway: startGateway(t), db: postgrestest.OpenURL(t, url)}
	environment(t, url, w.gateway)
	t.Cleanup(start(t, fx.Options(wholebatch.Options(load[wholebatch.Config](t)), fx.Invoke(func(b wholebatch.Batch) { w.batch = b }))))
	if err := w.batch.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := attempt.Backoff{Base: time.Second, Factor: 1, Max: time.Second}
	drafted, err := w.batch.Policies.Draft(t.Context(), policy.Spec{
		Name: "answers", Zone: time.UTC, Route: route, MaxRounds: 1,
		Backoff: map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: second, attempt.Throttled: second},
	}, by)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.batch.Policies.Activate(t.Context(), drafted.Ref(), by); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(start(t, deliveryapp.Options(deliveryapp.Both, load[config.Deliverer](t))))
	t.Cleanup(start(t, fx.Options(dispatcherapp.Options(load[config.Dispatcher](t)), fx.Populate(&w.runner))))
	return w
}

func startGateway(t *testing.T) *gatewaysim.Server {
	t.Helper()
	server, err := gatewaysim.Start(t.Context(), gatewaysim.Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", DataDir: t.TempDir(), Log: zap.NewNop(), InboxKeep: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return server
}

// environment configures the apps as in production.
func environment(t *testing.T, database string, server *gatewaysim.Server) {
	t.Helper()
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	component := func(name string) string {
		value := os.Getenv("BALSONG_TEST_" + name)
		if value == "" {
			t.Fatalf("this test needs Kafka and S3: run through `make test` (BALSONG_TEST_%s is not set)", name)
		}
		return value
	}
	name := "answers-" + strings.ToLower(rand.Text()[:8])
	for variable, value := range map[string]string{
		"DATABASE_URL":          database,
		"BALSONG_KAFKA_BROKERS": component("KAFKA_BROKERS"), "BALSONG_KAFKA_TOPIC_PREFIX": name + "-",
		"BALSONG_KAFKA_PARTITIONS": "2", "BALSONG_KAFKA_REPLICATION": "1", "BALSONG_KAFKA_MIN_INSYNC": "1",
		"BALSONG_S3_BUCKET": name, "BALSONG_S3_REGION": component("S3_REGION"), "BALSONG_S3_ENDPOINT": component("S3_ENDPOINT"),
		"BALSONG_S3_ACCESS_KEY": component("S3_ACCESS_KEY"), "BALSONG_S3_SECRET_KEY": component("S3_SECRET_KEY"),
		"BALSONG_KEYSET": string(keyset), "BALSONG_LOG_LEVEL": "error", "BALSONG_HEALTH_ADDR": "127.0.0.1:0",
		"BALSONG_SMTP_ADDR": server.SMTPAddr(), "BALSONG_SMTP_TLS": "none", "BALSONG_SMTP_FROM": "billing@example.com", "BALSONG_SETTLE_SWEEP": "1s",
		"BALSONG_SMS_URL": "http://" + server.HTTPAddr(), "BALSONG_PUSH_URL": "http://" + server.HTTPAddr(),
	} {
		t.Setenv(variable, value)
	}
}

// load reads an app's configuration.
func load[C any](t *testing.T) C {
	t.Helper()
	c, err := config.Load[C](t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func start(t *testing.T, options fx.Option) (stop func()) {
	t.Helper()
	app := fx.New(options)
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), app.StopTimeout())
		defer cancel()
		if err := app.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
}

// prepare imports and renders bills of a month for customers who can be reached on each channel.
func (w *world) prepare(t *testing.T, month key.Month, customers int) {
	t.Helper()
	var file bytes.Buffer
	out := csv.NewWriter(&file)
	_ = out.Write(importing.Columns)
	for n := range customers {
		row := make([]string, len(importing.Columns))
		set := func(column, value string) { row[slices.Index(importing.Columns, column)] = value }
		for column, value := range map[string]string{"customer_number": fmt.Sprintf("C-%05d", n), "currency": "KRW", "amount": fmt.Sprint(12_300 + int(month)), "due_date": month.String() + "-25", "language": "ko"} {
			set(column, value)
		}
		for _, d := range importing.Destinations() {
			set(d.Column, d.Example)
		}
		_ = out.Write(row)
	}
	out.Flush()
	imported, err := w.batch.Importer.Import(t.Context(), importing.NewSource(importing.File{Name: "answers.csv"}, &file), importing.Options{
		Rules: importing.Rules{Month: month, NotBefore: time.Now().Add(-time.Minute), Zone: time.UTC}, Rejects: io.Discard,
	})
	if err != nil || imported.Inserted != customers {
		t.Fatalf("%d of %d imported: %v", imported.Inserted, customers, err)
	}
	if rendered, err := w.batch.Renderer(rendering.Options{}).Render(t.Context(), month); err != nil || rendered.Rendered != customers {
		t.Fatalf("%d rendered: %v", rendered.Rendered, err)
	}
}

// everybody lets a channel refuse every call; a code of 0 lets it take them again.
func (w *world) everybody(t *testing.T, kind behaviour.Channel, answer behaviour.Everybody) {
	t.Helper()
	settings := w.gateway.Settings()
	settings.Of(kind).Everybody = answer
	if err := w.gateway.SetSettings(settings); err != nil {
		t.Fatal(err)
	}
}

// dispatch runs the dispatcher once.
func (w *world) dispatch(t *testing.T, month key.Month) {
	t.Helper()
	if _, err := w.runner.Run(t.Context(), month, by, nil); err != nil {
		t.Fatal(err)
	}
}

// count returns a number from the database.
func (w *world) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	if err := w.db.GetContext(t.Context(), &n, query, args...); err != nil {
		t.Fatal(err)
	}
	return n
}

// await waits until something is so, and calls meanwhile, if not nil, before each look.
func await(t *testing.T, what string, meanwhile func(), so func() bool) {
	t.Helper()
	deadline := time.NewTimer(4 * time.Minute)
	defer deadline.Stop()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for !so() {
		select {
		case <-deadline.C:
			t.Fatalf("not within four minutes: %s", what)
		case <-ticker.C:
		}
		if meanwhile != nil {
			meanwhile()
		}
	}
}
