package doctor_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
)

const secret = "hunter2-is-no-password"

func environment(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv("BALSONG_TEST_" + name)
	if value == "" {
		t.Fatalf("this test needs the components: run through `make test`, or set BALSONG_TEST_%s", name)
	}
	return value
}

func unique() string {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return "doctor" + hex.EncodeToString(b[:])
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sound is a configuration of which everything is there and works.
func sound(t *testing.T) config.Deliverer {
	t.Helper()
	name := unique()
	keyset, err := crypto.NewKeyset()
	must(t, err)
	provider := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(provider.Close)
	c := config.Deliverer{
		Database: config.Database{URL: postgrestest.URL(t), MaxConns: 2, StatementTimeout: time.Second, LockTimeout: time.Second},
		Kafka: config.Kafka{
			Brokers: strings.Split(environment(t, "KAFKA_BROKERS"), ","), KafkaAccess: config.KafkaAccess{TopicPrefix: name + "-"}, SessionTimeout: 10 * time.Second,
			Partitions: 2, Replication: 1, MinInSync: 1,
		},
		S3: config.S3{
			Bucket: name, S3Access: config.S3Access{
				Region: environment(t, "S3_REGION"), Endpoint: environment(t, "S3_ENDPOINT"),
				AccessKey: environment(t, "S3_ACCESS_KEY"), SecretKey: environment(t, "S3_SECRET_KEY"),
			},
		},
		Keys:     config.Keys{Keyset: string(keyset)},
		Delivery: config.Delivery{DrainFor: time.Minute},
		Gateways: config.Gateways{SMS: config.HTTPGateway{
			URL: provider.URL, Token: secret, HTTPCalls: config.HTTPCalls{CallDeadline: 30 * time.Second, Lease: 90 * time.Second, Margin: 5 * time.Second, InFlight: 1},
		}},
	}
	makeTopics(t, c.Kafka)
	packs, err := s3.New(t.Context(), core.S3Config(c.S3), &memory.Metrics{})
	must(t, err)
	must(t, packs.EnsureBucket(t.Context()))
	return c
}

func makeTopics(t *testing.T, c config.Kafka) {
	t.Helper()
	topics, err := kafka.NewTopics(core.KafkaCluster(c.Brokers, c.KafkaAccess, "test", awsidentity.New()), kafka.TopicSettings{Partitions: c.Partitions, Replication: 1, MinInSync: 1})
	must(t, err)
	must(t, topics.Ensure(t.Context()))
	t.Cleanup(func() { _ = topics.Remove(context.WithoutCancel(t.Context())); topics.Close() })
}

func text(findings []doctor.Finding) string {
	var b bytes.Buffer
	doctor.Write(&b, findings)
	return b.String()
}

// closedPort is an address at which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// silent is an address that takes connections and never says anything.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// talking is a server that says one thing to everybody who connects, and nothing more.
func talking(t *testing.T, greeting string, answers ...string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go converse(conn, greeting, answers)
		}
	}()
	return listener.Addr().String()
}

func converse(conn net.Conn, greeting string, answers []string) {
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write([]byte(greeting))
	buffer := make([]byte, 4096)
	for _, answer := range answers {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
		_, _ = conn.Write([]byte(answer))
	}
	_, _ = conn.Read(buffer)
}

func withURL(t *testing.T, c *config.Deliverer, change func(u *url.URL)) {
	t.Helper()
	u, err := url.Parse(c.Database.URL)
	must(t, err)
	change(u)
	c.Database.URL = u.String()
}

func execute(t *testing.T, databaseURL, statement string) {
	t.Helper()
	db, err := sql.Open("postgres", databaseURL)
	must(t, err)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(context.WithoutCancel(t.Context()), statement) // also while the test cleans up
	must(t, err)
}

// storedBill is SQL that stores the first bill of a month, sealed as its hexadecimal digits say.
func storedBill(month, status, sealed string) string {
	return fmt.Sprintf(`INSERT INTO months (billing_month, status) VALUES ('%[1]s-01', '%[2]s');
CREATE TABLE of_%[3]s PARTITION OF billing_data FOR VALUES FROM ('%[1]s-01') TO ('%[1]s-02');
INSERT INTO billing_data (billing_month, user_id, line, fingerprint, file, data) VALUES ('%[1]s-01', 1, 1, '', '', '\x%[4]s')`,
		month, status, strings.ReplaceAll(month, "-", "_"), sealed)
}

// pretend lets a database answer with a function of ours, where it would with its own.
func pretend(t *testing.T, databaseURL, function string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	must(t, err)
	execute(t, databaseURL, "CREATE SCHEMA pretence; CREATE "+function+
		"; ALTER DATABASE "+strings.TrimPrefix(u.Path, "/")+" SET search_path = pretence, public, pg_catalog")
}

func mail(address string) config.SMTP {
	return config.SMTP{
		Addr: address, TLS: "mandatory", From: "bills@example.org", InFlight: 1,
		CallDeadline: 10 * time.Minute, Lease: 15 * time.Minute, Margin: 30 * time.Second,
	}
}

func keysetFile(t *testing.T, c *config.Deliverer, mode os.FileMode, changed time.Time) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keyset.json")
	must(t, os.WriteFile(file, []byte(c.Keys.Keyset), mode))
	must(t, os.Chmod(file, mode))
	must(t, os.Chtimes(file, changed, changed))
	c.Keys.Source = "file:" + file
}

func reported(findings []doctor.Finding, m mistake) bool {
	for _, f := range findings {
		if f.Level == m.level && f.Component == m.component && strings.Contains(f.Found, m.says) && strings.Contains(f.Do, m.do) {
			return true
		}
	}
	return false
}

func passwords(c config.Deliverer) (all []string) {
	if u, err := url.Parse(c.Database.URL); err == nil {
		if password, has := u.User.Password(); has {
			all = append(all, password)
		}
	}
	return append(all, c.S3.SecretKey)
}

// answering is a server that gives every request one answer.
func answering(t *testing.T, status int, answer string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
