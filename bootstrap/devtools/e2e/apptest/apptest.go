// Package apptest starts the production apps and the gateway simulator in a test, on real components.
package apptest

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/domain/channel"
)

// Gateway starts a gateway simulator, which keeps its data in a directory, until the test ends.
func Gateway(t *testing.T, data string) *gatewaysim.Server {
	t.Helper()
	server, err := gatewaysim.Start(t.Context(), gatewaysim.Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", DataDir: data, Log: zap.NewNop(), InboxKeep: -1,
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

// Configure sets the environment as in production, with the variables that each channel's gateway has. Topics and bucket are
// the test's own, with a prefix.
func Configure(t *testing.T, prefix, database string, server *gatewaysim.Server) {
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
	name := prefix + "-" + strings.ToLower(rand.Text()[:8])
	for variable, value := range map[string]string{
		"DATABASE_URL":          database,
		"BALSONG_KAFKA_BROKERS": component("KAFKA_BROKERS"), "BALSONG_KAFKA_TOPIC_PREFIX": name + "-",
		"BALSONG_KAFKA_PARTITIONS": "2", "BALSONG_KAFKA_REPLICATION": "1", "BALSONG_KAFKA_MIN_INSYNC": "1",
		"BALSONG_S3_BUCKET": name, "BALSONG_S3_REGION": component("S3_REGION"), "BALSONG_S3_ENDPOINT": component("S3_ENDPOINT"),
		"BALSONG_S3_ACCESS_KEY": component("S3_ACCESS_KEY"), "BALSONG_S3_SECRET_KEY": component("S3_SECRET_KEY"),
		"BALSONG_KEYSET": string(keyset), "BALSONG_LOG_LEVEL": "warn", "BALSONG_HEALTH_ADDR": "127.0.0.1:0",
		"BALSONG_SMTP_ADDR": server.SMTPAddr(), "BALSONG_SMTP_TLS": "none", "BALSONG_SMTP_FROM": "billing@example.com", "BALSONG_SETTLE_SWEEP": "1s",
	} {
		t.Setenv(variable, value)
	}
	for _, kind := range channel.All {
		if kind != channel.Email {
			t.Setenv("BALSONG_"+string(kind)+"_URL", "http://"+server.HTTPAddr())
		}
	}
}

// Load reads an app's configuration.
func Load[C any](t *testing.T) C {
	t.Helper()
	c, err := config.Load[C](t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Start starts an app.
func Start(t *testing.T, options fx.Option) (stop func()) {
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
