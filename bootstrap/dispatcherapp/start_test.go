package dispatcherapp_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
)

// logged lets stderr, to which the log goes, run into a file until the test ends, and returns what reads it.
func logged(t *testing.T) func() string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = file
	t.Cleanup(func() { os.Stderr = before; _ = file.Close() })
	return func() string {
		content, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
}

func TestADispatcherWithAWrongPortAndNothingDueSaysSo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	brokers := listener.Addr().String()
	_ = listener.Close() // nothing listens there
	environment(t, map[string]string{
		"DATABASE_URL": postgrestest.URL(t), "BALSONG_KAFKA_BROKERS": brokers, "BALSONG_LOG_LEVEL": "warn",
	})
	said := logged(t)
	var stdout, stderr bytes.Buffer
	if code := cli.Run(t.Context(), dispatcherapp.NewCommand(), nil, &stdout, &stderr); code != core.ExitOK || !strings.Contains(stdout.String(), "no month is open") {
		t.Errorf("exit code %d: %s%s", code, &stdout, &stderr)
	}
	if !strings.Contains(said(), `"checked":"`+brokers+`"`) || !strings.Contains(said(), "check host and port in BALSONG_KAFKA_BROKERS") {
		t.Errorf("nobody is told of the wrong port:\n%s", said())
	}
}

func TestADispatcherWithoutTopicsDoesNotBegin(t *testing.T) {
	brokers := os.Getenv("BALSONG_TEST_KAFKA_BROKERS")
	if brokers == "" {
		t.Fatal("this test needs Kafka: run through `make test`, or set BALSONG_TEST_KAFKA_BROKERS")
	}
	environment(t, map[string]string{
		"DATABASE_URL": postgrestest.URL(t), "BALSONG_KAFKA_BROKERS": brokers, "BALSONG_KAFKA_TOPIC_PREFIX": "nobody-made-these-",
	})
	var stdout, stderr bytes.Buffer
	code := cli.Run(t.Context(), dispatcherapp.NewCommand(), nil, &stdout, &stderr)
	if code != core.ExitUsage || stdout.Len() > 0 || !strings.Contains(stderr.String(), "nobody-made-these-") || !strings.Contains(stderr.String(), "batch migrate") {
		t.Errorf("exit code %d: %s%s", code, &stdout, &stderr)
	}
}
